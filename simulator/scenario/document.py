"""A TOML file whose mistakes are told with file, line, key and what to write instead; tables are read by pydantic."""

import dataclasses
import datetime
import difflib
import json
import tomllib
import types
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Le, Len
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from simulator.scenario.bounds import Duration, Made, Wants, seconds_of

MAX_LEN = 1_000_000  # bytes; a town of 5,000 nodes takes a few thousand, ten thousand positions of nodes 200,000
_SHOWN_MAX_LEN = 60
_UNIONS = (Union, types.UnionType)
_KNOWN_SHOWN = 12  # names in a hint; more is a manual
_T = TypeVar("_T")

Where = tuple[str | int, ...]  # the way to a value: keys and places in lists


class ScenarioError(Exception):
    """What is wrong with the file, a sentence a line, each ready to be shown."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Document:
    """One file: hands out its tables as frozen values and collects what is wrong with them.

    Raises ScenarioError when the bytes are no TOML.
    """

    def __init__(self, raw: bytes, path: Path) -> None:
        if len(raw) > MAX_LEN:
            raise ScenarioError([f"{path}: has more than {MAX_LEN} bytes; this is no scenario"])
        try:
            text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = raw[: error.start].count(b"\n") + 1
            raise ScenarioError([f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8"]) from None
        try:
            self.content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ScenarioError([_syntax_fault(path, str(error), len(text.splitlines()))]) from None
        self.path = path
        self._lines = text.split("\n")
        self._faults: list[tuple[int, str]] = []

    def fault(self, where: Where, sentence: str) -> None:
        """Note a mistake in what stands at *where*."""
        line = _line_of(self._lines, where)
        self._faults.append((line, f"{self.path}:{line}: {sentence}" if line else f"{self.path}: {sentence}"))

    def unknown(self, where: Where, title: str, what: str, known: Collection[str]) -> None:
        """Note that *title* has no *what* of the name at the end of *where*, with the nearest there is."""
        self.fault(where, f"{title} has no {what} {_shown(where[-1])}; {nearest(str(where[-1]), known)}")

    def done(self) -> None:
        """Raise ScenarioError if anything was wrong, in the order of the lines."""
        if self._faults:
            told = [sentence for _, sentence in sorted(self._faults, key=lambda fault: fault[0])]
            raise ScenarioError(list(dict.fromkeys(told)))  # a list and its items may be wrong in the same words

    @property
    def sound(self) -> bool:
        """Whether nothing wrong was found so far."""
        return not self._faults

    def table(
        self, where: Where, title: str, section: type[_T], given: object, apart: Collection[str] = ()
    ) -> _T | None:
        """One table as *section*, or None after at least one fault.

        title: as the file has it, "" for what stands above all tables. apart: keys that somebody else reads.
        """
        if not isinstance(given, dict):
            self.fault(where, f"{title} is not a section; write {title} on a line of its own and its keys below")
            return None
        kind: Any = section
        keys = keys_of(kind)
        for name in given:
            if name not in keys and name not in apart:
                self.unknown((*where, name), title, "key", list(dict.fromkeys((*keys, *apart))))
        known = {name: _plain(keys[name], value) for name, value in given.items() if name in keys and name not in apart}
        try:
            return cast(_T, _adapter(kind).validate_json(json.dumps(known, default=str)))
        except ValidationError as error:
            for fault in error.errors(include_url=False, include_context=False):
                self._invalid(where, title, given, keys, fault)
        return None

    def tables(self, name: str) -> Iterator[tuple[Where, dict[str, Any]]]:
        """Each table of the list *name*, and where it is."""
        yield from self.list_of((name,), f"[[{name}]]", self.content.get(name, []))

    def list_of(self, where: Where, title: str, given: object) -> Iterator[tuple[Where, dict[str, Any]]]:
        """Each table of a list of tables, and where it is."""
        if not isinstance(given, list) or not all(isinstance(table, dict) for table in given):
            self.fault(where, f"{title[1:-1]} stands once for each of its kind; write {title}, in double brackets")
            return
        for place, table in enumerate(given):
            yield (*where, place), table

    def _invalid(self, where: Where, title: str, given: dict[str, Any], keys: dict[str, Any], fault: Any) -> None:
        key = str(fault["loc"][0]) if fault["loc"] else ""
        if key not in keys:
            raise AssertionError(f"{title}: {fault}")
        if fault["type"].startswith("missing") and len(fault["loc"]) == 1:
            self.fault(where, f"{title or 'the file'} needs {key}; write {key} = {wanted(keys[key])}")
        else:
            name = f"{title} {key}".lstrip()
            self.fault((*where, key), f"{name} is {_shown(given.get(key))}; write {wanted(keys[key])}")


def nearest(name: str, known: Collection[str]) -> str:
    """The end of a sentence about an unknown *name*: the nearest of *known*, or some of them."""
    lowered = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(name.lower(), lowered, 1, 0.6) or [
        candidate for candidate in lowered if len(name) > 3 and (candidate.startswith(name) or name in candidate)
    ]
    if near:
        return f"did you mean {lowered[near[0]]}?"
    if not known:
        return "there is none at all"
    names = list(known)
    return f"there are {', '.join(names[:_KNOWN_SHOWN])}{' and more' if len(names) > _KNOWN_SHOWN else ''}"


@cache
def keys_of(section: Any) -> dict[str, Any]:
    """The keys a table may have, and the type of each with its bounds."""
    hints = get_type_hints(section, include_extras=True)
    names = [entry.name for entry in dataclasses.fields(section)]
    return {name: hints[name] for name in names if not any(isinstance(mark, Made) for mark in _marks(hints[name]))}


def wanted(hint: Any) -> str:
    """What a key of this type accepts, to end the sentence `write …`."""
    marks = _marks(hint)
    for mark in marks:
        if isinstance(mark, Wants):
            return mark.text
    kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(kind) in _UNIONS:
        return wanted(next(choice for choice in get_args(kind) if choice is not type(None)))
    if get_origin(kind) is tuple:
        return _wanted_list(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f'"{member.value}"' for member in kind)
    low = next((mark.ge for mark in marks if isinstance(mark, Ge)), None)
    high = next((mark.le for mark in marks if isinstance(mark, Le)), None)
    length = next((mark for mark in marks if isinstance(mark, Len)), None)
    if _is_duration(hint):
        return f'seconds, {low}..{high}, or a text such as "90s", "1h30m" or "2d"'
    if kind is str and length is not None:
        return (
            "one character in quotes" if length.max_length == 1 else f"a text in quotes, up to {length.max_length} long"
        )
    return _WORDS[kind].format(low=low, high=high)


_WORDS = {
    bool: "true or false",
    int: "a whole number {low}..{high} without quotes",
    float: "a number {low}..{high} without quotes",
    datetime.datetime: "a time such as 2026-03-02T07:00:00Z without quotes",
    Path: "the path of a file in quotes, from the folder of this one",
    dict: "names and values in braces",
}


def _wanted_list(items: tuple[Any, ...]) -> str:
    if len(items) == 2 and items[1] is not Ellipsis:
        return f"[{', '.join(_short(item) for item in items)}]"
    inner = wanted(items[0])
    return inner if "list" in inner else f"a list in brackets, each {inner}"


def _short(hint: Any) -> str:
    return "metres" if hint is not None and _number(hint) else wanted(hint)


def _number(hint: Any) -> bool:
    return get_origin(hint) is Annotated and get_args(hint)[0] is float


def _marks(hint: Any) -> tuple[Any, ...]:
    return get_args(hint)[1:] if get_origin(hint) is Annotated else ()


def _plain(hint: Any, value: object) -> object:
    """A duration in words as its seconds; all else as it is."""
    if not isinstance(value, str) or not _is_duration(hint):
        return value
    seconds = seconds_of(value)
    if seconds is None:
        return value
    return int(seconds) if seconds.is_integer() else seconds


def _is_duration(hint: Any) -> bool:
    choices = get_args(hint) if get_origin(hint) in _UNIONS else (hint,)
    return any(isinstance(mark, Duration) for choice in choices for mark in _marks(choice))


@cache
def _adapter(section: Any) -> TypeAdapter[Any]:
    return TypeAdapter(with_config(ConfigDict(strict=True))(section))


def _shown(value: object) -> str:
    """As it may have stood in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = f'"{value}"'
    else:
        text = str(value) if isinstance(value, datetime.date | datetime.time) else repr(value)
    return text if len(text) <= _SHOWN_MAX_LEN else text[:_SHOWN_MAX_LEN] + "…"


