"""What goes down to one device: in which window, by which radio, in which order, and what becomes of it."""

import itertools

import pytest

from gateway.links.link import Outcome, RadioReport, Transmit, TransmitResult
from gateway.network.application import Answer
from gateway.network.events import Cancel, DeviceGone, DeviceSet, Downlink
from gateway.network.speaking import Speaker
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station

HOUR_MS = 3_600_000
RX2 = (869_525_000, 3)


@pytest.fixture(name="device")
def _device():
    return Device(1)


@pytest.fixture(name="light")
def _light():
    return Device(2, class_c=True)


@pytest.fixture(name="station")
def _station(device, light):
    station = Station([device.registration(), light.registration()])
    station.hear(device.frame(0))  # reserves counters
    station.hear(light.frame(0))
    station.run(10_000)
    return station


def order(station, device, ref=1, payload=b"order", hours=1, **fields):
    expires_ms = station.now_ms + hours * HOUR_MS
    target = fields.pop("target", device.dev_eui if device else None)
    return station.tell(Downlink(ref=ref, target=target, f_port=4, payload=payload, expires_ms=expires_ms, **fields))


def refuse_rx1(transmit):
    return Outcome.COLLISION if transmit.freq_hz != RX2[0] else Outcome.SENT


# Class A.


def test_an_order_waits_for_an_uplink_and_goes_in_rx1(station, device):
    order(station, device)
    station.run(60_000)
    assert station.transmits == []
    ended_us = station.now_ms * 1000
    station.hear(device.frame(1), dr=4, freq_hz=867_500_000)
    [transmit] = station.transmits
    assert (transmit.freq_hz, transmit.dr, transmit.power_dbm) == (867_500_000, 4, 14)
    assert transmit.counter_us == ended_us + 5_000_000
    frame, payload = device.hear(transmit.phy_payload)
    assert (frame.f_port, payload, frame.f_pending, frame.ack) == (4, b"order", False, False)
    assert station.fates == [(1, "sent")]


def test_radio_counters_wrap(station, device):
    order(station, device)
    station.hear(device.frame(1), counter_us=0xFFFF_FFFF)
    assert station.transmits[0].counter_us == 4_999_999


def test_an_order_that_comes_a_little_later_still_catches_the_window(station, device):
    station.hear(device.frame(1))
    station.run(4_000)
    order(station, device)
    assert station.transmits[0].dr == 5
    station.hear(device.frame(2))
    station.run(5_000)  # RX1 has passed
    order(station, device, 2)
    assert (station.transmits[1].freq_hz, station.transmits[1].dr) == RX2
    station.hear(device.frame(3))
    station.run(6_000)
    order(station, device, 3)
    assert len(station.transmits) == 2
    assert station.fates == [(1, "sent"), (2, "sent")]


def test_the_order_an_uplink_caused_goes_in_its_own_window(station, device):
    downlink = Downlink(ref=8, target=device.dev_eui, f_port=4, payload=b"resend", expires_ms=station.now_ms + HOUR_MS)
    station.application.answers = [Answer(downlinks=(downlink,))]
    station.hear(device.frame(1))
    assert device.hear(station.transmits[0].phy_payload)[1] == b"resend"


def test_what_a_radio_refuses_goes_as_it_is_in_rx2(station, device):
    station.outcome = refuse_rx1
    order(station, device)
    ended_us = station.now_ms * 1000
    station.hear(device.frame(1))
    first, second = station.transmits
    assert first.phy_payload == second.phy_payload
    assert (second.freq_hz, second.dr, second.power_dbm) == (*RX2, 27)
    assert second.counter_us == ended_us + 6_000_000
    assert station.fates == [(1, "sent")]


@pytest.mark.parametrize("outcome", [o for o in Outcome if o not in (Outcome.SENT, Outcome.NO_ANSWER)])
def test_what_no_radio_takes_waits_for_the_next_uplink(station, device, outcome):
    station.outcome = lambda transmit: outcome
    order(station, device)
    station.hear(device.frame(1), "udp:a", "udp:b")
    assert station.fates == []
    station.outcome = lambda transmit: Outcome.SENT
    station.hear(device.frame(2))
    payloads = [device.hear(transmit.phy_payload)[1] for transmit in station.transmits[-1:]]
    assert payloads == [b"order"]
    assert station.fates == [(1, "sent")]


