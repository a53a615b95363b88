"""Everything that a report may name has a word in both languages."""

import pytest

from gateway.network.events import Reason
from simulator.air.fates import Fate
from simulator.air.path_loss import PATH_LOSSES
from simulator.report import words
from simulator.report.saying import Text
from simulator.scenario.metrics import METRICS
from simulator.scenario.model import AttackKind, FaultKind, Interference, Role
from simulator.truths import breaches

TRUTHS = [value for name, value in vars(breaches).items() if name.isupper() and isinstance(value, str) and " " in value]


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (words.CAUSES, [fate.value for fate in Fate if fate is not Fate.RECEIVED]),
        (words.REASONS, [reason.value for reason in Reason]),
        (words.FAULTS, [kind.value for kind in FaultKind]),
        (words.ATTACKS, [kind.value for kind in AttackKind]),
        (words.ROLES, [role.value for role in Role]),
        (words.INTERFERENCE, [rule.value for rule in Interference]),
        (words.PATH_LOSS, list(PATH_LOSSES)),
        (words.METRICS, list(METRICS)),
        (words.TRUTHS, TRUTHS),
    ],
    ids=["causes", "reasons", "faults", "attacks", "roles", "interference", "path loss", "metrics", "truths"],
)
def test_every_key_has_its_words(table, keys):
    assert keys
    assert [key for key in keys if key not in table] == []


def test_a_key_that_nobody_foresaw_is_shown_as_it_is():
    assert words.word(words.CAUSES, "solar_storm") == Text("solar storm", "solar storm")
    assert words.truth("the earth is round").fr == "the earth is round"
    assert words.claim("anything else").en == "anything else"


@pytest.mark.parametrize(
    ("claim", "english", "french"),
    [
        ("delivered >= 0.999", "records delivered ≥ 99.9\u202f%", "relevés livrés ≥ 99,9\u202f%"),
        ("latency_p99_s <= 600", "latency of 99 records of 100 ≤ 10\u00a0min", None),
        ("published_twice == 0", "records published twice = 0", "relevés publiés deux fois = 0"),
        ("battery_p10_years >= 4.5", "battery life one in ten misses ≥ 4.5\u00a0years", None),
    ],
)
def test_expectations_are_said_with_their_units(claim, english, french):
    said = words.claim(claim)
    assert said.en == english
    assert french is None or said.fr == french


def test_happenings_say_whether_they_begin():
    assert words.happening("broker_away_begins").en == "broker away: begins"
    assert words.happening("broker_away_ends").fr == "courtier absent\u00a0: fin"
    assert words.happening("node_reboot").fr == "redémarrage de nœud"
    assert words.happening("reboot").en == "node rebooted"


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [(1, "a", "a"), (2, "a and 1 more", "a et 1 autre"), (3, "a and 2 more", "a et 2 autres")],
)
def test_of_many_one_is_named(count, english, french):
    assert words.whose("a", count) == Text(english, french)
