"""What a day of virtual boards costs: real MicroPython, chips down to the bytes, air and gateway, all on one core."""

import resource
from collections.abc import Iterator

from simulator.board.process import Host
from tests.benchmarks.figures import Figure
from tests.board.roles import NODES, board_of
from tests.board.street import HOUR_US, Town, compiled

_HOURS = 24
_EACH = 2  # boards of a role
_HUNDRED = 40.0  # hundred boards for a day in a minute
_HOW = "seconds of processor, of CPython and Node.js together, boots and first imports and all"


def figures() -> Iterator[Figure]:
    """Ms for each wake, where nodes wake; hours of boards in a second, as many of each role that is a node's."""
    firmware = compiled()
    spent_s = 0.0
    for role in NODES:
        begun_s = _processor_s()
        wakes = _live(role, firmware)
        took_s = _processor_s() - begun_s
        spent_s += took_s
        if wakes > 2 * _EACH:  # a lamp never sleeps deep
            yield Figure(name=f"board.{role}.ms_per_wake", value=round(took_s * 1000 / wakes, 1), unit="ms", how=_HOW)
        else:
            yield Figure(name=f"board.{role}.s_per_day", value=round(took_s / _EACH, 1), unit="s", how=_HOW)
    hours = _HOURS * _EACH * len(NODES)
    yield Figure(
        name="board.hours_per_s",
        value=round(hours / spent_s, 1),
        unit="h/s",
        target=_HUNDRED,
        more_is_better=True,
        how=_HOW,
    )


def _live(role: str, firmware: dict[str, bytes]) -> int:
    """A day of boards of a role; how often they booted."""
    names = tuple(f"{role}-{number + 1:03}" for number in range(_EACH))
    with Host(_EACH) as host, Town(host, names, role) as town:
        boards = [board_of(town, number, firmware) for number in range(_EACH)]
        for number, board in enumerate(boards):
            town.timeline.at(number * 20_000_000, board.switch_on)
        town.run(_HOURS * HOUR_US)
        assert not town.refused_
        return sum(len(board.boots) for board in boards)


def _processor_s() -> float:
    """Of this process, and of the Node.js processes that are over."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)
