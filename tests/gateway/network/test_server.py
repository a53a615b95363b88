"""Which uplinks the network server accepts, what becomes of them, and why it refuses the others."""

import random
import tracemalloc

import pytest

from gateway.network.application import Answer
from gateway.network.deduplication import MAX_OF_ONE
from gateway.network.events import (
    Alarm,
    ClockSet,
    Commit,
    Committed,
    DeviceGone,
    DeviceSet,
    Downlink,
    Reason,
    Refused,
)
from gateway.network.registration import Abp
from gateway.store.writes import AddRecord, KeepCounters, KeepSession, StartSession
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.mac_commands import encode_command
from protocol.lorawan.security import seal_data
from protocol.region import frame_airtime_us
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station

DEVICE = Device(1)
SECOND_MS, HOUR_MS = 1_000, 3_600_000
BEFORE_RX2_MS, AFTER_RX2_MS = 5_000, 6_500  # of our plan: RX2 opens 6 s after an uplink


def station_of(*devices, **fields):
    return Station([device.registration() for device in devices or (DEVICE,)], **fields)


def refused(station, phy_payload, reason, says="", **fields):
    effects = station.hear(phy_payload, **fields)
    assert [type(effect) for effect in effects] == [Refused], effects
    assert effects[0].reason is reason
    assert says in effects[0].detail
    return effects[0]


def accepted_f_cnts(station):
    return [accepted.f_cnt for accepted in station.accepted]


# What is accepted.


def test_an_uplink_is_one_commit_of_its_counter_and_its_record():
    station = station_of()
    station.hear(DEVICE.frame(5, 7, b"abc"))
    station.hear(DEVICE.frame(6, 7, b"def"))
    first, second = station.of(Commit)
    session = first.writes[0].session
    assert (session.device, session.number, session.dev_addr) == (1, 0, DEVICE.dev_addr)
    assert [type(write) for write in first.writes] == [KeepSession, StartSession, KeepCounters, AddRecord]
    assert first.writes[2] == KeepCounters(1, 5, 64, "1")
    assert second.writes[0] == KeepCounters(1, 6, 64, "2")
    assert (second.at_once, second.writes[1].record.content) == (False, b"def")


def test_the_application_hears_what_was_sent_when_and_how():
    station = station_of()
    station.tell(ClockSet(offset_ms=77))
    frame = DEVICE.frame(5, 7, b"abc")
    ended_ms = station.now_ms
    station.hear(frame, dr=3, snr_db=2.5)
    [uplink] = station.application.heard
    assert (uplink.session, uplink.f_cnt, uplink.f_port, uplink.payload) == (0, 5, 7, b"abc")
    assert (uplink.received_ms, uplink.offset_ms) == (ended_ms, 77)
    assert uplink.airtime_ms == frame_airtime_us(3, len(frame)) // 1000
    assert (uplink.best.snr_db, uplink.registration.dev_eui) == (2.5, DEVICE.dev_eui)


def test_accepted_tells_of_every_radio_the_best_first():
    station = station_of()
    frame = DEVICE.frame(0)
    for radio, snr_db, rssi_dbm in (("udp:a", -3.0, -90), ("udp:b", 4.0, -110), ("udp:c", 4.0, -100)):
        station.tell(heard(frame, radio=radio, snr_db=snr_db, rssi_dbm=rssi_dbm))
    station.run(200)
    [accepted] = station.accepted
    assert accepted.radios == (("udp:c", -100, 4.0), ("udp:b", -110, 4.0), ("udp:a", -90, -3.0))
    assert (accepted.dev_eui, accepted.f_cnt, accepted.f_port, accepted.records) == (DEVICE.dev_eui, 0, 1, 1)
    assert (accepted.dr, accepted.freq_hz, accepted.phy_len) == (5, 868_100_000, len(frame))


def test_frames_without_a_port_and_on_port_0_are_counted_but_not_the_applications():
    station = station_of()
    station.hear(DEVICE.frame(0, None))
    station.hear(DEVICE.frame(1, 0, encode_command(0, 0x06, 255, 7)))
    assert accepted_f_cnts(station) == [0, 1]
    assert [accepted.f_port for accepted in station.accepted] == [None, 0]
    assert station.application.heard == []
    assert station.store.sessions[1, 0].f_cnt_up == 1


