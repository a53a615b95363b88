"""The shipped scene, at one frame lost in ten: with RX2 at either data rate, and on a single channel."""

import pytest

from simulator.chain.chain import Chain
from simulator.scenario.reading import parse_scenario
from simulator.scenario.shipped import scenario_path
from tests.simulator.chain.runs import broken

SCENE = scenario_path("scene")
FULL_S, SINGLE_S = 900, 1800


def report_of(changes, seed):
    """The report on an hour and a half, in which one scene is ordered."""
    text = SCENE.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    chain = Chain(parse_scenario(text.encode(), SCENE, seed=seed, hours=1.5))
    chain.run(1.5 * 3600)
    return chain.finish()


ON_RX2_DR0 = (("loss_up", "rx2_dr = 0\nloss_up"),)
ON_ONE_CHANNEL = (
    ("loss_up", 'plan = "single-channel"\nloss_up'),
    ('name = "mairie"', 'name = "mairie"\nkind = "bridge"'),
    ("points = [[-2400, -80], [0, 40], [2400, 130]]", "points = [[-600, -80], [0, 40], [650, 130]]"),
    ("count = 200", "count = 50"),
)


@pytest.mark.parametrize(
    ("changes", "within_s"),
    [((), FULL_S), (ON_RX2_DR0, FULL_S), (ON_ONE_CHANNEL, SINGLE_S)],
    ids=["dr3", "dr0", "single"],
)
def test_a_scene_is_followed_within_ten_seconds_and_known_to_be(changes, within_s):
    report = report_of(changes, seed=11)
    assert report.figures["scene_followed_10s"] >= 0.99
    assert report.figures["scene_confirmed_s"] <= within_s
    assert report.figures["duty_cycle_max"] <= 1
    assert broken(report) == set()
    share = report.downlinks["chance"] / (report.downlinks["chance"] + report.downlinks["received"])
    assert 0.07 < share < 0.13, "loss was not what was to be shown"
    if changes == ON_RX2_DR0:  # the longest frames
        assert report.lost["gateway sending"] > 0, "what the gateway's own frames cost is told"
