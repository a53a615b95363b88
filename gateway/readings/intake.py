"""What nodes tell becomes records: readings, events, status, and what foreign devices say.

A payload passes: decode → number in full → fold what is had → date → record. Nothing is kept here: what was heard of a
device is its `NodeLog`, an immutable value that the network server holds. In the street nearly every frame carries one
new reading, the next one, and repeats that are had; such a frame takes a short way without a look at the repeats.
"""

from itertools import pairwise
from typing import NamedTuple

from gateway.network.application import NOTHING, Answer, Uplink
from gateway.network.events import Alarm, Reason, Refused
from gateway.store.writes import AddQuarantine, AddRecord, Write
from protocol.errors import MessageError, ProtocolError
from protocol.events import VOID
from protocol.quantities import SET_COUNT, size_of
from protocol.telemetry import F_PORT_EVENT, F_PORT_READINGS, F_PORT_STATUS, Status
from protocol.telemetry_reader import Event, Readings, Row, decode_event, decode_readings, decode_status

from . import content
from .cbor_door import decode
from .dating import CUT_S, Bounds, Moment, clock_error_s, date_rows
from .node_log import REACH, NodeLog, opened
from .record import Kind, Record

# A node unheard for longer than its log is deep may have counted on by half of what 16 bits tell apart.
DOUBT_MS = 7 * 86_400_000
# A record taken just now has a number beyond those of the repeats of events, of which a node has 8 under way; a resent
# one that is so far behind is old. What is both fresh and behind is of a log that began anew.
_FRESH_S = 60
_BEHIND = 64
_MAX_VOID = REACH  # numbers that one void event may stand for; of more, 16 bits do not tell which

_SIZES = tuple(size_of(number) for number in range(SET_COUNT))


class Heard(NamedTuple):
    """What a payload meant. rows: readings in the frame, 0 for anything but a frame of them.

    newest16: the low 16 bits of its newest number, if nothing could be taken because the log is in doubt. gap_s: from
    its newest reading to the one before, if it tells. oldest: the full number of its oldest reading, where
    something may be missing.
    """

    answer: Answer
    rows: int = 0
    newest16: int | None = None
    gap_s: int | None = None
    oldest: int | None = None


