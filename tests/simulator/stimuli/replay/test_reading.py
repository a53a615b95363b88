"""A CSV file as the run sees it: mapped, scaled, shifted, apart by place, bounded, and refused in words."""

import tracemalloc
from dataclasses import replace

import pytest

from protocol import quantities as q
from simulator.scenario.model import Column
from simulator.stimuli.replay import reading
from simulator.stimuli.replay.reading import File
from simulator.stimuli.replay.rows import ReplayError
from simulator.stimuli.replay.series import UNKNOWN
from tests.simulator.stimuli.replay.files import AIR, START_S, air

HOUR_S = 3600
END_S = START_S + 24 * HOUR_S
CLOCK = "at,v\n"  # the smallest kind of file


def file(replay, most: int = 9, wanted=frozenset(), start_s: int = START_S, until_s: int = END_S) -> File:
    return File(replay, start_s, until_s, wanted, most)


def small(folder, text: str, **changed):
    given = {
        "time_column": "at",
        "time_format": "iso",
        "time_zone": "UTC",
        "delimiter": ",",
        "decimal": ".",
        "place_column": "",
        "columns": (Column(quantity="temperature", column="v"),),
        **changed,
    }
    return air(folder, text, **given)


def refused(replay, **kind) -> str:
    with pytest.raises(ReplayError) as caught:
        file(replay, **kind).series()
    return str(caught.value).replace(str(replay.file), replay.file.name)


def test_columns_are_mapped_scaled_and_kept_apart_by_place(tmp_path):
    found = file(air(tmp_path))
    series = found.series()
    assert found.keys == ["north", "south"]
    assert found.quantities == (q.PM2_5, q.TEMPERATURE)
    assert list(series["north"].rows(0)) == [(START_S, 125), (START_S + HOUR_S, 152)]  # -999 is missing
    assert list(series["north"].rows(1)) == [(START_S, 79), (START_S + HOUR_S, 84), (START_S + 2 * HOUR_S, 93)]
    assert list(series["south"].rows(0)) == [(START_S, 80), (START_S + 2 * HOUR_S, 95)]


def test_a_gap_is_held_so_long_and_then_not_known(tmp_path):
    north = file(air(tmp_path)).series()["north"]
    assert [north.at(0, START_S + minutes * 60) for minutes in (0, 59, 60, 150, 151)] == [125, 125, 152, 152, None]


def test_scale_and_offset_make_other_units_ours(tmp_path):
    """50 °F are 10 °C; 1.2 mg/m³ are 1,200 µg/m³."""
    text = "at,f,mg\n2004-03-08T00:00Z,50,1.2\n"
    columns = (
        Column(quantity="temperature", column="f", scale=5 / 9, offset=-160 / 9),
        Column(quantity="no2", column="mg", scale=1000),
    )
    series = file(small(tmp_path, text, columns=columns)).series()[""]
    assert (series.at(0, START_S), series.at(1, START_S)) == (100, 12_000)


def test_the_first_row_is_played_at_the_start(tmp_path):
    found = file(air(tmp_path))
    found.series()
    assert found.shift_s == START_S - 1_078_729_200  # 2004-03-08T08:00 in Paris


def test_by_whole_weeks_a_mondays_morning_stays_one(tmp_path):
    """08:00 in Paris is 07:00 UTC in both winters, and START_S is a Monday at 07:00 UTC."""
    replay = air(tmp_path, whole_weeks=True)
    found = file(replay)
    assert found.series()["north"].times[0] == START_S
    assert found.shift_s % (7 * 86_400) == 0
    late = file(replay, start_s=START_S + HOUR_S)
    assert late.series()["north"].at(0, START_S + HOUR_S) == 152  # at nine what the file says of nine


def test_without_alignment_times_are_what_they_say(tmp_path):
    replay = air(tmp_path, align=False)
    series = file(replay, start_s=1_078_729_200, until_s=1_078_729_200 + HOUR_S).series()
    assert list(series["north"].rows(0)) == [(1_078_729_200, 125), (1_078_732_800, 152)]
    assert refused(replay) == ("series.csv: none of its times falls into the run; write align = true, or another start")


def test_the_hour_that_clocks_show_twice_is_played_twice(tmp_path):
    text = "at,v\n" + "".join(f"2026-10-25T{hour},{k}\n" for k, hour in enumerate(("01:30", "02:30", "02:30", "03:30")))
    series = file(small(tmp_path, text, time_zone="Europe/Paris")).series()[""]
    assert [time_s - START_S for time_s in series.times] == [0, 3600, 7200, 10_800]


def test_each_place_has_its_own_hour_twice(tmp_path):
    rows = [("02:00", "a"), ("02:00", "b"), ("02:30", "b"), ("02:00", "a"), ("02:00", "b")]
    text = "at,place,v\n" + "".join(f"2026-10-25T{hour},{place},1\n" for hour, place in rows)
    series = file(small(tmp_path, text, time_zone="Europe/Paris", place_column="place")).series()
    assert [time_s - START_S for time_s in series["a"].times] == [0, 3600]
    assert [time_s - START_S for time_s in series["b"].times] == [0, 1800, 3600]


def test_only_the_places_wanted_are_kept_and_as_many_others_as_are_needed(tmp_path):
    text = "at,place,v\n" + "".join(f"2004-03-08T00:00Z,bay-{k},{k}\n" for k in range(50))
    replay = small(tmp_path, text, place_column="place")
    found = file(replay, most=2, wanted=frozenset({"bay-30", "bay-7", "bay-77"}))
    assert sorted(found.series()) == ["bay-0", "bay-1", "bay-30", "bay-7"]
    assert found.keys == ["bay-0", "bay-1", "bay-7", "bay-30"]


