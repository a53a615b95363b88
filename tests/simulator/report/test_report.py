"""The JSON report that CI reads, and the digest that says two runs were the same."""

import json

from simulator.report.report import Digest, Expectation, Report, Truth


def report(**changes) -> Report:
    values = {
        "seed": 1,
        "hours": 2,
        "nodes": 3,
        "loss": 0.1,
        "uplinks": {"sent": 10, "received": 9},
        "readings": {"taken": 8, "delivered": 7},
        "lost": {"chance": 1, "collision": 0},
        "refused": {},
        "airtime_s": 1.5,
        "truths": [Truth("the earth is round", True), Truth("the moon is cheese", False)],
        "expectations": [Expectation("delivered >= 0.99", 0.875, False)],
    }
    return Report(**(values | changes))


def test_it_has_what_the_readers_of_reports_look_for():
    shown = json.loads(json.dumps(report().to_json()))
    assert shown["seed"] == 1
    assert shown["digest"] == ""
    assert shown["uplinks"] == {"sent": 10, "received": 9}
    assert shown["readings"] == {"taken": 8, "delivered": 7}
    assert shown["truths"][1] == {"name": "the moon is cheese", "held": False}
    assert shown["expectations"] == [{"name": "delivered >= 0.99", "value": 0.875, "held": False}]


def test_failures_name_what_did_not_hold():
    assert report().failures == ["the moon is cheese", "delivered >= 0.99"]


def test_the_digest_holds_all_of_the_report():
    digests = set()
    changes = [{}, {"seed": 2}, {"lost": {"chance": 2, "collision": 0}}, {"truths": []}, {"expectations": []}]
    for change in changes:
        made = report(**change)
        made.seal(Digest())
        digests.add(made.digest)
    assert len(digests) == len(changes)


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
