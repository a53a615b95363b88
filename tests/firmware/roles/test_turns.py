from firmware.roles.turns import EARLIER_S, Turns, draw_after

INTERVALS_S = (60, 300, 900, 3600, 86_400)


def gaps(seed, interval_s, count):
    turns = Turns(seed)
    return [turns.gap_s(interval_s) for _ in range(count)]


def test_the_generator_goes_through_all_its_numbers():
    """As the ZX81's BASIC manual has it: 75 (n + 1) - 1 modulo 65,537, of order 65,536."""
    draw = 0
    seen = set()
    for _ in range(65_536):
        assert 0 <= draw < 65_536
        seen.add(draw)
        draw = draw_after(draw)
    assert draw == 0 and len(seen) == 65_536


def test_neighbours_share_the_first_interval_out_evenly():
    for interval_s in INTERVALS_S:
        firsts = [gaps(0x70B3D57E + number, interval_s, 1)[0] for number in range(1_000)]
        assert min(firsts) >= interval_s // 2 and max(firsts) <= interval_s + (interval_s + 1) // 2
        parts = [0] * 10
        for first_s in firsts:
            parts[first_s * 10 // interval_s % 10] += 1
        assert min(parts) >= 50 and max(parts) <= 200, (interval_s, parts)


def test_the_interval_holds_on_average_and_never_by_much_more_or_less():
    for interval_s in INTERVALS_S:
        for seed in (0, 1, 0xFFFF, 0xFFFFFFFF):
            later = gaps(seed, interval_s, 2_001)[1:]
            assert all(abs(gap_s - interval_s) <= EARLIER_S // 2 for gap_s in later)
            if seed % 65_537 != 65_536:
                assert abs(sum(later) - 2_000 * interval_s) < 2_000


def test_two_that_met_once_part():
    """Of nodes that are powered together, those whose readings fall into the same second once do not meet the next."""
    again = 0
    for number in range(200):
        one, other = gaps(number, 900, 40), gaps(number + 1, 900, 40)
        again += sum([a == b for a, b in zip(one[1:], other[1:])])
    assert again < 200 * 39 // 10


def test_a_sleep_changes_nothing():
    awake, asleep = Turns(7), Turns(7)
    for _ in range(100):
        woken = Turns(0)
        woken.state = asleep.state
        asleep = woken
        assert asleep.gap_s(900) == awake.gap_s(900)
