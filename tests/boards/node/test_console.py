"""The node's lines among whatever else comes along a cable."""

import contextlib
import itertools
import os
import threading
import tty

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boards.causes import BoardError, Cause
from boards.node.console import MAX_LINE, Console, Lines, rows, states
from protocol.envelope import HELLO, NODE, message, seal


def test_lines_are_found_between_envelopes_and_noise():
    envelope = seal(message(HELLO, role=NODE, firmware="0.1.0", eui=bytes(8), max_phy_len=222, plan=None))
    lines = Lines()
    assert lines.feed(b"\xff\x00rubbish\x01" + envelope + b"firmware: 0.1.0\r\n" + envelope + b"ok\r\n") == [
        "firmware: 0.1.0",
        "ok",
    ]


def test_what_a_node_says_is_read():
    said = ["firmware: 0.1.0", "last_error: OSError: 5", "rubbish"]
    assert states(said) == {"firmware": "0.1.0", "last_error": "OSError: 5"}
    assert rows(["radio      ok", "co2        does not answer"]) == [("radio", "ok"), ("co2", "does not answer")]


@given(st.lists(st.binary(max_size=200)))
def test_however_it_is_cut_the_lines_are_the_same_and_bounded(pieces):
    whole, cut = Lines(), Lines()
    found = [line for piece in pieces for line in cut.feed(piece)]
    assert found == whole.feed(b"".join(pieces))
    assert all(0 < len(line) <= MAX_LINE for line in found)


def test_a_line_that_never_ends_takes_no_memory():
    lines = Lines()
    for _ in range(100):
        lines.feed(b"x" * 10_000)
    assert lines.feed(b"\nok\n")[-1] == "ok"


class Hasty:
    """`boards.node.console.Clock`: a fifth of a second passes whenever somebody looks at it."""

    def __init__(self):
        self._ticks = itertools.count()

    def now_s(self):
        return next(self._ticks) / 5

    def sleep(self, seconds):
        pass


def test_a_board_with_somebody_elses_program_that_never_stops_talking_is_told_of():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    over = threading.Event()

    def talk():
        while not over.wait(0.001):
            with contextlib.suppress(BlockingIOError):
                os.write(ours, b"temp=21.5\r\n")
            with contextlib.suppress(BlockingIOError):
                os.read(ours, 4096)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        with Console(os.ttyname(theirs), Hasty()) as console, pytest.raises(BoardError) as caught:
            console.wake()
    finally:
        over.set()
        talker.join()
        os.close(ours)
        os.close(theirs)
    assert caught.value.cause is Cause.NOT_RUNNING
