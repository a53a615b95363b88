"""`lampyre demo`: a day, its page, and what to try next."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from simulator.commands import demo
from simulator.commands.demo import app
from simulator.report.saying import LANGUAGES


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A scenario of a moment stands for the district, which `tests/simulator/scenario` runs."""
    small = tmp_path / "small.toml"
    small.write_text(
        'name = "Small"\nhours = 1\nfinal_quiet_s = "15m"\nexpect = ["delivered >= 0.9"]\n'
        '[site]\ninsee = "92002"\nname = "Antony"\nlatitude_deg = 48.75\nlongitude_deg = 2.3\n'
        '[[gateways]]\nname = "mairie"\nx_m = 0\ny_m = 0\n'
        '[[zones]]\nname = "centre"\nlabel = "Centre"\n'
        '[[nodes]]\nrole = "air"\nname = "air"\nzone = "centre"\nat = [[10, 10], [20, 20]]\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(demo, "_SCENARIO", str(small))
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str, language: str = "C") -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "LC_ALL": language})


def test_it_ends_with_a_page_and_what_to_try_next(tmp_path):
    result = invoke()
    assert result.exit_code == 0, result.output
    assert "readings delivered" in result.stdout
    assert "lampyre simulate new street.toml" in result.stdout
    assert result.stdout.rstrip().endswith(f"The page about this day: {tmp_path / 'lampyre-demo.html'}")
    assert (tmp_path / "lampyre-demo.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_scripts_get_their_report(tmp_path):
    result = invoke("--seed", "5", "--json", "day.json", "--html", "day.html", "--junit", "day.xml")
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "day.json").read_text(encoding="utf-8"))
    assert (report["seed"], report["replay"], report["complete"]) == (5, "lampyre demo --seed 5", True)
    assert sorted(path.name for path in tmp_path.glob("day.*")) == ["day.html", "day.json", "day.xml"]


@pytest.mark.parametrize(("wanted", "language"), [("fr_FR.UTF-8", None), ("C", "fr")])
def test_it_speaks_french_where_that_is_spoken_or_asked_for(wanted, language):
    result = invoke(*(() if language is None else ("--lang", language)), language=wanted)
    assert result.exit_code == 0, result.output
    assert "relevés livrés" in result.stdout
    assert "La page de ce jour\u00a0:" in result.stdout


def test_the_digest_does_not_hang_on_the_language(tmp_path):
    for language in LANGUAGES:
        assert invoke("--lang", language, "--json", f"{language}.json").exit_code == 0
    assert (tmp_path / "en.json").read_bytes() == (tmp_path / "fr.json").read_bytes()


def test_a_page_that_cannot_be_written_is_told_before_the_day_begins(tmp_path):
    result = invoke("--html", str(tmp_path / "nowhere" / "day.html"))
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr
