"""Feeders: what two hundred lamps that lose their power together are, and what one lamp is that stays behind."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.lighting.feeders import Cause, Feeders, Outage
from gateway.network.registration import Registration, Role
from gateway.readings.silence import Silence
from tests.gateway.lighting.lamps import DAY_MS, FIRST_MS, SUNRISE_H, SUNSET_H, FixedNights

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
INTERVAL_MS = 900_000
SPREAD_MS = 600_000  # over which lamps that get power spread their first words

Power = Callable[[int, int], bool]  # (lamp, ms since the first noon) -> whether it has power


@dataclass
class Street:
    """Lamps on one feeder, told of as a gateway hears them. gasps: the share of last gasps that gets through."""

    lamps: int
    power: Power
    loss: float = 0.2
    gasps: float = 0.0
    others: bool = True
    seed: int = 1
    outages: list[Outage] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)  # told silent one by one, as any node

    def live(self, hours: float) -> "Street":
        dice = random.Random(self.seed)
        town = FixedNights()
        feeders = Feeders(lambda lamp: "centre", lambda ms: town.dark_ms(town.night_of(ms)))
        silence = Silence()
        known = [Registration(device=k, dev_eui=k.to_bytes(8, "big"), role=Role.LIGHT) for k in range(self.lamps)]
        queue: list[tuple[int, int, str]] = [(0, -1, "look")]
        on = dict.fromkeys(range(self.lamps), False)
        while queue[0][0] < hours * HOUR_MS:
            now, lamp, what = heapq.heappop(queue)
            if what == "look":
                heapq.heappush(queue, (now + 30_000, -1, "look"))
                if self.others and not now % (10 * MINUTE_MS):
                    feeders.other(now)
                for registration, _, _ in silence.wake(now):
                    if not feeders.fell_silent(registration.device, now):
                        self.alone.append(registration.device)
                found = feeders.wake(now, FIRST_MS)
                self.outages += found.outages
                self.missing += [device for device, _ in found.missing]
                for each in range(self.lamps):
                    powered = self.power(each, now)
                    if powered and not on[each]:
                        heapq.heappush(queue, (now + dice.randrange(SPREAD_MS), each, "boot"))
                    elif on[each] and not powered and dice.random() < self.gasps:
                        self.outages += feeders.gasped(each, now, FIRST_MS)
                    on[each] = powered
            elif on[lamp]:
                heapq.heappush(queue, (now + INTERVAL_MS, lamp, "reading"))
                if dice.random() >= self.loss:
                    self.outages += feeders.heard(lamp, 900, now, FIRST_MS)
                    silence.heard(known[lamp], 900, now)
        return self


def hour(ms: int) -> float:
    return (12 + ms / HOUR_MS) % 24


def by_the_cabinet(lamp: int, ms: int) -> bool:
    return not SUNRISE_H + 0.1 <= hour(ms) < SUNSET_H - 0.1


def always(lamp: int, ms: int) -> bool:
    return True


def test_a_cabinet_that_switches_off_is_one_event_and_nobodys_fault():
    """Ten days of two hundred lamps on a switched feeder, a fifth of the readings lost."""
    street = Street(200, by_the_cabinet).live(240)
    begun = [outage for outage in street.outages if outage.over_ms is None]
    over = [outage for outage in street.outages if outage.over_ms is not None]
    assert {outage.cause for outage in begun} == {Cause.SWITCHED_OFF}
    assert len(begun) == 10
    assert len(over) == 9  # of the last day
    assert not street.missing
    assert not street.alone
    for outage in over:
        assert abs(outage.since_ms % DAY_MS / HOUR_MS - SUNRISE_H) < 0.5
        assert abs(outage.over_ms % DAY_MS / HOUR_MS - SUNSET_H) < 0.3


@pytest.mark.parametrize("gasps", [0.0, 0.15])
@pytest.mark.parametrize("lamps", [3, 12, 200])
def test_an_outage_is_one_event_and_its_end_another(lamps, gasps):
    """At 21:00 for two hours; with few lamps none of the gasps may get through, and silence tells."""

    def power(lamp: int, ms: int) -> bool:
        return not 9 * HOUR_MS <= ms < 11 * HOUR_MS

    street = Street(lamps, power, gasps=gasps).live(24)
    begun = [outage for outage in street.outages if outage.over_ms is None]
    over = [outage for outage in street.outages if outage.over_ms is not None]
    assert {outage.cause for outage in street.outages} == {Cause.OUTAGE}
    assert len({outage.since_ms for outage in begun}) == 1
    assert len(over) == 1
    assert not street.missing
    assert not street.alone
    assert over[0].lamps == over[0].known == lamps
    assert over[0].others_heard
    assert abs(over[0].since_ms - FIRST_MS - 9 * HOUR_MS) < 20 * MINUTE_MS
    assert abs(over[0].over_ms - FIRST_MS - 11 * HOUR_MS) < 20 * MINUTE_MS


def test_last_gasps_tell_it_at_once():
    def power(lamp: int, ms: int) -> bool:
        return ms < 9 * HOUR_MS

    street = Street(200, power, gasps=0.1).live(9.05)
    assert len(street.outages) == 1
    assert street.outages[0].gasps >= 3


def test_a_phase_that_fails_is_one_event_too():
    """Every third lamp, without a gasp."""

    def power(lamp: int, ms: int) -> bool:
        return lamp % 3 > 0 or not 9 * HOUR_MS <= ms < 14 * HOUR_MS

    street = Street(60, power).live(24)
    over = [outage for outage in street.outages if outage.over_ms is not None]
    assert len({outage.since_ms for outage in street.outages}) == 1
    assert len(over) == 1
    assert 15 <= over[0].lamps <= 20
    assert not street.missing
    assert not street.alone


@pytest.mark.parametrize("power", [always, by_the_cabinet])
def test_one_lamp_that_stays_behind_is_missing(power):
    def but_one(lamp: int, ms: int) -> bool:
        return power(lamp, ms) and (lamp != 7 or ms < 20 * HOUR_MS)

    street = Street(40, but_one).live(48)
    assert street.missing == [7]
    assert not street.alone
    assert {outage.cause for outage in street.outages} <= {Cause.SWITCHED_OFF}


def test_a_feeder_that_is_not_switched_on_in_the_evening_is_told_within_two_hours():
    def power(lamp: int, ms: int) -> bool:
        return by_the_cabinet(lamp, ms) and ms < 24 * HOUR_MS

    street = Street(40, power).live(32)
    assert [outage.cause for outage in street.outages if outage.over_ms is None] == [
        Cause.SWITCHED_OFF,
        Cause.NOT_SWITCHED_ON,
    ]
    told = street.outages[-1]
    assert told.since_ms % DAY_MS == int(SUNSET_H * HOUR_MS)
    assert not street.missing


def test_a_gateway_that_hears_nobody_at_all_says_so():
    def power(lamp: int, ms: int) -> bool:
        return ms < 9 * HOUR_MS

    street = Street(40, power, others=False).live(12)
    assert next(outage for outage in street.outages if outage.over_ms is None).others_heard is False


def test_lamps_that_lose_a_quarter_of_their_readings_are_not_taken_for_dead():
    street = Street(30, always, loss=0.25).live(24 * 10)
    assert not street.outages
    assert len(street.missing) <= 3  # three hundred lamp-days, at a loss that nobody should leave a street with
    assert not street.alone
