"""What is new, what is missing and what is given up; kept as text, also as an old one."""

import pytest

from gateway.readings.node_log import MAX_GAPS, REACH, UNKNOWN, Gap, NodeLog, doubted, opened

FRAME = (9_000_000, 0)


def log(next_seq=10, *gaps, **more):
    return NodeLog(7, next_seq, gaps, sure=True, **more)


def gap(first, end, low=None, high=None):
    return Gap(first, end, low, high)


def test_a_number_is_new_if_it_was_not_heard_of_or_is_missing():
    known = log(10, gap(2, 4), gap(7, 8))
    assert [seq for seq in range(13) if known.is_new(seq)] == [2, 3, 7, 10, 11, 12]
    assert known.missing() == 3


def test_what_is_skipped_is_missing_and_knows_the_moments_around_it():
    known = log(10, last_seq=9, last=(1000, 1)).took(13, (5000, 2), FRAME)
    assert known.gaps == (gap(10, 13, (1000, 1), (5000, 2)),)
    assert (known.next_seq, known.last_seq, known.last) == (14, 13, (5000, 2))
    undated = log(10, last_seq=9, last=(1000, 1)).took(13, None, FRAME)
    assert undated.gaps == (gap(10, 13, (1000, 1), FRAME),)
    assert (undated.last_seq, undated.last) == (9, (1000, 1))


def test_what_is_taken_out_of_a_gap_splits_it_and_bounds_both_halves():
    known = log(20, gap(5, 10, (1, 1), (9, 1)))
    assert known.took(7, (4, 1), FRAME).gaps == (gap(5, 7, (1, 1), (4, 1)), gap(8, 10, (4, 1), (9, 1)))
    assert known.took(7, None, FRAME).gaps == (gap(5, 7, (1, 1), (9, 1)), gap(8, 10, (1, 1), (9, 1)))
    assert known.took(5, (4, 1), FRAME).gaps == (gap(6, 10, (4, 1), (9, 1)),)
    assert known.took(9, (4, 1), FRAME).gaps == (gap(5, 9, (1, 1), (4, 1)),)
    assert log(20, gap(5, 6)).took(5, None, FRAME).gaps == ()


def test_a_status_opens_a_log_and_shows_what_was_taken_before():
    assert opened(7, 0, None, FRAME).gaps == ()
    young = opened(7, 30, None, FRAME)
    assert young.gaps == (gap(0, 30, None, FRAME),)
    old = opened(7, 100_000, None, FRAME)
    assert old.gaps == (gap(100_000 - REACH, 100_000, None, FRAME),)
    assert [known.sure for known in (young, old)] == [True, True]


def test_a_later_status_shows_what_is_missing_at_the_end():
    known = log(10, last=(1000, 1)).doubted().reaching(15, FRAME)
    assert known.gaps == (gap(10, 15, (1000, 1), FRAME),)
    assert known.sure
    assert log(10).doubted().reaching(10, FRAME) == log(10, told_ms=FRAME[0])


def test_void_numbers_are_neither_missing_nor_new():
    assert log(10, gap(2, 8)).voided(4, 6, FRAME).gaps == (gap(2, 4), gap(6, 8))
    ahead = log(10).voided(12, 44, FRAME)
    assert (ahead.next_seq, ahead.gaps) == (44, (gap(10, 12, None, FRAME),))
    across = log(10, gap(8, 9)).voided(8, 40, FRAME)
    assert (across.next_seq, across.gaps) == (40, ())


def test_a_number_is_widened_around_where_the_log_is():
    assert log(65_530).full(2) == 65_538
    assert log(65_540).full(65_535) == 65_535
    assert log(2**17 + 5).full(4) == 2**17 + 4


def test_what_is_too_far_behind_is_given_up_in_steps():
    far = REACH + 10_000
    known, given_up = log(far, gap(0, 1000), gap(9000, 12_000), gap(far - 3, far - 2)).bounded()
    floor = 10_000 // 256 * 256
    assert given_up == [(0, 1000), (9000, floor)]
    assert known.gaps == (gap(floor, 12_000), gap(far - 3, far - 2))
    assert known.bounded() == (known, [])


def test_gaps_are_bounded_and_the_oldest_are_given_up():
    gaps = [gap(3 * n, 3 * n + 1) for n in range(MAX_GAPS + 2)]
    known, given_up = log(3 * len(gaps), *gaps).bounded()
    assert given_up == [(0, 1), (3, 4)]
    assert len(known.gaps) == MAX_GAPS


def test_only_what_was_taken_since_the_log_is_known_is_called_lost():
    known = opened(7, 5000, None, FRAME)
    assert known.lost([(0, 4000)]) == []
    assert known.lost([(0, 4000), (4900, 5003), (6000, 6001)]) == [(5000, 5003), (6000, 6001)]


@pytest.mark.parametrize(
    "known",
    [
        UNKNOWN,
        log(70_000),
        log(10, gap(2, 4, (1, 2), None), gap(7, 8, None, (3, 4)), last_seq=9, last=(5, 6), boot=3, told_ms=8, since=1),
    ],
)
def test_it_is_kept_as_text(known):
    assert NodeLog.from_text(known.to_text()) == known
    assert "\n" not in known.to_text()
    assert " " not in known.to_text()


def test_the_usual_text_is_short():
    known = log(1_234_567, last_seq=1_234_566, last=(1_790_000_000_000, 2), told_ms=1_790_000_000_000)
    assert len(known.to_text()) < 80


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "3", "[9,7,1,true,null,1,1,1,0,0,[]]", "[1,7,1,true,null,1,1,1,0,0,[1]]"]
)
def test_what_cannot_be_read_is_a_log_of_which_nothing_is_known(text):
    assert NodeLog.from_text(text) == UNKNOWN
    assert not UNKNOWN.sure


def test_the_text_of_a_backup_is_doubted():
    assert NodeLog.from_text(doubted(log(10, gap(2, 4)).to_text())) == log(10, gap(2, 4)).doubted()
    assert doubted(None) is None


def test_moments_move_to_unix_time_when_it_is_known():
    monotonic = log(10, gap(2, 4, (1, 1), (2, 1)), last_seq=9, last=(5, 1), told_ms=4, boot=12)
    moved = monotonic.on_clock(None, 12, 1000)
    assert moved == log(10, gap(2, 4, (1001, 1), (1002, 1)), last_seq=9, last=(1005, 1), told_ms=1004)


@pytest.mark.parametrize(("boot", "offset_ms"), [(None, 1000), (12, None)])
def test_moments_of_an_earlier_boot_that_never_knew_the_time_are_let_go(boot, offset_ms):
    before = log(10, gap(2, 4, (1, 1), (2, 1)), last_seq=9, last=(5, 1), told_ms=4, boot=11)
    assert before.on_clock(boot, 12, offset_ms) == log(10, gap(2, 4), boot=boot)


def test_unix_moments_wait_for_the_time_to_be_known():
    known = log(10, last_seq=9, last=(5, 1))
    assert known.on_clock(12, 12, None) is known
