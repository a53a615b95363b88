"""Energy of nights: what meters counted, through lost readings, resets and gaps."""

import pytest

from gateway.lighting.consumption import Consumption, LampNight
from tests.gateway.lighting.lamps import DAY_MS, FIRST_MS, SUNRISE_H, SUNSET_H, FixedNights, programme_at

HOUR_MS = 3_600_000
DARK_H = 24 - SUNSET_H + SUNRISE_H
NIGHT = FIRST_MS // DAY_MS


def watts(at_ms: int) -> float:
    """A lamp of 40 W without a driver's own share, dark by day."""
    return 0.4 * programme_at(at_ms)


class Meter:
    """Counts Wh minute by minute from the first noon on."""

    def __init__(self, from_wh: float = 1000.0) -> None:
        self.wh = from_wh
        self._at_ms = FIRST_MS

    def at(self, at_ms: int) -> int:
        while self._at_ms < at_ms:
            self.wh += watts(self._at_ms) / 60
            self._at_ms += 60_000
        return int(self.wh)


def live(times: list[int], meter: Meter | None, rated_w: float = 40.0) -> list[LampNight]:
    """Readings at these ms after the first noon; meter: None for a lamp that has none."""
    counted = Consumption(7, FixedNights())
    levels: tuple[int, ...] = ()
    over: list[LampNight] = []
    for after_ms in times:
        at_ms = FIRST_MS + after_ms
        expected_w = sum(0.4 * level for level in levels)
        now = (programme_at(at_ms),)
        over += counted.reading(now, None if meter is None else meter.at(at_ms), expected_w, rated_w, at_ms)
        levels = now
    return over


def every(minutes: int, hours: float) -> list[int]:
    return list(range(0, int(hours * HOUR_MS), minutes * 60_000))


def true_wh(night: int) -> float:
    first = FIRST_MS + night * DAY_MS
    return sum(watts(at_ms) / 60 for at_ms in range(first, first + DAY_MS, 60_000))


def test_a_night_is_what_the_meter_counted():
    [first, second] = live(every(15, 49), Meter())
    assert (first.night, second.night, first.device) == (NIGHT, NIGHT + 1, 7)
    assert first.energy_wh == pytest.approx(true_wh(0), abs=1.1)  # the counter has whole Wh
    assert second.energy_wh == pytest.approx(true_wh(1), abs=1.1)
    assert first.reckoned_wh == 0
    assert first.full_wh == pytest.approx(40 * DARK_H, rel=1e-3)
    assert first.dark_s == pytest.approx(DARK_H * 3600, abs=2)
    assert first.lit_s == pytest.approx(DARK_H * 3600, abs=1800)
    assert first.covered_s == 86_400
    assert first.switches == 2


def test_lost_readings_lose_no_energy():
    """Of a whole night only three readings come; the rest is in the counter."""
    [first] = live([0, 6 * HOUR_MS, 14 * HOUR_MS, 25 * HOUR_MS], Meter())
    assert first.energy_wh == pytest.approx(true_wh(0), abs=1.1)
    assert first.covered_s < 86_400


def test_nights_without_a_reading_share_what_was_counted_as_they_are_long():
    nights = live([0, 3 * DAY_MS + HOUR_MS], Meter())
    assert [each.night for each in nights] == [NIGHT, NIGHT + 1, NIGHT + 2]
    for each in nights:
        assert each.energy_wh == pytest.approx(true_wh(0), abs=2)


def test_without_a_meter_levels_tell():
    [first] = live(every(15, 25), None)
    assert first.energy_wh == 0
    assert first.reckoned_wh == pytest.approx(true_wh(0), rel=0.03)


def test_a_counter_that_begins_anew_counts_from_there():
    """The node was changed at midnight: what lies between two readings is not known, and is not made up."""
    counted = Consumption(7, FixedNights())
    old, new = Meter(500_000.0), Meter(0.0)
    over = []
    for after_ms in every(15, 25):
        at_ms = FIRST_MS + after_ms
        meter = old if after_ms < 12 * HOUR_MS else new
        over += counted.reading((programme_at(at_ms),), meter.at(at_ms), 0.0, 40.0, at_ms)
    assert over[0].energy_wh == pytest.approx(true_wh(0), rel=0.03)


def test_a_counter_that_jumps_is_not_believed():
    counted = Consumption(7, FixedNights())
    meter = Meter()
    over = []
    for after_ms in every(15, 25):
        at_ms = FIRST_MS + after_ms
        if after_ms == 10 * HOUR_MS:
            meter.wh += 100_000
        over += counted.reading((programme_at(at_ms),), meter.at(at_ms), 0.0, 40.0, at_ms)
    assert over[0].energy_wh == pytest.approx(true_wh(0), rel=0.04)  # without the quarter of an hour of the jump


def test_a_lamp_without_power_by_day_has_its_night_closed_all_the_same():
    """Behind a switched feeder the last reading comes at sunrise."""
    counted = Consumption(7, FixedNights())
    meter = Meter()
    for after_ms in [each for each in every(15, 24) if programme_at(FIRST_MS + each)]:
        at_ms = FIRST_MS + after_ms
        assert not counted.reading((programme_at(at_ms),), meter.at(at_ms), 0.0, 40.0, at_ms)
    [night] = counted.close(FIRST_MS + DAY_MS + 3 * HOUR_MS, 40.0)
    assert night.energy_wh == pytest.approx(true_wh(0), rel=0.05)
    assert counted.close(FIRST_MS + DAY_MS + 4 * HOUR_MS, 40.0) == []


def test_a_restart_of_the_gateway_in_the_middle_of_a_night_loses_nothing():
    meter, kept = Meter(), Consumption(7, FixedNights())
    over: list[LampNight] = []
    for after_ms in every(15, 25):
        at_ms = FIRST_MS + after_ms
        over += kept.reading((programme_at(at_ms),), meter.at(at_ms), 0.0, 40.0, at_ms)
        again = Consumption(7, FixedNights())
        again.take(kept.to_json())
        kept = again
    whole = live(every(15, 25), Meter())
    assert over[0].energy_wh == pytest.approx(whole[0].energy_wh, abs=1)
    assert over[0].lit_s == whole[0].lit_s


def test_an_older_reading_that_comes_late_changes_nothing():
    times = every(15, 25)
    assert live(times, Meter()) == live(sorted([*times, *times]), Meter())
