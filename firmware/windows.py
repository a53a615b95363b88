"""When a node listens: the windows of class A and class C after a transmission, and between two, as a state machine.

Each transmission is followed by two windows (TS001-1.0.4 §3.3), and what answers it in one of them makes the next one
needless. A class C node listens with RX2's settings whenever it neither sends nor waits in RX1. What a frame says, and
whether it answers, `mac.py` knows: here a window brought the answer, or it did not.

| state | hears | does | next |
|---|---|---|---|
| IDLE | anything, and a frame is due | builds or repeats it: counter and airtime persisted, `RadioTransmit` | SENDING |
| SENDING | `Transmitted` | class A: `OpenWindow` RX1 | RX1 |
| | | class C: listens with RX2's settings until RX1 | EARLY |
| EARLY | `Woke` just before RX1 | `OpenWindow` RX1 | RX1 |
| RX1 | authentic `FrameHeard` | obeys it; flight over or repeated | IDLE |
| RX1 | any other, `WindowClosed` | `OpenWindow` RX2 | RX2 |
| RX2 | authentic `FrameHeard` | obeys it; flight over or repeated | IDLE |
| RX2 | `WindowClosed`; class C: `Woke` after the longest answer | flight over or repeated | IDLE |
| any that listens (class C) | authentic `FrameHeard`, to it or its groups | obeys it | the same |
"""

from protocol.compat import const
from protocol.region import DATA_RATES, JOIN_ACCEPT_DELAY1_S, RX2_DR, RX2_FREQ_HZ

from .actions import OpenWindow
from .dialogue import Dialogue
from .flight import LONGEST_MS, Flight, windows

IDLE = const(0)  # the states of the table above
SENDING = const(1)
EARLY = const(2)
RX1 = const(3)
RX2 = const(4)

_LEAD_MS = const(50)  # a class C radio turns to RX1 so much before


class Windows:
    """state: of the table. deadline: when `Woke` is due while it is not IDLE; None while the body owes an event.

    tuned: a class C radio listens with RX2's settings. up_end_ms: when the last transmission was over. What is asked
    with a flight returns whether its last window has passed.
    """

    def __init__(self, talk: Dialogue, class_c: bool, clock_ppm: int) -> None:
        self._talk = talk
        self._class_c = class_c
        self._clock_ppm = clock_ppm
        self.state = IDLE
        self.deadline: int | None = None
        self.up_end_ms = 0
        self._down_hz = 0
        self.changed()

    def changed(self) -> None:
        """The network changed when and how to listen: a class C radio has to be tuned anew."""
        self._known: list[tuple[int, int, int, int, int, int, int] | None] = [None] * len(DATA_RATES)
        self.tuned = False

    def between(self, out: list[object], now_ms: int) -> None:
        """Nothing flies, or nothing of it is due: a class C node listens."""
        if self._class_c and not self.tuned and self.state == IDLE and self._talk.session is not None:
            self._tune(out, now_ms)

    def sending(self, down_hz: int) -> None:
        """A transmission begins; RX1 will be at *down_hz*."""
        self.state = SENDING
        self.tuned = False
        self._down_hz = down_hz

    def transmitted(self, out: list[object], flight: Flight, now_ms: int) -> None:
        """The frame is out: wait for its first window."""
        self.up_end_ms = now_ms
        if self._class_c and self._talk.session is not None:
            self._tune(out, now_ms)
            self.state = EARLY
            self.deadline = now_ms + self._of(flight)[2] - _LEAD_MS
        else:
            self._open_rx1(out, flight)

    def woke(self, out: list[object], flight: Flight, now_ms: int) -> bool:
        """Time has passed, perhaps enough."""
        if self.deadline is None or self.deadline > now_ms:
            return False
        if self.state == EARLY:
            self._open_rx1(out, flight)
            return False
        return True

    def closed(self, out: list[object], flight: Flight, now_ms: int) -> bool:
        """A window is over, and nothing in it answered the flight."""
        if self.state == RX1:
            return self._after_rx1(out, flight, now_ms)
        return self.state == RX2 and not self.tuned

    def over(self) -> None:
        """The windows of a transmission have passed, or are not needed any more."""
        self.state = IDLE
        self.deadline = None

    def _open_rx1(self, out: list[object], flight: Flight) -> None:
        dr, symbols, after_ms, _, _, _, _ = self._of(flight)
        self.state = RX1
        self.deadline = None
        self.tuned = False
        out.append(OpenWindow(self.up_end_ms + after_ms, self._down_hz, dr, symbols))

    def _after_rx1(self, out: list[object], flight: Flight, now_ms: int) -> bool:
        """Go on to RX2, unless a foreign frame lasted longer than that."""
        _, _, _, freq_hz, dr, symbols, after_ms = self._of(flight)
        self.state = RX2
        if self._class_c and not flight.join:
            self.deadline = self.up_end_ms + after_ms + LONGEST_MS[dr]
            self._tune(out, now_ms)
        elif now_ms > self.up_end_ms + after_ms:
            return True
        else:
            out.append(OpenWindow(self.up_end_ms + after_ms, freq_hz, dr, symbols))
        return False

    def _tune(self, out: list[object], now_ms: int) -> None:
        """Class C: listen until something else is to be done."""
        session = self._talk.session
        assert session is not None
        self.tuned = True
        out.append(OpenWindow(now_ms, session.rx2_freq_hz, session.rx2_dr, 0))

    def _of(self, flight: Flight) -> tuple[int, int, int, int, int, int, int]:
        """What `windows` gives for this flight; made once for each data rate."""
        session = self._talk.session
        if flight.join or session is None:
            return windows(flight.dr, 0, JOIN_ACCEPT_DELAY1_S, RX2_FREQ_HZ, RX2_DR, self._clock_ppm)
        known = self._known[flight.dr]
        if known is None:
            known = self._known[flight.dr] = windows(
                flight.dr,
                session.rx1_dr_offset,
                session.rx_delay_s,
                session.rx2_freq_hz,
                session.rx2_dr,
                self._clock_ppm,
            )
        return known
