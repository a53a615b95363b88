"""What a power cut must not take from a lamp: burning hours, switchings, energy, how long nights are."""

from protocol import cbor
from protocol.compat import const, on_demand
from protocol.errors import ProtocolError
from protocol.items import array, integer, integer_or_none

from ..actions import Persist

_KEY = "light"
_ITEMS = const(9)
_NUMBERS = const(6)  # of them; then lists
_MOST_WH = const(1_000_000_000)  # the quantity's range; a meter that jumps up and down would pass it

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    Rows = Any  # small numbers, None and lists of numbers, as `save` wrote them


class Ledger:
    """stored: as persisted under "light", b"" on a new lamp; one that cannot be read is begun anew.

    run_min: how long the run before this one was, cut_gps_s: about when it ended, or None. energy: Wh. seen: bits of
    the sensors that ever answered. rated_dw: of one head, as learned, 0 before. lit_s and switches: of each head.
    lengths_min and before_min: of nights, as `night.Nights` has them.
    """

    run_min: int
    before_min: int | None
    cut_gps_s: int | None
    energy: int
    seen: int
    rated_dw: int
    lit_s: list[int]
    switches: list[int]
    lengths_min: list[int]

    @on_demand
    def __init__(self, heads: int, stored: bytes) -> None:
        try:
            items: Rows = _items(stored, heads) if stored else None
        except ProtocolError:
            items = None
        if items is None:
            items = [0, None, None, 0, 0, 0, [0] * heads, [0] * heads, []]
        (
            self.run_min,
            self.before_min,
            self.cut_gps_s,
            self.energy,
            self.seen,
            self.rated_dw,
            self.lit_s,
            self.switches,
            self.lengths_min,
        ) = items
        self._energy_base = self.energy

    def metered(self, energy: int) -> int:
        """The energy of all runs, in Wh, when the meter counted *energy* in this one; it may begin anew."""
        if self._energy_base + energy < self.energy:
            self._energy_base = self.energy
        self.energy = min(self._energy_base + energy, _MOST_WH)
        return self.energy

    @on_demand
    def save(self, now_s: int, gps_s: int | None) -> Persist:
        """Keep it all, after *now_s* of power; at most 90 bytes."""
        kept: list[object] = [now_s // 60, self.before_min, self.cut_gps_s if gps_s is None else gps_s]
        kept += [self.energy, self.seen, self.rated_dw, self.lit_s, self.switches, self.lengths_min]
        return Persist(_KEY, cbor.encode(kept))


@on_demand
def _items(stored: bytes, heads: int) -> "Rows":
    """Undo `save`. Raises ProtocolError."""
    items = array(cbor.decode(stored), "ledger", _ITEMS)
    numbers: Rows = [integer_or_none(item, "ledger") for item in items[:_NUMBERS]]
    for place in (0, 3, 4, 5):  # all but before_min and cut_gps_s are numbers
        integer(numbers[place], "ledger")
    for item, least in zip(items[_NUMBERS:_ITEMS], (heads, heads, 0)):
        numbers.append([integer(number, "ledger") for number in array(item, "ledger", least)])
    return numbers
