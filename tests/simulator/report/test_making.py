"""The report says what was collected: its sums agree with each other and with what was told."""

import json

import pytest

from simulator.report.collector import BAY, READING, RECEIVED, Collector
from simulator.report.making import figures_of, judged, report_of
from simulator.report.report import Digest
from simulator.scenario.metrics import METRICS
from simulator.scenario.model import Expectation, Operator
from tests.simulator.report.days import EXPECTED, HOUR_US, SECOND_US, TRUTHS, district, live, made_report


def test_the_parts_add_up_to_the_whole():
    report = made_report()
    assert report.uplinks["sent"] == report.uplinks["received"] + sum(report.lost.values())
    assert report.uplinks["sent"] == sum(report.spreading.values()) == sum(report.over.sent)
    assert report.readings["taken"] == 30 * 96 == sum(report.over.taken)
    assert report.readings["delivered"] == sum(report.over.delivered) == sum(report.over.arrived)
    for groups in (report.roles, report.zones, report.spots):
        assert sum(each.sent for each in groups) == report.uplinks["sent"]
        assert sum(each.taken for each in groups) == report.readings["taken"]
        assert sum(each.delivered for each in groups) == report.readings["delivered"]
    assert sum(sum(each.fates.values()) for each in report.gateways) == 2 * report.uplinks["sent"]


def test_zones_are_called_as_people_call_them():
    assert [zone.name for zone in made_report().zones] == ["La gare", "La mairie"]
    assert set(made_report().over.bays) == {"La gare", "La mairie"}


def test_figures_are_metrics_that_a_scenario_may_expect():
    assert figures_of(Collector(district()), 24 * HOUR_US).keys() <= METRICS.keys()


def test_figures_are_what_a_hand_would_reckon():
    collector = Collector(district(nodes=4, hours=10))
    node = "parking-001"
    for second, late_s in ((0, 2), (1000, 100), (2000, 400), (3000, 4000)):
        for kind in (READING, BAY):
            collector.took(node, kind, second * SECOND_US)
            collector.delivered(node, kind, second * SECOND_US, (second + late_s) * SECOND_US)
    collector.took(node, READING, 4000 * SECOND_US)
    for fate in (RECEIVED, RECEIVED, RECEIVED, "jamming"):
        collector.uplink(node, 5, 868_100_000, 9 * SECOND_US, 0)
        collector.landed(node, fate, 0)
    collector.joined("parking-002", 30 * SECOND_US)
    collector.joined("parking-001", 20 * SECOND_US)
    collector.joined("parking-002", 50 * SECOND_US)
    collector.battery("parking-001", 5)
    collector.battery("parking-002", 7)
    figures = figures_of(collector, 10 * HOUR_US)
    assert figures["delivered"] == pytest.approx(8 / 9)
    assert figures["delivered_in_hour"] == pytest.approx(6 / 9)
    assert figures["events_delivered"] == 1
    assert figures["states_right_60s"] == 0.25
    assert figures["states_right_360s"] == 0.5
    assert figures["uplinks_received"] == 0.75
    assert figures["latency_max_s"] == 4000
    assert figures["joined"] == 0.5
    assert figures["joined_after_s"] == 30
    assert figures["duty_cycle_max"] == pytest.approx(1.0)  # 36 s in an hour of sub-band M
    assert figures["battery_p10_years"] == 5


def test_of_nothing_there_is_no_figure():
    figures = figures_of(Collector(district()), HOUR_US)
    assert figures["delivered"] is figures["latency_p50_s"] is figures["battery_p10_years"] is None
    assert figures["joined"] == 0


def test_what_the_chain_measured_goes_before_the_collectors_own():
    collector = Collector(district())
    live(collector)
    report = report_of(collector, 24 * HOUR_US, TRUTHS, EXPECTED, {"delivered": 0.5, "published_twice": 3.0})
    assert (report.figures["delivered"], report.figures["published_twice"]) == (0.5, 3.0)
    assert report.expectations[0].value == 0.5
    assert not report.expectations[0].held


@pytest.mark.parametrize(("value", "held"), [(0.9, True), (0.89, False), (None, False)])
def test_what_could_not_be_measured_is_not_held(value, held):
    expected = Expectation(metric="delivered", operator=Operator.AT_LEAST, value=0.9)
    assert judged(expected, value).held is held


def test_a_run_that_was_stopped_says_so():
    collector = Collector(district())
    assert not report_of(collector, 23 * HOUR_US, TRUTHS).complete
    assert report_of(collector, 24 * HOUR_US, TRUTHS).complete


def test_an_outage_that_lasts_ends_with_the_run():
    collector = Collector(district())
    collector.broker(False, HOUR_US)
    [away] = report_of(collector, 2 * HOUR_US, TRUTHS).outages
    assert (away.from_s, away.to_s) == (3600, 7200)


def test_airtime_is_told_in_percent_of_an_hour():
    collector = Collector(district(nodes=2, hours=10))
    collector.uplink("parking-001", 0, 868_100_000, 18 * SECOND_US, 0)
    collector.downlink("gw-1", 869_525_000, 36 * SECOND_US, 0)
    standard, strong = report_of(collector, 10 * HOUR_US, TRUTHS).sub_bands
    assert (standard.name, standard.limit_pct, standard.busiest_pct, standard.busiest) == ("M", 1.0, 0.5, "parking-001")
    assert standard.mean_pct == pytest.approx(100 * 18 / (2 * 36_000))
    assert (strong.name, strong.limit_pct, strong.gateway_pct, strong.gateway) == ("P", 10.0, 1.0, "gw-1")


def test_the_same_day_gives_the_same_report_and_another_another():
    assert json.dumps(made_report().to_json()) == json.dumps(made_report().to_json())
    assert made_report().digest != made_report(seed=2).digest


def test_where_the_scenario_lies_does_not_change_the_digest():
    digests = set()
    for replay in ("lampyre simulate run a.toml", "lampyre simulate run elsewhere/a.toml"):
        report = made_report()
        report.replay = replay
        report.seal(Digest())
        digests.add(report.digest)
    assert len(digests) == 1
