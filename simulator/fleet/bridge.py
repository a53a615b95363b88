"""The body of a USB radio bridge: it gives the real bridge's core a radio in the air and a cable to its gateway."""

from collections.abc import Callable
from functools import partial

from firmware.events import Woke
from firmware.roles.bridge import Bridge, Emit, Emitted, FrameReceived, Listen, Tell
from protocol.envelope import Message
from protocol.region import dr_of, frame_airtime_us
from simulator.air.interface import Air, OnAir, Reception
from simulator.fleet.clock import NodeClock
from simulator.timeline import Timeline

_ANTENNA_DB = 2  # what EIRP is above the radio's power, with the antenna that the bridge's core reckons with
_WOKE = Woke()


class BridgeBody:
    """One run of a bridge, from its power-up on. name: of the gateway whose antenna this is.

    tell: takes what the bridge says up the cable; `say` is the cable's other end. The air has it attached as a station
    of kind BRIDGE with `hear`. ppm: what the bridge's own clock gains.
    """

    __slots__ = ("_air", "_alarm_us", "_clock", "_core", "_emitting", "_on", "_tell", "_timeline", "listens", "name")

    def __init__(
        self, name: str, core: Bridge, timeline: Timeline, air: Air, tell: Callable[[Message], None], ppm: int = 0
    ) -> None:
        self.name = name
        self.listens: tuple[int, int] | None = None  # frequency in Hz and data rate
        self._core = core
        self._timeline = timeline
        self._air = air
        self._tell = tell
        self._clock = NodeClock(timeline.now_us, 0, ppm)
        self._alarm_us: int | None = None
        self._emitting = False
        self._on = True
        self._hear(_WOKE)

    def off(self) -> None:
        """Its power, which comes by the cable, is gone."""
        self._on = False

    def say(self, message: Message) -> None:
        """The gateway says something."""
        self._hear(message)

    def hear(self, frame: OnAir, reception: Reception) -> None:
        """A frame arrived whole, and ends now."""
        if self._emitting:
            return
        end_us = self._clock.wake(self._timeline.now_us)
        rssi_dbm, snr_qdb = round(reception.rssi_dbm), round(4 * reception.snr_db)
        self._hear(FrameReceived(end_us, rssi_dbm, snr_qdb, True, frame.phy_payload))

    def _hear(self, event: object) -> None:
        if not self._on:
            return
        for action in self._core.handle(event, self._clock.wake(self._timeline.now_us)):
            if isinstance(action, Tell):
                self._tell(action.content)
            elif isinstance(action, Emit):
                start_us = self._clock.when_us(action.start_us)
                self._timeline.at(start_us, partial(self._emit, action.order, action.start_us))
            elif isinstance(action, Listen):
                self.listens = action.freq_hz, action.dr
            else:
                raise TypeError(f"{self.name}: a bridge cannot {type(action).__name__}")
        self._set_alarm()

    def _emit(self, order: Message, started_us: int) -> None:
        if not self._on:
            return
        dr = dr_of(order.sf, order.bw_hz)
        self._emitting = True
        self._air.emit(self.name, order.phy_payload, order.freq_hz, dr, order.power_dbm + _ANTENNA_DB)
        airtime_us = frame_airtime_us(dr, len(order.phy_payload), uplink=not order.iq_inverted)
        end_us = self._timeline.now_us + airtime_us
        self._timeline.at(end_us, lambda: self._emitted(started_us, order.power_dbm))

    def _emitted(self, started_us: int, power_dbm: int) -> None:
        self._emitting = False
        self._hear(Emitted(started_us, power_dbm))

    def _set_alarm(self) -> None:
        wake_us = self._core.wake_at()
        if wake_us is None:
            return
        alarm_us = self._clock.when_us(wake_us)
        if self._alarm_us is None or alarm_us < self._alarm_us:
            self._alarm_us = alarm_us
            self._timeline.at(alarm_us, lambda: self._ring(alarm_us))

    def _ring(self, alarm_us: int) -> None:
        if alarm_us == self._alarm_us:  # else an earlier alarm took its place
            self._alarm_us = None
            self._hear(_WOKE)
