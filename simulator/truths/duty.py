"""The duty cycle of EN 300 220-2: no sender is longer on the air in any hour than its sub-band allows."""

from protocol.region import SubBand, sub_band
from simulator.truths.breaches import DUTY_CYCLE, Breaches

_HOUR_US = 3_600_000_000


class _Hour:
    """Airtime of one sender in one sub-band: frames that end within the last hour, and their sum."""

    __slots__ = ("allowed_us", "frames", "spent_us")

    def __init__(self, allowed_us: int) -> None:
        self.allowed_us = allowed_us
        self.frames: list[tuple[int, int]] = []  # mostly a few, of which a deque takes ten times the memory
        self.spent_us = 0


class DutyCycle:
    """Follows every sender. No hour holds more than one that ends with a frame, so those are the ones looked at."""

    def __init__(self, breaches: Breaches) -> None:
        self._breaches = breaches
        self._hours: dict[tuple[str, str], _Hour] = {}  # by sender and sub-band
        self._bands: dict[int, SubBand] = {}  # by frequency

    def sent(self, sender: str, freq_hz: int, start_us: int, end_us: int, shown: bytes) -> None:
        """A sender begins a frame that will end at *end_us*; its frames come in the order of their begin."""
        band = self._bands.get(freq_hz)
        if band is None:
            band = self._bands[freq_hz] = sub_band(freq_hz)
        hour = self._hours.get((sender, band.name))
        if hour is None:
            hour = self._hours[sender, band.name] = _Hour(band.airtime_ms_per_hour * 1000)
        frames = hour.frames
        frames.append((start_us, end_us))
        hour.spent_us += end_us - start_us
        since_us = end_us - _HOUR_US
        while frames[0][1] <= since_us:
            first_us, last_us = frames.pop(0)
            hour.spent_us -= last_us - first_us
        spent_us = hour.spent_us - max(0, since_us - frames[0][0])
        if spent_us > hour.allowed_us:
            allowed_s = hour.allowed_us // 1_000_000
            what = f"{spent_us / 1e6:.3f} s within an hour at {freq_hz / 1e6:.1f} MHz; {allowed_s} s are allowed"
            self._breaches(DUTY_CYCLE, start_us, sender, what, shown)
