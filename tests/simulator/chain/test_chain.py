"""The whole chain: the same seed gives the same city, what is sensed arrives as it was, and restarts lose nothing."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gateway.api.reading import read_rows
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import SessionKeys, seal_data
from simulator.chain.chain import Chain
from simulator.scenario.model import (
    Attack,
    Attacker,
    AttackKind,
    CaptureSpec,
    Expectation,
    Fault,
    FaultKind,
    Operator,
    Order,
    Radio,
    Role,
)
from tests.simulator.chain.runs import HOUR_S, broken, node, nodes, run, scenario

REPOSITORY = Path(__file__).parents[3]
LIGHT = Role.LIGHT
LOSSY = Radio(shadowing_db=0.0, fading_db=0.0, loss_up=0.2, loss_down=0.2)
DIGEST = """
import sys
from tests.simulator.chain.runs import nodes, run, scenario
sys.stdout.write(run(scenario(3, nodes=nodes(air=2, parking=1, light=1)))[1].digest)
"""


def digest_of(**more: object) -> str:
    return run(scenario(**({"hours": 3.0} | more)))[1].digest


def test_without_loss_every_reading_arrives_at_once_and_all_truths_hold():
    chain, report, published = run(scenario(4, nodes=nodes(air=3, parking=2, light=2)))
    assert broken(report) == set()
    assert report.uplinks["sent"] == report.uplinks["received"]
    assert report.figures["delivered"] == 1.0
    assert report.readings["taken"] == report.readings["delivered"] > 40
    assert report.events["taken"] == report.events["delivered"] > 0
    assert chain.witness.records.missing() == []
    assert len({json.dumps(message["key"], sort_keys=True) for message in published}) == len(published)


def test_what_is_published_is_as_the_schema_says():
    schema = json.loads((REPOSITORY / "gateway/publish/schemas/message.json").read_text(encoding="utf-8"))
    _, _, published = run(scenario(3, nodes=nodes(air=2, parking=1, light=1)))
    validator = Draft202012Validator(schema)
    assert [error.message for message in published for error in validator.iter_errors(message)] == []
    assert {message["kind"] for message in published} >= {"reading", "event", "notice"}


def test_nodes_that_were_never_on_join_over_the_air():
    chain, report, _ = run(scenario(2, warm=False))
    assert broken(report) == set()
    assert report.figures["joined"] == 1.0
    assert all(tally.joins == 1 for tally in chain.collector.tallies.values())


def test_the_database_holds_what_was_published(tmp_path):
    _, _, published = run(scenario(2), database=tmp_path / "run.sqlite")
    kept = [{name: row[name] for name in row if name != "id"} for row in read_rows(tmp_path / "run.sqlite")]
    assert kept == [message | {"historical": False} for message in published]


def test_on_a_card_or_in_memory_the_run_is_the_same(tmp_path):
    in_memory = run(scenario(2))[1]
    on_card = run(scenario(2), database=tmp_path / "run.sqlite")[1]
    assert in_memory.digest == on_card.digest


def test_a_fifth_of_the_frames_lost_loses_no_reading():
    _, report, _ = run(scenario(12, nodes=nodes(air=3, light=1), radio=LOSSY, final_quiet_s=2 * HOUR_S))
    assert broken(report) == set()
    assert report.lost["chance"] > 0.15 * report.uplinks["sent"]
    assert report.figures["delivered"] == 1.0


def test_an_expectation_that_is_not_met_is_a_failure():
    hopeless = replace(LOSSY, loss_up=0.9)
    wanted = Expectation(metric="delivered", operator=Operator.AT_LEAST, value=0.999)
    _, report, _ = run(scenario(4, radio=hopeless, expectations=(wanted,)))
    assert report.failures == ["delivered >= 0.999"]


def test_the_same_seed_gives_the_same_digest_and_another_another():
    assert digest_of(seed=1) == digest_of(seed=1) != digest_of(seed=2)


@pytest.mark.parametrize("changed", [{"nodes": nodes(air=4)}, {"hours": 4.0}, {"radio": LOSSY}])
def test_another_scenario_gives_another_digest(changed):
    assert digest_of(**changed) != digest_of()


def test_run_in_pieces_or_at_once_the_digest_is_the_same():
    chain = Chain(scenario(3), lines=io.StringIO())
    for until_s in range(0, 3 * 3600 + 1, 600):
        chain.run(until_s)
    assert chain.finish().digest == digest_of()


def test_the_digest_does_not_hang_on_the_order_of_hashes():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            timeout=120,
        ).stdout
        for hash_seed in ("0", "4711")
    }
    assert digests == {run(scenario(3, nodes=nodes(air=2, parking=1, light=1)))[1].digest.encode()}


def test_one_more_node_does_not_change_what_the_others_sense():
    """Only the air and the gateway's answers differ: they are shared."""
    values = []
    for count in (3, 4):
        _, _, published = run(scenario(3, nodes=nodes(air=count)))
        values.append(
            [
                message["values"]
                for message in published
                if message["kind"] == "reading" and message["place"] == "92002-station-002"
            ]
        )
    assert values[0] == values[1]
    assert len(values[0]) > 10


