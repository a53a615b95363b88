"""What the keys of a scenario may hold: the types they share, with bounds, and the words for what is expected."""

import re
import zoneinfo
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le, Len, Predicate

from protocol.region import PLANS
from simulator.energy.currents import BOARDS

YEAR_S = 366 * 86_400
NAME = r"[a-z0-9_]+(?:-[a-z0-9_]+)*"  # as place ids and topics carry it
_TARGET = rf"(?:(?:zone|street|role|feeder|group):)?{NAME}"


@dataclass(frozen=True, slots=True)
class Wants:
    """What a key accepts, to end the sentence `write …`, where its type and bounds do not say it."""

    text: str


class Duration:
    """Marks a number of seconds that may also be written as a text, such as "1h30m"."""


class Made:
    """Marks what reading makes; no key of the file."""


def is_name(text: str) -> bool:
    """Whether *text* can stand in place ids and topics."""
    return len(text) <= 60 and re.fullmatch(NAME, text) is not None


def is_insee(text: str) -> bool:
    """Whether *text* has the form of an INSEE code of a commune: five digits, or 2A, 2B and three digits."""
    return re.fullmatch(r"(?:\d{2}|2[AB])\d{3}", text) is not None


def is_time_zone(text: str) -> bool:
    """Whether this machine's time zone database knows *text*."""
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_target(text: str) -> bool:
    return len(text) <= 80 and re.fullmatch(_TARGET, text) is not None


def _is_plan(text: str) -> bool:
    return any(plan.name == text for plan in PLANS)


def _is_board(text: str) -> bool:
    return any(board.name == text for board in BOARDS)


def _one_of(names: list[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)


Name = Annotated[
    str, Predicate(is_name), Wants('a name of a-z, 0-9, _ and - in quotes, at most 60 long, such as "gare-nord"')
]
Label = Annotated[str, Len(1, 200)]
Text = Annotated[str, Len(0, 2000)]
Heading = Annotated[str, Len(0, 100)]  # of a column in a CSV file
Insee = Annotated[
    str, Predicate(is_insee), Wants('the commune\'s INSEE code, five characters in quotes, such as "92002"')
]
TimeZone = Annotated[str, Predicate(is_time_zone), Wants('a name such as "Europe/Paris"')]
PlanName = Annotated[str, Predicate(_is_plan), Wants(_one_of([plan.name for plan in PLANS]))]
BoardName = Annotated[str, Predicate(_is_board), Wants(_one_of([board.name for board in BOARDS]))]
Target = Annotated[
    str,
    Predicate(_is_target),
    Wants('names in a list, such as ["mairie"], ["zone:centre", "role:light"], ["gateways"], ["nodes"] or ["all"]'),
]
Share = Annotated[float, Ge(0), Le(1)]
Metres = Annotated[float, Ge(-100_000), Le(100_000)]
Height = Annotated[float, Ge(0), Le(1000)]
Decibels = Annotated[float, Ge(0), Le(100)]
Seconds = Annotated[float, Ge(0), Le(YEAR_S), Duration()]
Point = tuple[Metres, Metres]
DataRate = Annotated[int, Ge(0), Le(5)]

_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"(-?)(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?")


def seconds_of(text: str) -> float | None:
    """Seconds of "1d", "8h30m", "-90s"; None if *text* is no such thing."""
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    return (-1 if match[1] else 1) * (days * 86_400 + hours * 3600 + minutes * 60 + seconds)
