"""Frame counters are rebuilt in full, advance only, and end at 2^32 - 1."""

from protocol.lorawan.counters import F_CNT_MAX, accept_f_cnt, full_f_cnt, nearest_full


def test_the_first_counter_is_taken_as_it_is():
    assert full_f_cnt(-1, 0) == 0
    assert accept_f_cnt(-1, 0) == 0
    assert accept_f_cnt(-1, 0xFFFF) == 0xFFFF


def test_gaps_and_the_wrap_of_the_low_16_bits():
    assert full_f_cnt(0, 1) == 1
    assert full_f_cnt(0xFFFF, 0) == 0x10000
    assert full_f_cnt(0x1FFFE, 0xFFFD) == 0x2FFFD, "the largest gap there is: 65535"
    assert full_f_cnt(0x1FFFE, 0xFFFE) == 0x2FFFE
    assert accept_f_cnt(0x1FFFE, 0xFFFD) == 0x2FFFD
    assert accept_f_cnt(0xFFFF0000, 0xFFFF) == F_CNT_MAX


def test_the_same_counter_is_a_replay():
    for last in (0, 1, 0xFFFF, 0x10000, 0x12345678, F_CNT_MAX):
        assert accept_f_cnt(last, last & 0xFFFF) is None


def test_counters_do_not_begin_again_after_the_last():
    assert accept_f_cnt(F_CNT_MAX, 0) is None
    assert accept_f_cnt(F_CNT_MAX - 1, 0xFFFF) == F_CNT_MAX
    assert accept_f_cnt(F_CNT_MAX - 1, 0xFFFD) is None


def test_the_nearest_number_may_lie_on_either_side():
    assert nearest_full(0x10005, 0x0003) == 0x10003
    assert nearest_full(0x10005, 0xFFFE) == 0xFFFE
    assert nearest_full(0xFFF0, 0x0002) == 0x10002
    assert nearest_full(0x20000, 0x8000) == 0x18000, "half-way counts as before"
    assert nearest_full(0x20000, 0x7FFF) == 0x27FFF
    assert nearest_full(2, 0xFFFF) == 0xFFFF, "never negative"
    assert nearest_full(0, 0) == 0
