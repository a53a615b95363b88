"""From payloads to records: full numbers, folded repeats, dates, and what is held back while the log is in doubt."""

import orjson
import pytest

from gateway.network.application import NOTHING
from gateway.network.events import Reason
from gateway.readings.intake import DOUBT_MS, Intake
from gateway.readings.node_log import REACH, UNKNOWN, Gap, NodeLog
from gateway.readings.record import Kind
from gateway.store.writes import AddQuarantine, AddRecord
from protocol.events import BAY_TAKEN, VOID
from protocol.telemetry import Reading, encode_event, encode_rare, encode_readings
from tests.gateway.uplinks import AIRTIME_MS, BOOT, FOREIGN, NODE, OFFSET_MS, VALUES, uplink
from tests.gateway.uplinks import readings_payload as readings
from tests.gateway.uplinks import status_payload as status

AT_MS = 10_000_000
NOW = OFFSET_MS + AT_MS
SURE = NodeLog(7, 1000, (), sure=True, last_seq=999, last=(NOW - 905_000, 1), told_ms=NOW - 5_000_000)


def hear(payload, log=SURE, f_port=1, **more):
    return Intake(BOOT).hear(uplink(f_port, payload, **more), log).answer


def records(answer):
    return [write.record for write in answer.writes if isinstance(write, AddRecord)]


def said(answer):
    return [(record.kind, record.seq, orjson.loads(record.content)) for record in records(answer)]


def test_the_next_reading_is_taken_and_its_repeats_are_not():
    answer = hear(readings(1000))
    [record] = records(answer)
    assert (record.kind, record.device, record.epoch, record.seq) == (Kind.READING, 5, 7, 1000)
    assert (record.received_ms, record.boot) == (NOW, None)
    assert (record.observed_ms, record.time_error_s) == (NOW - AIRTIME_MS - 5000, 2)
    assert orjson.loads(record.content) == [3, *VALUES]
    assert answer.log == NodeLog(7, 1001, (), True, None, 1000, (record.observed_ms, 2), 0, SURE.told_ms)
    assert (answer.records, answer.at_once, answer.downlinks, answer.notes) == (1, False, (), ())


def test_the_same_frame_again_says_nothing_new():
    log = hear(readings(1000)).log
    assert hear(readings(1000), log) is NOTHING
    assert hear(readings(998), log) is NOTHING


@pytest.mark.parametrize("older", [0, 1, 2, 3])
def test_what_lost_frames_carried_comes_with_the_next(older):
    answer = hear(readings(1002, older))
    seqs = list(range(1002 - older, 1003))
    assert [record.seq for record in records(answer)] == [seq for seq in seqs if seq >= 1000]  # as they were taken
    first = max(1000, seqs[0])
    assert [(gap.first, gap.end) for gap in answer.log.gaps] == ([(1000, first)] if first > 1000 else [])
    assert [record.observed_ms for record in records(answer)] == [
        NOW - AIRTIME_MS - 5000 - 900_000 * (1002 - seq) for seq in range(first, 1003)
    ]


def test_the_short_way_and_the_long_way_say_the_same():
    """A gap far below makes the frame go the long way."""
    far = Gap(1, 2, None, None)
    long = hear(readings(1000), NodeLog(7, 1000, (far,), sure=True, last_seq=999, last=SURE.last))
    assert records(long) == records(hear(readings(1000)))
    assert long.log.gaps == (far,)
    assert long.log.last == hear(readings(1000)).log.last


def test_numbers_go_on_beyond_two_to_the_sixteen():
    log = NodeLog(7, 65_534, (), sure=True)
    for seq in range(65_534, 65_540):
        answer = hear(readings(seq), log)
        assert [record.seq for record in records(answer)] == [seq]
        log = answer.log
    log = NodeLog(7, 2**17 + 3, (), sure=True)
    assert [record.seq for record in records(hear(readings(2**17 + 4), log))] == [2**17 + 3, 2**17 + 4]


def test_a_late_record_fills_its_gap_and_only_once():
    log = NodeLog(7, 1000, (Gap(900, 903, None, None),), sure=True)
    answer = hear(readings(902, 1, age_s=90_000), log)
    assert [record.seq for record in records(answer)] == [901, 902]
    assert [(gap.first, gap.end) for gap in answer.log.gaps] == [(900, 901)]
    assert hear(readings(902, 1, age_s=90_000), answer.log) is NOTHING


def test_rare_quantities_have_their_own_form():
    payload = encode_rare(Reading(1000, 1, 10, (431, None)), ((13, 0), (14, 1)), 1, 15)
    assert said(hear(payload)) == [(Kind.READING, 1000, {"13": 431, "270": None})]


