"""A virtual street before a gateway process: nodes join over real UDP, and their readings are in its API."""

import select
import socket
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from simulator.live.station import Station, StationError
from simulator.live.street import LiveStreet, as_live, radio_eui
from simulator.quick import quick_street
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import shipped

NOW_S = 1_790_000_000
_SILENCE_S = 0.5  # longer than the gateway waits for copies of a frame before it answers


def test_a_live_district_is_the_same_without_what_a_scenario_plans():
    demo = load_scenario(shipped()["demo"])
    live = as_live(demo, NOW_S)
    assert (live.start_s, live.warm, live.faults, live.orders, live.expectations) == (NOW_S, False, (), (), ())
    assert [node.name for node in live.nodes] == [node.name for node in demo.nodes]
    boots = [node.boots_s for node in live.nodes]
    assert len(set(boots)) == len(boots)
    assert 0 < min(boots) < max(boots) < 600
    assert as_live(demo, NOW_S) == live


def test_each_radio_has_its_eui():
    assert len({radio_eui(number) for number in range(20)}) == 20


def run_until(street: LiveStreet, done: Callable[[], bool], most_s: int) -> None:
    """Let the street's time pass as fast as the gateway follows: after each frame all that it has to say is heard."""
    sockets = [forwarder._socket for forwarder in street._forwarders.values()]
    sent = 0
    for until_s in range(1, most_s):
        street.run(until_s)
        if street.collector.data_rates.total() > sent:
            sent = street.collector.data_rates.total()
            while select.select(sockets, [], [], _SILENCE_S)[0]:
                street.run(until_s)
        if done():
            return


def test_nodes_join_a_real_gateway_and_their_readings_reach_it(tmp_path):
    quick = quick_street(1, 3, 1, 0.0)
    live = as_live(quick, int(time.time()))
    nodes = tuple(replace(node, boots_s=20.0 * number + 1) for number, node in enumerate(live.nodes))
    street = LiveStreet(replace(live, nodes=nodes))
    station = Station(tmp_path, street.scenario, [radio_eui(0)])
    station.enrol(street.registrations(), {})
    with station:
        street.attach(station)
        tallies = street.collector.tallies.values()
        run_until(street, lambda: all(tally.delivered >= 2 for tally in tallies), 4000)
        messages, cursor = station.readings(0)
        report = street.finish()
    assert all(tally.delivered >= 2 for tally in tallies)
    assert {message["kind"] for message in messages} >= {"reading", "status"}
    assert cursor == messages[-1]["id"]
    assert street._cursor > 0
    assert report.downlinks["sent"] >= 3  # join-accepts
    assert report.readings["delivered"] <= report.readings["taken"]
    assert not (tmp_path / "devices.json").exists()  # it held keys


def test_a_gateway_that_does_not_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr("simulator.live.station._STARTS_S", 10.0)
    station = Station(tmp_path, as_live(quick_street(1, 1, 1, 0.0), NOW_S), [radio_eui(0)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(station.address)
        with pytest.raises(StationError, match=r"did not start; .*gateway\.log says"), station:
            pass


def test_devices_that_the_gateway_refuses_are_told(tmp_path):
    street = LiveStreet(as_live(quick_street(1, 2, 1, 0.0), NOW_S))
    station = Station(tmp_path, street.scenario, [radio_eui(0)])
    twice = [street.registrations()[0]] * 2
    with pytest.raises(StationError, match="did not take the devices"):
        station.enrol(twice, {})