def test_a_refused_frame_and_its_successor_have_different_counters(station, device):
    station.outcome = lambda transmit: Outcome.TX_FREQ
    order(station, device)
    station.hear(device.frame(1))
    station.hear(device.frame(2))
    assert len({transmit.phy_payload[6:8] for transmit in station.transmits}) == 2


def test_no_answer_counts_as_sent(station, device):
    station.outcome = lambda transmit: Outcome.NO_ANSWER
    order(station, device)
    station.hear(device.frame(1))
    assert len(station.transmits) == 1
    assert station.fates == [(1, "sent")]


def test_a_radio_that_is_away_leaves_it_to_another_that_heard_the_uplink(station, device):
    order(station, device)
    frame = device.frame(1)
    station.tell(heard(frame, radio="udp:a", snr_db=9.0, counter_us=1))
    station.tell(heard(frame, radio="udp:b", snr_db=1.0, counter_us=2))
    station.tell(RadioReport(radio="udp:a", online=False, detail="gone"))
    station.run(200)
    [transmit] = station.transmits
    assert (transmit.radio, transmit.counter_us) == ("udp:b", 5_000_002)


def test_after_rx1_and_rx2_of_the_best_radio_comes_the_next(station, device):
    station.outcome = lambda transmit: Outcome.SENT if transmit.radio == "udp:b" else Outcome.TOO_LATE
    order(station, device)
    frame = device.frame(1)
    station.tell(heard(frame, radio="udp:b", snr_db=1.0))
    station.tell(heard(frame, radio="udp:a", snr_db=9.0))
    station.run(200)
    assert [(transmit.radio, transmit.freq_hz == RX2[0]) for transmit in station.transmits] == [
        ("udp:a", False),
        ("udp:a", True),
        ("udp:b", False),
    ]


def test_the_most_urgent_goes_first_and_f_pending_tells_of_more(station, device):
    for ref, priority in ((1, 5), (2, 9), (3, 1), (4, 5)):
        order(station, device, ref, b"%d" % ref, priority=priority)
    told = []
    for f_cnt in range(1, 5):
        station.hear(device.frame(f_cnt))
        frame, payload = device.hear(station.transmits[-1].phy_payload)
        told.append((payload, frame.f_pending))
    assert told == [(b"3", True), (b"1", True), (b"4", True), (b"2", False)]


def test_what_expires_before_an_uplink_comes_never_goes(station, device):
    order(station, device, 1)
    order(station, device, 2, hours=2)
    station.run(HOUR_MS)
    assert station.fates == [(1, "expired")]
    station.hear(device.frame(1))
    assert station.fates == [(1, "expired"), (2, "sent")]
    order(station, device, 3, hours=0)
    assert station.fates[-1] == (3, "expired")


def test_what_expires_before_its_window_does_not_go_in_it(station, device):
    for ref, left_ms in ((1, 4_999), (2, 5_001)):
        expires_ms = station.now_ms + left_ms
        station.tell(Downlink(ref=ref, target=device.dev_eui, f_port=4, payload=b"%d" % ref, expires_ms=expires_ms))
    station.hear(device.frame(1))
    assert [device.hear(transmit.phy_payload)[1] for transmit in station.transmits] == [b"2"]
    station.run(10_000)
    assert sorted(station.fates) == [(1, "expired"), (2, "sent")]


def test_what_is_cancelled_never_goes_and_has_no_fate(station, device):
    order(station, device, 1)
    order(station, device, 2)
    station.tell(Cancel(ref=1))
    station.hear(device.frame(1))
    station.run(2 * HOUR_MS)
    assert station.fates == [(2, "sent")]


def test_cancelling_what_a_radio_then_refuses_keeps_it_off_the_air(station, device):
    station.silent = True
    order(station, device, 1)
    station.hear(device.frame(1))
    station.tell(Cancel(ref=1))
    station.silent = False
    station.tell(TransmitResult(token=station.transmits[0].token, outcome=Outcome.COLLISION))
    station.hear(device.frame(2))
    assert len(station.transmits) == 1
    assert station.fates == []


def test_what_can_never_go_is_told_at_once(station, device):
    never_joined = Device(5, joins=True)
    station.tell(DeviceSet(registration=never_joined.registration()))
    cases = (
        ({"target": bytes(8)}, "no device has this DevEUI"),
        ({"target": never_joined.dev_eui}, "has not joined"),
        ({"payload": bytes(223)}, "carry at most 222"),
    )
    for ref, (fields, says) in enumerate(cases):
        order(station, device, ref, **fields)
        assert station.fates[-1] == (ref, "impossible")
        assert says in station.application.fates[-1].detail
    station.tell(Downlink(ref=9, target=device.dev_eui, f_port=0, payload=b"", expires_ms=station.now_ms + 1))
    assert station.fates[-1] == (9, "impossible")


