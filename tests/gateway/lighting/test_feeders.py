"""Feeders: what two hundred lamps that lose their power together are, and what one lamp is that stays behind."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.lighting.feeders import Feeders
from gateway.lighting.outage import Cause, Outage
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
    """Lamps on one feeder, told of as a gateway hears them. gasps: the share of last gasps that gets through.

    away_h: from when to when the gateway does not run; it begins again with no outage in its store.
    """

    lamps: int
    power: Power
    loss: float = 0.2
    gasps: float = 0.0
    others: bool = True
    seed: int = 1
    says_back: bool = False  # whether lamps tell how long their power was away
    feeder: str | None = "centre"  # None: nobody told the gateway which
    away_h: tuple[float, float] | None = None
    outages: list[Outage] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)  # told silent one by one, as any node

    def live(self, hours: float) -> "Street":
        dice = random.Random(self.seed)
        town = FixedNights()

        def start(now: int) -> Feeders:
            return Feeders(lambda lamp: self.feeder, lambda ms: town.dark_ms(town.night_of(ms)), (), now)

        feeders, silence = start(0), Silence()
        down_ms, up_ms = (int(h * HOUR_MS) for h in self.away_h or (0, 0))
        known = [Registration(device=k, dev_eui=k.to_bytes(8, "big"), role=Role.LIGHT) for k in range(self.lamps)]
        queue: list[tuple[int, int, str]] = [(0, -1, "look")]
        on = dict.fromkeys(range(self.lamps), False)
        while queue[0][0] < hours * HOUR_MS:
            now, lamp, what = heapq.heappop(queue)
            if what == "look":
                heapq.heappush(queue, (now + 30_000, -1, "look"))
                if down_ms <= now < up_ms + 30_000:
                    feeders, silence = start(now), Silence(known, now)
                    for each in range(self.lamps):
                        feeders.meet(each, now)
                if self.others and not now % (10 * MINUTE_MS):
                    feeders.other(now)
                for registration, _, _ in silence.wake(now):
                    if feeders.fell_silent(registration.device, now):
                        continue
                    power_ms = feeders.power_ms(registration.device, now, FIRST_MS)
                    if power_ms is not None:
                        silence.excuse(registration.dev_eui, power_ms)
                    else:
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
                if what == "boot" and self.says_back and now > HOUR_MS:
                    feeders.returned(lamp, 7200, now)
                if dice.random() >= self.loss and not down_ms <= now < up_ms:
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


def test_an_outage_that_the_gateway_did_not_see_is_told_once_by_those_who_were_in_it():
    """The gateway was without power as well; then forty lamps say, over ten minutes, that theirs was away."""
    town = FixedNights()
    feeders = Feeders(lambda lamp: "centre", lambda ms: town.dark_ms(town.night_of(ms)))
    found: list[Outage] = []
    dice = random.Random(3)
    back_ms = 9 * HOUR_MS
    first = [(back_ms + dice.randrange(SPREAD_MS), lamp, "back") for lamp in range(40)]
    # A third of them waits twenty minutes for the time, before it says how long.
    first = [(at_ms + 1_200_000 * (not lamp % 3), lamp, what) for at_ms, lamp, what in first]
    told = sorted(first + [(at_ms + INTERVAL_MS * k, lamp, "read") for at_ms, lamp, _ in first for k in range(1, 4)])
    for now in range(back_ms, back_ms + 50 * MINUTE_MS, 30_000):
        while told and told[0][0] <= now:
            at_ms, lamp, what = told.pop(0)
            found += feeders.heard(lamp, None, at_ms, FIRST_MS)
            if what == "back":
                feeders.returned(lamp, 1200 + lamp % 3, at_ms)
        found += feeders.wake(now, FIRST_MS).outages
    [outage] = found
    assert (outage.lamps, outage.known, outage.cause) == (40, 40, Cause.OUTAGE)
    assert abs(outage.over_ms - FIRST_MS - back_ms) < MINUTE_MS
    assert abs(outage.over_ms - outage.since_ms - 1_201_000) <= 1000


def test_an_outage_that_was_seen_is_not_told_again_by_those_who_come_back():
    def power(lamp: int, ms: int) -> bool:
        return not 9 * HOUR_MS <= ms < 11 * HOUR_MS

    street = Street(40, power, says_back=True).live(24)
    assert len([outage for outage in street.outages if outage.over_ms is not None]) == 1


@pytest.mark.parametrize("away_h", [(10, 22), (20.5, 23), (10, 26), (5, 5.1), (25, 25.1)])
@pytest.mark.parametrize("lamps", [12, 200])
def test_after_a_restart_nothing_is_said_of_lamps_that_the_cabinet_keeps_dark(lamps, away_h):
    """By day (the first noon is hour 0), with no outage kept; at dusk all come, and one does not: it is missing."""

    def but_one(lamp: int, ms: int) -> bool:
        return by_the_cabinet(lamp, ms) and (lamp != 7 or ms < 19 * HOUR_MS)

    street = Street(lamps, but_one, away_h=away_h).live(40)
    assert not street.alone
    assert {outage.cause for outage in street.outages} <= {Cause.SWITCHED_OFF}
    assert street.missing == [7]


def test_lamps_of_no_known_feeder_are_not_told_by_day_after_a_restart_but_after_dusk():
    def but_one(lamp: int, ms: int) -> bool:
        return by_the_cabinet(lamp, ms) and lamp != 7

    street = Street(200, but_one, loss=0, feeder=None, away_h=(16, 21)).live(29)
    assert not street.alone, "dusk is at 29:12"
    street = Street(200, but_one, loss=0, feeder=None, away_h=(16, 21)).live(35)
    assert street.alone == [7]


def test_a_feeder_that_is_still_not_heard_an_hour_after_dusk_is_out():
    def never(lamp: int, ms: int) -> bool:
        return ms < 16 * HOUR_MS

    street = Street(40, never, away_h=(10, 22)).live(29 + 2)
    assert [(outage.cause, outage.lamps) for outage in street.outages] == [(Cause.OUTAGE, 40)]
    assert not Street(40, never, away_h=(10, 22)).live(29).outages
    assert not street.alone
    assert not street.missing
