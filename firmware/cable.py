"""The MAC of a wired node: the very same frames in envelopes, at once, without windows, data rate or duty cycle."""

from protocol.compat import const
from protocol.region import FULL

from .actions import OpenWindow, RadioTransmit
from .flight import Flight
from .mac import RX2, SENDING, Mac
from .session import Identity

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

    def _room_dr(self, dr: int) -> int:
        return _DR

    def _free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        return 0

    def _join_free_at(self, back_off: "JoinBackOff") -> int:
        return back_off.not_before_ms

    def _launch(self, out: list[object], flight: Flight, now_ms: int) -> None:
        flight.left -= 1
        self._flight = flight
        self._state = SENDING
        self._listening = False
        out.append(RadioTransmit(flight.phy_payload, 0, 0, 0))

    def _listen(self, out: list[object], flight: Flight, now_ms: int) -> None:
        self._state = RX2
        self._deadline = now_ms + _ANSWER_MS
        self._open_rx2(out, now_ms)

    def _open_rx2(self, out: list[object], now_ms: int) -> None:
        self._listening = True
        out.append(OpenWindow(now_ms, 0, 0, 0))

    def _use_plan(self, out: list[object], number: int) -> None:
        """A cable has no channels."""
