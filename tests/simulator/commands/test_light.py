"""`lampyre simulate light`: a table, JSON, a page; mistakes are sentences."""

import json
import re

import pytest
from typer.testing import CliRunner

from simulator.cli import app
from simulator.commands.light import examples
from simulator.lighting.compare import compare
from simulator.lighting.street import Street, load_street

QUIET = 'name = "rue courte"\nlamps = 3\npeople_per_hour = 2.0\n'


def light(*arguments: object):
    return CliRunner().invoke(app, ["light", *map(str, arguments)], env={"COLUMNS": "120", "LC_ALL": "C"})


def test_programmes_are_compared_with_full_light(tmp_path):
    (tmp_path / "street.toml").write_text(QUIET)
    ran = light("half-at-night", "off-at-night", "--street", tmp_path / "street.toml", "--json", tmp_path / "x.json",
                "--html", tmp_path / "x.html", "--lang", "fr")  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert "plein éclairage" in ran.output
    said = json.loads((tmp_path / "x.json").read_text("utf-8"))
    full, half, off = said["programmes"]
    assert [each["programme"] for each in said["programmes"]] == ["full", "half-at-night", "off-at-night"]
    assert full["kwh"] > half["kwh"] > off["kwh"]
    assert full["saved_pct"] == 0
    assert half["kwh"] == pytest.approx(sum(half["kwh_by_month"]), abs=1)
    assert off["dark_pct"] > 30
    assert off["curfew_lumen_hours_per_lamp"] == 0
    assert off["passages_met_with_light_pct"] < half["passages_met_with_light_pct"] == 100
    assert half["hours_below_class"]["P4"] > 0 == half["hours_below_class"]["P5"]
    page = (tmp_path / "x.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert '<html lang="fr">' in page
    assert len(re.findall(r"<figure ", page)) == 7
    assert not re.search(r'(?:src|href)="', page)  # it needs nothing else
    assert "prend le moins" not in page
    assert "rue courte" in page


def test_the_same_seed_gives_the_same_figures():
    from simulator.chain.cabinet import planned_nights

    street = Street(lamps=3, people_per_hour=2.0)
    plan = planned_nights(examples()["with-presence"].read_text("utf-8"))
    assert compare(street, [plan]).to_json() == compare(street, [plan]).to_json()


def test_the_street_to_begin_with_is_the_default(tmp_path):
    assert light("x", "--new-street", tmp_path / "street.toml").exit_code == 0
    assert load_street(tmp_path / "street.toml") == Street()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("lamp = 3", "street.toml: there is no key 'lamp'; a street has name,"),
        ("lamps = 0", "street.toml: lamps is 0; write 1..1000"),
        ('lamps = "3"', "street.toml: lamps is '3'; write a whole number without quotes"),
        ('classes = "X"', 'street.toml: classes is \'X\'; write "M" (luminance) or "P" (illuminance)'),
        ('curfew_from = "25:00"', "street.toml: curfew_from is '25:00'; write a time as \"01:00\""),
        ("cars = 0.9\ncyclists = 0.2", "street.toml: cyclists and cars are 1.1 together; write shares of 1"),
        ('time_zone = "Mars"', "street.toml: time_zone is 'Mars'; write one as \"Europe/Paris\""),
        ("lamps = ", "street.toml: this is not TOML:"),
    ],
)
def test_a_mistake_in_a_street_is_a_sentence(tmp_path, text, says):
    (tmp_path / "street.toml").write_text(text)
    ran = light("half-at-night", "--street", tmp_path / "street.toml")
    assert ran.exit_code == 1
    assert says in ran.output


def test_a_mistake_in_a_programme_is_a_sentence(tmp_path):
    (tmp_path / "a.toml").write_text('name = "x"')
    ran = light(tmp_path / "a.toml")
    assert ran.exit_code == 1
    assert "a.toml: there are no [[nights]]; write one at least, with days and steps" in ran.output
    ran = light("nothing-of-the-kind")
    assert ran.exit_code == 1
    assert "nothing-of-the-kind: No such file or directory; write a TOML file, or one of half-at-night" in ran.output
