"""What frames do to each other that are on the air at the same time: the published rules, by name.

- `aloha`: of the same channel and data rate both are lost (Abramson 1970).
- `capture-6db`: the same, but one that is 6 dB stronger survives, and three symbols of its preamble may be lost
  (LoRaSim: Bor et al. 2016).
- `croce`: the energy of all that overlaps, summed for each data rate, is held against a matrix; within a data rate 1 dB
  suffices (Croce et al. 2018).
- `goursaud`: the same with another matrix, 6 dB within a data rate (Goursaud and Gorce 2015, as ns-3's lorawan has it).

Spreading factors do not disturb each other under the first two. Under the last two a neighbouring channel counts, too:
SX1261/2 DS table 3-9 gives 60 dB (SF7) to 72 dB (SF12) of rejection at 1.5 bandwidths, which is EU868's raster.
"""

from abc import ABC, abstractmethod

from simulator.air.decibels import MILLIWATTS, cdb, ratio
from simulator.air.fates import Fate

# Rows: the frame wanted, SF7..SF12; columns: what disturbs it. Least ratio of their energies in dB.
_CROCE = (  # Croce et al., IEEE Communications Letters 22(4), 2018, table for packets
    (1, -8, -9, -9, -9, -9),
    (-11, 1, -11, -12, -13, -13),
    (-15, -13, 1, -13, -14, -15),
    (-19, -18, -17, 1, -17, -18),
    (-22, -22, -21, -20, 1, -20),
    (-25, -25, -25, -24, -23, 1),
)
_GOURSAUD = (  # Goursaud and Gorce, EAI Endorsed Transactions on IoT, 2015
    (6, -16, -18, -19, -19, -20),
    (-24, 6, -20, -22, -22, -22),
    (-27, -27, 6, -23, -25, -25),
    (-30, -30, -30, 6, -26, -28),
    (-33, -33, -33, -33, 6, -29),
    (-36, -36, -36, -36, -36, 6),
)
_NEXT_CHANNEL = (-60, -62.4, -64.8, -67.2, -69.6, -72)  # least ratio to what a neighbouring channel carries, SF7..SF12
# DR6 (SF7 at 250 kHz) and DR7 (FSK) are in no table: to LoRa they are as noise, which SF7 bears up to 7.5 dB, and FSK
# itself wants 9 dB over whatever else there is.
_WIDE = -7.5
_FSK = 9.0
# A frame that arrives weaker than this everywhere is less than 60 dB above the weakest that any receiver of ours reads,
# and 3 dB for company.
LOUD_CDBM = cdb(-73.5)
_GIVEN_DB = 0.001  # who has exactly the least ratio survives, however the last digits were rounded
_CAPTURE_CDB = cdb(6)


class Signal:
    """A frame as receivers feel it. levels: in hundredths of a dBm, by receiver; who is not in it does not feel it.

    keen_us: from then on the preamble must be heard undisturbed. loud: whether it may disturb neighbouring channels.
    crossed: frames on the same channel that overlap and matter; beside: loud ones on a neighbouring channel.
    """

    __slots__ = ("beside", "crossed", "dr", "end_us", "keen_us", "levels", "loud", "start_us")

    def __init__(self, dr: int, start_us: int, end_us: int, keen_us: int, levels: dict[int, int]) -> None:
        self.dr = dr
        self.start_us = start_us
        self.end_us = end_us
        self.keen_us = keen_us
        self.levels = levels
        self.loud = True
        self.crossed: list[Signal] = []
        self.beside = NOBODY


NOBODY: list[Signal] = []  # stands for the many lists that stay empty; whoever adds makes a list of its own