def _syntax_fault(path: Path, message: str, last_line: int) -> str:
    what, _, where = message.rpartition(" (at ")
    line = where.removeprefix("line ").partition(",")[0]
    place = line if line.isdecimal() else str(last_line)  # "at end of document"
    return f"{path}:{place}: this is not TOML: {what or message}; texts stand in quotes, and a name has one value"


def _line_of(lines: Sequence[str], where: Where) -> int:
    """The line (from 1) on which the statement begins that brings *where* into the file; 0: it is not there.

    tomllib tells no positions, but says exactly what the first n lines mean: of two beginnings of the file the longer
    one contains whatever the shorter does, so the line can be found by halving.
    """
    if not where:
        return 0
    place = bisect_left(range(1, len(lines) + 1), True, key=lambda count: _contains(_first_lines(lines, count), where))
    return place + 1 if place < len(lines) else 0


def _first_lines(lines: Sequence[str], count: int) -> Any:
    """What the first *count* lines mean, and as many more as their last statement takes."""
    while count <= len(lines):
        try:
            return tomllib.loads("\n".join(lines[:count]) + "\n")
        except tomllib.TOMLDecodeError:
            count += 1  # in the middle of a value of several lines
    return None


def _contains(document: Any, where: Where) -> bool:
    for step in where:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
