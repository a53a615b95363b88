"""Lamps that share a supply fail together: one event for a feeder, and a fault only for the lamp that stays behind.

Which lamps have lost their power is told by last gasps, as far as they get through when two hundred are sent in one
second, and by silence. A cabinet that switches its feeders off at dawn makes the same silence every day: that is one
event, too, and nobody's fault. Silence is counted on the monotonic clock, which no correction of the time can move.

    on ──(gasps of several, or none of them heard)──▶ out ──(several are heard)──▶ on ──(one is not)──▶ it is missing
    on ──(several of many fall silent)──▶ out in part, for the rest goes on

After a start of the gateway by day nobody knows whether a feeder that is not heard is switched off or failed: until an
hour after sunset it is neither, and of its lamps nothing is said.

An outage that nobody saw, since the gateway was away itself, is told by lamps that say how long they had no power.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.lighting.outage import Cause, Outage

_GASPS = 3  # of one feeder within...
_GASPS_WITHIN_MS = 120_000
_MOST_GASPS = 1000  # of one feeder, that are remembered
_LEAST_LAMPS = 3  # fewer are told one by one
_DEFAULT_MS = 900_000  # between two readings of a lamp
_LEAST_MS, _MOST_MS = 60_000, 6 * 3_600_000
_QUIET_READINGS = 13  # so many readings of a feeder must have been missed in a row, at a fifth of them lost by chance,
_QUIET_LEAST, _QUIET_MOST = 1.1, 2.5  # and so many intervals; never as many as make each lamp silent by itself
_LEAST_PART = 5  # a part of a feeder is out when so many of its lamps, and a fifth, are silent at once
_PART = 5
_SPREAD_MS = 600_000  # over which lamps that get power spread their first words (firmware/roles/light.py)
_TOLD_MS = 2_400_000  # spread, 20 minutes in which a lamp waits for the time, repeats: then all have said how long
_LEAST_OUTAGE_S = 10  # a shorter one was a dip
_MISSED = 8  # readings in a row that a lamp may miss: at a fifth of them lost that happens once in 4,000 lamp-nights
_BACK = 3  # of those that were out, one in so many must be heard again before it is believed
_SILENT = 3  # readings in a row that a lamp without power has missed at least, as for `readings.silence`
_DAWN_MS = (3_600_000, 7_200_000)  # before and after sunrise, in which a cabinet switches off
_DUSK_MS = 3_600_000  # after sunset, when a switched feeder must have come on
_HALF_DAY_MS = 43_200_000
_LOOK_MS = 30_000


@dataclass(slots=True)
class _Lamp:
    heard_ms: int
    interval_ms: int = _DEFAULT_MS
    gasped: bool = False
    met: bool = False  # it was heard before this start of the gateway, and not yet since
    out: bool = False  # it surely has no power: it gasped, or has been silent for too long

    def silent(self, now_ms: int) -> bool:
        return now_ms - self.heard_ms > self.interval_ms * _SILENT


@dataclass(slots=True)
class _Feeder:
    lamps: dict[int, _Lamp] = field(default_factory=dict)
    heard_ms: int = 0  # when any of them was heard last
    first_ms: int | None = None  # when any of them was heard first since this start of the gateway
    waiting: set[int] = field(default_factory=set)  # fell silent before that
    gasps_ms: list[int] = field(default_factory=list)
    outage: Outage | None = None
    began_ms: int = 0  # monotonic
    counted: bool = False  # whether it is known by now how many lamps are out
    back: dict[int, int] = field(default_factory=dict)  # heard again while it is out -> when, lately
    awaited: dict[int, int] = field(default_factory=dict)  # after it came back: lamp -> since when
    fallen: set[int] = field(default_factory=set)  # silent by themselves
    returned: dict[int, tuple[int, int]] = field(default_factory=dict)  # says power is back -> when, and away how long
    over_ms: int | None = None  # when the last outage was over, monotonic

    def interval_ms(self) -> int:
        return max((lamp.interval_ms for lamp in self.lamps.values()), default=_DEFAULT_MS)


@dataclass(slots=True)
class Found:
    """What came out of a look. missing: lamps not heard though their neighbours are, with the last time they were."""

    outages: list[Outage] = field(default_factory=list)
    missing: list[tuple[int, int]] = field(default_factory=list)


Sun = Callable[[int], tuple[int, int]]  # Unix ms -> sunset and sunrise of the night it is in or that is nearest


class Feeders:
    """feeder_of: the feeder of a lamp by its row; None: nobody knows. open: outages that were not over.

    Times of methods are monotonic ms; offset_ms makes Unix ms of them.
    """

    def __init__(
        self, feeder_of: Callable[[int], str | None], sun: Sun, open_: tuple[Outage, ...] = (), now_ms: int = 0
    ) -> None:
        self._feeder_of = feeder_of
        self._sun = sun
        self._feeders: dict[str, _Feeder] = {}
        self._strangers: set[int] = set()  # lamps of no known feeder, not heard since this start of the gateway
        self._others_ms = -1
        self._look_ms = now_ms + _LOOK_MS
        for outage in open_:
            feeder = self._feeders.setdefault(outage.feeder, _Feeder())
            feeder.outage, feeder.began_ms = outage, now_ms

    def open(self) -> list[Outage]:
        """Outages that are not over."""
        return [feeder.outage for feeder in self._feeders.values() if feeder.outage is not None]

    def meet(self, device: int, now_ms: int) -> None:
        """A lamp that was heard before this start of the gateway; it has its intervals before it is missed."""
        name = self._feeder_of(device)
        if name is None:
            self._strangers.add(device)
            return
        feeder = self._feeders.setdefault(name, _Feeder())
        feeder.lamps[device] = _Lamp(now_ms, met=True, out=feeder.outage is not None)
        feeder.heard_ms = max(feeder.heard_ms, now_ms)

    def forget(self, device: int) -> None:
        """It was removed."""
        self._strangers.discard(device)
        for feeder in self._feeders.values():
            feeder.lamps.pop(device, None)
            feeder.awaited.pop(device, None)
            feeder.fallen.discard(device)
            feeder.waiting.discard(device)

    def other(self, now_ms: int) -> None:
        """Somebody who is no lamp was heard: the radio works."""
        self._others_ms = now_ms

    def heard(self, device: int, gap_s: int | None, now_ms: int, offset_ms: int) -> list[Outage]:
        """A lamp was heard, so it has power; gap_s: between two of its readings, if the frame told."""
        self._strangers.discard(device)
        name = self._feeder_of(device)
        if name is None:
            self._others_ms = now_ms
            return []
        feeder = self._feeders.setdefault(name, _Feeder())
        lamp = feeder.lamps.setdefault(device, _Lamp(now_ms, out=feeder.outage is not None))
        lamp.heard_ms, lamp.met = now_ms, False
        feeder.waiting.discard(device)
        self._greet(feeder, now_ms)
        if gap_s is not None:
            lamp.interval_ms = min(max(gap_s * 1000, _LEAST_MS), _MOST_MS)
        feeder.awaited.pop(device, None)
        feeder.fallen.discard(device)
        was_out, lamp.out, lamp.gasped = lamp.out or lamp.gasped, False, False
        return self._back(feeder, device, now_ms, offset_ms) if feeder.outage is not None and was_out else []

    def gasped(self, device: int, now_ms: int, offset_ms: int) -> list[Outage]:
        """A lamp's last gasp came."""
        name = self._feeder_of(device)
        if name is None:
            return []
        feeder = self._feeders.setdefault(name, _Feeder())
        lamp = feeder.lamps.setdefault(device, _Lamp(now_ms))
        lamp.gasped, lamp.heard_ms, lamp.met = True, now_ms, False
        feeder.waiting.discard(device)
        lately = [ms for ms in feeder.gasps_ms if now_ms - ms < _GASPS_WITHIN_MS]
        feeder.gasps_ms = [*lately[-_MOST_GASPS:], now_ms]
        feeder.back.pop(device, None)
        if feeder.outage is not None:
            feeder.outage = replace(feeder.outage, gasps=feeder.outage.gasps + 1)
            return []
        if len(feeder.gasps_ms) < _GASPS or len(feeder.lamps) < _LEAST_LAMPS:
            return []
        return [self._begin(name, feeder, feeder.gasps_ms[0], now_ms, offset_ms, Cause.OUTAGE)]

    def returned(self, device: int, outage_s: int, now_ms: int) -> None:
        """A lamp says that it was without power for so long."""
        name = self._feeder_of(device)
        if name is not None and outage_s >= _LEAST_OUTAGE_S:
            self._feeders.setdefault(name, _Feeder()).returned.setdefault(device, (now_ms, outage_s))

    def fell_silent(self, device: int, now_ms: int) -> bool:
        """A lamp was not heard for three of its intervals; whether its feeder answers for it from now on."""
        name = self._feeder_of(device)
        feeder = None if name is None else self._feeders.get(name)
        if feeder is None or device not in feeder.lamps:
            return False
        if feeder.outage is not None:
            feeder.lamps[device].out = True
        elif feeder.first_ms is None:
            feeder.waiting.add(device)
        elif feeder.lamps[device].met and now_ms < feeder.first_ms + self._patience_ms(feeder):
            feeder.awaited.setdefault(device, feeder.first_ms)
        elif device not in feeder.awaited:
            feeder.fallen.add(device)
        return True

    def power_ms(self, device: int, now_ms: int, offset_ms: int) -> int | None:
        """From when on a silent lamp of no known feeder has power for sure, monotonic ms; None: nobody doubts it.

        Only of lamps not heard since this start of the gateway: by day they may hang on a switched feeder.
        """
        unix_ms = now_ms + offset_ms
        if device not in self._strangers or self._night(unix_ms):
            return None
        sunset_ms, sunrise_ms = self._sun(unix_ms)
        if unix_ms >= sunrise_ms:
            sunset_ms, _ = self._sun(sunrise_ms + _HALF_DAY_MS)
        return sunset_ms + _DUSK_MS - offset_ms

    def wake_at(self) -> int | None:
        """When to look again."""
        return self._look_ms if self._feeders else None

    def wake(self, now_ms: int, offset_ms: int) -> Found:
        """Look at what silence says."""
        found = Found()
        if now_ms < self._look_ms:
            return found
        self._look_ms = now_ms + _LOOK_MS
        for name, feeder in self._feeders.items():
            if feeder.outage is None:
                found.outages += self._look(name, feeder, now_ms, offset_ms)
            else:
                found.outages += self._look_at_night(feeder, now_ms, offset_ms)
                found.outages += self._count(feeder, now_ms)
            found.outages += self._unseen(name, feeder, now_ms, offset_ms)
            self._miss(feeder, now_ms, offset_ms, found)
        return found

    # Within.

    def _look(self, name: str, feeder: _Feeder, now_ms: int, offset_ms: int) -> list[Outage]:
        """Whether none of a feeder's lamps has been heard for too long, or too many of them fell silent."""
        count = len(feeder.lamps)
        if count < _LEAST_LAMPS:
            return []
        if feeder.first_ms is None and not self._night(now_ms + offset_ms):
            return []
        interval_ms = feeder.interval_ms()
        intervals = min(max(_QUIET_READINGS / count, _QUIET_LEAST), _QUIET_MOST)
        if now_ms - feeder.heard_ms > interval_ms * intervals:
            cause = self._cause(feeder.heard_ms + offset_ms)
            for lamp in feeder.lamps.values():
                lamp.out = True
            return [self._begin(name, feeder, feeder.heard_ms, now_ms, offset_ms, cause)]
        if len(feeder.fallen) >= max(_LEAST_PART, count // _PART):
            since_ms = min(feeder.lamps[device].heard_ms for device in feeder.fallen)
            for device in feeder.fallen:
                feeder.lamps[device].out = True
            return [self._begin(name, feeder, since_ms, now_ms, offset_ms, Cause.OUTAGE)]
        return []

    def _look_at_night(self, feeder: _Feeder, now_ms: int, offset_ms: int) -> list[Outage]:
        """Whether a feeder that was switched off in the morning has not come on."""
        outage = feeder.outage
        assert outage is not None
        if outage.cause is not Cause.SWITCHED_OFF:
            return []
        unix_ms = now_ms + offset_ms
        sunset_ms, sunrise_ms = self._sun(unix_ms)
        if not max(sunset_ms, outage.since_ms) + _DUSK_MS < unix_ms < sunrise_ms or outage.since_ms > sunset_ms:
            return []
        over = replace(outage, over_ms=sunset_ms)
        feeder.outage = replace(outage, cause=Cause.NOT_SWITCHED_ON, since_ms=sunset_ms)
        return [over, feeder.outage]

    def _count(self, feeder: _Feeder, now_ms: int) -> list[Outage]:
        """Once every lamp that has power must have been heard: how many have none."""
        assert feeder.outage is not None
        if feeder.counted or now_ms - feeder.began_ms <= feeder.interval_ms() * _SILENT:
            return []
        feeder.counted = True
        for lamp in feeder.lamps.values():
            lamp.out = lamp.out or lamp.silent(now_ms)
        lamps = sum(lamp.out for lamp in feeder.lamps.values())
        if lamps == feeder.outage.lamps:
            return []
        others_heard = self._heard_elsewhere(feeder, feeder.began_ms)
        feeder.outage = replace(feeder.outage, lamps=lamps, known=len(feeder.lamps), others_heard=others_heard)
        return [feeder.outage]

    def _unseen(self, name: str, feeder: _Feeder, now_ms: int, offset_ms: int) -> list[Outage]:
        """An outage that is over, of which only those tell who were without power."""
        if not feeder.returned:
            return []
        first_ms = min(at_ms for at_ms, _ in feeder.returned.values())
        if now_ms - first_ms < _TOLD_MS:
            return []
        told, feeder.returned = feeder.returned, {}
        began_ms = first_ms - 1000 * sorted(outage_s for _, outage_s in told.values())[len(told) // 2]
        seen = feeder.outage is not None or (feeder.over_ms is not None and feeder.over_ms >= began_ms)
        if seen or len(told) < _LEAST_LAMPS:
            return []
        outage = Outage(
            feeder=name,
            cause=Cause.OUTAGE,
            since_ms=began_ms + offset_ms,
            over_ms=first_ms + offset_ms,
            lamps=len(told),
            known=len(feeder.lamps),
            gasps=0,
            others_heard=True,
        )
        return [outage]

    def _cause(self, since_ms: int) -> Cause:
        _, sunrise_ms = self._sun(since_ms)
        before_ms, after_ms = _DAWN_MS
        near_dawn = sunrise_ms - before_ms <= since_ms <= sunrise_ms + after_ms
        return Cause.SWITCHED_OFF if near_dawn else Cause.OUTAGE

    def _begin(self, name: str, feeder: _Feeder, since_ms: int, now_ms: int, offset_ms: int, cause: Cause) -> Outage:
        gasps = len(feeder.gasps_ms) if feeder.gasps_ms and feeder.gasps_ms[-1] >= since_ms else 0
        for lamp in feeder.lamps.values():
            lamp.out = lamp.out or lamp.gasped or lamp.silent(now_ms)
        outage = Outage(
            feeder=name,
            cause=cause,
            since_ms=since_ms + offset_ms,
            over_ms=None,
            lamps=sum(lamp.out for lamp in feeder.lamps.values()),
            known=len(feeder.lamps),
            gasps=gasps,
            others_heard=self._heard_elsewhere(feeder, since_ms),
        )
        feeder.outage, feeder.began_ms, feeder.counted = outage, now_ms, False
        feeder.back, feeder.awaited, feeder.fallen, feeder.waiting = {}, {}, set(), set()
        return outage

    def _greet(self, feeder: _Feeder, now_ms: int) -> None:
        """It has power: of lamps about which nobody knew that, it is known from now on."""
        feeder.heard_ms = now_ms
        if feeder.first_ms is None:
            feeder.first_ms = now_ms
            feeder.awaited.update(dict.fromkeys(feeder.waiting, now_ms))
            feeder.waiting = set()

    def _patience_ms(self, feeder: _Feeder) -> int:
        """After how long a lamp that has power must have been heard, its first word included."""
        return _SPREAD_MS + _MISSED * feeder.interval_ms()

    def _night(self, unix_ms: int) -> bool:
        """Whether a switched feeder must have power."""
        sunset_ms, sunrise_ms = self._sun(unix_ms)
        return sunset_ms + _DUSK_MS < unix_ms < sunrise_ms

    def _heard_elsewhere(self, feeder: _Feeder, since_ms: int) -> bool:
        others = (other.heard_ms for other in self._feeders.values() if other is not feeder)
        return max(self._others_ms, *others, -1) > since_ms

    def _back(self, feeder: _Feeder, device: int, now_ms: int, offset_ms: int) -> list[Outage]:
        """A lamp of a feeder that is out was heard: of several it is believed."""
        outage = feeder.outage
        assert outage is not None
        # One that was only badly heard comes back now and then; those that get power come all within an interval.
        since_ms = now_ms - _SPREAD_MS - feeder.interval_ms()
        feeder.back = {each: at_ms for each, at_ms in feeder.back.items() if at_ms >= since_ms} | {device: now_ms}
        out = [each for each, lamp in feeder.lamps.items() if lamp.out or lamp.gasped]
        if len(feeder.back) < max(1, (len(out) + len(feeder.back)) // _BACK):
            return []
        over = replace(
            outage,
            over_ms=max(outage.since_ms, min(feeder.back.values()) + offset_ms),
            lamps=len(out) + len(feeder.back),
            others_heard=outage.others_heard or self._heard_elsewhere(feeder, feeder.began_ms),
        )
        feeder.awaited = dict.fromkeys(out, now_ms)
        for each in out:
            feeder.lamps[each].out = feeder.lamps[each].gasped = False
        feeder.outage, feeder.back, feeder.gasps_ms, feeder.over_ms = None, {}, [], now_ms
        return [over]

    def _miss(self, feeder: _Feeder, now_ms: int, offset_ms: int, found: Found) -> None:
        """Lamps that did not come back with the others, and those that fell silent alone."""
        # How far apart their readings are may have been heard only meanwhile.
        since_ms = now_ms - self._patience_ms(feeder)
        late = [device for device, at_ms in feeder.awaited.items() if at_ms <= since_ms]
        if feeder.outage is None:
            patience_ms = _MISSED * feeder.interval_ms()
            late += [device for device in feeder.fallen if now_ms - feeder.lamps[device].heard_ms >= patience_ms]
        for device in late:
            feeder.awaited.pop(device, None)
            feeder.fallen.discard(device)
            found.missing.append((device, feeder.lamps[device].heard_ms + offset_ms))
