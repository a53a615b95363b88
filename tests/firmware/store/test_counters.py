from firmware.store.counters import Reserved


def test_a_new_counter_reserves_before_its_first_number():
    counter = Reserved("seq", 0, 32)
    value, persist = counter.take()
    assert (value, persist.key, persist.value) == (0, "seq", 32)
    assert [counter.take() for _ in range(31)] == [(value, None) for value in range(1, 32)]
    value, persist = counter.take()
    assert (value, persist.value) == (32, 64)


def test_after_a_power_cut_it_goes_on_at_the_bound():
    counter = Reserved("seq", 32, 32)
    value, persist = counter.take()
    assert (value, persist.value) == (32, 64)


def test_after_a_sleep_it_goes_on_where_it_was():
    counter = Reserved("seq", 64, 32, exact=40)
    assert [counter.take()[0] for _ in range(3)] == [40, 41, 42]
    value, persist = Reserved("seq", 64, 32, exact=64).take()
    assert (value, persist.value) == (64, 96)


def test_an_exact_value_that_cannot_be_is_not_believed():
    for exact in (31, 65, -1, 2**32):
        assert Reserved("seq", 64, 32, exact).next == 64


def test_the_void_numbers_are_known():
    assert Reserved("seq", 64, 32).void(35) == (35, 29)
    assert Reserved("seq", 64, 32).void(64) is None
    assert Reserved("seq", 64, 32, exact=40).void(40) is None


def test_it_counts_past_small_ints():
    counter = Reserved("f_cnt_up", 2**32 - 34, 32)
    assert [2**32 - counter.take()[0] for _ in range(34)] == list(range(34, 0, -1))
