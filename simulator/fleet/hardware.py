"""What of a node outlives a power cut, and what can break: flash, counters of its work, sensors, lamps."""

from enum import Enum

from protocol.lorawan.frames import JOIN_ACCEPT
from simulator.fleet.files import MemoryFiles
from simulator.fleet.tally import Tally

_ADDRESS_AT = {"session": 1, "mc0": 0, "mc1": 0, "mc2": 0, "mc3": 0}  # of the DevAddr in what is persisted

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

    __slots__ = ("_addresses", "fields", "files", "identified_s", "lamps", "persisted", "seen", "sensing", "tally")

    def __init__(self) -> None:
        self._addresses: dict[str, bytes] = {}  # as they stand in frames, by the key of what has them
        self.persisted: dict[str, int | bytes] = {}
        self.files = MemoryFiles()
        self.tally = Tally()
        self.lamps: dict[int, tuple[int, int]] = {}
        self.identified_s = 0
        self.sensing = Sensing.WELL
        self.seen: tuple[int | None, ...] | None = None
        self.fields: dict[int, Field] = {}

    def persist(self, key: str, value: int | bytes) -> None:
        """Write *value* into NVS."""
        self.persisted[key] = value
        at = _ADDRESS_AT.get(key)
        if at is not None and isinstance(value, bytes):
            self._addresses[key] = value[at : at + 4]

    def is_meant(self, phy_payload: bytes) -> bool:
        """Whether the MAC of a class C node would look into a downlink between its windows: to it, or to its groups.

        A Join-Accept comes in a window. Without an address it looks into all of them.
        """
        addresses = self._addresses
        return not addresses or (phy_payload[1:5] in addresses.values() and phy_payload[0] >> 5 != JOIN_ACCEPT)
