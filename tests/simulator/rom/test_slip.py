"""SLIP frames go there and back, whole, cut and in noise."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.rom.slip import MAX_LEN, Unframer, framed


def test_the_two_bytes_that_mean_something_are_escaped():
    """RFC 1055: END is c0 and becomes db dc, ESC is db and becomes db dd."""
    assert framed(bytes.fromhex("01 c0 db 02")).hex(" ") == "c0 01 db dc db dd 02 c0"


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5), st.integers(1, 7))
def test_packets_arrive_however_they_are_cut(packets, step):
    unframer = Unframer()
    stream = b"".join(map(framed, packets))
    got = []
    for begin in range(0, len(stream), step):
        got += unframer.feed(stream[begin : begin + step])
    assert got == packets


def test_what_is_escaped_wrongly_or_too_long_is_dropped_and_the_next_arrives():
    unframer = Unframer()
    assert unframer.feed(b"\xc0\x01\xdb\x02\xc0" + framed(b"next")) == [b"next"]
    assert unframer.feed(b"\xc0" + bytes(MAX_LEN + 1) + framed(b"next")) == [b"next"]
    assert unframer.feed(b"\x01" * 10 * MAX_LEN + framed(b"next")) == [b"next"]
