"""A streetlight's sensors: the meter and thermometer of its lamps, photocell and motion detector, its control gear."""

from protocol import quantities as q
from simulator.stimuli.air import TRAFFIC
from simulator.stimuli.calendar import Week
from simulator.stimuli.cycles import NOISES
from simulator.stimuli.daylight import Daylight
from simulator.stimuli.lamp import Failure, Head, Trouble
from simulator.stimuli.mains import Mains
from simulator.stimuli.passages import Passages
from simulator.stimuli.replay.seen import Seen
from simulator.stimuli.weather import Corner
from simulator.streams import Stream

SILENT = -1  # in place of a DALI status (`firmware.events.LampFeedback`)
_LAMP_FAILURE_BIT = 2  # of DALI's QUERY STATUS (IEC 62386-102 §11.5.2)
_LAMP_ON_BIT = 4

_POWER_FACTOR = (0.6, 0.96)  # of a driver at little and at full load
_WARM_K_PER_W = 0.3
_WARM_S = 2400.0  # the housing needs so long to follow
_NEAR_LUX = 3.0  # of the lamp itself, that reaches its photocell at full light
_MOST_LUX = 120_000


class LightStimulus:
    """What the node in a luminaire measures; times are Unix s and only grow.

    heads: lamps behind its one meter. mains: None is power that never fails. motions_per_hour: at the busiest.
    seen: quantities of a file, in place of those made up here.
    """

    def __init__(
        self,
        stream: Stream,
        corner: Corner,
        daylight: Daylight | None = None,
        mains: Mains | None = None,
        *,
        start_s: int,
        watts: float = 42,
        heads: int = 1,
        failures: tuple[tuple[Failure, ...], ...] = (),
        motions_per_hour: float = 0.0,
        weekend: float = 1.0,
        seen: Seen | None = None,
    ) -> None:
        self.mains = mains
        self.heads = tuple(Head(stream, watts, failures[k] if failures else ()) for k in range(heads))
        self._corner = corner
        self._noise = corner.weather.noise
        self._daylight = daylight
        self._seen = seen
        self._phase = stream.below(NOISES)
        self._energy_wh = stream.uniform(1e4, 2e6)
        self._counted_s = float(start_s)
        self._warmer_k = 0.0
        self._motions = None
        if motions_per_hour > 0:
            dice = Stream(stream.below(1 << 40), "motion")
            self._motions = Passages(dice, _busy(motions_per_hour, weekend), corner.weather.calendar, start_s)

    def lamp_set(self, head: int, level_pct: int, fade_s: int, time_s: float) -> None:
        """The node sets a lamp, as `SetLamp` says."""
        self._count(time_s)
        self.heads[head].set(level_pct, fade_s, time_s)

    def power_gone(self, time_s: float) -> None:
        """The supply went: all is dark until the node sets its lamps again."""
        for head in range(len(self.heads)):
            self.lamp_set(head, 0, 0, time_s)

    def light_pct(self, head: int, time_s: float) -> float:
        """Truth: the light on the street, 0..100."""
        return self.heads[head].light_pct(time_s) if self._powered(time_s) else 0.0

    def gear_status(self, head: int, time_s: float) -> int:
        """What the control gear answers to DALI's QUERY STATUS, or SILENT."""
        lamp = self.heads[head]
        if lamp.has(Trouble.GEAR_FAILED, time_s) or not self._powered(time_s):
            return SILENT
        if lamp.has(Trouble.FAILED, time_s):
            return _LAMP_FAILURE_BIT if lamp.told_pct(time_s) else 0
        return _LAMP_ON_BIT if lamp.light_pct(time_s) else 0

    def lux(self, time_s: float) -> int | None:
        """What a photocell on top sees: daylight, and a little of its own lamp; None: a replayed file has a gap."""
        if self._seen is not None and self._seen.has(q.ILLUMINANCE):
            return self._seen.at(q.ILLUMINANCE, time_s)
        own = max([self.light_pct(head, time_s) for head in range(len(self.heads))]) * _NEAR_LUX / 100
        sky = self._corner.weather.at(time_s)
        day = 0.0 if self._daylight is None else self._daylight.lux(time_s, sky.cloud)
        shade = 1 + 0.03 * self._noise.at(self._phase + int(time_s) // 20)
        return min(_MOST_LUX, max(0, int((day + own) * shade)))

    def next_motion_s(self, time_s: float) -> float | None:
        """When somebody next passes after *time_s*; None: nobody will, or nobody looks."""
        return None if self._motions is None else self._motions.next_s(time_s)

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        """Scaled values of a light set: what the lamps do and take."""
        self._count(time_s)
        watts = self._watts(time_s)
        on = self._powered(time_s)
        volts = 231.0 if self.mains is None else self.mains.volts(time_s)
        noise = self._noise.at(self._phase + 3 * int(time_s))
        watts = max(0.0, watts * (1 + 0.004 * noise)) if on else 0.0
        rated = self.heads[0].rated_w * len(self.heads)
        low, high = _POWER_FACTOR
        factor = low + (high - low) * min(1.0, watts / rated) if rated else high
        scaled = {
            q.POWER: 10 * watts,
            q.VOLTAGE: 10 * volts if on else 0,
            q.CURRENT: 1000 * watts / volts / factor,
            q.ENERGY: self._energy_wh,
            q.TEMPERATURE: 10 * self._celsius(time_s) + 0.4 * noise,
            q.LAMP_STATUS: 0,
        }
        values: tuple[int | None, ...] = tuple(
            [
                round(self.light_pct(instance, time_s)) if quantity == q.LEVEL else int(scaled[quantity])
                for quantity, instance in q.quantities_of(set_number)
            ]
        )
        return values if self._seen is None else self._seen.over(set_number, time_s, values)

    def _powered(self, time_s: float) -> bool:
        return self.mains is None or self.mains.on(time_s)

    def _watts(self, time_s: float) -> float:
        total = 0.0
        for head in self.heads:  # one by one, since `sum` of floats is not the same on every CPython
            total += head.watts(time_s)
        return total

    def _celsius(self, time_s: float) -> float:
        excess = max([head.excess_k(time_s) for head in self.heads])
        return min(84.0, self._corner.celsius(time_s) + self._warmer_k + excess)

    def _count(self, time_s: float) -> None:
        """Add up energy and warmth since the last look: levels changed then, and a fade is next to nothing."""
        passed_s = time_s - self._counted_s
        if passed_s <= 0:
            return
        self._counted_s = time_s
        watts = self._watts(time_s) if self._powered(time_s) else 0.0
        self._energy_wh += watts * passed_s / 3600
        share = passed_s / (passed_s + _WARM_S)  # a first-order lag without an exponential
        self._warmer_k += share * (_WARM_K_PER_W * watts - self._warmer_k)


def _busy(per_hour: float, weekend: float) -> Week:
    """Passages over the hours as there is traffic."""
    workday = tuple(per_hour * share / 100 for share in TRAFFIC[0])
    saturday = tuple(per_hour * weekend * share / 100 for share in TRAFFIC[0])
    return workday, saturday, saturday
