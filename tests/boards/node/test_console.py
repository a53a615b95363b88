"""The node's lines among whatever else comes along a cable."""

from hypothesis import given
from hypothesis import strategies as st

from boards.node.console import MAX_LINE, Lines, rows, states
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
