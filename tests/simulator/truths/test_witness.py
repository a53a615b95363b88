"""The end of a run: what was stored or kept and did not arrive, and refusals that do not add up."""

import pytest

from protocol.quantities import AIR_FULL
from simulator.truths.breaches import ALL, ALL_ARRIVED, NEVER_RAISED, NOT_FOOLED, NOT_REFUSED, NOTHING_LOST
from simulator.truths.witness import SETTLED_US, Witness

HOUR_US = 3_600_000_000
END_US = 20 * HOUR_US
VALUES = (84, 96, 112, 140, 431, 214, 63, 10132)


def witness_with(taken_us: int | None = None) -> Witness:
    witness = Witness(0)
    witness.records.meet("node", bytes(8))
    if taken_us is not None:
        witness.records.keep("node", 7, 0, 0, AIR_FULL, VALUES, taken_us)
    return witness


def broken(witness: Witness) -> set[str]:
    return {truth.name for truth in witness.truths() if not truth.held}


def test_every_truth_is_told_and_holds_when_nothing_happened():
    witness = witness_with()
    witness.settle(END_US, 0, 10 * HOUR_US)
    assert [(truth.name, truth.held) for truth in witness.truths()] == [(name, True) for name in ALL]


@pytest.mark.parametrize(
    ("taken_us", "quiet_us", "held"),
    [
        (HOUR_US, 10 * HOUR_US, False),
        (HOUR_US, None, True),  # no quiet was asked for
        (11 * HOUR_US, 10 * HOUR_US, True),  # taken when all was quiet already
        (13 * HOUR_US, 18 * HOUR_US, False),
        (END_US - SETTLED_US + 1, 18 * HOUR_US, True),  # too young to have come for sure
    ],
)
def test_what_was_taken_before_the_quiet_must_have_arrived(taken_us, quiet_us, held):
    witness = witness_with(taken_us)
    witness.settle(END_US, 0, quiet_us)
    assert broken(witness) == (set() if held else {ALL_ARRIVED})


def test_what_a_fault_may_have_cost_need_not_arrive():
    witness = witness_with(HOUR_US)
    witness.losses_us["node"] = 2 * HOUR_US
    witness.settle(END_US, 0, 10 * HOUR_US)
    assert broken(witness) == set()


def test_what_was_on_the_card_must_be_there_after_a_start_and_must_have_arrived():
    witness = witness_with()
    witness.committed(10)
    witness.began(10, HOUR_US)
    assert broken(witness) == set()
    witness.began(9, HOUR_US)
    assert broken(witness) == {NOTHING_LOST}
    late = witness_with()
    late.settle(END_US, 1, 10 * HOUR_US)
    assert broken(late) == {NOTHING_LOST}


@pytest.mark.parametrize(
    ("attacks", "repeats", "refused", "held"),
    [
        (0, 0, [], True),
        (0, 0, ["wrong_mic"], False),
        (0, 0, ["replayed"], False),
        (0, 1, ["replayed"], True),
        (0, 1, ["wrong_mic"], False),
        (3, 0, ["replayed", "wrong_mic", "malformed"], True),
        (3, 0, ["replayed", "wrong_mic"], False),
        (3, 1, ["replayed"] * 4, True),
    ],
)
def test_refusals_are_as_many_as_were_to_be_refused(attacks, repeats, refused, held):
    witness = witness_with()
    for _ in range(attacks):
        witness.attacked()
    witness.counters.repeats = repeats
    for reason in refused:
        witness.refuse(reason)
    witness.settle(END_US, 0, None)
    assert broken(witness) == (set() if held else {NOT_REFUSED})


def test_whoever_is_believed_without_a_key_and_a_node_that_falls_over_break_a_truth():
    witness = witness_with()
    witness.fooled(5, "lamp-1", "sets its lamp to 0 %", b"\x60")
    witness.died(6, "lamp-1", "ValueError: …")
    assert broken(witness) == {NOT_FOOLED, NEVER_RAISED}
