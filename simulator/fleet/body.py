"""The body of a fleet node: it carries out what mind and MAC decide, on virtual time and with perfect sensors."""

from typing import TYPE_CHECKING, Protocol

from firmware.actions import (
    CloseWindow,
    Identify,
    OpenWindow,
    Persist,
    Power,
    RadioTransmit,
    Sense,
    SenseLux,
    SetLamp,
)
from firmware.events import FrameHeard, LuxSensed, Sensed, Transmitted, WindowClosed, Woke
from protocol.airtime import symbol_us
from protocol.region import FSK, data_rate
from simulator.air.interface import Air, OnAir, Reception
from simulator.timeline import Timeline

if TYPE_CHECKING:
    from firmware.node import Core

_FSK_SYMBOL_US = 160  # a byte at 50 kbit/s, as `protocol.region.rx_window` counts
_PREAMBLE_SYMBOLS = 8
_LOCK_SYMBOLS = 4  # of the preamble that a receiver must hear


class Stimulus(Protocol):
    """What the sensors see."""

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of the set at *time_s* (Unix)."""


class Body:
    """One node switched on in the virtual street.

    epoch_s: Unix time of virtual time 0. persisted: what a power cut leaves. lamps: by head, (level_pct, fade_s) as
    last set.
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
        self.frames_heard = 0
        self.persisted: dict[str, int | bytes] = {}
        self.lamps: dict[int, tuple[int, int]] = {}
        self._core = core
        self._timeline = timeline
        self._air = air
        self._stimulus = stimulus
        self._epoch_s = epoch_s
        self._alarm_us: int | None = None
        self._window: _Window | None = None

    def boot(self, time_us: int) -> None:
        """Switch the node on at *time_us*; its clock starts there."""
        self._booted_us = time_us
        self._timeline.at(time_us, lambda: self._hear(Woke()))

    def begin(self, frame: OnAir) -> None:
        """A downlink begins where this node listens: lock to it if enough of its preamble falls into the window."""
        window = self._window
        if window is None or window.locked:
            return
        overlap_us = min(frame.start_us + _PREAMBLE_SYMBOLS * window.symbol_us, window.closes_us) - max(
            frame.start_us, window.opens_us
        )
        if overlap_us >= _LOCK_SYMBOLS * window.symbol_us:
            window.locked = frame

    def end(self, frame: OnAir, reception: Reception | None) -> None:
        """A downlink is over; one that was destroyed on its way leaves the node with nothing, its window used up."""
        window = self._window
        if window is None or window.locked is not frame:
            return
        window.locked = None
        if window.symbols:
            self._close()
        if reception is not None:
            self.frames_heard += 1
            self._hear(FrameHeard(frame.phy_payload, round(reception.rssi_dbm), round(4 * reception.snr_db)))
        elif window.symbols:
            self._hear(WindowClosed())

    def _hear(self, event: object) -> None:
        """Give *event* to the core, do what it wants, and set the alarm it asks for."""
        for action in self._core.handle(event, self._now_ms()):
            self._do(action)
        self._set_alarm()

    def _do(self, action: object) -> None:
        now_us = self._timeline.now_us
        if isinstance(action, Sense):
            values = self._stimulus.values(action.set_number, self._epoch_s + now_us // 1_000_000)
            self._timeline.at(now_us, lambda: self._hear(Sensed(action.set_number, values)))
        elif isinstance(action, RadioTransmit):
            self._close()
            self.frames_sent += 1
            airtime_us = self._air.transmit(self.name, action.phy_payload, action.freq_hz, action.dr, action.power_dbm)
            self.airtime_us += airtime_us
            self._timeline.at(now_us + airtime_us, lambda: self._hear(Transmitted()))
        elif isinstance(action, OpenWindow):
            self._open(action)
        elif isinstance(action, CloseWindow):
            self._close()
        elif isinstance(action, Persist):
            self.persisted[action.key] = action.value
        elif isinstance(action, SetLamp):
            self.lamps[action.head] = action.level_pct, action.fade_s
        elif isinstance(action, SenseLux):
            self._timeline.at(now_us, lambda: self._hear(LuxSensed(None)))  # these lamps have no photocell
        elif not isinstance(action, Power | Identify):  # perfect sensors need no warm-up, and nobody looks
            raise TypeError(f"{self.name}: this body cannot {type(action).__name__}")

    def _open(self, action: OpenWindow) -> None:
        self._close()
        opens_us = max(self._booted_us + action.open_ms * 1000, self._timeline.now_us)
        window = self._window = _Window(action, opens_us)
        self._timeline.at(opens_us, lambda: self._listen(window))
        if action.symbols:
            self._timeline.at(window.closes_us, lambda: self._pass(window))

    def _listen(self, window: "_Window") -> None:
        if window is self._window:
            self._air.listen(self, window.freq_hz, window.dr)

    def _pass(self, window: "_Window") -> None:
        """A class A window comes to its end."""
        if window is self._window and not window.locked:
            self._close()
            self._hear(WindowClosed())

    def _close(self) -> None:
        if self._window is not None:
            self._window = None
            self._air.deafen(self)

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


class _Window:
    """A receive window, and whether a frame has been caught in it; of class C it has no end."""

    def __init__(self, action: OpenWindow, opens_us: int) -> None:
        self.symbol_us = _symbol_us(action.dr)
        self.freq_hz = action.freq_hz
        self.dr = action.dr
        self.symbols = action.symbols
        self.opens_us = opens_us
        self.closes_us = opens_us + (window_us(action) or 1 << 62)
        self.locked: OnAir | None = None


def window_us(window: OpenWindow) -> int:
    """How long a class A window that hears nothing stays open; 0 for one of class C, which has no end."""
    return window.symbols * _symbol_us(window.dr)


def _symbol_us(dr: int) -> int:
    sf, bw_hz = data_rate(dr)
    return _FSK_SYMBOL_US if sf == FSK else symbol_us(sf, bw_hz)
