"""The unmodified firmware MAC joins and lives with the real server: every window is met, nothing is lost or doubled."""

import itertools

import pytest

from firmware.actions import AskLink, AskTime, JoinGroup
from firmware.events import Downlink as Heard
from firmware.events import Joined, LinkAnswered, Sent, TimeAnswered
from gateway.links.link import Transmit
from gateway.network.events import ClockSet, Downlink, GroupSet
from gateway.network.registration import Group
from protocol.lorawan.frames import JOIN_ACCEPT, parse_frame
from protocol.lorawan.multicast import encrypt_mc_key, mc_ke_key, mc_root_key
from protocol.region import SUB_BANDS
from tests.fakes.devices import Device
from tests.firmware.network import GEN_APP_KEY
from tests.gateway.network.town import Town, airtime_ms, ask

HOUR_MS = 3_600_000
QUARTER_MS = 900_000
DAY = 96
UNIX_AT_0_MS = 1_767_225_600_000


def order(ref, target, town, payload=None, hours=24, **fields):
    expires_ms = town.station.now_ms + hours * HOUR_MS
    payload = b"order %d" % ref if payload is None else payload
    return Downlink(ref=ref, target=target, f_port=4, payload=payload, expires_ms=expires_ms, **fields)


def live(town, quarters, confirmed_every=0, first=0):
    """Every node takes a reading each quarter of an hour."""
    for quarter in range(first, first + quarters):
        for number, street in enumerate(town.streets):
            confirmed = bool(confirmed_every) and quarter % confirmed_every == 0
            street.tell(ask(b"%d/%d" % (number, quarter), 1, confirmed))
        town.run(QUARTER_MS)


def records(town, device):
    return [content for number, _, _, content in town.station.store.records if number == device.number]


def test_without_loss_every_window_is_met():
    """Every answer is heard: in RX1 at each data rate ADR goes through, at the default RxDelay, over counter wraps."""
    node = Device(1, joins=True)
    town = Town([node], "quiet")
    town.station.tell(ClockSet(offset_ms=UNIX_AT_0_MS))
    [street] = town.streets
    town.run(60_000)
    street.tell(AskTime())
    street.tell(AskLink())
    for quarter in range(60):
        town.station.tell(order(quarter, node.dev_eui, town, confirmed=quarter % 3 == 0))
        live(town, 1, 4, quarter)
    town.station.run(QUARTER_MS)
    assert len(street.events(Joined)) == 1
    assert records(town, node) == [b"0/%d" % quarter for quarter in range(60)]
    assert [event.payload for event in street.events(Heard)] == [b"order %d" % ref for ref in range(60)]
    assert [event.acked for event in street.events(Sent)] == [quarter % 4 == 0 or None for quarter in range(60)]
    assert {ref for ref, fate in town.station.fates if fate == "sent"} == set(range(60))
    assert {ref for ref, fate in town.station.fates if fate == "acked"} == set(range(0, 60, 3))
    # GPS time runs 18 s ahead of UTC since 2017 and began on 1980-01-06, which is Unix 315964800.
    [time] = street.events(TimeAnswered)
    assert abs(time.gps_s * 1000 - (time.at_ms + UNIX_AT_0_MS - 315_964_800_000 + 18_000)) <= 5
    assert street.events(LinkAnswered)[0].gateways == 2
    assert street.mac._talk.session.tx_power > 0, "ADR lowered the power of a node that is heard so well"
    assert not town.station.refusals