# What goes wrong.


def fault(kind: FaultKind, from_h: float, for_h: float, targets: tuple[str, ...] = (), **more: float) -> Fault:
    return Fault(kind=kind, targets=targets, from_s=from_h * HOUR_S, for_s=for_h * HOUR_S, **more)


FAULTS = {
    "power cut": [fault(FaultKind.GATEWAY_POWER_CUT, 2, 1, ("mast",))],
    "two of them that overlap": [
        fault(FaultKind.GATEWAY_POWER_CUT, 2, 1, ("mast",)),
        fault(FaultKind.POWER_CUT, 2.5, 1, ("mast",)),
    ],
    "radio away": [fault(FaultKind.GATEWAY_REBOOT, 2, 0.5, ("mast",))],
    "backhaul": [fault(FaultKind.BACKHAUL, 2, 1, ("mast",))],
    "jamming": [fault(FaultKind.JAMMING, 2, 1, ("mast",))],
    "water in the plug": [fault(FaultKind.ANTENNA, 2, 1, ("mast",), loss_db=20.0)],
    "broker away": [fault(FaultKind.BROKER_AWAY, 2, 3)],
    "broker restarts": [fault(FaultKind.BROKER_RESTART, 2 + n / 10, 0) for n in range(20)],
    "duplicates": [fault(FaultKind.DUPLICATES, 2, 3, share=0.5)],
    "disk full": [fault(FaultKind.DISK_FULL, 2, 1, ("mast",))],
    "no time at first": [fault(FaultKind.CLOCK_UNTRUSTED, 0, 3, ("mast",))],
    "no time after a cut": [
        fault(FaultKind.GATEWAY_POWER_CUT, 2, 0.1, ("mast",)),
        fault(FaultKind.CLOCK_UNTRUSTED, 2, 1, ("mast",)),
    ],
    "clock jumps": [fault(FaultKind.CLOCK_JUMP, 2, 1, ("mast",), by_s=5000.0)],
    "clock slews": [fault(FaultKind.CLOCK_JUMP, 2, 1, ("mast",), by_s=-120.0)],
    "nodes reboot": [fault(FaultKind.NODE_REBOOT, 2 + n, 0, ("air-001", "parking-001", "light-001")) for n in range(4)],
    "nodes dead": [fault(FaultKind.NODE_DEAD, 2, 2, ("air-001", "parking-001"))],
    "clock drifts": [fault(FaultKind.CLOCK_DRIFT, 2, 4, ("parking-001",), drift_ppm=-30_000)],
    "sensor dead": [fault(FaultKind.SENSOR_DEAD, 2, 2, ("air-001", "parking-001"))],
    "flash worn": [fault(FaultKind.FLASH_WORN, 2, 4, ("air-001",), share=0.5)],
    "flash torn": [fault(FaultKind.FLASH_TORN, 2, 0, ("air-001", "parking-001"))],
    "mains of the street": [fault(FaultKind.POWER_CUT, 2, 1, ("air-001", "light-001", "parking-001"))],
}


@pytest.mark.parametrize("name", FAULTS)
def test_after_a_fault_everything_that_the_nodes_have_arrives_once(name):
    what = scenario(9.5, nodes=nodes(air=1, parking=1, light=1), faults=tuple(FAULTS[name]), final_quiet_s=3.5 * HOUR_S)
    _, report, published = run(what)
    assert broken(report) == set(), report.failures
    assert len(published) > 60


