"""The 0–10 V input of a lamp's gear, driven by PWM through a filter; and a relay that takes its mains.

A 1–10 V gear (IEC 60929 annex E) below 1 V gives its least light and is not off: off is the relay's.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Pin, Pwm

FULL = const(254)  # of what `SetLamp` calls drive, which counts as DALI does
_MOST_DUTY = const(65_535)


class Dimmer:
    """pwm: kept running by the board also in light sleep. relay: a pin that is high while the gear has mains, or None.

    least_duty, most_duty: at drive 1 and 254, 0..65535: 1 V and 10 V of the board's amplifier. inverted: more duty is
    less light, as behind a transistor that pulls the input down.
    """

    def __init__(
        self,
        pwm: "Pwm",
        relay: "Pin | None" = None,
        least_duty: int = 6_554,
        most_duty: int = _MOST_DUTY,
        inverted: bool = False,
    ) -> None:
        self._pwm = pwm
        self._relay = relay
        self._least = least_duty
        self._most = most_duty
        self._inverted = inverted

    def set(self, drive: int) -> None:
        """Give the gear *drive*, 0..254; 0 is off."""
        drive = min(max(drive, 0), FULL)
        duty = self._least + (self._most - self._least) * (drive - 1) // (FULL - 1) if drive else 0
        if self._relay is not None and not drive:
            self._relay.value(0)
        self._pwm.duty_u16(_MOST_DUTY - duty if self._inverted else duty)
        if self._relay is not None and drive:
            self._relay.value(1)  # after the level: a gear that starts at full light flashes


class Fade:
    """A lamp on its way from one drive to another, in even steps. Times in ms that only grow."""

    def __init__(self) -> None:
        self._from = self._to = 0
        self._begun_ms = 0
        self._lasts_ms = 0

    def begin(self, drive: int, fade_s: int, now_ms: int) -> None:
        """Go to *drive* within *fade_s*, from wherever it is now."""
        self._from = self.at(now_ms)
        self._to = drive
        self._begun_ms = now_ms
        self._lasts_ms = fade_s * 1000

    def at(self, now_ms: int) -> int:
        """The drive that it has now."""
        passed_ms = now_ms - self._begun_ms
        if passed_ms >= self._lasts_ms:
            return self._to
        return self._from + (self._to - self._from) * passed_ms // self._lasts_ms

    def next_ms(self, now_ms: int) -> int | None:
        """When `at` is to be asked again, 50 ms later at the soonest; None: it has arrived."""
        if self._to == self._from or now_ms >= self._begun_ms + self._lasts_ms:
            return None
        step_ms = max(self._lasts_ms // abs(self._to - self._from), 50)
        return min(now_ms + step_ms, self._begun_ms + self._lasts_ms)
