"""A lamp at night, as its meter sees it."""

from protocol import quantities as q
from simulator.stimuli.cycles import DAY_S, YEAR_S, Drift, cycle
from simulator.streams import Stream


class LightStimulus:
    """One lamp of *watts* on its nightly programme, as its meter sees it."""

    def __init__(self, stream: Stream, watts: int = 42) -> None:
        self._stream = stream
        self._watts = watts
        self._energy_wh = stream.uniform(1e4, 2e6)
        self._weather = Drift(stream, 4, 0.995)
        self._last_s: int | None = None

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of one head's set at *time_s*, which only grows."""
        hour = time_s % DAY_S / 3600
        level = 0 if 7 <= hour < 18 else 40 if hour < 5 or hour >= 23 else 100
        watts = self._watts * level / 100 + 0.4 + abs(0.1 * self._stream.bell())
        volts = 231 + 3 * cycle(time_s, DAY_S, 4 * 3600) + 0.7 * self._stream.bell()
        self._energy_wh += watts * (time_s - (time_s if self._last_s is None else self._last_s)) / 3600
        self._last_s = time_s
        outside = (
            12 + self._weather.next() - 8 * cycle(time_s, YEAR_S, 15 * DAY_S) + 4 * cycle(time_s, DAY_S, 15 * 3600)
        )
        scaled = {
            q.LEVEL: level,
            q.POWER: 10 * watts,
            q.VOLTAGE: 10 * volts,
            q.CURRENT: 1000 * watts / volts / 0.95,
            q.ENERGY: self._energy_wh,
            q.TEMPERATURE: 10 * (outside + 0.25 * watts),
            q.LAMP_STATUS: 0,
        }
        return tuple(int(scaled[quantity]) for quantity, _ in q.quantities_of(set_number))
