"""What frames do to each other, case by case as the rules' authors put them."""

import pytest

from simulator.air.fates import Fate
from simulator.air.interference import RULES, Signal, by_data_rate, rule_named

HERE = 0
SF7, SF8, SF12 = 5, 4, 0
MS = 1000


def signal(level_db: float, dr: int = SF7, start: int = 0, end: int = 100 * MS, keen: int = 0) -> Signal:
    return Signal(dr, start, end, start + keen, {HERE: round(100 * level_db)})


def fates(rule: str, *signals: Signal) -> list[Fate | None]:
    """Of each, when all are on one channel; they must be given in the order of their begins."""
    for number, later in enumerate(signals):
        for earlier in signals[:number]:
            if earlier.end_us > later.start_us:
                rule_named(rule).meet(earlier, later)
    return [rule_named(rule).verdict(each, HERE) for each in signals]


HIT = Fate.COLLISION


@pytest.mark.parametrize(
    ("rule", "advantage_db", "expected"),
    [
        ("aloha", 60, [HIT, HIT]),
        ("capture-6db", 5.99, [HIT, HIT]),
        ("capture-6db", 6.0, [None, HIT]),
        ("capture-6db", -6.0, [HIT, None]),
        ("croce", 0.99, [HIT, HIT]),
        ("croce", 1.0, [None, HIT]),
        ("croce", -1.0, [HIT, None]),
        ("goursaud", 5.99, [HIT, HIT]),
        ("goursaud", 6.0, [None, HIT]),
    ],
)
def test_within_a_data_rate_the_stronger_survives_by_its_rules_margin(rule, advantage_db, expected):
    assert fates(rule, signal(-100 + advantage_db), signal(-100)) == expected


@pytest.mark.parametrize("rule", ["aloha", "capture-6db"])
def test_spreading_factors_do_not_disturb_each_other(rule):
    assert fates(rule, signal(-130, SF12), signal(-30, SF7)) == [None, None]


@pytest.mark.parametrize(
    ("rule", "weaker_db", "expected"),
    [("croce", 25.0, None), ("croce", 25.01, Fate.CROSSTALK), ("goursaud", 36.0, None)],
)
def test_sf12_bears_sf7_as_the_matrix_says(rule, weaker_db, expected):
    assert fates(rule, signal(-100 - weaker_db, SF12), signal(-100, SF7))[0] == expected


@pytest.mark.parametrize(("weaker_db", "expected"), [(9.0, None), (9.01, Fate.CROSSTALK)])
def test_sf7_bears_less(weaker_db, expected):
    assert fates("croce", signal(-100 - weaker_db, SF7), signal(-100, SF12))[0] == expected


def test_energy_counts_for_the_time_of_the_overlap():
    """Half of the frame under something as strong: 3 dB are left, which is enough for 1 dB and not for 6."""
    frames = signal(-100), signal(-100, start=50 * MS, end=150 * MS)
    assert fates("croce", *frames)[0] is None
    frames = signal(-100), signal(-100, start=50 * MS, end=150 * MS)
    assert fates("goursaud", *frames)[0] is HIT


def test_energies_of_many_add_up():
    """One 1.5 dB weaker is borne; two are 1.5 dB stronger together."""
    assert fates("croce", signal(-100), signal(-101.5))[0] is None
    assert fates("croce", signal(-100), signal(-101.5), signal(-101.5))[0] is HIT
    assert fates("capture-6db", signal(-100), signal(-107), signal(-107))[0] is None  # pairs only


def test_energies_of_different_data_rates_are_judged_by_themselves():
    assert fates("croce", signal(-100), signal(-91.5, SF8), signal(-91.5, SF12))[0] is Fate.CROSSTALK  # SF8: 8 dB
    assert fates("croce", signal(-100), signal(-92.5, SF8), signal(-91.5, SF12))[0] is None


def test_a_collision_is_told_before_a_crosstalk():
    assert fates("croce", signal(-100), signal(-50, SF12), signal(-100))[0] is HIT


@pytest.mark.parametrize(("end", "expected"), [(53, [None, None]), (54, [HIT, HIT])])
def test_three_symbols_of_a_preamble_may_be_lost(end, expected):
    """LoRaSim: five suffice, so who ends before the fourth has disturbed nothing and is not disturbed."""
    early, late = signal(-100, end=end * MS), signal(-100, start=50 * MS, end=150 * MS, keen=3 * MS)
    assert fates("capture-6db", early, late) == expected


def test_who_is_not_felt_does_not_disturb():
    elsewhere = Signal(SF7, 0, 100 * MS, 0, {1: -3_000})
    for rule in RULES:
        wanted = signal(-120)
        rule_named(rule).meet(wanted, elsewhere)
        assert rule_named(rule).verdict(wanted, HERE) is None


@pytest.mark.parametrize(("dr", "weaker_db"), [(SF7, 60), (SF12, 72)])
def test_a_neighbouring_channel_is_borne_up_to_the_datasheets_rejection(dr, weaker_db):
    """SX1261/2 DS table 3-9."""
    rule = rule_named("croce")
    for extra_db, expected in ((0, None), (0.1, Fate.CROSSTALK)):
        wanted = signal(-110, dr)
        wanted.beside = [signal(-110 + weaker_db + extra_db, SF8)]
        assert rule.verdict(wanted, HERE) is expected


def test_data_rates_outside_the_matrices_are_as_noise():
    """DR6 and DR7: SF7 bears 7.5 dB more noise than signal (SX1276 DS table 13), FSK wants 9 dB less."""
    rows = by_data_rate(((1.0,) * 6,) * 6)
    assert [len(row) for row in rows] == [8] * 8
    assert rows[5][6:] == [-7.5, -7.5]
    assert rows[6][5:] == [-7.5, 1.0, -7.5]
    assert rows[7] == [9.0] * 8


PUBLISHED = {  # rows: SF7..SF12 as the frame wanted; columns: SF7..SF12 as what disturbs it; least ratio in dB
    "croce": """
          1  -8  -9  -9  -9  -9
        -11   1 -11 -12 -13 -13
        -15 -13   1 -13 -14 -15
        -19 -18 -17   1 -17 -18
        -22 -22 -21 -20   1 -20
        -25 -25 -25 -24 -23   1""",
    "goursaud": """
          6 -16 -18 -19 -19 -20
        -24   6 -20 -22 -22 -22
        -27 -27   6 -23 -25 -25
        -30 -30 -30   6 -26 -28
        -33 -33 -33 -33   6 -29
        -36 -36 -36 -36 -36   6""",
}


@pytest.mark.parametrize("rule", PUBLISHED)
def test_the_matrices_are_the_published_ones(rule):
    """Each figure read back through the rule: at that ratio a frame survives, 0.01 dB below it is lost."""
    for row, line in enumerate(PUBLISHED[rule].split("\n")[1:]):
        for column, least_db in enumerate(int(word) for word in line.split()):
            for short_db, fate in ((0, None), (0.01, HIT if row == column else Fate.CROSSTALK)):
                frames = signal(-100, 5 - row), signal(-100 - least_db + short_db, 5 - column)
                assert fates(rule, *frames)[0] is fate, (row + 7, column + 7)


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(ValueError, match="rule is called 'magic'; expected one of aloha, capture-6db, croce, goursaud"):
        rule_named("magic")
