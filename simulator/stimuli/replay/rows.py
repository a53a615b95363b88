"""The rows of a CSV file one by one: header found, columns chosen, every fault told with file, line and column."""

import csv
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

MOST_LINE = 65_536  # characters; a file of another kind is not read into memory at once
_SHOWN = 40  # characters of a wrong text
_LISTED = 40  # columns that a message lists
_DELIMITERS = (",", ";", "\t", "|")


class ReplayError(ValueError):
    """A file that cannot be replayed as it was asked: the message says where, what was found and what to write."""


class Rows:
    """The cells of *columns*, row by row, by the names in the header. Reading starts anew with each iteration."""

    def __init__(self, path: Path, delimiter: str, columns: tuple[str, ...]) -> None:
        self.path = path
        self._delimiter = delimiter
        self._columns = columns
        self.line = 0  # of the row that was yielded last; of one that spans lines, its last

    def __iter__(self) -> Iterator[list[str]]:
        """Raises ReplayError, also for a file that cannot be read."""
        try:
            with self.path.open(encoding="utf-8-sig", newline="") as file:
                yield from self._rows(file)
        except OSError as error:
            raise ReplayError(f"{self.path}: cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError:
            raise ReplayError(f"{self.path}, after line {self.line}: not UTF-8; save the file as UTF-8") from None
        except csv.Error as error:
            raise ReplayError(f"{self.path}, after line {self.line}: {error}; was a quote left open?") from None

    def fault(self, column: str, text: str, expected: str) -> ReplayError:
        """What is wrong with a cell of the row that was yielded last."""
        return ReplayError(f"{self.path}, line {self.line}, column '{column}': {shown(text)} {expected}")

    def _rows(self, file: TextIO) -> Iterator[list[str]]:
        self.line = 0
        reader = csv.reader(self._lines(file), delimiter=self._delimiter)
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise ReplayError(f"{self.path}, line 1: no header; the first line must name the columns")
        places = [self._place(header, name) for name in self._columns]
        width = len(header)
        last = max(places)
        for row in reader:
            self.line = reader.line_num
            if len(row) != width:
                if not any(row):
                    continue
                if (len(row) > width and any(row[width:])) or len(row) <= last:
                    raise self._uneven(len(row), width)
            yield [row[place].strip() for place in places]

    def _lines(self, file: TextIO) -> Iterator[str]:
        number = 0
        while line := file.readline(MOST_LINE):
            number += 1
            if len(line) == MOST_LINE:
                raise ReplayError(f"{self.path}, line {number}: longer than {MOST_LINE} characters; is it a CSV file?")
            yield line

    def _place(self, header: list[str], name: str) -> int:
        if header.count(name) == 1:
            return header.index(name)
        if name in header:
            raise ReplayError(
                f"{self.path}, line 1: {header.count(name)} columns are called '{name}'; rename all but one"
            )
        listed = ", ".join(f"'{found[:_SHOWN]}'" for found in header[:_LISTED] if found)
        more = f" and {len(header) - _LISTED} more" if len(header) > _LISTED else ""
        nearest = _nearest(name, header)
        other = next((mark for mark in _DELIMITERS if mark in header[0] and mark != self._delimiter), None)
        hint = ""
        if len(header) == 1 and other:
            hint = f'; should it be delimiter = "{other}"?'.replace("\t", "\\t")
        elif nearest:
            hint = f"; did you mean '{nearest}'?"
        there = f"{self.path}, line 1: there is no column '{name}'{hint}"
        raise ReplayError(f"{there}{' The file' if hint else '; the file'} has {listed}{more}")

    def _uneven(self, found: int, width: int) -> ReplayError:
        why = ""
        if found > width and self._delimiter == ",":
            why = "; are there commas in its numbers? Then they need quotes, or another delimiter"
        return ReplayError(f"{self.path}, line {self.line}: {found} columns; the header has {width}{why}")


def _nearest(name: str, header: list[str]) -> str | None:
    """The column that is probably meant: one that begins so, else one that is spelt nearly so."""
    wanted = name.lower()
    for found in header:
        if found.lower().startswith(wanted):
            return found
    near = difflib.get_close_matches(wanted, [found.lower() for found in header], n=1, cutoff=0.5)
    return next((found for found in header if near and found.lower() == near[0]), None)


def shown(text: str) -> str:
    """A text of the file as messages quote it."""
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…'"
