"""A CSV file read once for one run: rows in its time are kept, each series apart, and everything else is let go.

So memory goes with the run and not with the file, which may be longer than any memory.
"""

import math
from collections.abc import Iterator

from protocol.errors import MessageError
from protocol.quantity_table import QUANTITIES, Quantity, quantity_named
from simulator.scenario.model import Column, Replay
from simulator.stimuli.replay.moments import Moments
from simulator.stimuli.replay.rows import ReplayError, Rows, shown
from simulator.stimuli.replay.series import MOST_VALUE, UNKNOWN, Series

MOST_NUMBERS = 24_000_000  # of values and times kept: some 100 MB, what a run of 5,000 nodes takes besides
_WEEK_S = 7 * 86_400


class File:
    """The series of *replay* between two Unix times of a run; of a bay's state also the newest row before them.

    wanted: keys in its place column that are kept by their names; of the others the first *most* are. keys: of those
    kept, in the order of their first rows. quantities: the numbers of those in its columns. Raises ReplayError for
    whatever is wrong, which names file, line and column.
    """

    def __init__(
        self, replay: Replay, start_s: float, until_s: float, wanted: frozenset[str] = frozenset(), most: int = 1
    ) -> None:
        self.keys: list[str] = []
        self._known: set[str] = set()  # the same, to ask; never iterated
        self.shift_s = 0  # what was added to the times of the file
        self._replay = replay
        self._start_s = int(start_s)
        self._until_s = int(until_s)
        self._wanted = wanted
        self._most = most
        self._moments = Moments(replay.time_format, replay.time_zone)
        self._scales = [_Scale(column, replay.file) for column in replay.columns]
        self.quantities = tuple(scale.quantity.number for scale in self._scales)
        columns = [replay.time_column, *([replay.place_column] if replay.place_column else [])]
        values = [replay.state_column] if replay.state_column else [column.column for column in replay.columns]
        if not values:
            raise ReplayError(f"{replay.file}: nothing of it is asked for; write state_column, or columns")
        self._first_value = len(columns)
        self._rows = Rows(replay.file, replay.delimiter, (*columns, *values))
        self._headings = tuple(values)

    def series(self) -> dict[str, Series]:
        """The rows of the run, by key; "" where the file has one series."""
        replay = self._replay
        found: dict[str, Series] = {}
        earlier: dict[str, tuple[int, list[int]]] = {}  # the newest state before those that are kept
        earliest_s = self._start_s - replay.max_gap_s
        numbers = 0
        for key, time_s, cells in self._timed():
            if time_s > self._until_s:
                continue
            if time_s < earliest_s:
                if replay.state_column and (key not in earlier or earlier[key][0] <= time_s):
                    earlier[key] = time_s, [self._value(0, cells[0])]
                continue
            numbers += len(cells) + 2  # a time takes two
            if numbers > MOST_NUMBERS:
                raise ReplayError(
                    f"{replay.file}, line {self._rows.line}: more than {MOST_NUMBERS} numbers fall into the run; "
                    "play fewer columns, or fewer hours"
                )
            series = found.get(key)
            if series is None:
                series = found[key] = Series(len(cells), replay.max_gap_s, replay.line)
            series.add(time_s, [self._value(place, cell) for place, cell in enumerate(cells)])
        for key, row in earlier.items():
            found.setdefault(key, Series(1, replay.max_gap_s)).add(*row)
        for series in found.values():
            series.sort()
            series.early = series.times[0] <= self._start_s
        if not found:
            raise ReplayError(
                f"{replay.file}: none of its times falls into the run; write align = true, or another start"
            )
        return found

    def snapshot(self) -> dict[str, tuple[bool, int]]:
        """Whether each place is taken, and since when: the newest row of each; the newest of all is at the start."""
        newest: dict[str, tuple[bool, int]] = {}
        latest_s: int | None = None
        for key, time_s, cells in self._timed(shift=False):
            latest_s = time_s if latest_s is None else max(latest_s, time_s)
            value = self._value(0, cells[0])
            if value != UNKNOWN and (key not in newest or newest[key][1] <= time_s):
                newest[key] = bool(value), time_s
        if self._replay.align and latest_s is not None:
            self.shift_s = self._start_s - latest_s
        return {key: (taken, since_s + self.shift_s) for key, (taken, since_s) in newest.items()}

    def _timed(self, shift: bool = True) -> Iterator[tuple[str, int, list[str]]]:
        """Key, time of the run and cells of each row that belongs to a series that is kept."""
        replay = self._replay
        before: dict[str, int] = {}
        first = True
        for row in self._rows:
            key = row[1] if replay.place_column else ""
            if not self._keeps(key):
                continue
            try:
                file_s = self._moments.read(row[0], before.get(key))
            except ValueError as fault:
                raise self._rows.fault(replay.time_column, row[0], str(fault)) from None
            if first and shift and replay.align:
                self.shift_s = self._start_s - file_s
                if replay.whole_weeks:
                    self.shift_s = self.shift_s // _WEEK_S * _WEEK_S
            first = False
            before[key] = file_s
            yield key, file_s + self.shift_s, row[self._first_value :]

    def _keeps(self, key: str) -> bool:
        if key in self._known:
            return True
        if key not in self._wanted and len(self.keys) >= self._most:
            return False
        self._known.add(key)
        self.keys.append(key)
        return True

    def _value(self, place: int, cell: str) -> int:
        replay = self._replay
        if not cell or cell in replay.missing:
            return UNKNOWN
        if replay.state_column:
            return int(cell == replay.taken)
        number = cell if replay.decimal == "." else cell.replace(replay.decimal, ".")
        try:
            return self._scales[place].scaled(float(number))
        except ValueError as fault:
            raise self._rows.fault(self._headings[place], cell, self._expected(cell, str(fault))) from None

    def _expected(self, cell: str, fault: str) -> str:
        if fault.startswith("makes"):
            return fault
        if self._replay.decimal == "." and cell.replace(",", "", 1).lstrip("+-").isdigit():
            return 'is no number; write decimal = "," for this file'
        return f'is no number; if nothing was measured then, write missing = ["{cell[:20]}"]'


class _Scale:
    """From what is written to the integer that a sensor would give."""

    def __init__(self, column: Column, file: object) -> None:
        try:
            self.quantity: Quantity = quantity_named(column.quantity)
        except MessageError:
            names = ", ".join(row[0] for row in QUANTITIES)
            raise ReplayError(
                f"{file}: column {shown(column.column)} is to be '{column.quantity}', which is no quantity; "
                f"write one of {names}"
            ) from None
        self._scale = column.scale
        self._offset = column.offset
        self._decimals = float(10**self.quantity.decimals)

    def scaled(self, number: float) -> int:
        """Raises ValueError for what is no finite number, and for one that no sensor could give."""
        if not math.isfinite(number):
            raise ValueError("not finite")
        value = (self._scale * number + self._offset) * self._decimals
        if not -MOST_VALUE <= value <= MOST_VALUE:
            raise ValueError(f"makes {value:g} of {self.quantity.name}; check the scale of its column")
        return round(value)
