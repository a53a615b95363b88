"""The radio's part of the loop: sends when it is told, opens windows to the millisecond, and says what came of it.

Between two things that it does the radio sleeps. One that fails is started anew; what it was to do counts as done and
unheard, so that the MAC goes on: the frame is repeated, or the log is asked for it.
"""

from protocol.airtime import symbol_us
from protocol.compat import const, on_demand
from protocol.region import FSK, data_rate

from ..drivers.radio import CLOSED, FAILED, HEARD, PENDING, SENT
from ..events import FrameHeard, Transmitted, WindowClosed

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from ..actions import OpenWindow, RadioTransmit
    from ..drivers.radio import Radio
    from .clock import NodeClock
    from .hardware import Hardware

ANTENNA_DBI = const(2)  # of a quarter-wave whip: MACs count EIRP, drivers what leaves the socket

_REST = const(0)
_SENDING = const(1)
_WAITING = const(2)  # for a window to open
_LISTENING = const(3)
_ALWAYS = const(4)  # class C
_BROKEN = const(5)  # class C, and the radio does not listen

_PREPARE_MS = const(15)  # a TCXO takes 5, setting up 3
_WAKE_MS = const(5)  # before a frame is out: its interrupt is to find the node awake, which notes the time
_POLL_MS = const(5)
_LOOK_MS = const(100)  # class C, where no pin ends the wait
_MEND_MS = const(10_000)


