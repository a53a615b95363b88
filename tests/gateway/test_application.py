"""The rooms together: what is doubted or missing is asked for, silence is told, orders are answered."""

import orjson
import pytest

from gateway.application import TownApplication
from gateway.lighting.truth import Kept, LampTruth
from gateway.network.events import Alarm, Fate, FateOf, Reason, Refused
from gateway.network.registration import Registration, Role
from gateway.orders.request import OrderError, OrderRequest
from gateway.readings.node_log import UNKNOWN, Gap, NodeLog
from gateway.readings.record import Kind
from gateway.store.writes import AddQuarantine, AddRecord, KeepOrder, KeepOutage
from protocol.events import BAY_TAKEN
from protocol.orders import DONE, Receipt, decode_order, encode_receipt
from protocol.telemetry import encode_event
from tests.gateway.lighting.lamps import DAY_MS, FIRST_MS, FixedNights
from tests.gateway.uplinks import BOOT, FOREIGN, LAMP, NODE, OFFSET_MS, readings_payload, status_payload, uplink

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Town:
    """An application and the log of one device."""

    def __init__(self, text=None, **more):
        self.app = TownApplication(BOOT, [NODE, LAMP, FOREIGN], **more)
        self.log = self.app.first_log(text)
        self.at_ms = HOUR_MS
        self.downlinks = []

    def hear(self, f_port, payload, device=NODE, offset_ms=OFFSET_MS):
        answer = self.app.hear(uplink(f_port, payload, self.at_ms, offset_ms, device), self.log)
        self.log = answer.log or self.log
        self.downlinks += answer.downlinks
        return answer

    def reading(self, seq, older=3, offset_ms=OFFSET_MS):
        answer = self.hear(1, readings_payload(seq, older), offset_ms=offset_ms)
        self.at_ms += 15 * MINUTE_MS
        return answer

    def ordered(self):
        return [decode_order(downlink.payload).describe() for downlink in self.downlinks]

    def receipt(self, detail=None):
        order = decode_order(self.downlinks.pop(0).payload).order_id
        return self.hear(4, encode_receipt(Receipt(order, DONE, detail)))


def sure(next_seq, *gaps):
    return NodeLog(7, next_seq, gaps, sure=True).to_text()


def notices(answer):
    records = [write.record for write in answer.writes if isinstance(write, AddRecord)]
    return [orjson.loads(record.content) for record in records if record.kind is Kind.NOTICE]


def test_a_first_life():
    town = Town()
    answer = town.hear(3, status_payload(7, 0))
    assert answer.at_once
    for seq in range(5):
        answer = town.reading(seq)
        assert (answer.records, len(answer.writes)) == (1, 1)
        assert not answer.at_once
    assert town.log.to_text() == town.app.first_log(town.log.to_text()).to_text()
    assert town.downlinks == []


def test_a_log_that_is_not_known_is_asked_for_its_status_and_its_records():
    town = Town()
    answers = [town.reading(seq) for seq in range(700, 703)]
    assert [answer.records for answer in answers] == [0, 0, 0]
    assert [note.name for answer in answers for note in answer.notes] == ["log_in_doubt"]
    assert town.ordered() == [f"resend first_seq={(700 + 0x1000) & 0xFFFF} count=1"]
    town.receipt(690)
    assert town.hear(3, status_payload(9, 703)).records == 1
    for seq in range(703, 706):
        town.reading(seq)
    assert town.ordered()[0].startswith("resend first_seq=0 ")
    answer = town.receipt(690)
    assert town.log.gaps[0][:2] == (690, 700)
    assert notices(answer) == [], "what it told before this gateway knew it was not lost here"


def test_a_gap_is_asked_for_and_what_is_too_old_is_declared_lost():
    town = Town(sure(1000, Gap(500, 540, None, None)))
    town.reading(1000)
    answer = town.reading(1001)
    assert town.ordered() == ["resend first_seq=500 count=40"]
    assert answer.at_once
    assert [write.source for write in answer.writes if isinstance(write, KeepOrder)] == ["gateway"]
    answer = town.receipt(530)
    assert notices(answer) == [
        {
            "notice": "records_lost",
            "epoch": 7,
            "count": 30,
            "first": 500,
            "last": 529,
            "why": "the node's log begins at 530 now",
        }
    ]
    assert town.log.gaps[0][:2] == (530, 540)


def test_a_node_does_not_close_gaps_that_it_is_asked_for_in_time():
    town = Town(sure(1000, Gap(500, 540, None, None)))
    town.reading(1000)
    town.reading(1001)
    answer = town.receipt()
    assert notices(answer) == []
    assert town.log.gaps[0][:2] == (500, 540)


def test_a_receipt_beyond_the_log_closes_nothing():
    town = Town(sure(1000, Gap(500, 540, None, None)))
    town.reading(1000)
    town.reading(1001)
    assert notices(town.receipt(5000)) == []


