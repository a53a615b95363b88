"""One parking bay below an ultrasonic or radar sensor: taken when something stands nearer than the ground."""

import struct

from protocol.compat import const

from .verdict import CAME, NOTHING, WENT

_TAKEN_DISTANCE_CM = const(18)  # number of `protocol/settings.py`
_AGREE = const(3)  # samples in a row: people and doors pass through the beam
_HYSTERESIS = const(10)  # a tenth beyond the limit, so that a roof at the limit does not flicker
_IMAGE = "<BIHI"
_UNKNOWN = const(2)


class DistanceDetector:
    """taken_cm: what is nearer is a car. image: what `image` returned before the deep sleep."""

    def __init__(self, taken_cm: int, image: bytes = b"") -> None:
        self.changed_s = 0
        self._taken_cm = taken_cm
        self._occupied: bool | None = None
        self._cm = 0
        self._others = 0  # samples in a row that contradict
        self._since_s = 0  # the first of them
        if image:
            state, self.changed_s, self._cm, self._since_s = struct.unpack(_IMAGE, image)
            self._occupied = None if state & 3 == _UNKNOWN else bool(state & 3)
            self._others = state >> 2

    def occupied(self) -> bool | None:
        """None before the first three samples."""
        return self._occupied

    def moving(self) -> bool:
        """Never: faster samples would take a passer-by for a car."""
        return False

    def nudge(self, now_s: int) -> None:
        """No such sensor wakes its node."""

    def sample(self, seen: int, temperature_dcel: int | None, now_s: int) -> int:
        """Take a distance in cm; returns what it revealed, as numbered in `verdict.py`."""
        self._cm = seen
        limit = self._taken_cm + self._taken_cm // _HYSTERESIS if self._occupied else self._taken_cm
        if (seen < limit) == self._occupied:
            self._others = 0
            return NOTHING
        if self._others == 0:
            self._since_s = now_s
        self._others += 1
        if self._others < _AGREE:
            return NOTHING
        self._others = 0
        first = self._occupied is None
        self._occupied = seen < limit
        self.changed_s = self._since_s
        if first:
            return NOTHING
        return CAME if self._occupied else WENT

    def measure(self) -> int:
        """The last distance in cm."""
        return self._cm

    def configure(self, setting: int, value: int) -> bool:
        """Take over the limit."""
        if setting == _TAKEN_DISTANCE_CM:
            self._taken_cm = value
            return True
        return False

    def kept(self) -> bytes:
        """The ground does not move: nothing."""
        return b""

    def image(self) -> bytes:
        """All of it."""
        state = _UNKNOWN if self._occupied is None else int(self._occupied)
        return struct.pack(_IMAGE, state | self._others << 2, self.changed_s, self._cm, self._since_s)
