"""The MAC of a wired node: the very same frames in envelopes, at once, without windows, data rate or duty cycle."""

from protocol.compat import const
from protocol.region import FULL

from .actions import OpenWindow, RadioTransmit
from .flight import Flight
from .mac import Mac
from .session import Identity
from .windows import RX2, Windows

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .joining import JoinBackOff

_DR = const(5)  # among EU868's data rates the one that carries what the cable does: 222 bytes
_ANSWER_MS = const(2_000)  # what the gateway takes to commit a frame and answer: an SD card may stall for a second


class CableMac(Mac):
    """Like `Mac`, for a body with a cable: `RadioTransmit` and `OpenWindow` carry 0 for all that is the air's.

    It always listens; a flight is over when the network answered, or had the time to.
    """

    def __init__(self, identity: Identity, saved: dict[str, int | bytes] | None = None, image: bytes = b"") -> None:
        super().__init__(identity, FULL, saved, image, _DR, False, True)
        self._windows = _Line(self._talk, True, 0)

    def _room_dr(self, dr: int) -> int:
        return _DR

    def _free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        return 0

    def _join_free_at(self, back_off: "JoinBackOff") -> int:
        return back_off.not_before_ms

    def _launch(self, out: list[object], flight: Flight, now_ms: int) -> None:
        flight.left -= 1
        self._flight = flight
        self._windows.sending(0)
        out.append(RadioTransmit(flight.phy_payload, 0, 0, 0))

    def _use_plan(self, out: list[object], number: int) -> None:
        """A cable has no channels."""


class _Line(Windows):
    """A line is heard at any time; an answer is waited for as long as the gateway may take."""

    def transmitted(self, out: list[object], flight: Flight, now_ms: int) -> None:
        self.up_end_ms = now_ms
        self.state = RX2
        self.deadline = now_ms + _ANSWER_MS
        self._tune(out, now_ms)

    def _tune(self, out: list[object], now_ms: int) -> None:
        self.tuned = True
        out.append(OpenWindow(now_ms, 0, 0, 0))
