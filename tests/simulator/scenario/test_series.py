"""Replayed files: that they are there, and that their columns are."""

import pytest

from simulator.scenario.model import Column, Role
from simulator.scenario.series import quantities_of_role
from tests.simulator.scenario.towns import WHOLE, faults, read

AIR = """
[[stimuli]]
role = "air"
[stimuli.replay]
file = "air.csv"
time_column = "Date"
delimiter = ";"
columns = { pm2_5 = "PM2,5", temperature = { column = "T °F", scale = 0.5556, offset = -17.78 } }
"""
PARKING = """
[[stimuli]]
role = "parking"
[stimuli.replay]
file = "bays.csv"
time_column = "time"
place_column = "bay"
state_column = "state"
taken = "Present"
"""


@pytest.fixture(name="folder")
def _folder(tmp_path):
    (tmp_path / "air.csv").write_text("\ufeffDate;PM2,5;T °F\n2026-01-01;1;2\n", encoding="utf-8")
    (tmp_path / "bays.csv").write_text('time,"bay",state\n', encoding="utf-8")
    return tmp_path


def test_files_are_beside_the_scenario_and_columns_are_mapped(folder):
    air, parking = read(WHOLE + AIR + PARKING, folder=folder).stimuli
    assert air.replay.file == folder / "air.csv"
    assert air.replay.columns == (
        Column(quantity="pm2_5", column="PM2,5"),
        Column(quantity="temperature", column="T °F", scale=0.5556, offset=-17.78),
    )
    assert (parking.replay.place_column, parking.replay.taken) == ("bay", "Present")


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (
            '"air.csv"',
            '"luft.csv"',
            "town.toml:34: [stimuli.replay] file is {folder}/luft.csv, and there is no such file",
        ),
        (
            '"Date"',
            '"date"',
            '35: [stimuli.replay] time_column names "date", but air.csv has no such column; did you mean Date?',
        ),
        ('"PM2,5"', '"PM2.5"', 'columns names "PM2.5", but air.csv has no such column; did you mean PM2,5?'),
        ("pm2_5 =", "pm25 =", 'columns] has no quantity of role air "pm25"; did you mean pm2_5?'),
        ("pm2_5 =", "occupied =", 'columns] has no quantity of role air "occupied"; there are temperature, '),
        ('"PM2,5"', "3", "pm2_5 is 3; write the heading of its column in quotes"),
        ("scale =", "factor =", 'columns] temperature has no key "factor"; there are'),
        ('";"', '"; "', 'delimiter is "; "; write one character in quotes'),
        ("columns = {", "cols = {", '[stimuli.replay] has no key "cols"; did you mean columns?'),
        ('time_column = "Date"', "", "[stimuli.replay] needs time_column; write time_column = a text in quotes"),
    ],
)
def test_what_is_wrong_with_a_series_of_air_is_told(folder, was, becomes, says):
    told = faults(WHOLE + AIR.replace(was, becomes), folder=folder)
    assert any(says.format(folder=folder) in fault for fault in told), told


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('state_column = "state"', "", "[stimuli.replay] of parking needs state_column; write state_column ="),
        ('taken = "Present"', "", "[stimuli.replay] of parking needs taken; write taken ="),
        ('"bay"', '"place"', '36: [stimuli.replay] place_column names "place", but bays.csv has no such column'),
        (
            "taken =",
            'columns = { temperature = "t" }\ntaken =',
            "columns is for air and light; parking has state_column",
        ),
    ],
)
def test_what_is_wrong_with_a_series_of_parking_is_told(folder, was, becomes, says):
    told = faults(WHOLE + PARKING.replace(was, becomes), folder=folder)
    assert any(says in fault for fault in told), told


def test_a_series_that_is_no_text_is_told(folder):
    (folder / "air.csv").write_bytes(b"PK\x03\x04\xff\xfe")
    assert "cannot be read" in faults(WHOLE + AIR, folder=folder)[0]


def test_an_empty_series_has_no_columns(folder):
    (folder / "air.csv").write_text("", encoding="utf-8")
    assert "air.csv has no such column; there is none at all" in faults(WHOLE + AIR, folder=folder)[0]


def test_an_air_series_needs_columns(folder):
    told = faults(WHOLE + AIR[: AIR.index("columns")], folder=folder)
    assert "[stimuli.replay] needs columns; write columns = { temperature =" in told[0]


def test_a_role_can_replay_what_it_may_report():
    assert "pm2_5" in quantities_of_role(Role.AIR)
    assert "voltage" in quantities_of_role(Role.LIGHT)
    assert "distance" in quantities_of_role(Role.PARKING)
