"""What is told from the log once more, frame by frame: readings first, then what goes alone, and what is void.

Loaded for each such frame. A gap is [first reading to tell, first of the others, end of both], three full numbers.
"""

from protocol.compat import const
from protocol.events import VOID
from protocol.reading import Reading
from protocol.region import CHANNEL_MAX_DR, frame_airtime_us, max_payload
from protocol.telemetry import encode_rare, encode_readings

from .store.log import EVENT, Log, Record
from .telling import RARE, event_payload

MAX_RESENDS = const(4)  # gaps that the gateway asked for; with a fifth the oldest is forgotten, and asked for again
_CHUNK = const(16)  # records of the log in memory at once
_OVERHEAD_LEN = const(13)  # MHDR(1) FHDR(7) FPort(1) MIC(4)
_TWO_HOURS_MS = const(7_200_000)


def enter(gaps: list[list[int]], log: Log, first_seq: int, count: int) -> int | None:
    """Add the gap of *count* records from *first_seq* on, its low 16 bits, to *gaps*, as far as the log has it.

    Returns None, or the first full number that the log still has if older ones were asked for.
    """
    first = log.next_seq - ((log.next_seq - first_seq) & 0xFFFF)
    end = min(first + count, log.next_seq)
    oldest = log.oldest_seq()
    kept = max(first, oldest)
    covered = [1 for gap in gaps if gap[0] <= kept and gap[1] <= kept and end <= gap[2]]
    if kept < end and not covered:
        gaps.append([kept, kept, end])
        del gaps[:-MAX_RESENDS]
    return oldest if first < oldest else None


def seek(gaps: list[list[int]], log: Log) -> Record | None:
    """What the next frame begins with; a gap that has nothing more is taken away."""
    oldest = log.oldest_seq() if gaps else 0
    while gaps:
        head = _next_reading(gaps[0], log, oldest) or _next_other(gaps[0], log, oldest)
        if head:
            return head
        gaps.pop(0)
    return None


def tell(gap: list[int], head: Record, log: Log, boot: int, room: int, now_ms: int, hour_ms: int) -> tuple[bytes, int]:
    """The payload that begins with *head*, the first of *gap*; and the ms until the next one may go.

    That is when half of the airtime that there is in an hour has grown to another frame: in a sub-band of 1 % after 200
    times the frame, in two after 100 times.
    """
    if head.kind == EVENT:
        gap[1] = head.after()
        payload = event_payload(head, boot, now_ms)
    elif head.number == RARE:
        gap[1] = head.after()
        payload = _rare_payload(head, boot, now_ms)
    else:
        payload = _readings_payload(gap, head, log, boot, room, now_ms)
    return payload, _airtime_ms(room, len(payload)) * (_TWO_HOURS_MS // hour_ms)


def _is_alone(record: Record) -> bool:
    """Whether it goes in a frame of its own: what it says no row of differences can."""
    return record.kind == EVENT or record.number == RARE


def _rare_payload(record: Record, boot: int, now_ms: int) -> bytes:
    count = len(record.values) // 2
    pairs = tuple([(key & 0xFF, key >> 8) for key in record.values[:count] if key is not None])
    reading = Reading(record.seq, record.boot, record.uptime_s, record.values[count:])
    return encode_rare(reading, pairs, boot, now_ms // 1000)


def _readings_payload(gap: list[int], head: Record, log: Log, boot: int, room: int, now_ms: int) -> bytes:
    readings: list[Reading] = [head]  # newest first; the log may have let go of it since it was found
    for record in log.find(head.seq + 1, gap[2] - head.seq - 1):
        if not _is_alone(record):
            if record.number != head.number or len(readings) == _CHUNK:
                break
            readings.insert(0, record)
    while True:
        payload, carried = encode_readings(head.number, readings, boot, now_ms // 1000, room)
        if carried == len(readings):
            gap[0] = readings[0].seq + 1
            return payload
        del readings[: len(readings) - carried]  # the oldest go first: what is left of the gap stays in one piece


def _next_reading(gap: list[int], log: Log, oldest: int) -> Record | None:
    first = max(gap[0], oldest)
    if first < gap[2]:
        for record in log.find(first, gap[2] - first):
            if not _is_alone(record):
                return record
    gap[0] = gap[2]
    return None


def _next_other(gap: list[int], log: Log, oldest: int) -> Record | None:
    """The next record that goes alone, or a void one for numbers of which the log knows nothing."""
    first = max(gap[1], oldest)
    for record in log.find(first, gap[2] - first) if first < gap[2] else ():
        if record.seq > first:
            return _void(first, record.seq)
        if _is_alone(record):
            return record
        first = record.seq + 1
    return _void(first, gap[2]) if first < gap[2] else None


def _void(first: int, end: int) -> Record:
    return Record(first, -1, 0, None, EVENT, VOID, (end - first,))


def _airtime_ms(room: int, payload_len: int) -> int:
    """The longest that a frame of this payload can take at a data rate that leaves so much room."""
    dr = 0
    while dr < CHANNEL_MAX_DR and max_payload(dr) < room:
        dr += 1
    return frame_airtime_us(dr, _OVERHEAD_LEN + payload_len) // 1000 + 1