def test_a_queue_holds_eight(station, device):
    for ref in range(9):
        order(station, device, ref)
    assert station.fates == [(8, "impossible")]
    assert "8 downlinks wait" in station.application.fates[0].detail


def test_what_is_too_long_for_rx1_goes_in_rx2_and_what_is_for_both_waits(station, device):
    order(station, device, 1, bytes(100))
    station.hear(device.frame(1), dr=0)
    assert (station.transmits[0].freq_hz, station.transmits[0].dr) == RX2
    order(station, device, 2, bytes(200))
    order(station, device, 3, bytes(10))
    station.hear(device.frame(2), dr=2)
    station.hear(device.frame(3), dr=2)
    assert station.fates == [(1, "sent"), (3, "sent")]
    station.hear(device.frame(4), dr=5)
    assert station.fates[-1] == (2, "sent")


def test_the_answer_to_commands_leaves_less_room(station, device):
    order(station, device, 1, bytes(51))
    station.run(0)
    station.outcome = lambda transmit: Outcome.SENT
    station.hear(device.frame(1, f_opts=b"\x02"), dr=2)
    frame, payload = device.hear(station.transmits[0].phy_payload)
    assert (station.transmits[0].dr, len(payload), len(frame.f_opts)) == (3, 51, 3), "RX2 carries both"


def test_an_adr_ack_req_is_answered_by_whatever_frame(station, device):
    station.hear(device.frame(1, adr=True, adr_ack_req=True))
    frame, _ = device.hear(station.transmits[0].phy_payload)
    assert (frame.f_port, frame.ack, len(frame.f_opts), frame.adr) == (None, False, 0, True)


# Confirmed downlinks.


def test_a_confirmed_order_goes_again_until_it_is_acknowledged(station, device):
    order(station, device, confirmed=True)
    for f_cnt in (1, 2, 3):
        station.hear(device.frame(f_cnt))
    frames = [device.hear(transmit.phy_payload) for transmit in station.transmits]
    assert [(frame.confirmed, frame.f_cnt16, payload) for frame, payload in frames] == [
        (True, f_cnt, b"order") for f_cnt in (0, 1, 2)
    ]
    assert station.fates == [(1, "sent")]
    station.hear(device.frame(4, ack=True))
    assert station.fates == [(1, "sent"), (1, "acked")]
    assert len(station.transmits) == 3


def test_a_confirmed_order_that_nobody_acknowledges_expires(station, device):
    order(station, device, confirmed=True)
    station.hear(device.frame(1))
    station.run(HOUR_MS)
    assert station.fates == [(1, "sent"), (1, "expired")]
    assert station.application.fates[-1].detail == "not acknowledged in time"
    assert station.server.wake_at() is None


# Class C.


def test_a_class_c_device_is_spoken_to_at_once_on_rx2(station, light):
    order(station, light)
    [transmit] = station.transmits
    assert (transmit.freq_hz, transmit.dr, transmit.counter_us, transmit.power_dbm) == (*RX2, None, 27)
    assert light.hear(transmit.phy_payload)[1] == b"order"


def test_while_its_windows_are_due_a_class_c_device_is_answered_in_them(station, light):
    station.hear(light.frame(1))
    order(station, light)
    assert station.transmits[0].counter_us is not None
    order(station, light, 2)
    station.run(20_000)
    assert station.transmits[1].counter_us is None
    assert station.fates == [(1, "sent"), (2, "sent")]


def test_a_missing_radio_is_waited_for_until_the_order_expires(station, light):
    station.tell(RadioReport(radio="udp:01", online=False, detail="gone"))
    order(station, light, 1)
    order(station, light, 2, hours=2)
    station.run(HOUR_MS)
    assert station.transmits == []
    assert station.fates == [(1, "expired")]
    station.tell(RadioReport(radio="udp:01", online=True, detail="back"))
    station.run(5_000)
    assert station.fates[-1] == (2, "sent")


