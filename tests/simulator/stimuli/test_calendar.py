"""Local time against datetime and the time zone database, and tables by hour and kind of day."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from simulator.stimuli.calendar import Calendar, hours_of
from simulator.stimuli.cycles import DAY_S
from simulator.streams import Stream

MONDAY = 20_514  # 2026-03-02, days since 1970-01-01
MONDAY_S = MONDAY * DAY_S
RAMP = tuple(float(hour) for hour in range(24))
WEEK = (RAMP, (0.0,) * 24, (100.0,) * 24)


@pytest.mark.parametrize("zone", ["Europe/Paris", "UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"])
def test_local_time_is_what_the_time_zone_database_says(zone):
    calendar = Calendar(zone)
    dice = Stream(1, zone)
    for _ in range(500):
        time_s = 1_750_000_000 + dice.below(400 * DAY_S)
        there = datetime.fromtimestamp(time_s, UTC).astimezone(ZoneInfo(zone))
        day, second = calendar.local(time_s)
        assert (day, second) == ((there.date() - datetime(1970, 1, 1).date()).days, _second(there))


def _second(moment: datetime) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def test_clocks_change_at_the_very_second():
    calendar = Calendar("Europe/Paris")
    change_s = int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp())
    assert calendar.offset_s(change_s - 1) == 3600
    assert calendar.offset_s(change_s) == 7200


def test_an_unknown_zone_is_told():
    with pytest.raises(ZoneInfoNotFoundError):
        Calendar("Europe/Anthony")


def test_each_day_has_the_table_of_its_kind():
    kinds = [WEEK.index(hours_of(WEEK, MONDAY + day)) for day in range(8)]
    assert kinds == [0, 0, 0, 0, 0, 1, 2, 0]


def test_values_hold_in_the_middle_of_their_hours_and_lead_to_the_next_without_steps():
    calendar = Calendar("UTC")
    assert calendar.busy(WEEK, MONDAY_S + 8.5 * 3600) == 8
    assert calendar.busy(WEEK, MONDAY_S + 9 * 3600) == 8.5
    assert calendar.busy(WEEK, MONDAY_S + 5 * DAY_S + 23.75 * 3600) == 25  # from Saturday's 0 to Sunday's 100
    week = [calendar.busy(WEEK, MONDAY_S + minute * 60) for minute in range(8 * 1440)]
    assert max(abs(b - a) for a, b in pairwise(week)) <= 100 / 60 + 1e-9
