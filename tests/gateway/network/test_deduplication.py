"""Copies of a frame are one frame, with the best reception first and all radios remembered."""

from gateway.network.deduplication import MAX_COPIES, MAX_WAITING, Deduplication
from tests.fakes.devices import heard


def test_copies_are_sorted_by_snr_then_rssi_and_those_without_come_last():
    copies = Deduplication(200)
    for at_ms, (radio, snr_db, rssi_dbm) in enumerate(
        (("a", None, None), ("b", -3.0, -80), ("c", 2.5, -100), ("d", 2.5, -90), ("e", None, -10))
    ):
        assert copies.add(heard(b"x", radio=radio, snr_db=snr_db, rssi_dbm=rssi_dbm), at_ms)
    frame = copies.closed(200)
    assert [received.radio for received, _ in frame.best_first()] == ["d", "c", "b", "e", "a"]
    assert frame.first_ms == 0
    assert {received.radio: at_ms for received, at_ms in frame.copies}["c"] == 2


def test_a_window_lasts_from_the_first_copy_on():
    copies = Deduplication(200)
    copies.add(heard(b"x"), 1000)
    copies.add(heard(b"y"), 1100)
    copies.add(heard(b"x", radio="b"), 1199)
    assert copies.closes_at() == 1200
    assert copies.closed(1199) is None
    assert len(copies.closed(1200).copies) == 2
    assert copies.closed(1200) is None
    assert copies.closes_at() == 1300
    assert copies.closed(9999).copies[0][0].phy_payload == b"y"
    assert copies.closes_at() is None


def test_frames_and_copies_are_bounded():
    copies = Deduplication(200)
    for number in range(MAX_WAITING):
        assert copies.add(heard(b"%d" % number), 0)
    assert not copies.add(heard(b"one more"), 0)
    for number in range(20):
        assert copies.add(heard(b"0", radio=f"udp:{number}"), 0)
    assert len(copies.closed(200).copies) == MAX_COPIES
    assert copies.add(heard(b"one more"), 200)
