"""`lampyre simulate new` and `check` as a developer uses them."""

from pathlib import Path

from typer.testing import CliRunner, Result

from simulator.cli import app
from simulator.scenario.shipped import shipped, template_text


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "200"})


def test_new_writes_the_commented_scenario_and_check_reads_it(tmp_path):
    path = tmp_path / "ours.toml"
    result = invoke("new", path)
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"lampyre simulate run {path}" in result.stderr
    assert path.read_text(encoding="utf-8") == template_text()
    result = invoke("check", path)
    assert result.exit_code == 0
    assert "24 parking, 2 air, 15 light" in result.stdout
    assert "broker_away after 9.00 h for 3.00 h" in result.stdout
    assert "delivered >= 0.999" in result.stdout


def test_new_like_another_takes_its_series_along(tmp_path):
    path = tmp_path / "ours.toml"
    assert invoke("new", path, "--like", "replay").exit_code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["air.csv", "ours.toml", "parking.csv"]
    assert "air.csv by air" in invoke("check", path).stdout


def test_new_overwrites_nothing(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text("mine", encoding="utf-8")
    result = invoke("new", path)
    assert (result.exit_code, path.read_text(encoding="utf-8")) == (2, "mine")
    (tmp_path / "air.csv").write_text("mine", encoding="utf-8")
    result = invoke("new", tmp_path / "other.toml", "--like", "replay")
    assert result.exit_code == 2
    assert "air.csv" in result.stderr
    assert not (tmp_path / "other.toml").exists()
    assert (tmp_path / "air.csv").read_text(encoding="utf-8") == "mine"


def test_new_says_what_it_cannot(tmp_path):
    assert "there is no folder" in invoke("new", tmp_path / "nowhere" / "ours.toml").stderr
    result = invoke("new", tmp_path / "ours.toml", "--like", "village")
    assert result.exit_code == 2
    assert "there is no 'village'; there are attacker, bad-week" in result.stderr


def test_check_takes_the_name_of_a_shipped_scenario():
    for name in shipped():
        assert invoke("check", name).exit_code == 0, name


def test_check_counts_what_a_seed_draws():
    one, other = invoke("check", "bad-week").stdout, invoke("check", "bad-week", "--seed", "2").stdout
    assert "drawn" in one
    assert one != other


def test_check_of_a_bad_file_fails_with_its_mistakes_and_nothing_else(tmp_path):
    path = tmp_path / "ours.toml"
    path.write_text(template_text().replace("count = 24", "count = 0").replace('"mairie"', '"La Mairie"'), "utf-8")
    result = invoke("check", path)
    assert (result.exit_code, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{path}:49: [[gateways]] name is")
    assert second.startswith(f"{path}:76: [[nodes]] count is 0; write a whole number 1..50000")


def test_check_of_an_unknown_name_says_the_nearest():
    result = invoke("check", "dmo")
    assert result.exit_code == 1
    assert "did you mean demo?" in result.stderr
