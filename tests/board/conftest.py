"""One Node process for all tests: each takes boards of its own from it."""

import pytest

from simulator.board.board import Board
from simulator.board.process import Host
from simulator.timeline import Timeline
from tests.board.street import compiled


@pytest.fixture(name="firmware", scope="session")
def _firmware():
    return compiled()


@pytest.fixture(name="bench")
def _bench():
    with Bench() as bench:
        yield bench


class Bench:
    """Boards without a street: `board(main)` has that as its /main.py and is switched on."""

    def __init__(self, boards: int = 2, heap: bool = False) -> None:
        self.timeline = Timeline()
        self._host = Host(boards, heap=heap)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._host.close()

    def board(self, main, **how):
        board = Board("bench", self._host.link(), self.timeline, b"\x24\x0a\xc4\x01\x02\x03", **how)
        board.put("/main.py", main.encode())
        board.switch_on()
        return board

    def run(self, seconds):
        self.timeline.run(self.timeline.now_us + round(seconds * 1_000_000))


def lines(board):
    """What it printed since it was last asked."""
    text = board.printed.decode().replace("\r\n", "\n").splitlines()
    board.printed.clear()
    return text
