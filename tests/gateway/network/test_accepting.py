"""What becomes of an authentic uplink: what is committed, what the application hears, and when an answer may go."""

from gateway.network.application import Answer
from gateway.network.events import ClockSet, Commit, DeviceSet, Downlink, Reason, Refused
from gateway.store.writes import AddRecord, KeepCounters, KeepSession, StartSession
from protocol.lorawan.mac_commands import encode_command
from protocol.region import frame_airtime_us
from tests.fakes.devices import Device, heard
from tests.fakes.stations import Station, refused

DEVICE = Device(1)
HOUR_MS = 3_600_000
AFTER_RX2_MS = 6_500  # of our plan: RX2 opens 6 s after an uplink


def test_an_uplink_is_one_commit_of_its_counter_and_its_record():
    station = Station([DEVICE.registration()])
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
    station = Station([DEVICE.registration()])
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
    station = Station([DEVICE.registration()])
    frame = DEVICE.frame(0)
    for radio, snr_db, rssi_dbm in (("udp:a", -3.0, -90), ("udp:b", 4.0, -110), ("udp:c", 4.0, -100)):
        station.tell(heard(frame, radio=radio, snr_db=snr_db, rssi_dbm=rssi_dbm))
    station.run(200)
    [accepted] = station.accepted
    assert accepted.radios == (("udp:c", -100, 4.0), ("udp:b", -110, 4.0), ("udp:a", -90, -3.0))
    assert (accepted.dev_eui, accepted.f_cnt, accepted.f_port, accepted.records) == (DEVICE.dev_eui, 0, 1, 1)
    assert (accepted.dr, accepted.freq_hz, accepted.phy_len) == (5, 868_100_000, len(frame))


def test_frames_without_a_port_and_on_port_0_are_counted_but_not_the_applications():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0, None))
    station.hear(DEVICE.frame(1, 0, encode_command(0, 0x06, 255, 7)))
    assert station.accepted_f_cnts == [0, 1]
    assert [accepted.f_port for accepted in station.accepted] == [None, 0]
    assert station.application.heard == []
    assert station.store.sessions[1, 0].f_cnt_up == 1


def test_what_the_application_cannot_read_is_committed_for_its_counter():
    station = Station([DEVICE.registration()])
    note = Refused(reason=Reason.UNREADABLE_PAYLOAD, dev_addr=DEVICE.dev_addr, detail="it is noise")
    station.application.answers = [Answer(notes=(note,))]
    effects = station.hear(DEVICE.frame(0))
    assert effects[0].writes[-1] == KeepCounters(1, 0, 64, "0")
    assert effects[-1] == note
    refused(station, DEVICE.frame(0), Reason.REPLAYED)


# Repetitions.


def test_a_confirmed_frame_that_comes_again_is_acknowledged_again_and_recorded_once():
    station = Station([DEVICE.registration()])
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
    station = Station([DEVICE.registration()])
    frame = DEVICE.frame(0, confirmed=True)
    station.hear(frame)
    station.restart()
    sent = len(station.transmits)
    station.hear(frame)
    assert len(station.transmits) == sent + 1
    assert len(station.store.records) == 1


def test_an_unconfirmed_repetition_is_a_replay_unless_there_is_something_to_say():
    station = Station([DEVICE.registration()])
    frame = DEVICE.frame(0)
    station.hear(frame)
    station.run(AFTER_RX2_MS)
    refused(station, frame, Reason.REPLAYED, "a repetition, and there is nothing to say")
    station.run(AFTER_RX2_MS)
    station.tell(Downlink(ref=1, target=DEVICE.dev_eui, f_port=4, payload=b"x", expires_ms=station.now_ms + HOUR_MS))
    station.hear(frame)
    assert station.fates == [(1, "sent")]


def test_another_frame_under_the_same_counter_is_no_repetition():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(3, payload=b"one", confirmed=True))
    station.run(AFTER_RX2_MS)
    refused(station, DEVICE.frame(3, payload=b"two", confirmed=True), Reason.REPLAYED, "was used for another frame")
    assert len(station.transmits) == 1


# Commits.


def test_an_acknowledgement_waits_for_its_commit():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    station.hold = True
    station.hear(DEVICE.frame(1, confirmed=True))
    assert station.of(Commit)[-1].at_once
    assert station.transmits == []
    station.commit()
    assert len(station.transmits) == 1


def test_an_answer_without_acknowledgement_does_not_wait():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    station.hold = True
    station.hear(DEVICE.frame(1, f_opts=b"\x02"))
    assert not station.of(Commit)[-1].at_once
    assert len(station.transmits) == 1


def test_no_counter_is_used_before_the_store_has_reserved_it():
    """After a start all below the row's may have been used, and none above is reserved."""
    station = Station([DEVICE.registration()])
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
    station = Station([DEVICE.registration()])
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
    station = Station([DEVICE.registration()])
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
    station = Station([DEVICE.registration()])
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


def test_a_log_survives_a_restart():
    station = Station([DEVICE.registration()])
    station.hear(DEVICE.frame(0))
    station.hear(DEVICE.frame(1))
    station.restart()
    station.hear(DEVICE.frame(2))
    assert station.store.logs == {1: "3"}
