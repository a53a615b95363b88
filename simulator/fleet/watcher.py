"""Who is told what the nodes of a fleet do and see, as it happens. Times are virtual µs."""

from enum import Enum
from typing import Protocol

from firmware.store.log import Record


class Cause(Enum):
    """Why a node starts."""

    POWER = "power came"
    RESTART = "was told to"
    WATCHDOG = "hung"


class Watcher(Protocol):
    """What a fleet tells. node: its name."""

    def took(self, node: str, time_us: int, epoch: int, record: Record, kept: bool) -> None:
        """The node gave a reading, an event or numbers that are void a number of its log *epoch*.

        record: kind, number, values and seq as `firmware/store/log.py` has them. kept: whether the flash took it; if
        not, it is told by radio and never again.
        """

    def lamp_set(self, node: str, time_us: int, head: int, level_pct: int, fade_s: int) -> None:
        """The node told a lamp; level_pct 0 for all heads when the power goes."""

    def booted(self, node: str, time_us: int, cause: Cause) -> None:
        """The node starts."""

    def power_gone(self, node: str, time_us: int) -> None:
        """The node has no power from now on."""

    def died(self, node: str, time_us: int, why: str) -> None:
        """Its firmware raised what it never may, and the node does nothing any more: a truth fails."""
