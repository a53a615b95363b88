"""The district's map in characters: streets, bays that fill, lamps that shine, who is not heard.

What a node is and how it fares is told by the character; colour only repeats it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.text import Text as Line

from simulator.report.collector import Collector, Tally
from simulator.report.saying import Text

_SILENT_US = 2 * 3_600_000_000  # not heard for so long: every role speaks at least hourly
_WAITING = 4  # readings on their way: more than one lost frame explains
_TALL = 2  # a character is about twice as high as wide


class _Mark(NamedTuple):
    character: str
    plain: str  # in ASCII
    style: str
    words: Text


# What is drawn in a cell, the most urgent last: of several nodes in one cell that one shows.
_MARKS = {
    "street": _Mark("·", ".", "bright_black", Text("street", "rue")),
    "dark": _Mark("○", "l", "bright_black", Text("lamp off", "lampe éteinte")),
    "free": _Mark("□", "p", "blue", Text("bay free", "place libre")),
    "air": _Mark("a", "a", "green", Text("air", "air")),
    "taken": _Mark("■", "P", "blue", Text("bay taken", "place prise")),
    "lit": _Mark("●", "L", "bright_yellow", Text("lamp lit", "lampe allumée")),
    "off": _Mark("-", "-", "bright_black", Text("no power", "sans courant")),
    "waiting": _Mark("?", "?", "bold magenta", Text("readings on their way", "relevés en chemin")),
    "silent": _Mark("!", "!", "bold red", Text("not heard for 2 h", "muet depuis 2 h")),
    "gateway": _Mark("▲", "A", "bold cyan", Text("gateway", "passerelle")),
    "gateway_away": _Mark("x", "x", "bold red", Text("gateway away", "passerelle absente")),
}
_RANK = {name: rank for rank, name in enumerate(_MARKS)}


def mark_of(tally: Tally, now_us: int) -> str:
    """The name of the mark that tells how a node fares."""
    if not tally.powered:
        return "off"
    heard_us = tally.heard_us or 0
    if tally.sent and now_us - heard_us > _SILENT_US:
        return "silent"
    if tally.taken - tally.delivered >= _WAITING:
        return "waiting"
    if tally.spot.role == "parking":
        return "taken" if 2 * tally.occupied > tally.bays else "free"
    if tally.spot.role == "light":
        return "lit" if tally.level_pct > 0 else "dark"
    return "air"


class StreetMap:
    """One district drawn into *width* by *height* characters; plain: with ASCII only."""

    def __init__(self, collector: Collector, width: int, height: int, language: str, plain: bool) -> None:
        self._collector = collector
        self._plain = plain
        self._columns = width
        self._language = language
        district = collector.district
        points = [(spot.x_m, spot.y_m) for spot in (*district.nodes, *district.gateways)]
        points += [point for street in district.streets for point in street]
        self._left, self._top = min(x for x, _ in points), max(y for _, y in points)
        wide, high = max(x for x, _ in points) - self._left, self._top - min(y for _, y in points)
        self._metres = max(wide / max(width - 1, 1), high / max(_TALL * (height - 1), 1), 0.1)  # of a character's width
        self.width = int(wide / self._metres) + 1
        self.height = int(high / self._metres / _TALL) + 1
        self._streets = {cell for street in district.streets for cell in self._along(street)}
        self._nodes = [(self._cell(each.spot.x_m, each.spot.y_m), each) for each in collector.tallies.values()]
        self._gateways = [(self._cell(spot.x_m, spot.y_m), spot.name) for spot in district.gateways]

    def draw(self, now_us: int) -> tuple[Line, Line]:
        """The map as it is now, and what its marks mean."""
        cells = dict.fromkeys(sorted(self._streets), "street")
        for cell, tally in self._nodes:
            mark = mark_of(tally, now_us)
            if _RANK[mark] > _RANK.get(cells.get(cell, ""), -1):
                cells[cell] = mark
        for cell, name in self._gateways:
            cells[cell] = "gateway" if self._collector.gateways_up[name] else "gateway_away"
        line = Line(no_wrap=True)
        for row in range(self.height):
            for column in range(self.width):
                found = cells.get((column, row))
                line.append(*(" ", "") if found is None else self._drawn(_MARKS[found]))
            line.append("\n")
        line.rstrip()
        return line, self._legend([mark for mark in _MARKS if mark in set(cells.values())])

    def _legend(self, marks: Sequence[str]) -> Line:
        """Broken between marks only, which a terminal would not know to."""
        legend, used = Line(), 0
        for name in marks:
            drawn, words = self._drawn(_MARKS[name]), _MARKS[name].words.to(self._language)
            length = len(words) + 4
            if used and used + length > self._columns:
                legend.append("\n")
                used = 0
            legend.append(*drawn).append(f" {words}  ", "dim")
            used += length
        return legend

    def _drawn(self, mark: _Mark) -> tuple[str, str]:
        return mark.plain if self._plain else mark.character, mark.style

    def _cell(self, x_m: float, y_m: float) -> tuple[int, int]:
        return int((x_m - self._left) / self._metres), int((self._top - y_m) / self._metres / _TALL)

    def _along(self, street: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
        """The cells that a street passes, in steps of half a character."""
        cells = []
        for (x, y), (next_x, next_y) in pairwise(street):
            steps = int(2 * max(abs(next_x - x), abs(next_y - y)) / self._metres) + 1
            cells += [
                self._cell(x + (next_x - x) * step / steps, y + (next_y - y) * step / steps)
                for step in range(steps + 1)
            ]
        return cells
