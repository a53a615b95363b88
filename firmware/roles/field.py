"""One parking bay over one three-axis magnetometer: follows the field's level and finds the episodes in which it moves.

A magnetometer feels its own bay's car, the neighbours', passing trucks, trams, its own temperature and what each car
leaves magnetised behind. Absolute levels drift by as much as a weak car; *steps* do not:

    state    event                              next     action
    NEW      the field has settled              STILL    take it for the empty bay's, or compare with the stored one
    STILL    a sample like the level            STILL    the level follows it slowly: drift
    STILL    a sample that differs              MOVING   remember the level before; want fast samples
    MOVING   samples still differ               MOVING   remember the greatest swing; a truck's ends without a step
    MOVING   the field has settled, or too long STILL    judge the step from the level before (`verdict.py`)

Because drift moves the level only, the empty bay's field follows it under a parked car, too. Temperature enters where
drift cannot be followed: after a power cut, against the stored field of the empty bay. Its slope is learned from how
the level moves with it; steps in between are taken out.

Fields are in tenths of a µT, temperatures in tenths of a degree, times in seconds; levels are kept in sixteenths.
"""

import struct

from protocol.compat import const, on_demand

from .verdict import NOTHING, Verdict, length

_TAKEN_FIELD_DUT = const(15)  # numbers of `protocol/settings.py`
_LEFT_FIELD_DUT = const(16)
_SWING_FIELD_DUT = const(17)

_SCALE = const(16)
_WINDOW = const(10)  # samples that must agree: a truck that passes in 10 s never holds still so long
_MOVE_DUT = const(15)  # L1 distance from the level that starts an episode, beyond what noise explains
_AGREE_DUT = const(20)  # spread of each axis in a settled window, beyond what noise explains
_PATIENCE_S = const(120)  # then judge anyway: beside roadworks nothing ever settles
_SLOPE = const(256)  # slopes are in 1/256 of a tenth of a µT for a tenth of a degree
_MOST_SLOPE = const(128)  # 0.5 µT/K: five times what sensors do
_LEARN_DCEL = const(40)  # between two looks at the slope
_REFERENCE_DCEL = const(200)  # at which compensated fields are given
_MOST_NOISE_DUT = const(400)

_IMAGE = "<BhIIH3i3h3h3h3ihhHH"
_KEPT = "<3h3h"  # of the empty bay's field and the slopes, for flash
_KNOWN = const(4)  # flags beside the state
_ANCHORED = const(8)

_NEW = const(0)
_STILL = const(1)
_MOVING = const(2)


