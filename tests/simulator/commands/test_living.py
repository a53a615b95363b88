"""The demo's district before a gateway process: nodes join over real UDP, and what they tell is read from its API."""

import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from simulator.chain.live import Street, gateway_eui
from simulator.commands.living import Subscriber, live, waking
from simulator.commands.quick import quick_street
from simulator.commands.station import Station, StationError
from simulator.report.collector import BAY, EVENT, READING
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import shipped

EUIS = [gateway_eui(1)]
START_S = 1_790_000_000
NODE = quick_street(1, 1, 1, 0.0).nodes[0]


def test_a_living_district_is_the_same_without_what_a_scenario_plans():
    demo = load_scenario(shipped()["demo"])
    living = waking(demo)
    assert (living.orders, living.expectations, living.final_quiet_s) == ((), (), 0.0)
    assert [node.name for node in living.nodes] == [node.name for node in demo.nodes]
    boots = [node.boots_s for node in living.nodes]
    assert len(set(boots)) == len(boots)
    assert 0 <= min(boots) < max(boots) < 600
    assert waking(demo) == living


def test_nodes_join_a_real_gateway_and_what_they_tell_is_read_from_it(tmp_path, capsys):
    """Six times as fast as life: a join-accept takes five seconds, and the first that a node says is its status."""
    scenario = quick_street(1, 2, 0.1, 0.0)  # at most so many hours
    nodes = tuple(replace(node, boots_s=0.1 * number) for number, node in enumerate(scenario.nodes))
    there = replace(scenario, nodes=nodes)
    report = live(there, tmp_path, "fr", lambda collector: collector.messages["status"] >= 2, speed=6)
    assert report.messages["status"] == 2
    assert not report.complete
    assert f"export LAMPYRE_CONFIG={tmp_path / 'gateway.toml'}" in capsys.readouterr().err
    assert not (tmp_path / "devices.json").exists()  # it held keys


def row(number: int, **changes) -> dict[str, object]:
    scenario_start = datetime.fromtimestamp(START_S, UTC).isoformat()
    return {
        "id": number,
        "kind": "reading",
        "key": {"dev_eui": NODE.dev_eui.hex(), "epoch": 1, "seq": number},
        "observed": scenario_start,
        "instance": 0,
        "values": {"occupied": 1},
    } | changes


@pytest.fixture(name="street")
def _street(monkeypatch) -> Street:
    monkeypatch.setattr("simulator.chain.live.time.time", lambda: float(START_S))
    street = Street(quick_street(1, 1, 1, 0.0), ("127.0.0.1", 9))
    street.timeline.run(8_000_000)
    return street


def test_a_record_of_several_bays_counts_once_and_each_bay_is_seen(street):
    subscriber = Subscriber(street)
    for each in (row(1), row(1, instance=1, values={"occupied": 0}), row(2)):
        subscriber.take(each)
    tally = street.collector.tallies[NODE.name]
    assert (tally.delivered, tally.bays, tally.occupied) == (2, 2, 1)
    assert street.collector.messages == {"reading": 2}
    assert street.collector.latencies["air"].longest_us == 8_000_000


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"kind": "event", "event": "bay_left"}, BAY),
        ({"kind": "event", "event": "lamp_failed"}, EVENT),
        ({"kind": "event", "event": "void"}, None),
        ({"kind": "status"}, None),
        ({"kind": "notice", "key": {"row": 3}}, None),
        ({"observed": None}, None),
        ({"key": {"dev_eui": "00" * 8}}, None),
        ({"observed": "2020-01-01T00:00:00+00:00"}, READING),
        ({"observed": "2099-01-01T00:00:00+00:00"}, READING),
    ],
)
def test_what_the_gateway_accepted_is_told_by_its_kind(street, changes, kind):
    Subscriber(street).take(row(1, **changes))
    tally, events = street.collector.tallies[NODE.name], street.collector.event_latencies
    counted = {READING: tally.delivered, BAY: events[BAY].count, EVENT: events[EVENT].count}
    assert counted == {name: int(name == kind) for name in (READING, BAY, EVENT)}


def test_a_row_that_the_gateway_cannot_read_is_passed_over(street):
    Subscriber(street).take({"id": 1, "error": "damaged"})
    assert street.collector.messages == {}


def test_a_gateway_that_does_not_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.commands.station._STARTS_S", 10.0)
    station = Station(tmp_path, quick_street(1, 1, 1, 0.0), EUIS)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(station.address)
        with pytest.raises(StationError, match=r"did not start; .*gateway\.log says"), station:
            pass


def test_devices_that_the_gateway_refuses_are_told(tmp_path):
    station = Station(tmp_path, quick_street(1, 2, 1, 0.0), EUIS)
    twice = Street(quick_street(1, 1, 1, 0.0), station.address).registrations() * 2
    with pytest.raises(StationError, match="did not take the devices"):
        station.enrol(twice, {})