def test_what_the_application_cannot_read_is_committed_for_its_counter():
    station = station_of()
    note = Refused(reason=Reason.UNREADABLE_PAYLOAD, dev_addr=DEVICE.dev_addr, detail="it is noise")
    station.application.answers = [Answer(notes=(note,))]
    effects = station.hear(DEVICE.frame(0))
    assert effects[0].writes[-1] == KeepCounters(1, 0, 64, "0")
    assert effects[-1] == note
    refused(station, DEVICE.frame(0), Reason.REPLAYED)


def test_several_devices_share_a_dev_addr_and_the_mic_tells_them_apart():
    devices = [Device(number, dev_addr=0x26000001) for number in (1, 2, 3)]
    station = station_of(*devices)
    for device in devices:
        station.hear(device.frame(4, payload=b"%d" % device.number))
    assert [(record[0], record[3]) for record in station.store.records] == [(1, b"1"), (2, b"2"), (3, b"3")]


@pytest.mark.parametrize("last", [0xFFFF, 0x1FFFF, 0xABCDFFFF])
def test_counters_go_on_beyond_16_bits(last):
    station = station_of()
    station.hear(DEVICE.frame(0))
    session = station.server._devices[DEVICE.dev_eui].session
    session.f_cnt_up = last - 2
    for f_cnt in (last - 1, last, last + 1, last + 2):
        station.hear(DEVICE.frame(f_cnt))
    assert accepted_f_cnts(station) == [0, last - 1, last, last + 1, last + 2]
    refused(station, DEVICE.frame(last), Reason.REPLAYED, f"the last one is {last + 2}")


def test_every_gap_up_to_65535_is_accepted_once():
    dice = random.Random("gaps")
    station = station_of()
    f_cnt, expected = 0, []
    for gap in (1, 2, 16_384, 16_385, 65_534, 65_535, *(dice.randrange(1, 0x10000) for _ in range(50))):
        f_cnt += gap
        expected.append(f_cnt)
        station.hear(DEVICE.frame(f_cnt))
        refused(station, DEVICE.frame(f_cnt), Reason.REPLAYED)
    assert accepted_f_cnts(station) == expected


# What is refused.


def test_frames_that_cannot_be_for_us_are_refused_as_they_come():
    station = station_of()
    down = seal_data(DEVICE.keys, DOWNLINK, DEVICE.dev_addr, 0, 1, b"x")
    for phy_payload, reason in (
        (b"", Reason.MALFORMED),
        (b"\x41" + bytes(20), Reason.MALFORMED),
        (b"\x40" + bytes(10), Reason.MALFORMED),
        (b"\x00" + bytes(21), Reason.MALFORMED),
        (b"\xc0" + bytes(20), Reason.MALFORMED),
        (b"\xe0" + bytes(20), Reason.MALFORMED),
        (b"\x20" + bytes(16), Reason.NOT_AN_UPLINK),
        (down, Reason.NOT_AN_UPLINK),
        (Device(9).frame(0), Reason.UNKNOWN_DEV_ADDR),
        (Device(9, joins=True).join_request(), Reason.UNKNOWN_DEV_EUI),
    ):
        [effect] = station.tell(heard(phy_payload))
        assert isinstance(effect, Refused)
        assert effect.reason is reason, effect
        assert effect.detail
    [effect] = station.tell(heard(DEVICE.frame(0), dr=8))
    assert effect.reason is Reason.MALFORMED
    assert station.server.wake_at() is None


def test_frames_that_break_the_format_inside_are_refused():
    station = station_of()
    head = DEVICE.frame(0)[:5]
    refused(station, head + b"\x0f" + bytes(10), Reason.MALFORMED, "cut short")
    joining = Device(2, joins=True)
    station = station_of(joining)
    refused(station, joining.join_request() + b"\x00", Reason.MALFORMED, "24 bytes")