def test_an_event_is_committed_at_once():
    answer = hear(encode_event(1000, 3, BAY_TAKEN, (0, 77)), f_port=2)
    assert said(answer) == [(Kind.EVENT, 1000, [BAY_TAKEN, 0, 77])]
    assert (answer.at_once, answer.log.next_seq) == (True, 1001)
    assert hear(encode_event(1000, 20, BAY_TAKEN, (0, 77)), answer.log, 2) is NOTHING


def test_an_event_from_before_a_power_cut_is_dated_between_its_neighbours():
    answer = hear(encode_event(1000, None, BAY_TAKEN, (0, 77)), f_port=2)
    [record] = records(answer)
    middle = (NOW - AIRTIME_MS + NOW - 905_000 - 1000) // 2
    assert (record.observed_ms, record.time_error_s) == (middle, 453 + 1)


def test_a_repeat_that_was_dated_dates_what_came_after_it_before_the_cut():
    rows = [Reading(1001, 2, 100, VALUES), Reading(1000, 1, 5000, VALUES), Reading(999, 1, 4100, VALUES)]
    answer = hear(encode_readings(3, rows, 2, 105, 222)[0])
    assert [record.seq for record in records(answer)] == [1000, 1001]
    known_ms, known_s = SURE.last
    assert (records(answer)[0].observed_ms, records(answer)[0].time_error_s) == (known_ms + 900_000, known_s + 1 + 28)


def test_void_numbers_leave_no_record():
    log = NodeLog(7, 1000, (Gap(900, 940, None, None),), sure=True)
    answer = hear(encode_event(908, None, VOID, (32,)), log, 2)
    assert answer.writes == ()
    assert answer.log.gaps == (Gap(900, 908, None, None),)
    assert hear(encode_event(908, None, VOID, (32,)), answer.log, 2) is NOTHING


@pytest.mark.parametrize("count", [0, -1, REACH + 1])
def test_a_void_that_16_bits_cannot_tell_is_put_aside(count):
    answer = hear(encode_event(908, None, VOID, (count,)), f_port=2)
    assert isinstance(answer.writes[0], AddQuarantine)


def test_a_first_status_opens_the_log():
    answer = hear(status(7, 3), UNKNOWN, 3)
    assert said(answer)[0][0] is Kind.STATUS
    [record] = records(answer)
    assert (record.epoch, record.seq, record.observed_ms) == (7, None, NOW - AIRTIME_MS)
    assert answer.at_once
    assert (answer.log.epoch, answer.log.next_seq, answer.log.sure) == (7, 3, True)
    assert [(gap.first, gap.end) for gap in answer.log.gaps] == [(0, 3)]


def test_a_status_shows_what_is_missing_at_the_end():
    answer = hear(status(7, 1004), f_port=3)
    assert answer.log.gaps == (Gap(1000, 1004, SURE.last, (NOW - AIRTIME_MS, 0)),)


def test_a_wiped_log_begins_anew_and_says_what_is_lost():
    log = NodeLog(7, 1000, (Gap(900, 903, None, None),), sure=True)
    answer = hear(status(8, 5), log, 3)
    assert said(answer)[0] == (
        Kind.NOTICE,
        None,
        {"notice": "log_began_anew", "epoch": 8, "was": 7, "heard_to": 1000, "lost": 3},
    )
    assert [note.name for note in answer.notes] == ["log_began_anew"]
    assert (answer.log.epoch, answer.log.next_seq) == (8, 5)
    assert records(hear(readings(2, 2), answer.log))[0].epoch == 8


def test_the_same_epoch_that_goes_back_is_a_wiped_log_too():
    answer = hear(status(7, 5), f_port=3)
    assert [note.name for note in answer.notes] == ["log_began_anew"]
    assert (answer.log.next_seq, answer.log.gaps[0].end) == (5, 5)


@pytest.mark.parametrize("log", [UNKNOWN, SURE.doubted()])
def test_nothing_is_taken_while_the_log_is_in_doubt(log):
    heard = Intake(BOOT).hear(uplink(1, readings(1000)), log)
    assert (heard.answer, heard.newest16) == (NOTHING, 1000)
    assert Intake(BOOT).hear(uplink(2, encode_event(1000, 3, BAY_TAKEN)), log).answer is NOTHING
    told = hear(status(7, 1001), log, 3)
    assert said(hear(readings(1001), told.log))[-1][1] == 1001


def test_a_node_unheard_for_longer_than_its_log_is_deep_must_tell_its_status():
    old = NodeLog(7, 1000, (), sure=True, last_seq=999, last=(NOW - DOUBT_MS - 10_000, 1))
    answer = hear(readings(1000), old)
    assert (answer.writes, answer.log) == ((), old.doubted())
    told = hear(status(7, 1000), answer.log, 3)
    assert [record.seq for record in records(hear(readings(1000), told.log))] == [1000]