class Rule(ABC):
    """How frames that overlap are judged. counts_neighbours: whether those of the next channel matter."""

    counts_neighbours = False

    def __init__(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def meet(self, earlier: Signal, later: Signal) -> None:
        """Two frames are on one channel as *later* begins; remember with each that they met, if it matters."""

    @abstractmethod
    def verdict(self, wanted: Signal, receiver: int) -> Fate | None:
        """What the frames met did to *wanted* at one receiver that feels it; None: it survived."""


class Aloha(Rule):
    """Frames of a data rate that overlap are lost."""

    def meet(self, earlier: Signal, later: Signal) -> None:
        """Of the same data rate only."""
        if earlier.dr == later.dr:
            earlier.crossed.append(later)
            later.crossed.append(earlier)

    def verdict(self, wanted: Signal, receiver: int) -> Fate | None:
        """Lost when any was felt."""
        return Fate.COLLISION if any(receiver in other.levels for other in wanted.crossed) else None


class Capture(Rule):
    """LoRaSim's: of two frames both are lost unless one is 6 dB stronger; who has heard five symbols has the preamble.

    A frame that ends before the later one's fourth preamble symbol does not count, for either.
    """

    def meet(self, earlier: Signal, later: Signal) -> None:
        """Of the same data rate only, and if the earlier one lasts into what must be heard of the later one."""
        if earlier.dr == later.dr and earlier.end_us > later.keen_us:
            earlier.crossed.append(later)
            later.crossed.append(earlier)

    def verdict(self, wanted: Signal, receiver: int) -> Fate | None:
        """Lost to any that is not 6 dB weaker."""
        least = wanted.levels[receiver] - _CAPTURE_CDB
        for other in wanted.crossed:
            level = other.levels.get(receiver)
            if level is not None and level > least:
                return Fate.COLLISION
        return None


class Energy(Rule):
    """The energy of everything that overlaps, summed for each data rate, against a matrix of least ratios."""

    counts_neighbours = True

    def __init__(self, name: str, matrix: tuple[tuple[float, ...], ...]) -> None:
        super().__init__(name)
        self._ratios = tuple(tuple(ratio(least - _GIVEN_DB) for least in row) for row in by_data_rate(matrix))
        beside = [*reversed(_NEXT_CHANNEL), _NEXT_CHANNEL[0], _NEXT_CHANNEL[0]]
        self._beside = tuple(ratio(least - _GIVEN_DB) for least in beside)

    def meet(self, earlier: Signal, later: Signal) -> None:
        """All that overlap matter."""
        earlier.crossed.append(later)
        later.crossed.append(earlier)

    def verdict(self, wanted: Signal, receiver: int) -> Fate | None:
        """Lost to the energy of its own data rate, else to that of another or of a neighbouring channel."""
        energy = [0.0] * 8
        start_us, end_us = wanted.start_us, wanted.end_us
        for other in wanted.crossed:
            level = other.levels.get(receiver)
            if level is not None:
                # As `_energy` has it, but this is where a crowded town spends its time.
                since_us = other.start_us if other.start_us > start_us else start_us
                until_us = other.end_us if other.end_us < end_us else end_us
                energy[other.dr] += MILLIWATTS[level] * (until_us - since_us)
        own = MILLIWATTS[wanted.levels[receiver]] * (wanted.end_us - wanted.start_us)
        ratios = self._ratios[wanted.dr]
        if own < ratios[wanted.dr] * energy[wanted.dr]:
            return Fate.COLLISION
        for least, disturbing in zip(ratios, energy, strict=True):
            if own < least * disturbing:
                return Fate.CROSSTALK
        beside = 0.0
        for other in wanted.beside:
            beside += _energy(other, wanted, receiver)
        return Fate.CROSSTALK if own < self._beside[wanted.dr] * beside else None


def _energy(other: Signal, wanted: Signal, receiver: int) -> float:
    """What *other* brings the receiver while *wanted* lasts, in mW·µs."""
    level = other.levels.get(receiver)
    if level is None:
        return 0.0
    return MILLIWATTS[level] * (min(other.end_us, wanted.end_us) - max(other.start_us, wanted.start_us))


def by_data_rate(matrix: tuple[tuple[float, ...], ...]) -> list[list[float]]:
    """A matrix for SF7..SF12 as one for DR0..DR7."""
    rows = [[*reversed(row), _WIDE, _WIDE] for row in reversed(matrix)]
    within = matrix[0][0]
    rows.append([_WIDE] * 6 + [within, _WIDE])
    rows.append([_FSK] * 8)
    return rows


RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (Aloha("aloha"), Capture("capture-6db"), Energy("croce", _CROCE), Energy("goursaud", _GOURSAUD))
}


def rule_named(name: str) -> Rule:
    """The rule called *name*; raises ValueError with the names there are."""
    if name not in RULES:
        raise ValueError(f"no interference rule is called '{name}'; expected one of {', '.join(RULES)}")
    return RULES[name]
