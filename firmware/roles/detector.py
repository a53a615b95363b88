"""Whether a car stands in a bay, judged from a magnetometer's steps or from a distance.

A magnetometer feels its own bay's car, the neighbours', passing trucks, trams, its own temperature and what each car
leaves magnetised behind. Absolute levels drift by as much as a weak car; *steps* do not. So `FieldDetector` is a state
machine over steps:

    state    event                              next     action
    NEW      the field has settled              STILL    take it for the empty bay (or compare with the stored one)
    STILL    a sample like the level            STILL    the level follows it slowly: drift
    STILL    a sample that differs              MOVING   remember the level before; sample fast
    MOVING   samples still differ               MOVING   remember the greatest swing; a truck's ends here without a step
    MOVING   the field has settled, or too long STILL    judge the step from the level before to the level now

Judging a step. The empty bay's field is `level - car`; with no car, `car` is zero.

- Free: a step of `taken` or more is a car. So is a smaller one when the swing on its way was one that only a car above
  the sensor makes: cars at rest can cancel out, cars that move cannot. Any other step is the neighbour's, a tram's, a
  van's beside the bay: the level moves, nothing happened.
- Occupied: a step that ends near the empty bay's field (within `left`, or within half of the car's own field) is a
  departure. Any other big swing is this car that moved, or was swapped: `car` takes the step. Small ones are the
  street's: level and empty bay move together.

Because drift moves the level only, the empty bay's field follows it under a parked car, too. Temperature enters where
drift cannot be followed: after a power cut, against the stored field of the empty bay. Its slope is learned from how
the level moves with it; steps in between are taken out.

All fields are in tenths of a µT, temperatures in tenths of a degree, times in seconds; levels are kept in sixteenths.
"""

import struct

from protocol.compat import const

TAKEN = const(150)  # defaults of the thresholds, tuned on seeds 1..50 of simulator/magnetics.py
LEFT = const(50)
SWING = const(180)
ANY = -138
UNSEEN = 50
HOME2 = 2400
SURE = 20
MOST = 80
CAP = 60
SHIFT = 40

FAST_S = const(1)  # between samples while something moves

_SCALE = const(16)
_WINDOW = 6  # samples that must agree: a truck that passes in 10 s never holds still so long
_MOVE = const(15)  # L1 distance from the level that starts an episode, beyond what noise explains
_AGREE = const(20)  # spread of each axis in a settled window, beyond what noise explains
_FAINT = const(12)
_WEAK = const(25)  # the least step that is ever a car
_EMPTY = const(15)  # so near to the empty bay's field, a weak car needs no swing to be gone
_HOME_S = const(28800)
_MOST_REST = const(200)  # a strong car's departure may leave half of its field, but no more than this
_PATIENCE_S = const(120)  # then judge anyway: beside roadworks nothing ever settles
_OWN_S = const(60)  # doors, people and luggage: steps so soon after a change are the car's own
_LIMIT = const(10_000)  # 1 mT; steps beyond it count as it, so that squares stay small ints
_SLOPE = const(256)  # slopes are in 1/256 of a tenth of a µT for a tenth of a degree
_MOST_SLOPE = const(128)  # 0.5 µT/K: ten times what sensors do
_LEARN = const(40)  # tenths of a degree between two looks at the slope
_REFERENCE = const(200)  # tenths of a degree at which compensated fields are given
_MOST_NOISE = const(400)

_IMAGE = "<B3i3h3h3ihhHHI"
IMAGE_LEN = const(51)
_STORED = "<3h3h"
STORED_LEN = const(12)  # of the empty bay's field and the slopes, for flash

_NEW = const(0)
_STILL = const(1)
_MOVING = const(2)