def test_the_more_wait_for_a_radio_the_less_often_each_is_looked_at(monkeypatch):
    lights = [Device(number + 1, class_c=True) for number in range(400)]
    station = Station([light.registration() for light in lights])
    for light in lights:
        station.hear(light.frame(0))
    station.run(10_000)
    station.tell(RadioReport(radio="udp:01", online=False, detail="gone"))
    for ref, light in enumerate(lights):
        order(station, light, ref, hours=2)
    looks = []
    look = Speaker.look
    monkeypatch.setattr(Speaker, "look", lambda *told: (looks.append(told), look(*told)))
    station.run(60_000)
    assert len(looks) <= 60 * 50  # a second's worth of fifty, where every two seconds for each would be 12,000
    station.tell(RadioReport(radio="udp:01", online=True, detail="back"))
    station.run(60_000)
    assert len(station.fates) > 50


def test_orders_to_several_lights_of_one_radio_go_one_after_the_other():
    lights = [Device(number + 1, class_c=True) for number in range(5)]
    station = Station([light.registration() for light in lights])
    for light in lights:
        station.hear(light.frame(0))
    station.run(10_000)
    start = len(station.effects)
    for ref, light in enumerate(lights):
        order(station, light, ref, bytes(50))
    station.run(60_000)
    times = [at_ms for at_ms, effect in station.effects[start:] if isinstance(effect, Transmit)]
    assert len(times) == 5
    assert all(later - sooner >= 300 for sooner, later in itertools.pairwise(times))


def test_a_confirmed_order_to_a_light_goes_again_after_half_a_minute_ever_more_rarely(station, light):
    order(station, light, confirmed=True)
    start = len(station.effects)
    station.run(600_000)
    times = [at_ms for at_ms, effect in station.effects[start:] if isinstance(effect, Transmit)]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert gaps == [60_000, 120_000, 240_000]
    station.hear(light.frame(1, ack=True))
    assert station.fates == [(1, "sent"), (1, "acked")]


def test_a_light_that_was_not_heard_since_the_start_is_spoken_to_by_any_radio(station, light):
    station.restart()
    station.tell(RadioReport(radio="udp:07", online=True, detail="hello"))
    order(station, light)
    station.run(1_000)
    assert station.transmits[-1].radio == "udp:07"
    assert station.fates[-1] == (1, "sent")


def test_counters_for_a_light_are_reserved_again_after_a_failed_commit(station, light):
    station.restart()
    station.tell(RadioReport(radio="udp:07", online=True, detail="hello"))
    station.hold = True
    order(station, light)
    station.fail()
    assert station.transmits == []
    station.run(10_000)
    station.commit()
    assert len(station.transmits) == 1


def test_a_refused_power_is_lowered_for_good(station, light):
    station.outcome = lambda transmit: Outcome.TX_POWER if transmit.power_dbm > 14 else Outcome.SENT
    order(station, light)
    station.run(10_000)
    order(station, light, 2)
    station.run(10_000)
    assert [transmit.power_dbm for transmit in station.transmits] == [27, 14, 14]


def test_a_removed_device_takes_what_is_on_its_way_with_it(station, light):
    station.silent = True
    order(station, light)
    token = station.transmits[0].token
    station.tell(DeviceGone(dev_eui=light.dev_eui))
    station.tell(TransmitResult(token=token, outcome=Outcome.LINK_DOWN))
    assert station.fates == [(1, "impossible")]
    station.run(2 * HOUR_MS)
    assert len(station.transmits) == 1


# Cables.


def test_on_a_cable_answers_go_at_once_and_orders_at_any_time():
    device = Device(1)
    station = Station([device.registration()])
    cable = {"freq_hz": 0, "dr": 5, "counter_us": None, "snr_db": None, "rssi_dbm": None}
    name = "cable:" + device.dev_eui.hex()
    effects = station.tell(heard(device.frame(0, confirmed=True), radio=name, **cable))
    [transmit] = [effect for effect in effects if isinstance(effect, Transmit)]
    assert (transmit.radio, transmit.freq_hz, transmit.dr, transmit.counter_us) == (name, 0, 5, None)
    assert device.hear(transmit.phy_payload)[0].ack
    order(station, device, 1, bytes(222))
    assert station.fates == [(1, "sent")]
    assert len(device.hear(station.transmits[-1].phy_payload)[1]) == 222


def test_a_fate_may_lead_to_another_order(station, light):
    station.application.after_fate = Answer(
        downlinks=(Downlink(ref=2, target=light.dev_eui, f_port=4, payload=b"b", expires_ms=station.now_ms + HOUR_MS),)
    )
    order(station, light)
    station.run(10_000)
    assert station.fates == [(1, "sent"), (2, "sent")]
