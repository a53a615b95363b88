"""A board's serial port as a pseudo-terminal, for mpremote and whatever else speaks to a real board's."""

import os
import select
import time
import tty
from typing import Self

from simulator.board.board import Board
from simulator.timeline import Timeline

_CHUNK = 4096


class Terminal:
    """path: of the pseudo-terminal's other end. Use it as a context, and `serve` it."""

    def __init__(self, board: Board, timeline: Timeline) -> None:
        self._board = board
        self._timeline = timeline
        self._ours, self._theirs = os.openpty()
        # Kept open: without it, reading ours would fail as soon as nobody is there.
        tty.setraw(self._ours)
        tty.setraw(self._theirs)
        self.path = os.ttyname(self._theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._ours)
        os.close(self._theirs)

    def serve(self, seconds: float) -> bool:
        """Wait so long for somebody to type, and let as much time pass for the board; whether anybody typed."""
        begun = time.monotonic()
        typed = bool(select.select([self._ours], [], [], seconds)[0])
        if typed:
            self._board.type(os.read(self._ours, _CHUNK))
        self._timeline.run(self._timeline.now_us + int((time.monotonic() - begun) * 1_000_000))
        self._flush()
        return typed

    def _flush(self) -> None:
        """What the board said goes out; the bytes leave `printed`, which nobody else reads meanwhile."""
        while self._board.printed:
            sent = os.write(self._ours, bytes(self._board.printed[:_CHUNK]))
            del self._board.printed[:sent]