class Intake:
    """boot: the number of this boot of the gateway, for records from before anybody knew the time."""

    def __init__(self, boot: int) -> None:
        self._boot = boot

    def hear(self, uplink: Uplink, log: NodeLog) -> Heard:
        """What a payload of FPort 1, 2 or 3 means; one of another FPort is quarantined."""
        f_port = uplink.f_port
        try:
            if f_port == F_PORT_READINGS:
                return self._readings(uplink, log)
            if f_port == F_PORT_EVENT:
                return self._event(uplink, log, decode_event(uplink.payload, decode))
            if f_port == F_PORT_STATUS:
                return Heard(self._status(uplink, log, decode_status(uplink.payload, decode)))
        except ProtocolError as error:
            return Heard(self.quarantine(uplink, Reason.UNREADABLE_PAYLOAD, str(error)))
        detail = f"FPort {f_port} has no meaning here; expected 1..4"
        return Heard(self.quarantine(uplink, Reason.UNKNOWN_F_PORT, detail))

    def raw(self, uplink: Uplink) -> Answer:
        """What a foreign device says is kept as it came. Its key is the frame's: nobody else numbers it."""
        record = Record(
            kind=Kind.RAW,
            device=uplink.registration.device,
            epoch=uplink.session,
            seq=uplink.f_cnt,
            received_ms=self._received_ms(uplink),
            boot=self._clock(uplink),
            observed_ms=None,
            time_error_s=None,
            content=content.raw(uplink.f_port, uplink.payload),
        )
        return Answer(writes=(AddRecord(record),), records=1)

    def quarantine(self, uplink: Uplink, reason: Reason, detail: str) -> Answer:
        """A payload that cannot be read is kept aside, for whoever wants to know why."""
        aside = AddQuarantine(
            device=uplink.registration.device,
            received_ms=self._received_ms(uplink),
            boot=self._clock(uplink),
            session=uplink.session,
            f_cnt=uplink.f_cnt,
            f_port=uplink.f_port,
            payload=uplink.payload,
            reason=detail,
        )
        refused = Refused(reason=reason, dev_addr=None, detail=detail, dev_eui=uplink.registration.dev_eui)
        return Answer(writes=(aside,), notes=(refused,))

    def give_up(self, uplink: Uplink, log: NodeLog, ranges: list[tuple[int, int]], why: str) -> Answer:
        """Say that the numbers in *ranges* of this log's epoch, [first, end) each, will not come any more."""
        ranges = log.lost(ranges)
        if not ranges:
            return NOTHING
        count = sum(end - first for first, end in ranges)
        said = content.notice(
            "records_lost", epoch=log.epoch, count=count, first=ranges[0][0], last=ranges[-1][1] - 1, why=why
        )
        detail = f"{count} records of log {log.epoch}, from {ranges[0][0]} on, are lost: {why}"
        return Answer(
            writes=(AddRecord(self.notice(uplink, said)),),
            notes=(Alarm(name="records_lost", dev_eui=uplink.registration.dev_eui, detail=detail, recorded=True),),
        )

    def notice(self, uplink: Uplink, said: bytes) -> Record:
        """A NOTICE about the device of *uplink*, of now."""
        received_ms = self._received_ms(uplink)
        return Record(
            kind=Kind.NOTICE,
            device=uplink.registration.device,
            epoch=None,
            seq=None,
            received_ms=received_ms,
            boot=self._clock(uplink),
            observed_ms=received_ms,
            time_error_s=0,
            content=said,
        )

    # Readings.

    def _readings(self, uplink: Uplink, log: NodeLog) -> Heard:
        items = decode(uplink.payload)
        heard = self._next_reading(items, uplink, log)
        if heard is not None:
            return heard
        readings = decode_readings(uplink.payload, lambda _: items)
        set_number = items[0] if isinstance(items, list) and isinstance(items[0], int) else None
        return self._any_readings(readings, set_number, uplink, log)

    def _next_reading(self, items: object, uplink: Uplink, log: NodeLog) -> Heard | None:
        """The short way for a frame whose newest reading is the very next record; None: take the long one."""
        offset_ms = uplink.offset_ms
        boot = self._boot if offset_ms is None else None
        if type(items) is not list or len(items) < 3 or log.gaps or not log.sure or log.boot != boot:
            return None
        set_number, seq16, age_s = items[:3]
        seq = log.next_seq
        if type(set_number) is not int or not 0 <= set_number < SET_COUNT or type(age_s) is not int or age_s < 0:
            return None
        after = 3 + _SIZES[set_number]
        values = items[3:after]
        if type(seq16) is not int or seq16 != seq & 0xFFFF or len(items) < after:
            return None
        for value in values:
            if value is not None and type(value) is not int:
                return None
        received_ms = uplink.received_ms + (offset_ms or 0)
        # `dating.moment_of` in line: this is the way of nearly every frame.
        moment = received_ms - uplink.airtime_ms - age_s * 1000, CUT_S + clock_error_s(age_s)
        last = log.last
        if last is not None and moment[0] - last[0] > DOUBT_MS:
            return None
        record = Record(
            kind=Kind.READING,
            device=uplink.registration.device,
            epoch=log.epoch,
            seq=seq,
            received_ms=received_ms,
            boot=boot,
            observed_ms=moment[0],
            time_error_s=moment[1],
            content=content.reading_in_a_set(set_number, values),
        )
        known = NodeLog(log.epoch, seq + 1, (), True, boot, seq, moment, log.since, log.told_ms)
        return Heard(Answer((AddRecord(record),), known, records=1), 1, None, _gap_s(items, after))

    def _any_readings(self, readings: Readings, set_number: int | None, uplink: Uplink, log: NodeLog) -> Heard:
        rows = readings.rows
        seqs = _numbers(rows, log)
        log, before = self._on_clock(uplink, log), log
        frame = self._frame(uplink, log)
        if not log.sure or seqs[-1] < 0 or self._doubtful(log, frame, seqs[0], rows[0].age_s):
            return _held(before, rows[0].seq)
        gap_s = rows[1].gap_s if len(rows) > 1 else None
        new = [at for at, seq in enumerate(seqs) if log.is_new(seq)]
        if not new:
            return Heard(NOTHING, len(rows), None, gap_s, seqs[-1])
        moments = self._dates(rows, seqs, uplink, log)
        writes: list[Write] = []
        for at in reversed(new):  # oldest first, as they were taken
            if set_number is None:
                said = content.rare_reading(readings.quantities, rows[at].values)
            else:
                said = content.reading_in_a_set(set_number, rows[at].values)
            record = self._record(Kind.READING, uplink, log, seqs[at], moments[at], said)
            writes.append(AddRecord(record))
            log = log.took(seqs[at], moments[at] if frame else None, frame)
        answer = self._bounded(uplink, log, Answer(tuple(writes), log, records=len(new)))
        return Heard(answer, len(rows), None, gap_s, seqs[-1])

    def _dates(self, rows: list[Row], seqs: list[int], uplink: Uplink, log: NodeLog) -> list[Moment | None]:
        usable = log.boot == self._clock(uplink)
        bounds = [_bounds(log, seq) if usable else _NO_BOUNDS for seq in seqs]
        return date_rows(rows, bounds, self._frame_ms(uplink))

    # Events.

    def _event(self, uplink: Uplink, log: NodeLog, event: Event) -> Heard:
        seq = log.full(event.seq)
        log, before = self._on_clock(uplink, log), log
        frame = self._frame(uplink, log)
        if not log.sure or self._doubtful(log, frame, seq, event.age_s):
            return _held(before, event.seq)
        if event.event == VOID:
            count = event.details[0] if event.details else 1
            if not 1 <= count <= _MAX_VOID:
                raise MessageError(f"event: void stands for {count} numbers; expected 1..{_MAX_VOID}")
            voided = log.voided(seq, seq + count, frame)
            return Heard(NOTHING if voided == before else self._bounded(uplink, voided, Answer(log=voided)))
        if not log.is_new(seq):
            return Heard(NOTHING)
        [moment] = self._dates([Row(event.seq, event.age_s, None, ())], [seq], uplink, log)
        record = self._record(Kind.EVENT, uplink, log, seq, moment, content.event(event.event, event.details))
        log = log.took(seq, moment if frame else None, frame)
        return Heard(self._bounded(uplink, log, Answer((AddRecord(record),), log, at_once=True, records=1)))

    # Status.

    def _status(self, uplink: Uplink, log: NodeLog, status: Status) -> Answer:
        log = self._on_clock(uplink, log)
        frame = self._frame(uplink, log)
        gone = NOTHING
        if log.epoch == status.epoch and status.next_seq >= log.next_seq:
            log = log.reaching(status.next_seq, frame)
        else:
            if log.epoch is not None:
                gone = self._began_anew(uplink, log, status)
            log = opened(status.epoch, status.next_seq, self._clock(uplink), (self._frame_ms(uplink), 0))
        moment = (self._frame_ms(uplink), CUT_S)
        record = self._record(Kind.STATUS, uplink, log, None, moment, content.status(status))
        answer = Answer((*gone.writes, AddRecord(record)), log, notes=gone.notes, at_once=True, records=1)
        return self._bounded(uplink, log, answer)

    def _began_anew(self, uplink: Uplink, log: NodeLog, status: Status) -> Answer:
        """The node's log was wiped: what was missing of the old one will not come."""
        lost = sum(end - first for first, end in log.lost([gap[:2] for gap in log.gaps]))
        said = content.notice("log_began_anew", epoch=status.epoch, was=log.epoch, heard_to=log.next_seq, lost=lost)
        detail = f"log {log.epoch} is over, unseen from {log.next_seq} on and with {lost} records lost before: "
        detail += f"the node began log {status.epoch}"
        return Answer(
            writes=(AddRecord(self.notice(uplink, said)),),
            notes=(Alarm(name="log_began_anew", dev_eui=uplink.registration.dev_eui, detail=detail, recorded=True),),
        )

    # Common.

    def _bounded(self, uplink: Uplink, log: NodeLog, answer: Answer) -> Answer:
        """*answer* with the log within its bounds, and what was given up for that."""
        if not log.gaps:
            return answer
        bounded, given_up = log.bounded()
        if not given_up:
            return answer
        gone = self.give_up(uplink, log, given_up, "more is missing than can be asked for")
        return Answer(
            answer.writes + gone.writes,
            bounded,
            notes=answer.notes + gone.notes,
            at_once=answer.at_once,
            records=answer.records,
        )

    def _record(
        self, kind: Kind, uplink: Uplink, log: NodeLog, seq: int | None, moment: Moment | None, said: bytes
    ) -> Record:
        observed_ms, error_s = moment or (None, None)
        return Record(
            kind=kind,
            device=uplink.registration.device,
            epoch=log.epoch,
            seq=seq,
            received_ms=self._received_ms(uplink),
            boot=self._clock(uplink),
            observed_ms=observed_ms,
            time_error_s=error_s,
            content=said,
        )

    def _on_clock(self, uplink: Uplink, log: NodeLog) -> NodeLog:
        return log.on_clock(self._clock(uplink), self._boot, uplink.offset_ms)

    def _doubtful(self, log: NodeLog, frame: Moment | None, seq: int, age_s: int | None) -> bool:
        """Whether what a frame says first cannot be of this log as it is known."""
        if frame is not None and log.unheard_ms(frame[0]) > DOUBT_MS:
            return True
        return age_s is not None and age_s < _FRESH_S and seq < log.next_seq - _BEHIND and not log.is_new(seq)

    def _frame(self, uplink: Uplink, log: NodeLog) -> Moment | None:
        """When the frame was built, if the log's moments are on the same clock."""
        return (self._frame_ms(uplink), 0) if log.boot == self._clock(uplink) else None

    def _frame_ms(self, uplink: Uplink) -> int:
        return self._received_ms(uplink) - uplink.airtime_ms

    def _received_ms(self, uplink: Uplink) -> int:
        return uplink.received_ms + (uplink.offset_ms or 0)

    def _clock(self, uplink: Uplink) -> int | None:
        """Whose milliseconds this uplink's records have: None for Unix time, else this boot's."""
        return self._boot if uplink.offset_ms is None else None


_NO_BOUNDS = Bounds(None, None)


def _held(log: NodeLog, newest16: int) -> Heard:
    """Nothing is taken before the node says where its log is: it keeps everything until then."""
    return Heard(Answer(log=log.doubted()) if log.sure else NOTHING, 0, newest16)


def _gap_s(items: list[object], at: int) -> int | None:
    """The seconds that the row beginning at items[at] tells, behind the numbers it may skip."""
    for item in items[at : at + 2]:
        if type(item) is not int:
            break
        if item >= 0:
            return item
    return None


def _numbers(rows: list[Row], log: NodeLog) -> list[int]:
    """The full numbers of a frame's rows, newest first; below 0 if the log is another than is known."""
    seqs = [log.full(rows[0].seq)]
    for newer, row in pairwise(rows):
        seqs.append(seqs[-1] - ((newer.seq - row.seq) & 0xFFFF))
    return seqs


def _bounds(log: NodeLog, seq: int) -> Bounds:
    if seq == log.last_seq:
        return Bounds(None, None, log.last)
    if seq >= log.next_seq:
        return Bounds(log.last, None)
    gap = log.gap_of(seq)
    return Bounds(gap.low, gap.high) if gap else _NO_BOUNDS