def test_nothing_is_asked_while_the_time_is_not_known():
    town = Town(sure(1000, Gap(500, 540, None, None)))
    for seq in range(1000, 1004):
        town.reading(seq, offset_ms=None)
    assert town.downlinks == []
    town.reading(1004)
    assert len(town.downlinks) == 1


def test_an_order_s_way_through_the_application():
    town = Town(sure(1000))
    town.app.set_clock(OFFSET_MS)
    given = town.app.give(OrderRequest(target=NODE, verb="identify"), town.at_ms)
    [downlink] = given.answer.downlinks
    assert town.app.fate(Fate(ref=downlink.ref, fate=FateOf.SENT), town.at_ms).writes[0].state == "sent"
    answer = town.reading(1000)
    assert len(answer.downlinks) == 1, "the receipt did not come: once more in this window"
    answer = town.receipt()
    assert [write.state for write in answer.writes if isinstance(write, KeepOrder)] == ["done"]
    assert [write.record.kind for write in answer.writes if isinstance(write, AddRecord)] == [Kind.ORDER]
    with pytest.raises(OrderError):
        town.app.cancel(given.ids[0], town.at_ms)


def test_a_receipt_that_cannot_be_read_is_put_aside():
    answer = Town(sure(1000)).hear(4, b"\x81\x01")
    assert isinstance(answer.writes[0], AddQuarantine)
    [refused] = answer.notes
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.UNREADABLE_PAYLOAD


def test_a_foreign_device_is_asked_nothing():
    town = Town()
    answer = town.hear(4, b"\x01", FOREIGN)
    assert [write.record.kind for write in answer.writes] == [Kind.RAW]
    assert (answer.downlinks, town.log) == ((), UNKNOWN)


def test_a_silent_node_is_told_and_its_return():
    town = Town(sure(1000), heard_before=[LAMP.device])
    for seq in range(1000, 1040):
        town.reading(seq)
    told = []
    while town.app.wake_at() <= town.at_ms + 3 * HOUR_MS:
        answer = town.app.wake(town.app.wake_at())
        told += [(write.record.device, notice) for write, notice in zip(answer.writes, notices(answer), strict=True)]
        assert all(isinstance(note, Alarm) and note.name == "silent" for note in answer.notes)
    assert [(device, notice["notice"]) for device, notice in told] == [(LAMP.device, "silent"), (NODE.device, "silent")]
    assert told[1][1]["interval_s"] == 900
    town.at_ms += 4 * HOUR_MS
    [back] = notices(town.reading(1040))
    assert (back["notice"], back["silent_s"]) == ("back", 4 * 3600 + 900)


@pytest.mark.parametrize("zones", [True, False])
def test_two_hundred_switched_lamps_are_not_told_silent_by_a_gateway_that_starts_by_day(zones):
    """At 9:00, with an empty list of outages; dusk is at 17:12. Whether anybody drew the feeder on the map or not."""
    lamps = [Registration(device=k, dev_eui=k.to_bytes(8, "big"), role=Role.LIGHT) for k in range(1, 201)]
    start_ms = FIRST_MS - 3 * HOUR_MS
    nights = FixedNights()
    nights.feeders = dict.fromkeys(range(1, 201), "centre") if zones else {}
    app = TownApplication(BOOT, lamps, heard_before=range(1, 201))
    app.judge_lamps(LampTruth(nights, Kept({}, heard=tuple(range(1, 201))), BOOT))
    app.set_clock(start_ms)
    told = {}
    while (at_ms := app.wake_at()) < DAY_MS:
        for write in app.wake(at_ms).writes:
            told.setdefault((write.record.kind if isinstance(write, AddRecord) else type(write)), []).append(at_ms)
    hours = {kind: {9 + at_ms // HOUR_MS for at_ms in times} for kind, times in told.items()}
    if zones:  # nobody came at dusk: that is one event
        assert hours == {Kind.OUTAGE: {18}, KeepOutage: {18}}
        assert app.silent() == 0
    else:  # three hours later: nothing was ever heard of how often they speak
        assert hours == {Kind.NOTICE: {21}}
        assert len(told[Kind.NOTICE]) == app.silent() == 200


def test_a_device_that_is_removed_is_forgotten_everywhere():
    town = Town(sure(1000, Gap(500, 540, None, None)))
    town.reading(1000)
    town.app.drop_device(NODE)
    assert town.app.wake_at() is None
    town.app.set_device(NODE)
    town.reading(1001)
    assert town.downlinks == [], "what was noticed before is forgotten"


def test_an_event_counts_as_heard_and_is_at_once():
    town = Town(sure(1000))
    answer = town.hear(2, encode_event(1000, 3, BAY_TAKEN, (0, 77)))
    assert answer.at_once
    assert town.log.next_seq == 1001