def test_a_power_cut_of_the_gateway_is_seen_and_what_it_took_is_asked_for_again():
    cut = fault(FaultKind.GATEWAY_POWER_CUT, 2, 2, ("mast",))
    _, report, published = run(scenario(9, faults=(cut,), final_quiet_s=4 * HOUR_S))
    boots = [message for message in published if message["kind"] == "notice"]
    assert sum(message["notice"]["notice"] == "broker_connected" for message in boots) == 2
    assert report.readings["taken"] == report.readings["delivered"]
    assert max(report.latency_s["max"] or 0, 0) > 1800


def test_records_of_a_boot_without_time_are_dated_once_it_is_known():
    unknown = fault(FaultKind.CLOCK_UNTRUSTED, 0, 2, ("mast",))
    _, report, published = run(scenario(4, faults=(unknown,), final_quiet_s=HOUR_S))
    assert broken(report) == set()
    readings = [message for message in published if message["kind"] == "reading"]
    assert sum(message["historical"] for message in readings) > 10
    assert None not in {message["observed"] for message in readings}


# Lamps and orders.


def test_an_order_to_a_street_dims_it_and_no_street_is_dark():
    lamps = tuple(node(LIGHT, number, group="rue") for number in (1, 2))
    order = Order(at_s=11 * HOUR_S, target="rue", level_pct=30, hold_s=1800)
    chain = Chain(scenario(13, nodes=lamps, orders=(order,)))  # begins at 08:00: the order comes at 19:00
    chain.run(11.4 * HOUR_S)
    levels = {name: node.hardware.lamps[0][0] for name, node in chain.fleet.nodes.items()}
    assert levels == {"light-001": 30, "light-002": 30}
    chain.run(13 * HOUR_S)
    levels = {name: node.hardware.lamps[0][0] for name, node in chain.fleet.nodes.items()}
    assert levels == {"light-001": 100, "light-002": 100}
    report = chain.finish()
    assert broken(report) == set()
    assert report.figures["dark_lamp_min"] <= 2


# Whoever has no key.


def test_whatever_an_attacker_sends_is_refused_and_counted():
    kinds = (
        AttackKind.REPLAY,
        AttackKind.REPLAY_SHUFFLED,
        AttackKind.REPLAY_JOINS,
        AttackKind.REPLAY_DOWNLINKS,
        AttackKind.FORGE_CLASS_C,
        AttackKind.FORGE_MULTICAST,
        AttackKind.FLOOD_JOINS,
        AttackKind.BIT_FLIPS,
        AttackKind.TRUNCATED,
        AttackKind.PULL_DATA,
    )
    attacks = tuple(Attack(kind=kind, from_s=(6 + 0.3 * at) * HOUR_S, for_s=600.0) for at, kind in enumerate(kinds))
    street = (*nodes(air=2), *(node(LIGHT, number, group="rue") for number in (1, 2)))
    what = scenario(
        10,
        nodes=street,
        warm=False,
        orders=(Order(at_s=5 * HOUR_S, target="rue", level_pct=30),),
        attacker=Attacker(x_m=10.0, y_m=0.0, power_dbm=27, attacks=attacks),
        faults=(
            fault(FaultKind.GATEWAY_POWER_CUT, 5, 0.1, ("mast",)),
            fault(FaultKind.NODE_REBOOT, 5.5, 0, ("air-001",)),
        ),
        final_quiet_s=0.0,
    )
    chain, report, _ = run(what)
    assert broken(report) == set(), report.failures
    assert set(report.attacks) == {kind.value for kind in kinds}
    assert min(report.attacks.values()) >= 4
    assert (report.figures["frames_forged"], report.figures["downlinks_stolen"]) == (0.0, 0.0)
    assert chain.witness.attacks >= 1000
    assert chain.cabinet.pulls_refused == report.attacks["pull_data"]


