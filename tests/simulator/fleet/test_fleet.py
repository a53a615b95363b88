"""A fleet of a scenario: what a gateway is told of it, warm and cold, and that each node has dice of its own."""

import pytest

from firmware.adr import TRUST_WITHIN
from protocol.lorawan.frames import DOWNLINK, UPLINK, parse_frame
from protocol.lorawan.join import derive_session_keys
from protocol.lorawan.mac_commands import DEVICE_TIME
from protocol.lorawan.multicast import mc_session_keys
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.orders import F_PORT_ORDERS, SET_LEVEL, Order, encode_order
from protocol.region import RX2_FREQ_HZ
from protocol.telemetry_reader import decode_readings
from simulator.energy.currents import AIR_SENSORS, BOARDS
from simulator.energy.ledger import State
from simulator.fleet.fleet import DEV_ADDR_FIRST, free_dev_addr
from simulator.scenario.model import Feeder, Radio, Role
from tests.simulator.fleet.street import HOUR_US, START_S, Bay, Corner, Lamp, Street, Switch, spec

GPS_S = START_S - 315_964_800 + 18
ROLES = (spec("air-1"), spec("parking-1", Role.PARKING, battery_mah=19_000), spec("light-1", Role.LIGHT, watts=40))


def facts(street: Street, name: str) -> list[tuple[int, int, bytes]]:
    return [(frame.start_us, frame.freq_hz, frame.phy_payload) for frame in street.sent(name)]


# Warm.


def test_warm_nodes_go_on_in_sessions_of_which_the_gateway_is_told():
    street = Street(*ROLES)
    street.run(4)
    assert not street.watcher.deaths
    for registered in street.fleet.registrations():
        warm = registered.warm
        assert warm is not None
        assert (warm.nwk_s_key, warm.app_s_key) == derive_session_keys(
            registered.app_key, warm.join_nonce, warm.windows.net_id, warm.dev_nonce
        )
        keys = SessionKeys(warm.nwk_s_key, warm.app_s_key)
        f_cnt = warm.f_cnt_up
        seqs = []
        frames = street.sent(registered.name)
        assert len(frames) >= 4
        for frame in frames:
            parsed = parse_frame(frame.phy_payload)
            f_cnt += 1
            assert parsed.dev_addr == warm.dev_addr
            assert mic_matches(keys, parsed, UPLINK, f_cnt), f"{registered.name}: FCntUp {f_cnt}"
            if parsed.f_port == 1:
                readings = decode_readings(open_payload(keys, parsed, UPLINK, f_cnt))
                seqs.append(max(row.seq for row in readings.rows))
        assert warm.next_seq <= seqs[0] <= warm.next_seq + 1, "a lamp may tell what is rare first"
        records = [record for name, _, epoch, record, _ in street.watcher.records if name == registered.name]
        assert records[0].seq == warm.next_seq
        assert {epoch for name, _, epoch, _, _ in street.watcher.records if name == registered.name} == {warm.epoch}


def test_warm_nodes_know_the_time_and_their_drift():
    street = Street(spec("one", sleep_ppm=15_000))
    street.run(20)
    mind = street.node("one").firmware.mind
    last = street.watcher.readings("one")[-1]
    [taken_us] = [at for _, at, _, record, _ in street.watcher.records if record is last]
    assert mind.clock.is_set()
    assert last.gps_s == pytest.approx(GPS_S + taken_us / 1e6, abs=60), "the swing of the day is all it cannot know"


