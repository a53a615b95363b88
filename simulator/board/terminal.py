"""A board's serial port as a pseudo-terminal, for mpremote and whatever else speaks to a real board's.

The line may be as slow as a real one, and the cable may be pulled after so many bytes: with it goes the board's power.
"""

import os
import select
import time
import tty
from collections.abc import Sequence
from typing import Self

from simulator.board.board import Board, State
from simulator.timeline import Timeline

_CHUNK = 4096
_GULP_S = 0.001  # of a paced line: as much as comes in this time goes through in one piece
_BITS = 10  # of a byte on the line: start, eight, stop


class Terminal:
    """path: of the pseudo-terminal's other end. Use it as a context, and `serve` it; many boards: `serve_all`.

    baud: how fast the line is each way, None for as fast as it goes. cut_after: so many bytes from the other end reach
    the board, then the cable is pulled; None for never. pulled: whether it was: the other end finds its port gone, and
    the board is off. Who plugs it in again makes another Terminal and switches the board on.
    """

    def __init__(
        self, board: Board, timeline: Timeline, *, baud: int | None = None, cut_after: int | None = None
    ) -> None:
        self.board = board
        self.pulled = False
        self._timeline = timeline
        self._left = cut_after
        self._in = _Line(baud)
        self._out = _Line(baud)
        self._ours, self._theirs = os.openpty()
        # Kept open: without it, reading ours would fail as soon as nobody is there.
        tty.setraw(self._ours)
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)  # what nobody reads must not hold up the board
        self.path = os.ttyname(self._theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def serve(self, seconds: float) -> bool:
        """Wait so long for somebody to type, and let as much time pass for the board; whether anybody typed."""
        return serve_all([self], self._timeline, seconds)

    def pull(self) -> None:
        """Pull the cable, now."""
        self._hang_up()
        if self.board.state is not State.OFF:
            self.board.switch_off()

    def _hang_up(self) -> None:
        if not self.pulled:
            self.pulled = True
            os.close(self._ours)
            os.close(self._theirs)

    # For `serve_all`; times are of time.monotonic.

    def listens(self, now_s: float) -> bool:
        """Whether it is to be waited for; not as long as the line is busy with what came before."""
        return not self.pulled and self._in.free_s <= now_s

    def due_s(self, now_s: float) -> float:
        """When there is something to do though nobody types: the line has room again."""
        due_s = self._in.free_s if self._in.free_s > now_s else float("inf")
        return min(due_s, max(self._out.free_s, now_s + _GULP_S)) if self.board.printed else due_s

    def fileno(self) -> int:
        """For select."""
        return self._ours

    def take(self, now_s: float) -> None:
        """Hand the board what came in."""
        data = os.read(self._ours, self._in.gulp if self._left is None else min(self._in.gulp, self._left) or 1)
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        self._in.pass_(len(data), now_s)
        self.board.type(data)
        if self._left == 0:
            self.pull()

    def give(self, now_s: float) -> None:
        """What the board said goes out; the bytes leave `printed`, which nobody else reads meanwhile."""
        while self.board.printed and not self.pulled and self._out.free_s <= now_s:
            try:
                sent = os.write(self._ours, bytes(self.board.printed[: self._out.gulp]))
            except BlockingIOError:  # the other end does not read now
                return
            del self.board.printed[:sent]
            self._out.pass_(sent, now_s)


class _Line:
    """One way of the cable. gulp: bytes that go through in one piece; free_s: when it takes the next."""

    def __init__(self, baud: int | None) -> None:
        self._baud = baud
        self.gulp = _CHUNK if baud is None else max(int(baud / _BITS * _GULP_S), 1)
        self.free_s = 0.0

    def pass_(self, count: int, now_s: float) -> None:
        """So many bytes go through. A line that was late catches up by a gulp, not by all that it missed."""
        if self._baud is not None:
            self.free_s = max(self.free_s, now_s - _GULP_S) + count * _BITS / self._baud


def serve_all(terminals: Sequence[Terminal], timeline: Timeline, seconds: float) -> bool:
    """Serve boards of one timeline: wait so long for somebody to type, and let as much time pass for all of them.

    Returns whether anybody typed.
    """
    begun_s = time.monotonic()
    there = [one for one in terminals if not one.pulled]
    until_s = min([begun_s + seconds] + [one.due_s(begun_s) for one in there])
    typed = select.select([one for one in there if one.listens(begun_s)], [], [], max(until_s - begun_s, 0))[0]
    now_s = time.monotonic()
    for one in typed:
        one.take(now_s)
    timeline.run(timeline.now_us + int((now_s - begun_s) * 1_000_000))
    for one in there:
        one.give(now_s)
    return bool(typed)
