"""The engine with real cores and a real store: what comes before what, and what a disk that fails leaves behind."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from gateway.links.link import Outcome, RadioReport, TransmitResult
from gateway.network.events import Commit, DeviceGone, DeviceSet
from gateway.network.registration import Registration
from gateway.orders.request import OrderError, OrderRequest
from gateway.readings.content import notice
from gateway.readings.intake import Intake
from gateway.readings.record import Kind, Record
from gateway.store.faults import StoreError
from gateway.store.quarantine import list_quarantine
from gateway.store.writer import Died
from protocol.lorawan.frames import frame_mtype
from protocol.orders import F_PORT_ORDERS, Receipt, decode_order, encode_receipt
from tests.fakes.devices import Device
from tests.gateway.engines import OFFSET_MS, Bench

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@pytest.fixture(name="node")
def _node() -> Device:
    return Device(1)


@pytest.fixture(name="bench")
def _bench(tmp_path: Path, node: Device) -> Iterator[Bench]:
    bench = Bench(tmp_path, node, Device(2, class_c=True), Device(3, joins=True))
    bench.hear(node.status(0, 0))
    bench.pass_ms(10_000)  # its windows are closed
    yield bench
    bench.close()


def identify(device: Device, number: int = 1) -> OrderRequest:
    return OrderRequest(target=device.registration(device=number), verb="identify", arguments={"seconds": 5})


def own_record() -> Record:
    at_ms = OFFSET_MS
    return Record(
        kind=Kind.NOTICE,
        device=None,
        epoch=None,
        seq=None,
        received_ms=at_ms,
        boot=None,
        observed_ms=at_ms,
        time_error_s=0,
        content=notice("of_ours"),
    )


def test_what_is_heard_is_written_counted_and_told(bench, node):
    bench.hear(node.reading(1, seq=0))
    bench.engine.hear(RadioReport(radio="udp:01", online=True, detail="up"), bench.now_ms)
    bench.engine.hear(TransmitResult(token=99, outcome=Outcome.SENT), bench.now_ms)
    assert [record.seq for record in bench.records()] == [0]
    assert [accepted.f_cnt for accepted in bench.watcher.taken] == [0, 1]
    assert (bench.engine.counts["heard"], bench.engine.counts["accepted"]) == (2, 2)
    assert bench.engine.counts["transmitted:sent"] == 1
    assert [report.radio for report in bench.watcher.radios] == ["udp:01"]
    assert not bench.engine.under_way


def test_a_frame_that_could_not_be_written_is_welcome_again(bench, node):
    bench.break_disk(apsw.FullError)
    frame = node.reading(1, seq=0)
    bench.hear(frame)
    assert "disk" in (bench.engine.fault or "")
    assert bench.records() == []
    bench.mend_disk()
    bench.pass_ms(10_000)
    bench.hear(frame)
    assert [record.seq for record in bench.records()] == [0]
    assert bench.engine.fault is None
    assert bench.watcher.reasons == []
    assert bench.engine.counts["not_stored"] >= 1


def test_that_the_disk_was_full_is_told_once_it_is_not(bench, node):
    bench.break_disk(apsw.FullError)
    for f_cnt in range(1, 40):
        bench.hear(node.reading(f_cnt, seq=f_cnt - 1))
        bench.pass_ms(MINUTE_MS)
    assert bench.engine.counts["alarm:store_failed"] > 30
    bench.mend_disk()
    bench.pass_ms(MINUTE_MS)
    assert bench.notices() == ["store_failed"]
    assert bench.engine.fault is None


def test_an_order_is_on_disk_before_it_goes_out(bench, node):
    future = bench.engine.give(identify(node), bench.now_ms)
    assert future.result() == (1,)
    assert bench.downlinks == []  # class A listens after it has spoken
    bench.hear(node.reading(1, seq=0))
    [downlink] = bench.downlinks
    frame, payload = node.hear(downlink.phy_payload)
    assert frame.f_port == F_PORT_ORDERS
    assert bench.on_disk == [["queued"]]
    bench.engine.hear(TransmitResult(token=downlink.token, outcome=Outcome.SENT), bench.now_ms)
    bench.hear(node.frame(2, F_PORT_ORDERS, encode_receipt(Receipt(decode_order(payload).order_id, 0))))
    assert bench.orders() == ["done"]


def test_to_who_listens_all_the_time_it_goes_when_it_is_on_disk_and_not_before(bench):
    lamp = Device(2, class_c=True)
    bench.hear(lamp.status(0, 0))
    submitted: list[Commit] = []
    submit = bench.writer.submit
    bench.writer.submit = submitted.append
    future = bench.engine.give(identify(lamp, 2), bench.now_ms)
    bench.pass_ms(HOUR_MS // 4)
    assert not future.done()
    assert bench.downlinks == []
    assert bench.engine.hurried
    bench.writer.submit = submit
    submit(submitted[0])
    assert future.result() == (1,)
    assert bench.on_disk == [["queued"]]


def test_an_order_that_cannot_be_kept_never_was(bench, node):
    bench.break_disk(apsw.FullError)
    for _ in range(20):  # more than may be under way to one node
        with pytest.raises(StoreError, match="full"):
            bench.engine.give(identify(node), bench.now_ms).result(timeout=0)
        bench.pass_ms(10_000)
    bench.mend_disk()
    bench.pass_ms(MINUTE_MS)
    bench.hear(node.reading(1, seq=0))
    assert bench.orders() == []
    assert bench.downlinks == []
    assert bench.engine.give(identify(node), bench.now_ms).done()
    assert bench.orders() == ["queued"]


def test_an_order_that_makes_no_sense_is_refused_at_once(bench, node):
    with pytest.raises(OrderError):
        bench.engine.give(OrderRequest(target=node.registration(), verb="explode"), bench.now_ms)
    assert not bench.engine.under_way


def test_whoever_waits_is_told_when_the_writer_has_died(bench, node):
    bench.writer.submit = lambda commit: None
    future = bench.engine.give(identify(node), bench.now_ms)
    bench.engine.written(Died("it fell over"), bench.now_ms)
    assert bench.engine.dead == "it fell over"
    with pytest.raises(StoreError, match="it fell over"):
        future.result(timeout=0)


def test_an_order_is_cancelled_once_that_is_on_disk(bench, node):
    bench.engine.give(identify(node), bench.now_ms)
    submitted = []
    deliver, bench.writer._deliver = bench.writer._deliver, submitted.append  # the thread's word is still to come
    cancelled = bench.engine.cancel(1, bench.now_ms)
    assert not cancelled.done()
    bench.writer._deliver = deliver
    for result in submitted[:-1]:
        deliver(result)
    assert not cancelled.done()
    deliver(submitted[-1])
    assert cancelled.result(0) is None
    assert bench.orders() == ["cancelled"]


def test_a_cancelled_order_stays_cancelled_although_the_disk_was_full(bench, node):
    bench.engine.give(identify(node), bench.now_ms)
    bench.break_disk(apsw.FullError)
    cancelled = bench.engine.cancel(1, bench.now_ms)
    with pytest.raises(StoreError, match="is full"):
        cancelled.result(0)
    bench.mend_disk()
    bench.pass_ms(MINUTE_MS)
    assert bench.orders() == ["cancelled"]
    assert len(bench.records(Kind.ORDER)) == 1
    bench.hear(node.reading(1, seq=0))
    assert bench.downlinks == []
    with pytest.raises(OrderError):
        bench.engine.cancel(1, bench.now_ms)


def test_records_of_the_gateways_own_are_written_as_soon_as_there_is_room(bench):
    bench.break_disk(apsw.FullError)
    bench.engine.record([own_record()], bench.now_ms)
    assert bench.notices() == []
    bench.mend_disk()
    bench.pass_ms(MINUTE_MS)
    assert sorted(bench.notices()) == ["of_ours", "store_failed"]


def test_alarms_are_all_counted_but_sixty_an_hour_are_written(bench):
    for number in range(100):
        bench.engine.note("broker_lost", f"number {number}", bench.now_ms)
    assert bench.engine.counts["alarm:broker_lost"] == 100
    assert bench.watcher.alarms == ["broker_lost"] * 100
    assert len(bench.notices()) == 60
    bench.pass_ms(HOUR_MS)
    bench.engine.note("broker_lost", "later", bench.now_ms)
    assert len(bench.notices()) == 61


def test_an_overloaded_writer_takes_no_more_uplinks_but_results_of_downlinks(bench, node):
    bench.writer.overloaded = True
    bench.hear(node.reading(1, seq=0))
    bench.engine.hear(TransmitResult(token=1, outcome=Outcome.SENT), bench.now_ms)
    assert bench.watcher.reasons == ["overload"]
    assert bench.engine.counts["refused:overload"] == 1
    assert bench.engine.counts["transmitted:sent"] == 1
    bench.writer.overloaded = False
    bench.hear(node.reading(1, seq=0))
    assert len(bench.records()) == 1


def test_a_join_counts_and_changes_the_registry(bench):
    joiner = Device(3, joins=True)
    before = bench.engine.registry_changes
    bench.hear(joiner.join_request())
    [downlink] = bench.downlinks
    assert frame_mtype(downlink.phy_payload) == 1
    assert bench.engine.counts["joins"] == 1
    asked = bench.engine.registry_changes
    assert asked > before
    joiner.hear_accept(downlink.phy_payload)
    bench.hear(joiner.status(0, 0))
    assert bench.engine.registry_changes > asked, "a session that was heard is another state of the registry"
    heard = bench.engine.registry_changes
    bench.hear(joiner.reading(1, seq=0))
    assert bench.engine.registry_changes == heard


def test_who_comes_is_heard_and_who_goes_is_not(bench, node):
    changes = bench.engine.registry_changes
    late = Device(9)
    entry: Registration = late.registration(device=9)
    bench.hear(late.frame(0))
    bench.engine.changed([DeviceSet(registration=entry)], [], bench.now_ms)
    bench.hear(late.status(1, 0))
    gone = node.registration()
    bench.engine.changed([DeviceGone(dev_eui=node.dev_eui)], [gone], bench.now_ms)
    bench.hear(node.reading(1, seq=0))
    assert bench.watcher.reasons == ["unknown_dev_addr", "unknown_dev_addr"]
    assert bench.engine.registry_changes >= changes + 2


def test_a_payload_that_makes_the_gateway_stumble_is_quarantined_counted_and_told(bench, node, monkeypatch):
    def stumble(*_: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(Intake, "hear", stumble)
    bench.hear(node.reading(1, seq=0))
    monkeypatch.undo()
    bench.hear(node.reading(2, seq=1))
    assert bench.watcher.reasons == ["fault"]
    assert bench.engine.counts["refused:fault"] == 1
    assert bench.watcher.alarms.count("frame_failed") == 1
    [notice] = [record for record in bench.records(Kind.NOTICE) if b"frame_failed" in record.content]
    assert b"ZeroDivisionError: on purpose (test_engine.py, line " in notice.content
    [aside] = list_quarantine(bench.read)
    assert (aside.entry.device, aside.entry.f_cnt, aside.entry.f_port) == (1, 1, 1)
    assert "ZeroDivisionError" in aside.entry.reason
    assert [record.seq for record in bench.records()] == [1]  # 0 is missing now, and asked for again in time


def test_a_record_that_can_never_be_written_does_not_keep_others_from_it(bench, node):
    bad = own_record()._replace(received_ms=1 << 70)
    bench.engine.record([bad], bench.now_ms)
    bench.engine.record([own_record()], bench.now_ms)
    bench.pass_ms(MINUTE_MS)
    bench.hear(node.reading(1, seq=0))
    assert bench.engine.fault is None
    assert bench.notices() == ["not_written", "of_ours"] or bench.notices() == ["of_ours", "not_written"]
    assert [record.seq for record in bench.records()] == [0]
    assert bench.engine.counts["alarm:not_written"] == 1