class FieldDetector:
    """verdict: the one to judge its steps. kept, image: what these returned before a power cut, or a deep sleep."""

    def __init__(self, verdict: Verdict, kept: bytes = b"", image: bytes = b"") -> None:
        self._verdict = verdict
        self._known = False  # the field has settled once
        self._state = _NEW
        self._level = [0, 0, 0]  # sixteenths, compensated
        self._slopes = [0, 0, 0]
        self._anchor = [0, 0, 0]  # the level when the slope was last looked at, moved by every step since
        self._anchor_dcel: int | None = None
        self._last_dcel = _REFERENCE_DCEL
        self._noise = 0  # mean L1 distance of samples from the level, sixteenths
        self._since_s = 0
        self._swing_dut = 0  # the greatest of this episode
        self._window: list[tuple[int, int, int]] = []
        self._seen = (0, 0, 0)
        self._empty: tuple[int, ...] | None = None
        if image:
            self._restore(image)
        elif len(kept) == struct.calcsize(_KEPT):
            items = struct.unpack(_KEPT, kept)
            self._empty = items[:3]
            self._slopes = list(items[3:])

    @property
    def changed_s(self) -> int:
        """Since when the bay is as it is."""
        return self._verdict.changed_s

    def occupied(self) -> bool | None:
        """None before the field has settled once."""
        return self._verdict.occupied() if self._known else None

    def moving(self) -> bool:
        """Whether samples are wanted every FAST_S seconds."""
        return self._state != _STILL

    def nudge(self, now_s: int) -> None:
        """The sensor itself saw the field move: look closely, whatever the next sample says."""
        if self._state == _STILL:
            self._begin(now_s)

    def sample(self, seen: tuple[int, int, int], temperature_dcel: int | None, now_s: int) -> int:
        """Take one sample; returns what it revealed, as numbered in `verdict.py`."""
        if temperature_dcel is not None:
            self._last_dcel = temperature_dcel
        # The field as it would be at the reference temperature.
        above = self._last_dcel - _REFERENCE_DCEL
        slopes = self._slopes
        x = seen[0] - slopes[0] * above // _SLOPE
        y = seen[1] - slopes[1] * above // _SLOPE
        z = seen[2] - slopes[2] * above // _SLOPE
        self._seen = (x, y, z)
        if self._state == _STILL:
            level = self._level
            dx = x * _SCALE - level[0]
            dy = y * _SCALE - level[1]
            dz = z * _SCALE - level[2]
            distance = abs(dx) + abs(dy) + abs(dz)
            if distance <= _MOVE_DUT * _SCALE + self._noise * 5 // 2:
                level[0] += dx // _SCALE
                level[1] += dy // _SCALE
                level[2] += dz // _SCALE
                self._noise += (distance - self._noise) // 64
                self._learn_slopes()
                return NOTHING
            self._begin(now_s)
        return self._watch(now_s)

    def measure(self) -> int:
        """How far the last sample is from the empty bay's field."""
        return length([seen - empty for seen, empty in zip(self._seen, self._empty_field())])

    @on_demand
    def configure(self, setting: int, value: int) -> bool:
        """Take over a threshold."""
        verdict = self._verdict
        if setting == _TAKEN_FIELD_DUT:
            verdict.taken_dut = value
        elif setting == _LEFT_FIELD_DUT:
            verdict.left_dut = value
        elif setting == _SWING_FIELD_DUT:
            verdict.swing_dut = value
        else:
            return False
        return True

    def kept(self) -> bytes:
        """The empty bay's field and the slopes, for flash; b"" before the bay is known."""
        if not self._known:
            return b""
        return struct.pack(_KEPT, *[max(-32768, min(32767, value)) for value in self._empty_field()], *self._slopes)

    def image(self) -> bytes:
        """What must survive a deep sleep; an episode that runs goes on after it."""
        verdict = self._verdict
        return struct.pack(
            _IMAGE,
            self._state | (_KNOWN if self._known else 0) | (0 if self._anchor_dcel is None else _ANCHORED),
            verdict.belief,
            verdict.judged_s,
            verdict.changed_s,
            verdict.shown_dut,
            *self._level,
            *verdict.car,
            *verdict.away,
            *self._slopes,
            *self._anchor,
            self._anchor_dcel or 0,
            self._last_dcel,
            self._noise,
            self._swing_dut,
        )

    def _restore(self, image: bytes) -> None:
        items = struct.unpack(_IMAGE, image)
        verdict = self._verdict
        self._state = items[0] & 3
        self._known = bool(items[0] & _KNOWN)
        verdict.belief, verdict.judged_s, verdict.changed_s, verdict.shown_dut = items[1:5]
        self._level = list(items[5:8])
        verdict.car = list(items[8:11])
        verdict.away = list(items[11:14])
        self._slopes = list(items[14:17])
        self._anchor = list(items[17:20])
        self._anchor_dcel = items[20] if items[0] & _ANCHORED else None
        self._last_dcel, self._noise, self._swing_dut = items[21:]
        self._since_s = verdict.changed_s
        self._seen = (self._level[0] // _SCALE, self._level[1] // _SCALE, self._level[2] // _SCALE)

    def _begin(self, now_s: int) -> None:
        self._state = _MOVING
        self._since_s = now_s
        self._swing_dut = 0
        self._window = []

    def _watch(self, now_s: int) -> int:
        """One sample of an episode, or of the first look at the bay."""
        window = self._window
        first = self._state == _NEW
        if first and not window:
            self._since_s = now_s
        window.append(self._seen)
        if len(window) > _WINDOW:
            window.pop(0)
        if not first:
            x, y, z = self._seen
            level = self._level
            x -= level[0] // _SCALE
            y -= level[1] // _SCALE
            z -= level[2] // _SCALE
            if abs(x) + abs(y) + abs(z) > self._swing_dut:  # no vector is longer than its parts together
                self._swing_dut = max(self._swing_dut, length((x, y, z)))
        if len(window) < _WINDOW:
            return NOTHING
        if not self._settled():
            if now_s - self._since_s < _PATIENCE_S:
                return NOTHING
            # So much of it is noise here: wait less for silence next time.
            self._noise = min(self._noise + self._noise // 2 + _SCALE, _MOST_NOISE_DUT * _SCALE)
        here = [sum([sample[axis] for sample in window]) * _SCALE // len(window) for axis in range(3)]
        self._window = []
        self._state = _STILL
        return self._start(here, now_s) if first else self._conclude(here, now_s)

    def _settled(self) -> bool:
        allowed = _AGREE_DUT + self._noise * 2 // _SCALE
        for axis in range(3):
            values = [sample[axis] for sample in self._window]
            if max(values) - min(values) > allowed:
                return False
        return True

    def _start(self, here: list[int], now_s: int) -> int:
        """The first settled field is the empty bay's, unless the stored one says otherwise."""
        self._level = here
        self._anchor_dcel = None
        empty = self._empty
        self._verdict.start([0, 0, 0] if empty is None else [new // _SCALE - e for new, e in zip(here, empty)], now_s)
        self._known = True
        return NOTHING

    def _conclude(self, here: list[int], now_s: int) -> int:
        step = [(new - old) // _SCALE for new, old in zip(here, self._level)]
        self._anchor = [anchor + new - old for anchor, new, old in zip(self._anchor, here, self._level)]
        self._level = here
        return self._verdict.judge(step, self._swing_dut, self._since_s, now_s)

    def _learn_slopes(self) -> None:
        """Correct the slopes by a quarter of what the last few degrees of drift show."""
        if self._anchor_dcel is None:
            self._anchor_dcel = self._last_dcel
            self._anchor = list(self._level)
            return
        warmer = self._last_dcel - self._anchor_dcel
        if -_LEARN_DCEL < warmer < _LEARN_DCEL:
            return
        above = self._last_dcel - _REFERENCE_DCEL
        for axis in range(3):
            drift = self._level[axis] - self._anchor[axis]
            slope = self._slopes[axis] + drift * _SLOPE // (warmer * _SCALE * 4)
            slope = max(-_MOST_SLOPE, min(_MOST_SLOPE, slope))
            # The same raw field reads differently with the new slope; the level moves with it.
            self._level[axis] -= (slope - self._slopes[axis]) * above * _SCALE // _SLOPE
            self._slopes[axis] = slope
        self._anchor_dcel = self._last_dcel
        self._anchor = list(self._level)

    def _empty_field(self) -> list[int]:
        return [level // _SCALE - car for level, car in zip(self._level, self._verdict.car)]