def test_a_forwarder_of_a_thief_who_asks_first_after_a_restart_gets_no_downlink():
    """The gateway is back after three minutes, its forwarder's way to it after seven; a lamp is dimmed between."""
    pull = Attack(kind=AttackKind.PULL_DATA, from_s=0.9 * HOUR_S, for_s=0.5 * HOUR_S, every_s=5.0)
    what = scenario(
        2,
        nodes=nodes(light=2),
        orders=tuple(Order(at_s=HOUR_S + at_s, target="light-001", level_pct=30) for at_s in (200, 300, 390, 500)),
        attacker=Attacker(x_m=10.0, y_m=0.0, attacks=(pull,)),
        faults=(
            fault(FaultKind.GATEWAY_POWER_CUT, 1, 0.05, ("mast",)),
            fault(FaultKind.BACKHAUL, 1, 0.12, ("mast",)),
        ),
    )
    chain, report, _ = run(what)
    assert report.figures["downlinks_stolen"] == 0.0
    assert broken(report) == set(), report.failures
    assert chain.cabinet.pulls_refused > 600  # of 720, and of 72 nobody heard


def test_what_was_jammed_and_comes_after_a_night_is_refused():
    delay = Attack(kind=AttackKind.DELAY, from_s=HOUR_S, for_s=2 * HOUR_S, delay_s=8 * HOUR_S)
    what = scenario(14, attacker=Attacker(x_m=10.0, y_m=0.0, attacks=(delay,)))
    _, report, _ = run(what)
    assert broken(report) == set(), report.failures
    assert report.refused["replayed"] == report.attacks["delay"] >= 8
    assert report.figures["delivered"] == 1.0


def test_what_was_jammed_and_comes_before_anything_newer_is_accepted_dated_late_and_counted_apart():
    """LoRaWAN proves who sent a frame, not when: the limit that simulator/README.md tells."""
    delay_s = 300.0  # nodes speak each quarter of an hour
    delay = Attack(kind=AttackKind.DELAY, from_s=HOUR_S, for_s=2 * HOUR_S, delay_s=delay_s)
    what = scenario(6, attacker=Attacker(x_m=10.0, y_m=0.0, attacks=(delay,)))
    _, report, published = run(what)
    readings = [message for message in published if message["kind"] == "reading"]
    of_one = [message for message in readings if message["key"]["dev_eui"] == readings[0]["key"]["dev_eui"]]
    observed_s = [datetime.fromisoformat(message["observed"]).timestamp() for message in of_one]
    gaps_s = [later_s - s for s, later_s in pairwise(observed_s)]
    assert gaps_s[3:11] == pytest.approx([1200, 600] * 4, abs=17), "which vary by 16 s and are dated to the second"
    assert {message["time_error_s"] for message in of_one} == {1}
    assert broken(report) == set(), report.failures
    assert report.figures["frames_delayed"] == report.attacks["delay"] >= 8
    assert (report.figures["frames_forged"], report.figures["delivered"]) == (0.0, 1.0)


def test_frames_that_a_gateway_recorded_are_heard_again_and_known_by_their_registry(tmp_path):
    _, _, published = run(scenario(1))
    capture, registry = tmp_path / "capture.jsonl", tmp_path / "devices.csv"
    capture.write_text('{"lampyre_capture":1,"site":"92002"}\n' + line_of(STRANGE, 5_000) + line_of(STRANGE, 65_000))
    what = scenario(1, captures=(CaptureSpec(file=capture, gateway="mast", from_s=600.0),))
    _, unknown, _ = run(what)
    assert (broken(unknown), unknown.refused) == (set(), {"unknown_dev_addr": 2})
    registry.write_text(
        "dev_eui,role,name,dev_addr,nwk_s_key,app_s_key\n"
        f"0200000000000bee,foreign,stranger,26011bda,{KEYS[0].hex()},{KEYS[1].hex()}\n"
    )
    known = replace(what, captures=(replace(what.captures[0], registry=registry),))
    _, report, heard = run(known)
    assert (broken(report), report.refused) == (set(), {"replayed": 1})
    assert [message["kind"] for message in heard].count("raw") == 1
    assert len(heard) == len(published) + 1


KEYS = (bytes(range(16, 32)), bytes(range(32, 48)))
STRANGE = seal_data(SessionKeys(*KEYS), UPLINK, 0x26011BDA, 3, 10, b"hello")


def line_of(phy_payload: bytes, ms: int) -> str:
    captured = {
        "kind": "received",
        "ms": ms,
        "unix_ms": None,
        "radio": "udp:aa555a0000000001",
        "freq_hz": 868_100_000,
        "dr": 5,
        "counter_us": ms * 1000,
        "rssi_dbm": -90,
        "snr_db": 7.0,
        "phy_payload": phy_payload.hex(),
    }
    return json.dumps(captured) + "\n"
