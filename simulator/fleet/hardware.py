"""What of a node outlives a power cut, and what can break: flash, counters of its work, sensors, lamps."""

from enum import Enum

from simulator.fleet.files import MemoryFiles
from simulator.fleet.tally import Tally

Field = tuple[int, int, int]


class Sensing(Enum):
    """How the sensors of a node do."""

    WELL = "well"
    DEAD = "dead"  # nothing answers
    STUCK = "stuck"  # everything answers what it answered last


class Hardware:
    """One node's board.

    persisted: NVS. files: the log's. lamps: by head, (level_pct, fade_s) as last set. identified_s: for how long it was
    told to show itself, in all. seen, fields: what its sensors answered last, for those that get stuck.
    """

    __slots__ = ("fields", "files", "identified_s", "lamps", "persisted", "seen", "sensing", "tally")

    def __init__(self) -> None:
        self.persisted: dict[str, int | bytes] = {}
        self.files = MemoryFiles()
        self.tally = Tally()
        self.lamps: dict[int, tuple[int, int]] = {}
        self.identified_s = 0
        self.sensing = Sensing.WELL
        self.seen: tuple[int | None, ...] | None = None
        self.fields: dict[int, Field] = {}