def test_every_single_bit_flip_is_refused():
    """Of data frames of every kind, and of Join-Requests. Ten seconds between two, or none would be looked at."""
    dice = random.Random("flips")
    device, joining = Device(1), Device(2, joins=True)
    frames = [device.frame(9, None)]
    frames += [
        device.frame(
            10 + number,
            dice.choice((0, 1, 200)),
            dice.randbytes(dice.randrange(12)),
            confirmed=dice.random() < 0.5,
            adr=dice.random() < 0.5,
        )
        for number in range(12)
    ]
    frames += [device.frame(30, 2, b"z", f_opts=b"\x02\x0d"), joining.join_request()]
    station = station_of(device, joining)
    for frame in frames:
        for bit in range(8 * len(frame)):
            flipped = bytearray(frame)
            flipped[bit // 8] ^= 1 << bit % 8
            effects = [effect for effect in station.hear(bytes(flipped)) if not isinstance(effect, Alarm)]
            assert [type(effect) for effect in effects] == [Refused], (frame.hex(), bit)
            assert effects[0].reason is not Reason.TOO_MANY_WRONG_MICS
            station.run(10 * SECOND_MS)
    for frame in frames:
        station.hear(frame)
    assert len(station.accepted) == len(frames) - 1
    assert len(station.store.sessions) == 2


def test_a_replay_is_told_from_a_forgery():
    station = station_of()
    for f_cnt in (100, 101, 105):
        station.hear(DEVICE.frame(f_cnt))
    effect = refused(station, DEVICE.frame(100), Reason.REPLAYED, "FCntUp 100 of DevAddr 26000001 was accepted before")
    assert effect.dev_eui == DEVICE.dev_eui
    refused(station, DEVICE.frame(102), Reason.REPLAYED)
    forged = bytearray(DEVICE.frame(106))
    forged[-1] ^= 1
    refused(station, bytes(forged), Reason.WRONG_MIC, "matches no key")


def test_nothing_recorded_is_accepted_after_a_restart_either():
    station = station_of()
    frames = [DEVICE.frame(f_cnt, payload=b"%d" % f_cnt) for f_cnt in range(0, 3000, 7)]
    for frame in frames:
        station.hear(frame)
    station.restart()
    for frame in frames:
        refused(station, frame, Reason.REPLAYED)
    assert len(station.store.records) == len(frames)
    station.hear(DEVICE.frame(4000))
    assert accepted_f_cnts(station)[-1] == 4000


def test_a_log_survives_a_restart():
    station = station_of()
    station.hear(DEVICE.frame(0))
    station.hear(DEVICE.frame(1))
    station.restart()
    station.hear(DEVICE.frame(2))
    assert station.store.logs == {1: "3"}


# Copies and repetitions.


def test_copies_within_the_window_are_one_uplink_and_later_ones_replays():
    station = station_of()
    frame = DEVICE.frame(0)
    station.tell(heard(frame, radio="udp:a"))
    station.run(150)
    station.tell(heard(frame, radio="udp:b"))
    station.run(50)
    assert len(station.accepted) == 1
    assert len(station.accepted[0].radios) == 2
    refused(station, frame, Reason.REPLAYED, "a copy that came late")
    assert len(station.store.records) == 1


def test_a_shell_that_is_late_does_not_make_copies_of_repetitions():
    station = station_of()
    frame = DEVICE.frame(0)
    station.tell(heard(frame))
    station.now_ms += 300  # nobody called wake
    effects = station.tell(heard(frame))
    assert [type(effect).__name__ for effect in effects] == ["Commit", "Accepted"]
    [late] = station.run(200)
    assert late.reason is Reason.REPLAYED


def test_a_confirmed_frame_that_comes_again_is_acknowledged_again_and_recorded_once():
    station = station_of()
    frame = DEVICE.frame(0, payload=b"once", confirmed=True)
    station.hear(frame)
    for _ in range(15):
        station.run(AFTER_RX2_MS)
        assert not [effect for effect in station.hear(frame) if isinstance(effect, Refused)]
    ears = Device(1)
    acks = [ears.hear(transmit.phy_payload)[0].ack for transmit in station.transmits]
    assert acks == [True] * 16
    assert len(station.store.records) == 1
    station.run(AFTER_RX2_MS)
    refused(station, frame, Reason.REPLAYED, "was repeated 15 times")


def test_a_repetition_is_acknowledged_after_a_restart_too():
    station = station_of()
    frame = DEVICE.frame(0, confirmed=True)
    station.hear(frame)
    station.restart()
    sent = len(station.transmits)
    station.hear(frame)
    assert len(station.transmits) == sent + 1
    assert len(station.store.records) == 1


def test_an_unconfirmed_repetition_is_a_replay_unless_there_is_something_to_say():
    station = station_of()
    frame = DEVICE.frame(0)
    station.hear(frame)
    station.run(AFTER_RX2_MS)
    refused(station, frame, Reason.REPLAYED, "a repetition, and there is nothing to say")
    station.run(AFTER_RX2_MS)
    station.tell(Downlink(ref=1, target=DEVICE.dev_eui, f_port=4, payload=b"x", expires_ms=station.now_ms + HOUR_MS))
    station.hear(frame)
    assert station.fates == [(1, "sent")]


def test_another_frame_under_the_same_counter_is_no_repetition():
    station = station_of()
    station.hear(DEVICE.frame(3, payload=b"one", confirmed=True))
    station.run(AFTER_RX2_MS)
    refused(station, DEVICE.frame(3, payload=b"two", confirmed=True), Reason.REPLAYED, "was used for another frame")
    assert len(station.transmits) == 1


# Commits.


def test_an_acknowledgement_waits_for_its_commit():
    station = station_of()
    station.hear(DEVICE.frame(0))
    station.hold = True
    station.hear(DEVICE.frame(1, confirmed=True))
    assert station.of(Commit)[-1].at_once
    assert station.transmits == []
    station.commit()
    assert len(station.transmits) == 1


def test_an_answer_without_acknowledgement_does_not_wait():
    station = station_of()
    station.hear(DEVICE.frame(0))
    station.hold = True
    station.hear(DEVICE.frame(1, f_opts=b"\x02"))
    assert not station.of(Commit)[-1].at_once
    assert len(station.transmits) == 1


def test_no_counter_is_used_before_the_store_has_reserved_it():
    """After a start all below the row's may have been used, and none above is reserved."""
    station = station_of()
    station.hear(DEVICE.frame(0, f_opts=b"\x02"))
    station.restart()
    station.hold = True
    station.hear(DEVICE.frame(1, f_opts=b"\x02"))
    assert station.of(Commit)[-1].at_once
    assert len(station.transmits) == 1
    station.commit()
    ears = Device(1)
    f_cnts = [ears.hear(transmit.phy_payload)[0].f_cnt16 for transmit in station.transmits]
    assert f_cnts == [0, 64]


def test_blocks_of_counters_are_reserved_before_the_last_one_is_used_up():
    station = station_of()
    waited = 0
    for f_cnt in range(300):
        station.hold = True
        sent = len(station.transmits)
        station.hear(DEVICE.frame(f_cnt, f_opts=b"\x02"))
        waited += len(station.transmits) == sent
        station.commit()
    assert len(station.transmits) == 300
    assert waited == 1  # the very first


def test_frames_of_failed_commits_count_as_never_heard():
    station = station_of()
    station.hear(DEVICE.frame(0, payload=b"0"))
    station.hold = True
    frames = [DEVICE.frame(f_cnt, payload=b"%d" % f_cnt) for f_cnt in (1, 2, 3)]
    for frame in frames:
        station.hear(frame)
    station.fail()
    station.hold = False
    for frame in frames:
        station.hear(frame)
    assert [record[3] for record in station.store.records] == [b"0", b"1", b"2", b"3"]
    assert station.store.logs == {1: "4"}


def test_no_acknowledgement_of_a_failed_commit_is_ever_sent():
    station = station_of()
    station.hold = True
    frame = DEVICE.frame(0, confirmed=True)
    station.hear(frame)
    station.fail()
    station.run(HOUR_MS)
    station.hold = False
    other = Device(2)
    station.tell(DeviceSet(registration=other.registration()))
    station.hear(other.frame(0))
    assert station.transmits == []
    station.hear(frame)
    assert len(station.transmits) == 1


def test_writes_that_no_uplink_brings_again_are_written_later():
    station = station_of()
    station.application.due_ms = station.now_ms
    [write] = Station([DEVICE.registration()]).hear(DEVICE.frame(0))[0].writes[-1:]
    station.application.alarm = Answer(writes=(write,), at_once=True)
    station.hold = True
    station.run(0)
    station.hear(DEVICE.frame(0))
    station.fail()
    station.fail()
    station.run(4_999)
    assert station.held == []
    station.run(1)
    assert [commit.writes for commit in station.held] == [(write,)]
    station.fail()
    station.hear(DEVICE.frame(0))
    assert station.held[0].writes[0] == write
    station.fail()
    station.hear(DEVICE.frame(0))
    station.hold = False
    station.commit()
    station.run(HOUR_MS)
    assert len(station.store.records) == 2
    assert station.server.wake_at() is None


def test_uplinks_are_refused_while_the_store_is_far_behind_and_welcome_later(monkeypatch):
    monkeypatch.setattr("gateway.network.commits.MAX_PENDING", 50)
    station = station_of()
    station.hold = True
    for f_cnt in range(50):
        station.hear(DEVICE.frame(f_cnt))
    refused(station, DEVICE.frame(50), Reason.OVERLOAD, "too far behind")
    station.tell(Committed(token=station.held[0].token))
    station.hear(DEVICE.frame(50))
    assert accepted_f_cnts(station)[-1] == 50


def test_what_the_application_answers_to_others_is_committed_in_the_same_stream():
    station = station_of()
    station.hear(DEVICE.frame(0))
    [write] = station.of(Commit)[0].writes[-1:]
    before = station.of(Commit)[-1].token
    [commit] = station.server.carry_out(Answer(writes=(write,), at_once=True), station.now_ms)
    assert (commit.token, commit.writes, commit.at_once) == (before + 1, (write,), True)
    downlink = Downlink(ref=1, target=bytes(8), f_port=4, payload=b"", expires_ms=station.now_ms + 1)
    [fate] = station.server.carry_out(Answer(downlinks=(downlink,)), station.now_ms)
    assert fate.fate.value == "impossible"


# Devices come and go.


def test_a_device_that_was_removed_is_not_heard_any_more():
    station = station_of()
    station.hear(DEVICE.frame(0))
    station.hold = True
    station.hear(DEVICE.frame(1, confirmed=True))
    station.tell(Downlink(ref=1, target=DEVICE.dev_eui, f_port=4, payload=b"x", expires_ms=station.now_ms + HOUR_MS))
    station.tell(DeviceGone(dev_eui=DEVICE.dev_eui))
    assert station.fates == [(1, "impossible")]
    station.commit()
    assert station.transmits == []
    refused(station, DEVICE.frame(2), Reason.UNKNOWN_DEV_ADDR)
    assert station.server.link_of(DEVICE.dev_eui) is None


def test_a_device_removed_in_the_middle_of_a_failing_commit_stays_away():
    station = station_of()
    station.hold = True
    station.hear(DEVICE.frame(0))
    station.tell(DeviceGone(dev_eui=DEVICE.dev_eui))
    station.fail()
    refused(station, DEVICE.frame(0), Reason.UNKNOWN_DEV_ADDR)


def test_a_device_removed_while_its_copies_are_waited_for_is_not_accepted():
    station = station_of()
    station.tell(heard(DEVICE.frame(0)))
    station.tell(DeviceGone(dev_eui=DEVICE.dev_eui))
    [effect] = station.run(200)
    assert effect.reason is Reason.WRONG_MIC


def test_a_changed_device_keeps_its_session_unless_its_keys_changed():
    station = station_of()
    station.hear(DEVICE.frame(0))
    station.tell(DeviceSet(registration=DEVICE.registration(name="at the corner", plan=1)))
    station.hear(DEVICE.frame(1))
    assert station.application.heard[-1].session == 0
    other = Device(7, dev_addr=DEVICE.dev_addr)
    abp = Abp(dev_addr=other.dev_addr, nwk_s_key=other.secrets[0], app_s_key=other.secrets[1])
    station.tell(DeviceSet(registration=DEVICE.registration(abp=abp)))
    refused(station, DEVICE.frame(2), Reason.WRONG_MIC)
    station.hear(other.frame(0))
    assert (station.application.heard[-1].session, station.application.heard[-1].f_cnt) == (1, 0)
    assert station.store.current == {1: 1}


def test_keys_that_changed_stay_changed_when_an_older_commit_fails():
    station = station_of()
    station.hold = True
    station.hear(DEVICE.frame(0))
    other = Device(7)
    abp = Abp(dev_addr=other.dev_addr, nwk_s_key=other.secrets[0], app_s_key=other.secrets[1])
    station.tell(DeviceSet(registration=DEVICE.registration(abp=abp)))
    station.fail()
    refused(station, DEVICE.frame(1), Reason.UNKNOWN_DEV_ADDR)


def test_how_a_device_was_heard_can_be_asked():
    station = station_of()
    assert station.server.link_of(DEVICE.dev_eui).heard_ms is None
    station.hear(DEVICE.frame(3), "udp:b", dr=2, snr_db=-4.5)
    link = station.server.link_of(DEVICE.dev_eui)
    assert (link.dr, link.snr_db, link.radios, link.f_cnt_up) == (2, -4.5, ("udp:b",), 3)


# Bounds.


def test_floods_take_no_memory():
    """Join-Requests of DevEUIs that nobody knows, and as many frames of foreign DevAddrs: a neighbour, or worse.

    10⁵ of them may take 2 MB, so 10⁴ a tenth of that.
    """
    station = station_of()
    joiner = bytearray(Device(3, joins=True).join_request())
    frame = bytearray(Device(9).frame(0))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(10_000):
        joiner[9:13] = (0x50000000 + number).to_bytes(4, "little")
        frame[1:5] = (0x50000000 + number).to_bytes(4, "little")
        for flood in (joiner, frame):
            [effect] = station.server.handle(heard(bytes(flood)), station.now_ms)
            assert effect.reason in (Reason.UNKNOWN_DEV_EUI, Reason.UNKNOWN_DEV_ADDR)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000


def test_more_frames_than_it_holds_at_once_are_refused_and_welcome_later():
    devices = [Device(number) for number in range(1, 18)]
    station = station_of(*devices)
    frames = [devices[f_cnt // MAX_OF_ONE].frame(f_cnt) for f_cnt in range(4_097)]
    for frame in frames[:-1]:
        assert station.tell(heard(frame)) == []
    [effect] = station.tell(heard(frames[-1]))
    assert effect.reason is Reason.OVERLOAD
    station.run(200)
    station.hear(frames[-1])
    assert accepted_f_cnts(station) == list(range(4_097))


def test_a_flood_of_forgeries_of_one_device_shuts_no_other_out():
    """Nor, with wrong MICs held against its DevAddr, do they take places that frames need."""
    other = Device(2)
    station = station_of(DEVICE, other)
    dice = random.Random(3)

    def forge(count):
        for _ in range(count):
            station.tell(heard(bytes([0x40]) + DEVICE.dev_addr.to_bytes(4, "little") + dice.randbytes(18)))

    forge(5_000)
    station.tell(heard(other.frame(0)))
    station.run(1_000)
    assert [accepted.dev_eui for accepted in station.accepted] == [other.dev_eui]
    assert [refusal.reason for refusal in station.refusals].count(Reason.OVERLOAD) == 5_000 - MAX_OF_ONE
    before = len(station.refusals)
    forge(10)
    assert {refusal.reason for refusal in station.refusals[before:]} == {Reason.TOO_MANY_WRONG_MICS}
    assert station.server._copies.closes_at() is None, "none of them waits"


def test_a_town_costs_little_memory_and_each_of_its_devices_is_known_by_its_keys():
    """Keys that are set up take 3 kB: only those of the last few hundred devices that were heard are."""
    fleet = [Device(number) for number in range(1, 4 * 512 + 1)]
    registrations = [device.registration() for device in fleet]
    frames = [[device.frame(f_cnt) for device in fleet] for f_cnt in range(2)]
    station = Station(registrations[:1])
    station.hear(fleet[0].frame(0))  # what is made once
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    station = Station(registrations)
    for turn in frames:
        for phy_payload in turn:
            station.hear(phy_payload)
            station.run(10_000)  # its windows are closed
        assert len(station.accepted) == len(fleet)
        assert not station.refusals
        station.effects.clear()
        station.application.heard.clear()
        station.store.records.clear()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown / len(fleet) < 2_200
