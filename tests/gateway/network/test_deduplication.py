"""Copies of a frame are one frame, with the best reception first and all radios remembered."""

from gateway.network.deduplication import MAX_COPIES, MAX_OF_ONE, MAX_WAITING, Deduplication
from tests.fakes.devices import heard


def test_copies_are_sorted_by_snr_then_rssi_and_those_without_come_last():
    copies = Deduplication(200)
    for at_ms, (radio, snr_db, rssi_dbm) in enumerate(
        (("a", None, None), ("b", -3.0, -80), ("c", 2.5, -100), ("d", 2.5, -90), ("e", None, -10))
    ):
        assert copies.add(heard(b"x", radio=radio, snr_db=snr_db, rssi_dbm=rssi_dbm), at_ms, 1)
    frame = copies.closed(200)
    assert [received.radio for received, _ in frame.best_first()] == ["d", "c", "b", "e", "a"]
    assert frame.first_ms == 0
    assert {received.radio: at_ms for received, at_ms in frame.copies}["c"] == 2


def test_a_window_lasts_from_the_first_copy_on():
    copies = Deduplication(200)
    copies.add(heard(b"x"), 1000, 1)
    copies.add(heard(b"y"), 1100, 1)
    copies.add(heard(b"x", radio="b"), 1199, 1)
    assert copies.closes_at() == 1200
    assert copies.closed(1199) is None
    assert len(copies.closed(1200).copies) == 2
    assert copies.closed(1200) is None
    assert copies.closes_at() == 1300
    assert copies.closed(9999).copies[0][0].phy_payload == b"y"
    assert copies.closes_at() is None


def test_a_copy_is_known_by_its_bytes_and_its_data_rate():
    copies = Deduplication(200)
    assert not copies.again(heard(b"x"), 0)
    copies.add(heard(b"x", dr=5), 0, 1)
    assert copies.again(heard(b"x", radio="b", dr=5), 1)
    assert not copies.again(heard(b"x", radio="c", dr=99), 1), "to be looked at"
    assert not copies.again(heard(b"y", radio="c", dr=5), 1)
    assert [received.radio for received, _ in copies.closed(200).copies] == [heard(b"x").radio, "b"]
    assert not copies.again(heard(b"x", radio="d", dr=5), 201), "it is over"


def test_frames_and_copies_are_bounded():
    copies = Deduplication(200)
    for number in range(MAX_WAITING):
        assert copies.add(heard(b"%d" % number), 0, number)
    assert not copies.add(heard(b"one more"), 0, 1 << 20)
    for number in range(20):
        assert copies.add(heard(b"0", radio=f"udp:{number}"), 0, 0)
    assert len(copies.closed(200).copies) == MAX_COPIES
    assert copies.add(heard(b"one more"), 200, 1 << 20)


def test_one_sender_takes_no_more_than_its_share_and_gives_it_back():
    copies = Deduplication(200)
    for number in range(2 * MAX_OF_ONE):
        assert copies.add(heard(b"forged %d" % number), 0, 0x26011234) == (number < MAX_OF_ONE)
    assert copies.add(heard(b"forged 0", radio="b"), 0, 0x26011234), "a copy takes no place"
    assert copies.add(heard(b"of another"), 1, 0x26011235)
    assert copies.closed(200) is not None
    assert copies.add(heard(b"room again"), 200, 0x26011234)
    assert not copies.add(heard(b"for one"), 200, 0x26011234)
    while copies.closed(1_000) is not None:
        pass
    assert not copies._of_one