def test_what_is_fresh_but_far_behind_is_of_another_log():
    """A gateway that came back from a backup without anybody saying so."""
    answer = hear(readings(5))
    assert (answer.writes, answer.log) == ((), SURE.doubted())
    assert hear(encode_event(5, 2, BAY_TAKEN), f_port=2).log == SURE.doubted()
    assert hear(readings(5, age_s=4000)) is NOTHING  # asked for, and had meanwhile


def test_rows_below_zero_are_of_another_log():
    log = NodeLog(7, 10, (), sure=True)
    payload = encode_readings(3, [Reading(70_000 - n, 1, 100 - n, VALUES) for n in range(4)], 1, 100, 222)[0]
    low = NodeLog(7, 70_000 & 0xFFFF, (), sure=True)
    assert hear(payload, low).log.next_seq == (70_000 & 0xFFFF) + 1
    wrapped = encode_readings(3, [Reading(65_536 + 1 - n, 1, 100 - n, VALUES) for n in range(4)], 1, 100, 222)[0]
    assert hear(wrapped, log).log == log.doubted()


def test_before_the_time_is_known_records_carry_the_boot():
    answer = hear(readings(1000), NodeLog(7, 1000, (), sure=True, boot=BOOT), offset_ms=None)
    [record] = records(answer)
    assert (record.boot, record.received_ms, record.observed_ms) == (BOOT, AT_MS, AT_MS - AIRTIME_MS - 5000)
    assert (answer.log.boot, answer.log.last[0]) == (BOOT, record.observed_ms)
    later = hear(readings(1001), answer.log)
    assert records(later)[0].boot is None
    assert later.log.boot is None


def test_unix_moments_stay_while_the_time_is_not_known():
    answer = hear(readings(1003, 1), offset_ms=None)
    assert [record.boot for record in records(answer)] == [BOOT, BOOT]
    assert (answer.log.last, answer.log.boot) == (SURE.last, None)
    assert answer.log.gaps == (Gap(1000, 1002, SURE.last, None),)


def test_what_is_too_far_behind_is_declared_lost_once():
    log = NodeLog(7, REACH + 2000, (Gap(1000, 1300, None, None),), sure=True)
    answer = hear(readings(REACH + 2000, 0), log)
    lost = said(answer)[-1]
    assert lost[0] is Kind.NOTICE
    assert (lost[2]["notice"], lost[2]["count"], lost[2]["first"]) == ("records_lost", 300, 1000)
    assert answer.log.gaps == ()


@pytest.mark.parametrize(
    ("f_port", "payload", "reason"),
    [
        (1, b"", Reason.UNREADABLE_PAYLOAD),
        (1, b"\x83\x03\x01\x05", Reason.UNREADABLE_PAYLOAD),
        (1, b"\x83\x18\x63\x01\x05", Reason.UNREADABLE_PAYLOAD),
        (1, b"\x01", Reason.UNREADABLE_PAYLOAD),
        (2, b"\x81\x01", Reason.UNREADABLE_PAYLOAD),
        (3, readings(1), Reason.UNREADABLE_PAYLOAD),
        (77, b"\x01", Reason.UNKNOWN_F_PORT),
    ],
)
def test_what_cannot_be_read_is_put_aside_with_its_reason(f_port, payload, reason):
    answer = hear(payload, f_port=f_port, session=3, f_cnt=9)
    [aside] = answer.writes
    assert isinstance(aside, AddQuarantine)
    assert (aside.device, aside.session, aside.f_cnt, aside.f_port, aside.payload) == (5, 3, 9, f_port, payload)
    [refused] = answer.notes
    assert (refused.reason, refused.dev_eui, refused.detail) == (reason, NODE.dev_eui, aside.reason)
    assert answer.log is None


def test_a_foreign_device_is_kept_as_it_came():
    answer = Intake(BOOT).raw(uplink(85, b"\x01\x02", device=FOREIGN, session=4, f_cnt=77))
    [record] = records(answer)
    assert (record.kind, record.device, record.epoch, record.seq, record.observed_ms) == (Kind.RAW, 7, 4, 77, None)
    assert orjson.loads(record.content) == {"f_port": 85, "payload": "0102"}


def test_the_gap_between_readings_is_told_on_both_ways():
    long = NodeLog(7, 1000, (Gap(1, 2, None, None),), sure=True)
    for log in (SURE, long):
        assert Intake(BOOT).hear(uplink(1, readings(1000)), log).gap_s == 900
        assert Intake(BOOT).hear(uplink(1, readings(1000, 0)), log).gap_s is None
    skipping = [Reading(seq, 1, 900 * seq, VALUES) for seq in (1000, 998)]
    payload = encode_readings(3, skipping, 1, 900_000, 222)[0]
    assert Intake(BOOT).hear(uplink(1, payload), SURE).gap_s == 1800
