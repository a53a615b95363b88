"""The JSON report that CI reads, and the digest that says two runs were the same."""

import json

import pytest

from simulator.report.report import Digest, Expectation, Truth
from simulator.truths.breaches import F_CNT_ONCE
from tests.simulator.report.days import made_report


def test_it_has_what_the_readers_of_reports_look_for():
    shown = json.loads(json.dumps(made_report().to_json()))
    assert shown["seed"] == 7
    assert len(bytes.fromhex(shown["digest"])) == 32
    assert shown["uplinks"].keys() == {"sent", "received"}
    assert shown["readings"].keys() == {"taken", "delivered"}
    assert shown["truths"][0] == {"name": F_CNT_ONCE, "held": True, "event": ""}
    assert shown["expectations"][0].keys() == {"name", "value", "held"}


def test_failures_name_what_did_not_hold():
    report = made_report()
    report.truths = [Truth("the earth is round", True), Truth("the moon is cheese", False)]
    report.expectations = [Expectation("delivered >= 0.99", 0.875, False)]
    assert report.failures == ["the moon is cheese", "delivered >= 0.99"]


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"lost": {"chance": 2}}, {"truths": []}, {"expectations": []}, {"over": None}]
)
def test_the_digest_holds_all_of_the_report(change):
    report = made_report()
    before = report.digest
    report.digest = ""
    report.seal(Digest())
    assert report.digest == before
    for name, value in change.items():
        setattr(report, name, value)
    report.digest = ""
    report.seal(Digest())
    assert report.digest != before


def test_the_digest_holds_what_happened_when_and_in_which_order():
    runs = [
        [("frame", 1, b"ab")],
        [("frame", 2, b"ab")],
        [("message", 1, b"ab")],
        [("frame", 1, b"a"), ("frame", 1, b"b")],
        [("frame", 1, b"b"), ("frame", 1, b"a")],
        [],
    ]
    digests = set()
    for run in runs:
        digest = Digest()
        for happening in run:
            digest.add(*happening)
        digests.add(digest.hex())
    assert len(digests) == len(runs)