def test_memory_goes_with_the_run_and_not_with_the_file(tmp_path):
    path = tmp_path / "long.csv"
    with path.open("w") as out:
        out.write("at,v\n")
        for minute in range(40_000):
            out.write(f"{1_078_729_200 + minute * 60},{minute % 50}\n")
    replay = replace(small(tmp_path, CLOCK, time_format="unix"), file=path)
    tracemalloc.start()
    series = file(replay, until_s=START_S + 600).series()[""]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(series) == 11
    assert peak < 300_000  # of 0.6 MB


def test_more_than_a_run_may_hold_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MOST_NUMBERS", 30)
    text = CLOCK + "".join(f"{1_078_729_200 + k},1\n" for k in range(20))
    assert refused(small(tmp_path, text, time_format="unix")) == (
        "series.csv, line 12: more than 30 numbers fall into the run; play fewer columns, or fewer hours"
    )


def test_states_are_one_where_the_text_is_that_of_a_car(tmp_path):
    text = "at,bay,state\n1000,a,Present\n1100,b,Unoccupied\n1200,a,\n1300,a,Unoccupied\n"
    replay = small(
        tmp_path, text, time_format="unix", place_column="bay", columns=(), state_column="state", taken="Present"
    )
    series = file(replay).series()
    assert list(series["a"].rows()) == [(START_S, 1), (START_S + 300, 0)]
    assert list(series["b"].rows()) == [(START_S + 100, 0)]


def test_a_state_from_long_before_the_run_still_holds(tmp_path):
    text = "at,bay,state\n" + "".join(f"{START_S - days * 86_400},a,{days % 2}\n" for days in (9, 7, 8))
    text += f"{START_S - 30 * 86_400},b,1\n{START_S + 60},a,0\n{START_S + 9 * 86_400},b,0\n"
    replay = small(
        tmp_path,
        text,
        time_format="unix",
        place_column="bay",
        columns=(),
        state_column="state",
        taken="1",
        align=False,
    )
    series = file(replay).series()
    assert list(series["a"].rows()) == [(START_S - 7 * 86_400, 1), (START_S + 60, 0)]
    assert list(series["b"].rows()) == [(START_S - 30 * 86_400, 1)]
    assert not series["b"].unknown().holds(START_S)


def test_nodes_that_rehearse_before_the_run_see_its_first_row(tmp_path):
    series = file(air(tmp_path)).series()
    assert series["north"].at(0, START_S - 5400) == 125
    assert series["north"].at(0, START_S - 5401) is None
    late = file(air(tmp_path, align=False), start_s=1_078_729_100, until_s=1_078_739_200).series()
    assert late["north"].at(0, 1_078_729_199) is None  # at its start nobody knew


def test_a_snapshot_is_the_newest_row_of_each_place_and_its_newest_is_now(tmp_path):
    text = "at,bay,taken\n5000,a,1\n9000,b,0\n7000,a,0\n6000,a,1\n8000,c,\n100,d,1\n"
    replay = small(tmp_path, text, time_format="unix", place_column="bay", columns=(), state_column="taken", taken="1")
    found = file(replay)
    assert found.snapshot() == {"a": (False, START_S - 2000), "b": (False, START_S), "d": (True, START_S - 8900)}
    assert file(replace(replay, align=False)).snapshot()["b"] == (False, 9000)


@pytest.mark.parametrize(
    ("cell", "changed", "expected"),
    [
        ("abc", {}, "'abc' is no number; if nothing was measured then, write missing = [\"abc\"]"),
        ("NaN", {}, 'if nothing was measured then, write missing = ["NaN"]'),
        ("1,5", {"delimiter": ";"}, "'1,5' is no number; write decimal = \",\" for this file"),
        ("1 000,5", {"delimiter": ";"}, "'1 000,5' is no number"),
        ("9e9", {}, "'9e9' makes 9e+10 of temperature; check the scale of its column"),
        ("-inf", {}, "'-inf' is no number"),
    ],
)
def test_what_is_no_number_is_told_with_line_and_column(tmp_path, cell, changed, expected):
    mark = changed.get("delimiter", ",")
    text = f"at{mark}v\n1000{mark}1\n2000{mark}{cell}\n"
    message = refused(small(tmp_path, text, time_format="unix", **changed))
    assert message.startswith("series.csv, line 3, column 'v': ")
    assert expected in message


def test_a_wrong_time_is_told_with_line_and_column(tmp_path):
    assert refused(small(tmp_path, CLOCK + "2004-03-08T00:00Z,1\n8.3.2004,2\n")) == (
        "series.csv, line 3, column 'at': '8.3.2004' is no ISO 8601 time such as 2026-03-29T14:05:00; write "
        'time_format as strptime has it, or "unix"'
    )


def test_a_quantity_that_does_not_exist_is_told(tmp_path):
    message = refused(small(tmp_path, CLOCK, columns=(Column(quantity="temprature", column="v"),)))
    assert message.startswith("series.csv: column 'v' is to be 'temprature', which is no quantity; write one of ")
    assert "temperature, relative_humidity" in message


def test_a_file_of_which_nothing_is_asked_is_told(tmp_path):
    assert refused(small(tmp_path, CLOCK, columns=())) == (
        "series.csv: nothing of it is asked for; write state_column, or columns"
    )


def test_a_decimal_point_in_a_file_of_commas_is_a_number_all_the_same(tmp_path):
    series = file(air(tmp_path, AIR.replace("12,5;", "12.5;"))).series()
    assert series["north"].at(0, START_S) == 125
    assert UNKNOWN not in dict(series["north"].rows(0)).values()
