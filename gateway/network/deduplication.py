"""Copies of one frame, heard by several radios within a moment, become one frame with all its receptions."""

from collections import deque

from gateway.links.link import Received

# More frames than the busiest concentrators of a town bring in a window, and what a batch of a benchmark does; each
# takes under 1 kB. Beyond that a frame is refused, counted, and repeated by its node later.
MAX_WAITING = 4_096
# Of one DevAddr, or one DevEUI that asks to join: whoever forges frames of one device keeps only that one from a place.
# More than a thousand frames a second come from no device, and few devices share a DevAddr.
MAX_OF_ONE = 256
MAX_COPIES = 8  # the best radios are among the first to be heard; more would only lengthen what an uplink carries

_NOTHING = -1000.0  # dB and dBm of a link that measures none


class Frame:
    """A frame whose copies are waited for, each with when it came: the first one at first_ms, the last by closes_ms."""

    __slots__ = ("closes_ms", "copies", "first_ms", "sender")

    def __init__(self, received: Received, now_ms: int, closes_ms: int, sender: int | bytes = 0) -> None:
        self.sender = sender
        self.copies = [(received, now_ms)]
        self.first_ms = now_ms
        self.closes_ms = closes_ms

    def join(self, received: Received, now_ms: int) -> None:
        """Another copy."""
        if len(self.copies) < MAX_COPIES:
            self.copies.append((received, now_ms))

    def best_first(self) -> list[tuple[Received, int]]:
        """The copies by SNR, then RSSI, then in the order they came."""
        if len(self.copies) > 1:
            self.copies.sort(key=_quality, reverse=True)
        return self.copies


class Deduplication:
    """Frames by their bytes, for *window_ms* from the first copy on."""

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._frames: dict[bytes, Frame] = {}
        self._of_one: dict[int | bytes, int] = {}  # how many of each sender
        self._order: deque[Frame] = deque()  # by closes_ms, since every window is as long

    def again(self, received: Received, now_ms: int) -> bool:
        """Take a copy of a frame that waits, which needs no second look; False for what is none.

        A copy comes at the data rate that the frame was sent at.
        """
        frame = self._frames.get(received.phy_payload)
        if frame is None or received.dr != frame.copies[0][0].dr:
            return False
        frame.join(received, now_ms)
        return True

    def add(self, received: Received, now_ms: int, sender: int | bytes) -> bool:
        """Take a frame or a copy of one; whether there was room. sender: the DevAddr or DevEUI that it names."""
        frame = self._frames.get(received.phy_payload)
        if frame is not None:
            frame.join(received, now_ms)
            return True
        of_one = self._of_one.get(sender, 0)
        if len(self._order) >= MAX_WAITING or of_one >= MAX_OF_ONE:
            return False
        self._of_one[sender] = of_one + 1
        frame = Frame(received, now_ms, now_ms + self._window_ms, sender)
        self._frames[received.phy_payload] = frame
        self._order.append(frame)
        return True

    def closes_at(self) -> int | None:
        """When the next window ends."""
        return self._order[0].closes_ms if self._order else None

    def closed(self, now_ms: int) -> Frame | None:
        """A frame whose window is over, the oldest first; it is forgotten here."""
        if not self._order or self._order[0].closes_ms > now_ms:
            return None
        frame = self._order.popleft()
        left = self._of_one.pop(frame.sender) - 1
        if left:
            self._of_one[frame.sender] = left
        del self._frames[frame.copies[0][0].phy_payload]
        return frame


def _quality(copy: tuple[Received, int]) -> tuple[float, float]:
    received = copy[0]
    snr_db, rssi_dbm = received.snr_db, received.rssi_dbm
    return (_NOTHING if snr_db is None else snr_db, _NOTHING if rssi_dbm is None else rssi_dbm)
