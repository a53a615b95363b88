"""Whether a car stands above a magnetometer, judged from the steps that the field made.

Two stories are kept after every step, "the bay is taken" and "it is free", each with the logarithm of its likelihood;
`belief` is their difference, in hundredths of a nat, and the likelier one is told (a Viterbi decoder of two states). So
a wrong verdict is not for ever: the next steps tell which story goes on making sense. A step can have four reasons:

    before   after    reason                  likely when
    free     taken    a car came              the field swung as only a car above the sensor makes it
    taken    free     the car went            the field ends near the empty bay's, which is `level - car`
    taken    taken    it was put straight, or the street did it
    free     free     the street did it       small, and without a big swing: a neighbour, a van beside the bay, a tram

Cars at rest can cancel out, so that a bay just taken differs from an empty one by less than its neighbour makes; cars
that move cannot. Therefore the swing counts for as much as the step. When one car follows another within one episode,
"came" beats every other reason for a taken bay to be taken: that is a swap.

The free bay has a home: its field, followed over hours. The farther from home a step leaves a bay, the less likely it
is free; that finds the cars of which nobody saw the swing.

The numbers were tuned on seeds 1..150 of simulator/bay/magnetics.py, whose docstring names the sources of its figures.
Fields are in tenths of a µT, times in seconds.
"""

from protocol.compat import const

NOTHING = const(0)  # what a step meant
CAME = const(1)
WENT = const(2)
SWAPPED = const(3)

_MOST_BELIEF = const(120)  # so that two clear steps outweigh any history
_CAME = const(-140)
_CAME_UNSEEN = const(-200)  # without a swing
_WENT_UNSEEN = const(-30)
_WENT_SHY = const(-75)  # without a swing, though it came with a great one
_GREAT_SWING = const(150)  # hundredths of `swing`
_MOVED = const(-180)  # the car itself, by a driver who puts it straight
# The street makes steps of so many hundredths of `taken`, and swings of so many of `swing`, and rarely more.
_STREET_STEPS = ((30, -40), (90, -90), (150, -150))
_STREET_STEP = const(-220)
_STREET_SWINGS = ((100, 0), (150, -90))
_STREET_SWING = const(-200)
# Where a car that goes leaves the field: normally distributed around the empty bay's, with so many times `left`, and
# the logarithm of its weight. The wide one is for what changed unseen under the car.
_WENT_TO = ((1, -40), (3, -80))
_HOME_DUT = const(250)  # spread of a free bay's field around its home
_HOME_S = const(28_800)  # in which the home follows a free bay
_FAR_DUT = const(10_000)  # 1 mT: what lies beyond counts as it, so that squares stay small ints


class Verdict:
    """The two stories of one bay.

    taken_dut, left_dut, swing_dut: the thresholds of `protocol/settings.py`. car: what it adds to the empty bay's
    field, if there is one. away: how far the field is from the free bay's home.
    """

    def __init__(self, taken_dut: int, left_dut: int, swing_dut: int) -> None:
        self.taken_dut = taken_dut
        self.left_dut = left_dut
        self.swing_dut = swing_dut
        self.belief = -_MOST_BELIEF
        self.car = [0, 0, 0]
        self.away = [0, 0, 0]
        self.shown_dut = 0  # the swing with which the car came
        self.judged_s = 0
        self.changed_s = 0  # when the last episode began that made the bay what it is

    def occupied(self) -> bool:
        """The likelier story."""
        return self.belief > 0

    def start(self, car: list[int], now_s: int) -> None:
        """The first look: the bay holds a car that adds *car*, or none if that is next to nothing."""
        taken = length(car) >= self.taken_dut
        self.belief = _MOST_BELIEF if taken else -_MOST_BELIEF
        self.car = _sum(car, [0, 0, 0]) if taken else [0, 0, 0]
        self.away = list(self.car)
        self.changed_s = self.judged_s = now_s

    def judge(self, step: list[int], swing_dut: int, since_s: int, now_s: int) -> int:
        """What it means that the field moved by *step*, and by *swing_dut* on its way, in an episode from *since_s*."""
        was = self.occupied()
        step = _sum(step, [0, 0, 0])
        self._follow_home(now_s)
        free = [away - mine for away, mine in zip(self.away, self.car)]
        before_home = _square_of(length(free), _HOME_DUT)
        self.away = _sum(self.away, step)
        rest = _sum(self.car, step)  # what would be left of the car
        size = length(step)
        seen = swing_dut >= self.swing_dut
        street = _of(_STREET_STEPS, _STREET_STEP, size * 100 // self.taken_dut)
        street += _of(_STREET_SWINGS, _STREET_SWING, swing_dut * 100 // self.swing_dut)
        came = _CAME if seen else _CAME_UNSEEN
        stood = self.belief + (max(street, _MOVED) if seen else street)
        unseen = _WENT_SHY if self.shown_dut * 100 >= self.swing_dut * _GREAT_SWING else _WENT_UNSEEN
        went = self.belief + self._near_empty(length(rest)) + (0 if seen else unseen)
        went += before_home - _square_of(length(self.away), _HOME_DUT)
        new_car = came > stood
        if new_car:
            self.car = step
            self.shown_dut = swing_dut
        elif seen:
            self.car = rest
        self.belief = max(-_MOST_BELIEF, min(_MOST_BELIEF, max(came, stood) - max(street, went)))
        if self.occupied():
            meaning = CAME if not was else SWAPPED if new_car else NOTHING
        else:
            meaning = WENT if was else NOTHING
        if meaning != NOTHING:
            self.changed_s = since_s
        return meaning

    def _near_empty(self, rest_dut: int) -> int:
        return max([weight - _square_of(rest_dut, wide * self.left_dut) for wide, weight in _WENT_TO])

    def _follow_home(self, now_s: int) -> None:
        """Draw the home towards where the field of the free bay stood since the last verdict."""
        if not self.occupied():
            seconds = min(now_s - self.judged_s, 3600)
            self.away = [away - away * seconds // _HOME_S for away in self.away]
        self.judged_s = now_s


def length(vector: "list[int] | tuple[int, int, int]") -> int:
    """Of a field in each axis, at most _FAR_DUT * 1.8; by Newton's steps, from the sum of the axes down."""
    square = root = 0
    for value in vector:
        if value < 0:
            value = -value
        if value > _FAR_DUT:
            value = _FAR_DUT
        square += value * value
        root += value
    if square < 2:
        return square
    better = (root + square // root) // 2
    while better < root:
        root = better
        better = (root + square // root) // 2
    return root


def _square_of(distance: int, spread: int) -> int:
    """What a distance costs a normal distribution, in hundredths of a nat: 50 (distance / spread)^2."""
    tenths = distance * 10 // spread
    return tenths * tenths // 2


def _of(table: tuple[tuple[int, int], ...], beyond: int, value: int) -> int:
    for limit, likelihood in table:
        if value < limit:
            return likelihood
    return beyond


def _sum(one: list[int], other: list[int]) -> list[int]:
    """As far as there is a field so strong."""
    return [max(-_FAR_DUT, min(_FAR_DUT, a + b)) for a, b in zip(one, other)]