class Station:
    """resume: the radio slept while the node did. looks: nothing wakes the node when the radio has something to say."""

    def __init__(
        self,
        hardware: "Hardware",
        clock: "NodeClock",
        radio: "Radio",
        resume: bool = False,
        antenna_dbi: int = ANTENNA_DBI,
        looks: bool = True,
    ) -> None:
        self._hw = hardware
        self._clock = clock
        self._radio = radio
        self._resume = resume
        self._antenna_dbi = antenna_dbi
        self._looks = looks
        self._started = False
        self._state = _REST
        self._window: "OpenWindow | None" = None
        self._begun_ms = 0
        self._due_ms = 0  # when there is something to be seen, at the soonest
        self._owed: object = None  # an event that waits for nothing
        self.failures = 0

    def transmit(self, action: "RadioTransmit", now_ms: int) -> None:
        """Send a frame at once."""
        sf, bw_hz = data_rate(action.dr)
        self._window = None
        try:
            if sf == FSK:
                raise ValueError("FSK")
            self._start()
            radio = self._radio
            power_dbm = action.power_dbm - self._antenna_dbi
            air_us = radio.prepare_transmit(action.phy_payload, action.freq_hz, sf, bw_hz, power_dbm)
            radio.go()
            self._begun_ms = self._clock.now_ms()
            self._due_ms = self._begun_ms + (air_us + 999) // 1000
            self._state = _SENDING
        except Exception as error:
            self._fail(error, Transmitted())

    def open(self, action: "OpenWindow", now_ms: int) -> None:
        """Listen, now or later."""
        self._stop()
        sf, _ = data_rate(action.dr)
        if sf == FSK:  # no driver of ours speaks it
            self._owed = WindowClosed() if action.symbols else None
            return
        self._window = action
        self._state = _WAITING
        self._due_ms = action.open_ms - _PREPARE_MS

    def close(self) -> None:
        """Listen no more."""
        self._stop()

    def poll(self, now_ms: int) -> tuple[object, int] | None:
        """What has happened, and when; None: nothing."""
        if self._owed is not None:
            event = self._owed
            self._owed = None
            return event, now_ms
        if self._state in (_WAITING, _BROKEN):
            if now_ms >= self._due_ms:
                self._listen()
            return None
        if self._state == _REST:
            return None
        try:
            return self._look(self._radio.poll(), now_ms)
        except Exception as error:
            self._fail(error, Transmitted() if self._state == _SENDING else WindowClosed())
            return None

    def next_ms(self, now_ms: int, awake: bool) -> int | None:
        """When `poll` is to be asked, at the latest; None: when its pin has risen, which ends a sleep, or never."""
        if self._owed is not None:
            return now_ms
        if self._state == _REST:
            return None
        if self._state == _ALWAYS:
            return now_ms + _LOOK_MS if self._looks or awake else None
        if self._state == _SENDING and now_ms < self._due_ms - _WAKE_MS:
            return self._due_ms - _WAKE_MS
        if now_ms < self._due_ms:
            return self._due_ms
        return now_ms + (1 if awake or self._state == _SENDING else _POLL_MS)  # awake, no pin ends the wait

    def idle(self) -> bool:
        """Whether it owes nothing and listens to nothing."""
        return self._state == _REST and self._owed is None

    def free_ms(self, now_ms: int) -> int:
        """How long nobody needs to look after the radio: what takes longer has to wait."""
        if self._state in (_WAITING, _LISTENING):
            return max(self._due_ms - now_ms - _POLL_MS, 0)
        if self._state == _SENDING:  # its end is noted by an interrupt, and the first window opens a second later
            return max(self._due_ms - now_ms, 0) + 500
        return 60_000

    def sleep(self) -> None:
        """Take next to nothing; also through deep sleep, as long as cs stays high."""
        if self._started:
            try:
                self._radio.sleep()
            except Exception as error:
                self._fail(error, None)

    @on_demand
    def check(self) -> str:
        """For the self-test: "" or what is wrong. The chip is set up anew for that."""
        self._started = self._resume = False
        try:
            self._start()
            found = self._radio.check()
            if self._state == _ALWAYS:  # it has stopped listening for that
                self._state = _WAITING
                self._due_ms = 0
            else:
                self._radio.sleep()
        except Exception as error:
            self._fail(error, None)
            return str(error)
        return found

    def _start(self) -> None:
        if not self._started:
            if not (self._resume and self._radio.resume()):
                self._radio.start()
            self._resume = False
            self._started = True

    def _stop(self) -> None:
        """Leave what it does. The radio stays awake: something is going to follow."""
        listened = self._state in (_LISTENING, _ALWAYS)
        self._state = _REST
        self._window = None
        if listened:
            try:
                self._radio.standby()
            except Exception as error:
                self._fail(error, None)

    def _listen(self) -> None:
        """Prepare, wait for the moment, and open."""
        window = self._window
        assert window is not None  # of these two states
        sf, bw_hz = data_rate(window.dr)
        try:
            self._start()
            self._radio.prepare_listen(window.freq_hz, sf, bw_hz, window.symbols)
            ahead_ms = window.open_ms - self._clock.now_ms()
            if 0 < ahead_ms <= 2 * _PREPARE_MS:
                self._hw.time.sleep_ms(ahead_ms)
            self._radio.go()
        except Exception as error:
            self._fail(error, WindowClosed() if window.symbols else None)
            return
        self._begun_ms = self._clock.now_ms()
        self._due_ms = self._begun_ms + window.symbols * symbol_us(sf, bw_hz) // 1000 + 1
        self._state = _LISTENING if window.symbols else _ALWAYS

    def _look(self, said: int, now_ms: int) -> tuple[object, int] | None:
        if said == PENDING:
            return None
        radio = self._radio
        if self._state == _SENDING:
            if said != SENT:
                self._fail(ValueError("not sent"), None)
            self._rest()
            return Transmitted(), self._sent_ms(now_ms)
        if said == HEARD:
            heard = FrameHeard(radio.payload(), radio.rssi_dbm, radio.snr_quarter_db)
            if self._state == _LISTENING:
                self._rest()
            return heard, now_ms
        if self._state == _ALWAYS and said != FAILED:
            return None  # noise; it listens on
        if said not in (CLOSED, FAILED):  # spoilt: as if nothing had come
            said = CLOSED
        event = WindowClosed() if self._state == _LISTENING else None
        if said == FAILED:
            self._fail(ValueError("deaf"), None)
        if event is None:
            return None
        self._rest()
        return event, now_ms

    def _sent_ms(self, now_ms: int) -> int:
        """When the last symbol left: the interrupt's time, or as reckoned when a sleep kept it from being noted."""
        sent_ms = self._clock.ms_of(self._radio.end_us)
        if self._due_ms - 20 <= sent_ms <= now_ms:
            return sent_ms
        return min(self._due_ms, now_ms)

    def _rest(self) -> None:
        self._state = _REST
        self._window = None
        self.sleep()

    @on_demand
    def _fail(self, error: Exception, event: object) -> None:
        """Note it, and begin anew with the next thing to do; class C tries again by itself."""
        self._hw.report("radio", error)
        self.failures += 1
        self._started = False
        self._resume = False
        self._owed = event
        window = self._window
        if window is not None and not window.symbols:
            self._state = _BROKEN
            self._due_ms = self._clock.now_ms() + _MEND_MS
        else:
            self._state = _REST
            self._window = None
