"""The ledger of airtime, the join budgets, the dice and the channel table, each by itself."""

from firmware.channels import Channels, band_of
from firmware.commands import dl_channel, new_channel
from firmware.dice import Dice
from firmware.duty import HOUR_MS, SHARES, SLOT_MS, Ledger
from firmware.joining import JoinBackOff
from protocol.region import FULL, SUB_BANDS

BAND_M = 2
HOUR_OF_M_MS = 36_000
DAY_MS = 24 * HOUR_MS


def spent(*frames):
    ledger = Ledger()
    for airtime_ms, now_ms in frames:
        ledger.spend(BAND_M, airtime_ms, now_ms)
    return ledger


def test_an_empty_ledger_is_free_and_a_full_one_frees_itself_slot_by_slot():
    assert Ledger().free_at(BAND_M, HOUR_OF_M_MS) == 0
    ledger = spent((20_000, 0), (10_000, SLOT_MS), (6_000, 2 * SLOT_MS))
    assert ledger.free_at(BAND_M, 1) == SLOT_MS + HOUR_MS
    assert ledger.free_at(BAND_M, 20_000) == SLOT_MS + HOUR_MS
    assert ledger.free_at(BAND_M, 20_001) == 2 * SLOT_MS + HOUR_MS
    assert ledger.free_at(BAND_M, HOUR_OF_M_MS) == 3 * SLOT_MS + HOUR_MS
    assert ledger.free_at(BAND_M + 1, 1) == 0


def test_a_frame_counts_in_the_slot_in_which_it_ends():
    ledger = spent((36_000, SLOT_MS - 1))
    assert ledger.free_at(BAND_M, 1) == 2 * SLOT_MS + HOUR_MS


def test_what_is_older_than_an_hour_is_forgotten():
    ledger = spent((36_000, 0))
    ledger.spend(BAND_M, 1_000, SLOT_MS + HOUR_MS)
    assert ledger.free_at(BAND_M, 35_000) == 0


def test_shares_are_persisted_before_they_are_used_and_sink_when_much_less_is_needed():
    ledger = Ledger()
    writes = [ledger.spend(BAND_M, 500, 1000 * n) for n in range(16)]
    shares = [write[BAND_M] for write in writes if write is not None]
    assert shares == [1, 2, 3, 4, 5, 6, 7, 8]  # 8 s of 36 s in 32 parts of 1.125 s
    write = ledger.spend(BAND_M, 500, 3 * HOUR_MS)
    assert write is not None
    assert write[BAND_M] == 1
    assert ledger.spend(BAND_M, 500, 3 * HOUR_MS) is None