def test_what_nodes_do_once_a_day_they_do_all_day():
    street = Street(*[spec(f"air-{number}") for number in range(40)])
    street.run(24)
    hours = [frame.start_us // (6 * HOUR_US) for frame in street.frames if parse_frame(frame.phy_payload).f_port == 3]
    assert sorted(set(hours)) == [0, 1, 2, 3]
    assert max(map(hours.count, hours)) < 20
    asked = {}
    for frame in street.frames:
        if DEVICE_TIME in bytes(parse_frame(frame.phy_payload).f_opts):
            asked.setdefault(frame.sender, frame.start_us // (6 * HOUR_US))
    assert len(asked) == 40
    assert sorted(set(asked.values())) == [0, 1, 2, 3]
    firsts = sorted(frame.start_us for frame in {frame.sender: frame for frame in reversed(street.frames)}.values())
    assert firsts[10] < 0.4 * 900e6
    assert firsts[30] > 0.5 * 900e6


def test_warm_nodes_send_at_the_data_rate_and_power_that_their_link_bears():
    street = Street(spec("near"), spec("far"), bears={"near": (5, 4), "far": (1, 0)}.__getitem__)
    street.run(1)
    assert {(frame.dr, frame.power_dbm) for frame in street.sent("near")} == {(5, 16 - 2 * 4)}
    assert {(frame.dr, frame.power_dbm) for frame in street.sent("far")} == {(1, 16)}
    assert not [frame for frame in street.frames if parse_frame(frame.phy_payload).f_opts], "nothing is owed"
    assert all(parse_frame(frame.phy_payload).adr for frame in street.frames)


def test_without_adr_the_plan_says_how_fast():
    for radio, bears, dr in (
        (Radio(dr=2), None, 2),
        (Radio(adr=False), (3, 5), 3),
        (Radio(plan="single-channel"), None, 3),
    ):
        street = Street(spec("one"), radio=radio, bears=lambda name, known=bears: known)
        street.run(2)
        assert {frame.dr for frame in street.frames} == {dr}
        assert not any(parse_frame(frame.phy_payload).adr for frame in street.frames)
        if radio.plan == "single-channel":
            assert {frame.freq_hz for frame in street.frames} == {868_100_000}


def test_a_warm_lamp_obeys_its_group_and_nobody_elses():
    mc_key = bytes(range(16))
    nodes = (spec("in", Role.LIGHT, group="rue"), spec("out", Role.LIGHT))
    street = Street(*nodes, groups={"rue": (0xFF000001, mc_key)})
    keys = SessionKeys(*mc_session_keys(mc_key, 0xFF000001))
    street.run(12.5)  # 19:30 UTC: the lamps are lit
    order = Order(7, GPS_S + 13 * 3600, SET_LEVEL, 40, 2, 900)
    frame = seal_data(keys, DOWNLINK, 0xFF000001, 0, F_PORT_ORDERS, encode_order(order))
    street.air.emit("gateway", frame, RX2_FREQ_HZ, 3, 27)
    street.run(0.1)
    assert street.stimuli["in"].set[-1][2] == 40
    assert street.stimuli["out"].set[-1][2] != 40
    heard = [street.node(name).hardware.tally.frames_heard for name in ("in", "out")]
    assert heard[0] == heard[1] + 1


# Deep sleep.


@pytest.mark.parametrize("warm", [True, False])
def test_nodes_that_sleep_through_their_rtc_memory_go_on_as_those_that_stay_as_they_are(warm):
    bay = (5_000.0, 9_000.0), (9_800.0, 30_000.0), (30_500.0, 33_000.0)

    def live(by_images: bool) -> Street:
        nodes = (spec("a", sleep_ppm=8_000), spec("p", Role.PARKING, interval_s=1_800))
        stimuli = {Role.AIR: Corner, Role.PARKING: lambda: Bay(*bay)}
        street = Street(*nodes, stimuli=lambda node: stimuli[node.role](), warm=warm, by_images=by_images)
        street.run(12)
        return street

    through, awake = live(True), live(False)
    assert not through.watcher.deaths
    assert not through.watcher.boots[len(awake.watcher.boots) :]
    for name in ("a", "p"):
        slept = through.node(name).hardware
        assert slept.tally.deep_sleeps > 40
        assert slept.persisted["boots"] == awake.node(name).hardware.persisted["boots"]
        assert len(through.joins(name)) == len(awake.joins(name)) == (0 if warm else 1)
        seqs = [record.seq for record in through.watcher.readings(name)]
        assert len(seqs) == pytest.approx(len(awake.watcher.readings(name)), abs=1)
        events = [(event, details[0]) for _, event, details in through.watcher.events(name)]
        assert events == [(event, details[0]) for _, event, details in awake.watcher.events(name)]
        counters = [parse_frame(f.phy_payload).f_cnt16 for f in through.sent(name) if f.phy_payload[0] >> 5]
        assert counters == list(range(counters[0], counters[0] + len(counters))), "exact, from RTC memory"
    numbers = [record.seq for _, _, _, record, _ in through.watcher.records]
    assert len(numbers) > 70


# Cold.


def test_cold_nodes_boot_at_their_time_and_join():
    street = Street(spec("one", boots_s=30.0), spec("two", Role.LIGHT, boots_s=3_600.0), warm=False)
    street.run(4)
    assert [(name, at) for name, at, _ in street.watcher.boots] == [("one", 30_000_000), ("two", HOUR_US)]
    for name, boots_us in (("one", 30_000_000), ("two", HOUR_US)):
        assert len(street.joins(name)) == 1
        assert boots_us <= street.joins(name)[0].start_us <= boots_us + 16_000_000
        assert street.fleet.registrations()[0].warm is None
    assert len(street.watcher.readings("one")) >= 15
    assert min(record.seq for record in street.watcher.readings("one")) == 0


def test_nodes_that_nobody_answers_back_off_as_they_join():
    street = Street(spec("one"), warm=False, hears=False)
    street.run(24)
    joins = street.joins("one")
    assert joins == street.frames
    assert 10 < len(joins) < 60
    assert {frame.dr for frame in joins} == {0, 1, 2, 3, 4, 5}
    # TR007-1.1 §4.8: 36 s of airtime in the first hour.
    assert sum(frame.end_us - frame.start_us for frame in joins if frame.start_us < HOUR_US) <= 36_000_000


def test_warm_nodes_trust_their_session_though_the_street_is_silent():
    street = Street(spec("one"), hears=False)
    street.run(24)
    assert len(street.frames) > 3 * TRUST_WITHIN
    assert not street.joins("one")


# Dice.


def test_one_node_more_reshuffles_nobody():
    nodes = [spec("air-1"), spec("park-1", Role.PARKING), spec("lamp-1", Role.LIGHT)]
    few = Street(*nodes)
    more = Street(spec("new", Role.LIGHT), nodes[2], nodes[0], nodes[1], spec("newer"))
    few.run(3)
    more.run(3)
    for node in nodes:
        assert facts(few, node.name) == facts(more, node.name), node.name
        assert len(facts(few, node.name)) >= 3


def test_the_same_seed_is_the_same_fleet_and_another_seed_another():
    first, again, other = (Street(*ROLES, seed=seed) for seed in (4, 4, 5))
    for street in (first, again, other):
        street.run(2)
    assert [vars_of(frame) for frame in first.frames] == [vars_of(frame) for frame in again.frames]
    assert {frame.phy_payload for frame in first.frames}.isdisjoint(frame.phy_payload for frame in other.frames)


def vars_of(frame: object) -> tuple[object, ...]:
    return tuple(getattr(frame, name) for name in frame.__slots__)  # type: ignore[attr-defined]


def test_no_two_nodes_have_one_address():
    class Same:
        def below(self, limit: int) -> int:
            return limit - 1

    taken: set[int] = set()
    addresses = [free_dev_addr(Same(), taken) for _ in range(3)]  # type: ignore[arg-type]
    assert addresses == [DEV_ADDR_FIRST + (1 << 25) - 1, DEV_ADDR_FIRST, DEV_ADDR_FIRST + 1]


# What else a scenario says.


def test_a_gateway_is_told_all_it_has_to_know():
    street = Street(
        spec("p", Role.PARKING, place_ids=("92002-bay-1", "92002-bay-2"), bays=2),
        spec("l", Role.LIGHT, settings=(("min_dr", 2),)),
    )
    parking, light = street.fleet.registrations()
    assert (parking.name, parking.role, parking.class_c, parking.plan, parking.min_dr) == (
        "p",
        Role.PARKING,
        False,
        0,
        0,
    )
    assert parking.places == ("92002-bay-1", "92002-bay-2")
    assert parking.dev_eui == street.scenario.nodes[0].dev_eui
    assert len({parking.app_key, parking.gen_app_key, light.app_key, light.gen_app_key}) == 4
    assert (light.class_c, light.min_dr) == (True, 2)
    assert parking.warm is not None
    assert light.warm is not None
    assert parking.warm.dev_addr != light.warm.dev_addr


def test_a_switched_feeder_boots_its_lamps_within_its_spread():
    lamps = [spec(f"l-{number}", Role.LIGHT, feeder="quai") for number in range(30)]
    off = Switch((-1e6, 3_600), (7_200, 1e6))
    street = Street(*lamps, feeders=(Feeder(name="quai", spread_s=2.0),), stimuli=lambda node: Lamp(off))
    assert not any(node.runs for node in street.fleet.nodes.values())
    street.run(3)
    boots = sorted(at for _, at, _ in street.watcher.boots)
    assert len(boots) == 30
    assert HOUR_US <= boots[0] < HOUR_US + 400_000
    assert HOUR_US + 1_600_000 < boots[-1] <= HOUR_US + 2_000_010
    assert sorted(at > 0 for _, at in street.watcher.gone) == [False] * 30 + [True] * 30
    first_us = [min(frame.start_us for frame in street.sent(lamp.name)) for lamp in lamps]
    assert max(first_us) - min(first_us) > 300_000_000, "their first words are spread over ten minutes"
    # One who joined before a night does not join again.
    assert not [frame for frame in street.frames if street.joins(frame.sender)]


def test_it_knows_what_its_nodes_have_taken_from_their_cells():
    street = Street(spec("one", board=BOARDS[0].name, interval_s=900))
    street.run(24)
    ledger = street.fleet.charge("one", AIR_SENSORS)
    # A reading each quarter of an hour with a fan that runs for 34 s of it: 100 mA x 3.8 % (`simulator/energy`).
    assert ledger.mean_ua(24 * HOUR_US) == pytest.approx(3_405 + 99_800 * 34 / 900, rel=0.3)
    assert ledger.uas(State.TRANSMIT) > 0
    assert ledger.uas(State.DEEP_SLEEP) > 0
