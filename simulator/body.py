"""The body of a fleet node: it carries out what mind and MAC decide, on virtual time and with perfect sensors."""

from typing import TYPE_CHECKING, Protocol

from firmware.actions import OpenWindow, Persist, Power, RadioTransmit, Sense
from firmware.events import Sensed, Transmitted, WindowClosed, Woke
from protocol.airtime import symbol_us
from protocol.region import FSK, data_rate
from simulator.air import Air
from simulator.timeline import Timeline

if TYPE_CHECKING:
    from firmware.node import Core

_FSK_SYMBOL_US = 160  # a byte at 50 kbit/s, as `protocol.region.rx_window` counts


class Stimulus(Protocol):
    """What the sensors see."""

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of the set at *time_s* (Unix)."""


class Body:
    """One node switched on in the virtual street.

    epoch_s: Unix time of virtual time 0.
    """

    def __init__(
        self,
        name: str,
        core: "Core",
        timeline: Timeline,
        air: Air,
        stimulus: Stimulus,
        epoch_s: int,
    ) -> None:
        self.name = name
        self.airtime_us = 0
        self.frames_sent = 0
        self.persisted: dict[str, int | bytes] = {}
        self._core = core
        self._timeline = timeline
        self._air = air
        self._stimulus = stimulus
        self._epoch_s = epoch_s
        self._alarm_us: int | None = None

    def boot(self, time_us: int) -> None:
        """Switch the node on at *time_us*; its clock starts there."""
        self._booted_us = time_us
        self._timeline.at(time_us, lambda: self._hear(Woke()))

    def _hear(self, event: object) -> None:
        """Give *event* to the core, do what it wants, and set the alarm it asks for."""
        for action in self._core.handle(event, self._now_ms()):
            self._do(action)
        self._set_alarm()

    def _do(self, action: object) -> None:
        if isinstance(action, Sense):
            now_us = self._timeline.now_us
            values = self._stimulus.values(action.set_number, self._epoch_s + now_us // 1_000_000)
            self._timeline.at(now_us, lambda: self._hear(Sensed(action.set_number, values)))
        elif isinstance(action, RadioTransmit):
            self.frames_sent += 1
            airtime_us = self._air.transmit(self.name, action.phy_payload, action.freq_hz, action.dr, action.power_dbm)
            self.airtime_us += airtime_us
            self._timeline.at(self._timeline.now_us + airtime_us, lambda: self._hear(Transmitted()))
        elif isinstance(action, OpenWindow):
            if action.symbols:  # nobody answers yet
                closes_us = self._booted_us + action.open_ms * 1000 + window_us(action)
                self._timeline.at(closes_us, lambda: self._hear(WindowClosed()))
        elif isinstance(action, Persist):
            self.persisted[action.key] = action.value
        elif isinstance(action, Power):
            pass  # perfect sensors need no warm-up
        else:
            raise TypeError(f"{self.name}: this body cannot {type(action).__name__}")

    def _set_alarm(self) -> None:
        wake_ms = self._core.wake_at()
        if wake_ms is None:
            return
        wake_us = self._booted_us + wake_ms * 1000
        if self._alarm_us is not None and self._timeline.now_us <= self._alarm_us <= wake_us:
            return  # the alarm that rings before will ask again
        alarm_us = self._alarm_us = max(wake_us, self._timeline.now_us)
        self._timeline.at(alarm_us, lambda: self._ring(alarm_us))

    def _ring(self, alarm_us: int) -> None:
        if alarm_us == self._alarm_us:  # else an earlier alarm took its place
            self._alarm_us = None
            self._hear(Woke())

    def _now_ms(self) -> int:
        return (self._timeline.now_us - self._booted_us) // 1000


def window_us(window: OpenWindow) -> int:
    """How long a class A window that hears nothing stays open."""
    sf, bw_hz = data_rate(window.dr)
    return window.symbols * (_FSK_SYMBOL_US if sf == FSK else symbol_us(sf, bw_hz))