def test_persisted_shares_are_spent_until_an_hour_after_the_boot():
    shares = bytes([0, 0, SHARES, 0, 0, 0])
    ledger = Ledger(shares)
    assert ledger.free_at(BAND_M, 1) == HOUR_MS
    half = Ledger(bytes([0, 0, SHARES // 2, 0, 0, 0]))
    assert half.free_at(BAND_M, 18_000) == 0
    assert half.free_at(BAND_M, 18_001) == HOUR_MS
    assert Ledger(b"what is this").free_at(BAND_M, HOUR_OF_M_MS) == 0


def test_a_ledger_goes_through_deep_sleep():
    for now_ms in (5_000, 1 << 30, (1 << 32) + 77):
        ledger = spent()
        for n in range(17):
            ledger.spend(BAND_M, 2_000, now_ms + n * SLOT_MS)
            ledger.spend(4, 20_000, now_ms + n * SLOT_MS)
        wire = ledger.to_wire(now_ms + 16 * SLOT_MS)
        assert len(wire) <= 10 + 6 * (1 + 9 * 4)
        other = Ledger()
        other.from_wire(b"xx" + wire, 2)
        for airtime_ms in (1, 3_000, 20_000, 36_000):
            for band in range(len(SUB_BANDS)):
                late_ms = other.free_at(band, min(airtime_ms, 3_600)) - ledger.free_at(band, min(airtime_ms, 3_600))
                assert late_ms in (0, SLOT_MS), "never early, and little late"
        lates = [other.free_at(BAND_M, span) - ledger.free_at(BAND_M, span) for span in range(1, 36_000, 500)]
        assert {late_ms for late_ms in lates if late_ms} == {SLOT_MS}
        assert other.free_at(BAND_M, 36_000) == ledger.free_at(BAND_M, 36_000)


def test_a_ledger_that_is_not_full_goes_through_deep_sleep_as_it_is():
    ledger = spent()
    for n in range(9):
        ledger.spend(BAND_M, 2_000, 5_000 + n * SLOT_MS)
    other = Ledger()
    other.from_wire(ledger.to_wire(8 * SLOT_MS), 0)
    for airtime_ms in range(1, 36_000, 500):
        assert other.free_at(BAND_M, airtime_ms) == ledger.free_at(BAND_M, airtime_ms)


def test_join_budgets_of_each_period():
    """TR007-1.1 §4.8: 36 s in the first hour, 36 s in the next ten, 8.7 s in each 24 hours after."""
    back_off = JoinBackOff((0, 0, 0, 0))
    now_ms = 0
    begins = []
    while now_ms < 11 * HOUR_MS + 3 * DAY_MS:
        begins.append(now_ms)
        back_off.spend(1_483, now_ms, 0)
        back_off.state = (0, 0, back_off.state[2], back_off.state[3])  # as if the gaps were short
        now_ms = max(now_ms + 1, back_off.free_at(1_483))
    counts = []
    for since_ms, until_ms in (
        (0, HOUR_MS),
        (HOUR_MS, 11 * HOUR_MS),
        (11 * HOUR_MS, 11 * HOUR_MS + DAY_MS),
        (11 * HOUR_MS + DAY_MS, 11 * HOUR_MS + 2 * DAY_MS),
    ):
        counts.append(sum([1 for begin in begins if since_ms <= begin < until_ms]))
    assert counts == [24, 24, 5, 5]


def test_join_gaps_double_to_an_end():
    back_off = JoinBackOff((0, 14_985, 0, 0))
    assert back_off.free_at(62) == back_off.not_before_ms == 14_985
    gaps = []
    for n in range(14):
        back_off.spend(62, n * HOUR_MS, 500)
        gaps.append(back_off.not_before_ms - n * HOUR_MS)
    assert gaps == [10_000 << min(n, 8) for n in range(14)]


def test_dice_throw_every_number_and_differ_by_node():
    one = Dice(bytes([2, 0, 0, 0, 0, 0, 0, 1]))
    other = Dice(bytes([2, 0, 0, 0, 0, 0, 0, 2]))
    throws = [one.below(8) for _ in range(800)]
    assert {throws.count(n) > 60 for n in range(8)} == {True}
    assert throws != [other.below(8) for _ in range(800)]
    assert {one.below(1 << 14) < 1 << 14 for _ in range(1000)} == {True}
    assert Dice(b"").below(1) == 0


def test_channels_survive_as_bytes():
    channels = Channels(FULL.channels)
    assert new_channel(channels, 9, 864_100_000, 7, 2) == 3
    assert new_channel(channels, 15, 869_525_000, 5, 0) == 3
    assert new_channel(channels, 5, 0, 0, 0) == 3
    assert dl_channel(channels, 9, 869_800_000) == 3
    channels.enable(0x8207)
    other = Channels(())
    other.from_wire(b"head" + channels.to_wire(), 4)
    assert other.to_wire() == channels.to_wire()
    for dr in range(8):
        assert other.choices(dr) == channels.choices(dr)
    assert channels.choices(6) == ((864_100_000, 869_800_000, band_of(864_100_000)),)


def test_a_wide_channel_must_fit_its_sub_band_as_a_whole():
    channels = Channels(FULL.channels)
    assert new_channel(channels, 3, 867_900_000, 6, 0) == 2  # 250 kHz would end at 868.025 MHz
    assert new_channel(channels, 3, 867_875_000, 6, 0) == 3
    assert new_channel(channels, 3, 867_900_000, 7, 7) == 3  # FSK at 50 kbit/s is narrow
