"""What the chain tells is what is kept, in memory that does not grow with it."""

import pytest

from simulator.report.collector import BAY, EVENT, READING, RECEIVED, Airtime, Collector
from tests.simulator.report.days import HOUR_US, SECOND_US, district, live

NODE, OTHER = "parking-001", "air-003"


def collector(**terms: float) -> Collector:
    return Collector(district(nodes=6, **terms))


def test_frames_are_counted_by_node_and_by_fate():
    heard = collector()
    for fate in (RECEIVED, "collision", RECEIVED):
        heard.uplink(NODE, 3, 868_100_000, 200_000, HOUR_US)
        heard.landed(NODE, fate, HOUR_US + 200_000)
    tally = heard.tallies[NODE]
    assert (tally.sent, tally.received, tally.dr, tally.airtime_us) == (3, 2, 3, 600_000)
    assert tally.heard_us == HOUR_US + 200_000
    assert heard.fates == {RECEIVED: 2, "collision": 1}
    assert heard.series.sent[4] == 3
    assert heard.series.lost[4] == 1


def test_airtime_is_told_by_sub_band_with_the_busiest_hour_of_anybody():
    airtime = Airtime()
    for hour, sender, spent_us in ((0, "a", 10), (0, "a", 15), (0, "b", 20), (1, "a", 24), (1, "b", 1)):
        airtime.add(sender, 868_100_000, spent_us, hour * HOUR_US)
    airtime.add("b", 869_525_000, 500, 0)
    assert airtime.total_us == {"M": 70, "P": 500}
    assert airtime.busiest == {"M": (25, "a"), "P": (500, "b")}


def test_records_are_counted_by_kind_and_those_due_by_the_grace():
    records = collector()
    due_us = 24 * HOUR_US - 2700 * SECOND_US
    for kind, time_us in ((READING, 0), (READING, due_us - 1), (READING, due_us), (BAY, 5), (EVENT, 6)):
        records.took(NODE, kind, time_us)
    records.delivered(NODE, READING, 0, 3 * SECOND_US)
    records.delivered(NODE, BAY, 5, 5 + HOUR_US + 1, 0, {"occupied": 1})
    records.delivered(NODE, READING, due_us, due_us + 1)
    assert records.logged == {READING: 3, BAY: 1, EVENT: 1}
    assert (records.due, records.due_delivered, records.due_in_hour) == (4, 2, 1)
    tally = records.tallies[NODE]
    assert (tally.taken, tally.delivered, tally.events_taken, tally.events_delivered) == (3, 2, 2, 1)
    assert records.latencies["parking"].count == 2
    assert records.latencies["air"].count == 0
    assert records.event_latencies[BAY].longest_us == HOUR_US + 1


def test_readings_count_when_they_were_taken_and_when_they_came():
    records = collector()
    records.took(NODE, READING, HOUR_US)
    records.delivered(NODE, READING, HOUR_US, 3 * HOUR_US)
    assert records.series.taken[4] == records.series.delivered[4] == 1
    assert records.series.arrived[12] == 1


def test_values_are_traced_when_they_were_taken_and_nulls_are_none():
    records = collector()
    records.delivered(OTHER, READING, HOUR_US, 3 * HOUR_US, 0, {"pm2_5": 12.5, "pm10": None, "unheard_of": 3})
    assert records.values["pm2_5"].means()[4] == 12.5
    assert not records.values["pm10"]


def test_what_the_city_knows_of_a_bay_is_the_newest_it_was_told_whenever_that_came():
    records = collector()
    for taken_s, came_s, occupied in ((100, 101, 1), (300, 301, 0), (200, 302, 1)):
        records.delivered(NODE, BAY, taken_s * SECOND_US, came_s * SECOND_US, 0, {"occupied": occupied})
    assert records.told["gare"].mean == 0


def test_bays_and_lamps_are_followed_by_zone_and_by_node():
    street = collector()
    street.bay(NODE, 0, True, 0)
    street.bay(NODE, 1, False, 0)
    street.lamp("light-004", 0, 60, 0)
    street.lamp("light-004", 1, 40, 0)
    assert (street.tallies[NODE].bays, street.tallies[NODE].occupied) == (2, 1)
    street.bay(NODE, 0, False, HOUR_US)
    assert street.tallies[NODE].occupied == 0
    assert street.tallies["light-004"].level_pct == 100
    assert street.lamps["gare"].mean == 50


def test_a_fault_of_many_nodes_is_one_line_and_one_outage():
    troubled = collector()
    for begins, time_us in ((True, 10), (False, 20)):
        for node in (NODE, OTHER, "light-004"):
            troubled.fault("loss", node, begins, time_us)
    [outage] = troubled.outages
    assert (outage.what, outage.subject, outage.from_us, outage.to_us, outage.count) == ("loss", NODE, 10, 20, 3)
    assert [(each.what, each.count) for each in troubled.latest] == [("loss_begins", 3), ("loss_ends", 3)]


def test_an_outage_lasts_until_the_last_of_it_is_over():
    troubled = collector()
    troubled.fault("loss", NODE, True, 10)
    troubled.fault("loss", OTHER, True, 10)
    troubled.fault("loss", NODE, False, 20)
    assert troubled.outages[0].to_us is None
    troubled.fault("loss", OTHER, False, 30)
    assert troubled.outages[0].to_us == 30


@pytest.mark.parametrize("fault_first", [True, False])
def test_a_fault_that_says_why_a_gateway_is_away_is_one_line(fault_first):
    troubled = collector()
    calls = [
        lambda up, time_us: troubled.fault("gateway_reboot", "gw-1", not up, time_us),
        lambda up, time_us: troubled.gateway("gw-1", up, time_us),
    ]
    for up, time_us in ((False, 10), (True, 20)):
        for call in calls if fault_first else reversed(calls):
            call(up, time_us)
    assert [each.what for each in troubled.latest] == ["gateway_reboot_begins", "gateway_reboot_ends"]
    assert troubled.gateways_up == {"gw-1": True, "gw-2": True}
    assert len(troubled.outages) == 2  # the plots shade those of the gateway


def test_two_gateways_that_go_at_one_time_are_both_away():
    troubled = collector()
    troubled.gateway("gw-1", False, 10)
    troubled.gateway("gw-2", False, 10)
    assert not any(troubled.gateways_up.values())
    assert [(each.what, each.count) for each in troubled.latest] == [("gateway_begins", 2)]


def test_a_truth_breaks_once():
    troubled = collector()
    for _ in range(3):
        troubled.broke("the earth is round", 5)
    assert troubled.broken == ["the earth is round"]
    assert len(troubled.latest) == 1


def test_happenings_are_bounded_and_those_not_kept_are_counted():
    troubled = collector()
    for time_us in range(1000):
        troubled.fault("jamming", "gw-1", time_us % 2 == 0, time_us)
    assert len(troubled.noted) + troubled.unnoted == 1000
    assert len(troubled.noted) == len(troubled.outages) == 400
    assert troubled.latest[-1].time_us == 999


def test_what_is_kept_does_not_grow_with_frames_and_readings():
    def kept(hours_lived: float) -> int:
        lived = Collector(district(nodes=6, hours=24))
        live(lived, interval_s=int(24 * 3600 / hours_lived / 4))
        lists = [*vars(lived.series).values(), lived.noted, lived.outages, lived.broken]
        return sum(len(each) for each in lists) + len(lived._known) + len(lived._open) + len(lived.airtime._hours)

    assert kept(24) == kept(96)