@pytest.mark.parametrize("name", ["full", "single-channel"])
def test_a_day_in_which_a_fifth_of_all_frames_is_lost(name):
    nodes = [Device(number + 1, joins=True, plan=1 if name == "single-channel" else 0) for number in range(3)]
    town = Town(nodes, name, 0.2)
    for quarter in range(DAY):
        if quarter % 12 == 5:
            for node in nodes:
                town.station.tell(order(1000 * node.number + quarter, node.dev_eui, town, confirmed=True))
        live(town, 1, 8, quarter)
    for node, street in zip(nodes, town.streets, strict=True):
        assert len(street.events(Joined)) == 1, "nobody had to join again"
        kept = records(town, node)
        assert len(kept) == len(set(kept)), "no reading twice"
        assert len(kept) > 0.7 * DAY
        heard = [event.payload for event in street.events(Heard)]
        refs = [ref for ref, fate in town.station.fates if fate == "acked" and ref // 1000 == node.number]
        assert {b"order %d" % ref for ref in refs} <= set(heard), "what was acknowledged was heard"
        assert len(refs) >= 7
    if name == "single-channel":
        assert {accepted.freq_hz for accepted in town.station.accepted} == {868_100_000}
        assert {accepted.dr for accepted in town.station.accepted} == {3}
    else:
        assert len({accepted.freq_hz for accepted in town.station.accepted}) == 8


def test_a_gateway_that_fails_and_starts_again_all_day_loses_no_session_and_doubles_nothing():
    """A full disk now and then, a restart every two hours, and one frame in ten lost."""
    node = Device(1, joins=True)
    town = Town([node], "troubled", 0.1)
    [street] = town.streets
    town.run(120_000)
    for quarter in range(DAY):
        if quarter % 8 == 3:
            town.station.restart()
        town.station.hold = quarter % 5 == 0
        town.station.tell(order(quarter, node.dev_eui, town, hours=1, confirmed=quarter % 2 == 0))
        live(town, 1, 3, quarter)
        if town.station.hold:
            town.station.fail()
    town.station.hold = False
    live(town, 4, first=DAY)
    kept = records(town, node)
    assert len(kept) == len(set(kept)) > 0.6 * DAY
    assert len(street.events(Joined)) == 1
    heard = [event.payload for event in street.events(Heard)]
    assert len(heard) > 0.5 * DAY
    downs = [parse_frame(t.phy_payload) for t in town.station.transmits if t.phy_payload[0] >> 5 != JOIN_ACCEPT]
    counters = {}
    for frame in downs:
        assert counters.setdefault(frame.f_cnt16, bytes(frame.msg)) == bytes(frame.msg), "FCntDown used twice"


def test_radios_stay_within_their_duty_cycle_and_never_send_two_frames_at_once():
    nodes = [Device(number + 1, joins=True, class_c=True) for number in range(4)]
    town = Town(nodes, "busy", 0.1)
    sent = []
    for minute in range(90):
        for node, street in zip(nodes, town.streets, strict=True):
            for _ in range(8):
                town.station.tell(order(minute, node.dev_eui, town, bytes(100), 1))
            if minute % 15 == 0:
                street.tell(ask(b"here", confirmed=True))
        town.run(60_000)
    for at_ms, transmit in town.station.effects:
        if isinstance(transmit, Transmit) and transmit.counter_us is None:
            sent.append((at_ms, at_ms + airtime_ms(transmit), transmit.radio))
    band = next(band for band in SUB_BANDS if band.name == "P")
    fullest = 0.0
    for radio in town.radios:
        own = sorted((start, end) for start, end, name in sent if name == radio)
        hours = [
            sum(end - start for start, end in own if until - 3_600_000 < start and end <= until) for _, until in own
        ]
        assert max(hours) <= band.airtime_ms_per_hour
        assert all(before[1] <= after[0] for before, after in itertools.pairwise(own))
        fullest = max(fullest, *hours)
    assert fullest > 0.9 * band.airtime_ms_per_hour, "it was busy enough to show something"


def test_a_class_c_light_hears_orders_at_once_and_acknowledges_them():
    light = Device(1, joins=True, class_c=True)
    town = Town([light], "light")
    [street] = town.streets
    live(town, 1)
    for ref in range(5):
        town.station.tell(order(ref, light.dev_eui, town, confirmed=True))
        town.run(60_000)
        assert [event.payload for event in street.events(Heard)] == [b"order %d" % n for n in range(ref + 1)]
    assert [ref for ref, fate in town.station.fates if fate == "acked"] == list(range(5))


def test_a_street_is_dimmed_by_one_frame():
    lights = [Device(number + 1, joins=True, class_c=True) for number in range(3)]
    town = Town(lights, "street")
    live(town, 1)
    mc_key = bytes(range(200, 216))
    group = Group(
        number=9, name="rue", mc_addr=0xFF000001, mc_key=mc_key, members=tuple(light.dev_eui for light in lights)
    )
    town.station.tell(GroupSet(group=group))
    for street in town.streets:
        encrypted = encrypt_mc_key(mc_ke_key(mc_root_key(GEN_APP_KEY)), mc_key)
        street.tell(JoinGroup(0, group.mc_addr, encrypted, 0))
    for ref in range(70):  # more than a block of counters
        town.station.tell(order(ref, 9, town))
        town.run(10_000)
    for street in town.streets:
        assert [event.payload for event in street.events(Heard)] == [b"order %d" % ref for ref in range(70)]
    assert town.station.fates == [(ref, "sent") for ref in range(70)]
    assert len(town.station.transmits) - 70 <= 3 + 3 * 3, "one frame for all, beside joins and first answers"


def test_a_wired_node_is_answered_at_once():
    node = Device(1, joins=True, name="wired")
    town = Town([node], "wired")
    [street] = town.streets
    town.run(60_000)
    assert len(street.events(Joined)) == 1
    for number in range(5):
        street.tell(ask(b"%d" % number, 1, True))
        town.station.tell(order(number, node.dev_eui, town))
        town.run(5_000)
    assert [event.acked for event in street.events(Sent)] == [True] * 5
    assert [event.payload for event in street.events(Heard)] == [b"order %d" % number for number in range(5)]
    assert {transmit.radio for transmit in town.station.transmits} == {"cable:" + node.dev_eui.hex()}