class FieldDetector:
    """One bay over one three-axis magnetometer.

    taken, left, swing: thresholds, may be set at any time. image: what `image` returned; stored: what `stored` did.
    occupied: None until the bay is known. changed_s: when what made it so began. deviation: from the empty bay's
    field, of the last sample.
    """

    def __init__(self, image: bytes = b"", stored: bytes = b"") -> None:
        self.taken = TAKEN
        self.left = LEFT
        self.swing = SWING
        self.occupied: bool | None = None
        self.changed_s = 0
        self._state = _NEW
        self._level = [0, 0, 0]  # sixteenths, compensated
        self._car = [0, 0, 0]
        self._away = [0, 0, 0]
        self._judged_s = 0
        self._belief = 0
        self._slopes = [0, 0, 0]
        self._anchor = [0, 0, 0]  # the level when the slope was last looked at, moved by every step since
        self._anchor_t: int | None = None
        self._last_t = _REFERENCE
        self._noise = 0  # mean L1 distance of samples from the level, sixteenths
        self._since_s = 0
        self._peak = 0  # the greatest swing of this episode, squared
        self._window: list[tuple[int, int, int]] = []
        self._seen = (0, 0, 0)
        self._empty: tuple[int, int, int] | None = None
        if len(image) == IMAGE_LEN:
            self._wake_from(image)
        elif len(stored) == STORED_LEN:
            items = struct.unpack(_STORED, stored)
            self._empty = (items[0], items[1], items[2])
            self._slopes = list(items[3:6])

    @property
    def moving(self) -> bool:
        """Whether samples are wanted every FAST_S seconds."""
        return self._state != _STILL

    def deviation(self) -> int | None:
        """How far the last sample is from the empty bay's field; None before that is known."""
        if self.occupied is None:
            return None
        return root(_square([seen - empty for seen, empty in zip(self._seen, self._empty_field())]))

    def nudge(self, now_s: int) -> None:
        """The sensor's own threshold woke the node: look closely."""
        if self._state == _STILL:
            self._begin(now_s)

    def sample(self, x: int, y: int, z: int, temperature: int | None, now_s: int) -> bool:
        """Take one sample; returns whether `occupied` changed (from None, too)."""
        if temperature is not None:
            self._last_t = temperature
        above = self._last_t - _REFERENCE
        slopes = self._slopes
        x -= slopes[0] * above // _SLOPE
        y -= slopes[1] * above // _SLOPE
        z -= slopes[2] * above // _SLOPE
        self._seen = (x, y, z)
        if self._state == _STILL:
            level = self._level
            dx = x * _SCALE - level[0]
            dy = y * _SCALE - level[1]
            dz = z * _SCALE - level[2]
            away = abs(dx) + abs(dy) + abs(dz)
            if away <= _MOVE * _SCALE + self._noise * 5 // 2:
                level[0] += dx // _SCALE
                level[1] += dy // _SCALE
                level[2] += dz // _SCALE
                self._noise += (away - self._noise) // 64
                self._learn()
                return False
            self._begin(now_s)
        return self._watch(x, y, z, now_s)

    def image(self) -> bytes:
        """What must survive a deep sleep; an episode that runs goes on after it."""
        return struct.pack(
            _IMAGE,
            self._state
            | (0 if self.occupied is None else 8 if self.occupied else 4)
            | (self._anchor_t is not None) << 4,
            *self._level,
            *self._car,
            *self._slopes,
            *self._anchor,
            self._anchor_t or 0,
            self._last_t,
            self._noise,
            root(self._peak),
            self.changed_s & 0xFFFFFFFF,
        )

    def stored(self) -> bytes:
        """The empty bay's field and the slopes, for flash; b"" before the bay is known."""
        if self.occupied is None:
            return b""
        return struct.pack(_STORED, *[_clamp(value, 0x7FFF) for value in self._empty_field()], *self._slopes)

    def _wake_from(self, image: bytes) -> None:
        items = struct.unpack(_IMAGE, image)
        self._state = items[0] & 3
        self.occupied = None if not items[0] & 12 else bool(items[0] & 8)
        self._level = list(items[1:4])
        self._car = list(items[4:7])
        self._slopes = list(items[7:10])
        self._anchor = list(items[10:13])
        self._anchor_t = items[13] if items[0] & 16 else None
        self._last_t = items[14]
        self._noise = items[15]
        self._peak = items[16] * items[16]
        self.changed_s = self._since_s = items[17]
        self._seen = (self._level[0] // _SCALE, self._level[1] // _SCALE, self._level[2] // _SCALE)

    def _begin(self, now_s: int) -> None:
        self._state = _MOVING
        self._since_s = now_s
        self._peak = 0
        self._window = []

    def _watch(self, x: int, y: int, z: int, now_s: int) -> bool:
        """One sample of an episode, or of the first look at the bay."""
        window = self._window
        if not window and self._state == _NEW:
            self._since_s = now_s
        window.append((x, y, z))
        if len(window) > _WINDOW:
            window.pop(0)
        if self._state == _MOVING:
            level = self._level
            swing = _square((x - level[0] // _SCALE, y - level[1] // _SCALE, z - level[2] // _SCALE))
            self._peak = max(self._peak, swing)
        if len(window) < _WINDOW:
            return False
        if not self._settled():
            if now_s - self._since_s < _PATIENCE_S:
                return False
            # So much of it is noise here: wait less for silence next time.
            self._noise = min(self._noise + self._noise // 2 + _SCALE, _MOST_NOISE * _SCALE)
        here = [sum([sample[axis] for sample in window]) * _SCALE // len(window) for axis in range(3)]
        self._window = []
        first = self._state == _NEW
        self._state = _STILL
        return self._start(here, now_s) if first else self._judge(here, now_s)

    def _settled(self) -> bool:
        allowed = _AGREE + self._noise * 2 // _SCALE
        for axis in range(3):
            values = [sample[axis] for sample in self._window]
            if max(values) - min(values) > allowed:
                return False
        return True

    def _start(self, here: list[int], now_s: int) -> bool:
        """The first settled field: the empty bay's, unless the stored one says otherwise."""
        self._level = here
        self._anchor_t = None
        self.occupied = False
        self._belief = -MOST
        if self._empty is not None:
            step = [(new - empty * _SCALE) // _SCALE for new, empty in zip(here, self._empty)]
            if _square(step) >= self.taken * self.taken:
                self.occupied = True
                self._car = step
        self.changed_s = now_s
        return True

    def _judge(self, here: list[int], now_s: int) -> bool:
        """What the step from the level before the episode to *here* means."""
        step = [(new - old) // _SCALE for new, old in zip(here, self._level)]
        for axis in range(3):
            self._anchor[axis] += here[axis] - self._level[axis]
        self._level = here
        if self._belief < -SURE:
            self._settle_home(now_s)
        self._judged_s = now_s
        was = _square(self._away)
        self._away = [away + moved for away, moved in zip(self._away, step)]
        size = _square(step)
        rest = [mine + moved for mine, moved in zip(self._car, step)]
        swung = self._peak >= self.swing * self.swing
        far = _square(self._away) // HOME2
        before = _square([away - mine for away, mine in zip(self._away, rest)]) // HOME2
        strong = self._peak >= 2 * self.swing * self.swing
        other = self._other(size) - (0 if not swung else 90 if strong else 45)
        unseen = 0 if swung else UNSEEN
        came = ANY - unseen
        if swung and size < _WEAK * _WEAK:
            came -= 10 if strong else 40
        went = self._belief + self._near(_square(rest)) - unseen + max(-CAP, min(CAP, before - far))
        stood = self._belief + (max(other, ANY - SHIFT) if swung else other)
        left = max(other, went)
        if came > stood:
            self._car = step
        elif swung or now_s - self.changed_s < _OWN_S:
            self._car = [_clamp(value, _LIMIT) for value in rest]
        self._belief = _clamp(max(came, stood) - left, MOST)
        if self.occupied == (self._belief > 0):
            return False
        self.occupied = not self.occupied
        self.changed_s = self._since_s
        return True

    def _other(self, size: int) -> int:
        if size < 130*130:
            return -89
        if size < 260*260:
            return -140
        return -220

    def _near(self, rest: int) -> int:
        return max(-76 - rest // 500, -139 - rest // 4500)

    def _settle_home(self, now_s: int) -> None:
        """Draw the home field towards where the free bay's level stood since the last judgement."""
        seconds = min(now_s - self._judged_s, 3600)
        for axis in range(3):
            self._away[axis] -= self._away[axis] * seconds // _HOME_S

    def _learn(self) -> None:
        """Correct the slopes by a quarter of what the last few degrees of drift show."""
        if self._anchor_t is None:
            self._anchor_t = self._last_t
            self._anchor = list(self._level)
            return
        warmer = self._last_t - self._anchor_t
        if -_LEARN < warmer < _LEARN:
            return
        above = self._last_t - _REFERENCE
        for axis in range(3):
            drift = self._level[axis] - self._anchor[axis]
            slope = self._slopes[axis] + drift * _SLOPE // (warmer * _SCALE * 4)
            slope = _clamp(slope, _MOST_SLOPE)
            # The same raw field reads differently with the new slope; the level moves with it.
            self._level[axis] -= (slope - self._slopes[axis]) * above * _SCALE // _SLOPE
            self._slopes[axis] = slope
        self._anchor_t = self._last_t
        self._anchor = list(self._level)

    def _empty_field(self) -> list[int]:
        return [level // _SCALE - car for level, car in zip(self._level, self._car)]


def root(square: int) -> int:
    """The integer square root, by Newton's steps."""
    if square < 2:
        return square
    guess = square
    better = (square + 1) // 2
    while better < guess:
        guess = better
        better = (guess + square // guess) // 2
    return guess


def _square(step: "list[int] | tuple[int, int, int]") -> int:
    """The squared length of a step whose parts count as 1 mT at most: 31 bits suffice."""
    total = 0
    for part in step:
        part = min(abs(part), _LIMIT)
        total += part * part
    return total


def _clamp(value: int, limit: int) -> int:
    return max(-limit, min(limit, value))
