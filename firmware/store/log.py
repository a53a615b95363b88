"""The node's log: its records of at least the last seven days, in a ring of small files that survives any power cut.

A segment is a file named after the first seq that may be in it, and its bytes are frames: length (1), CBOR, CRC-32 of
both (4). A frame is either the log's head, `[epoch, told]`, with which every segment begins, or a record, `[seq, boot,
uptime_s, gps_s, what, value, …]`, where what is the number of the set, or -1 - the number of the event. Bytes that are
no frame are stepped over one by one, so that a bad one, or a record torn by a cut, costs that record alone. When the
newest segment is full the next one begins, and the oldest is removed once there are more than MAX_SEGMENTS.

MAX_SEGMENTS times SEGMENT_LEN hold 60 kB at least: seven days of an air node that reads nine values every 13 minutes,
or of two bays with 240 changes and 24 heartbeats a day each. A record takes 20 to 50 bytes of them; littlefs makes
one erased block and 2 kB of it on average, because it writes the last block of a file anew (tests/properties/
test_log.py measures it): at 100 records a day and 200 free blocks, a block is erased 180 times a year of its 100,000.
"""

import struct
from binascii import crc32

from protocol.cbor import MIN_INT
from protocol.compat import const, on_demand
from protocol.errors import MessageError, ProtocolError
from protocol.events import VOID
from protocol.items import array, integer, integer_or_none
from protocol.reading import Reading

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class LogFiles(Protocol):
        """Where segments are: `firmware/store/files.py`. Every method may raise OSError."""

        def names(self) -> list[str]:
            """The names of all files, in any order."""

        def read(self, name: str) -> bytes:
            """All of a file."""

        def append(self, name: str, data: bytes) -> None:
            """Write behind what the file has, or into a new one, and have it on the flash."""

        def remove(self, name: str) -> None:
            """Delete a file."""


READING = const(0)
EVENT = const(1)

SEGMENT_LEN = const(4096)  # one block of the flash, and the most that is ever read at once
MAX_SEGMENTS = const(16)
NEWEST = const(6)  # records kept in memory: what a frame at DR5 can repeat beside an event or two

_MAX_PAYLOAD = const(255)
_FRAME_EXTRA = const(5)  # length(1) CRC(4)
_ENOSPC = const(28)
_HEAD_ITEMS = const(2)
_RECORD_ITEMS = const(5)  # before the values


class Record(Reading):
    """A reading or an event as the log keeps it.

    seq, boot, uptime_s as in `Reading`. gps_s: when it was taken, or None. kind: READING or EVENT. number: of the set
    or of the event. values: the reading's, or the event's details.
    """

    def __init__(
        self,
        seq: int,
        boot: int,
        uptime_s: int,
        gps_s: int | None,
        kind: int,
        number: int,
        values: tuple[int | None, ...],
    ) -> None:
        super().__init__(seq, boot, uptime_s, values)
        self.gps_s = gps_s
        self.kind = kind
        self.number = number

    def after(self) -> int:
        """The first seq behind this record's; a void one stands for as many as it counts."""
        if self.kind == EVENT and self.number == VOID and self.values:
            return self.seq + (self.values[0] or 1)
        return self.seq + 1


class Log:
    """The log in the folder of *files*.

    new_epoch: 16 random bits, used if nothing readable is there and the log is formatted. image: what `image` returned
    before the deep sleep, b"" after anything else; nothing is read from the flash then.

    epoch: the log's 16-bit number. epoch_is_new: whether the gateway may not have heard of it; until `epoch_told`.
    next_seq: one above the newest record kept, 0 in a new log.
    """

    @on_demand
    def __init__(self, files: "LogFiles", new_epoch: int, image: bytes = b"") -> None:
        self._files = files
        self.epoch = -1
        self.epoch_is_new = True
        self.next_seq = 0
        self._newest: list[Record] = []  # newest first
        self._segment = -1  # the one that is written, and its bytes
        self._length = 0
        self._torn = b""  # what a cut left behind its last whole frame
        self._full = False
        if not (image and self._resume(image)):
            self._recover()
        if self.epoch < 0:
            self._format(new_epoch)

    def add(self, record: Record) -> bool:
        """Keep *record*, whose seq is `next_seq` or above; False when the flash refuses and only memory has it.

        Raises MessageError for one that does not fit a frame.
        """
        frame = _record_frame(record)
        self.next_seq = record.after()
        self._newest.insert(0, record)
        del self._newest[NEWEST:]
        if self._length + len(frame) <= SEGMENT_LEN and self._stays_whole(frame) and not self._append(frame):
            return True
        return self._begin_segment(record.seq, frame)  # also when the file itself has become unwritable

    def newest(self, count: int) -> list[Record]:
        """The newest *count* records, at most NEWEST, newest first."""
        return self._newest[:count]

    @on_demand
    def find(self, first_seq: int, count: int) -> "Iterator[Record]":
        """The records that say something of *first_seq* and the *count* - 1 numbers after it, oldest first.

        Holds a segment in memory while it goes on: take what fits a frame and let it go; what memory has anyway is not
        read, for that makes objects of all that was written before it. A number that no record says anything of was
        lost before it was written, or is older than `oldest_seq`.
        """
        if self._newest and self._newest[-1].seq <= first_seq:
            for record in reversed(self._newest):
                if record.seq < first_seq + count and record.after() > first_seq:
                    yield record
            return
        segments = self._segments()
        for position, segment in enumerate(segments):
            if segment >= first_seq + count:
                return
            if position + 1 < len(segments) and segments[position + 1] <= first_seq:
                continue
            for item, _ in _frames(self._read(segment)):
                if not isinstance(item, Record):
                    if item[0] != self.epoch:
                        break  # it should have been removed
                elif item.seq < first_seq + count and item.after() > first_seq:
                    yield item

    @on_demand
    def oldest_seq(self) -> int:
        """A number below which nothing is kept."""
        segments = self._segments()
        return segments[0] if segments else self.next_seq

    @on_demand
    def epoch_told(self) -> None:
        """The gateway has acknowledged a status with this epoch."""
        if self.epoch_is_new:
            self.epoch_is_new = False
            head = _frame(self._head())
            if self._stays_whole(head):
                self._append(head)  # if the flash refuses, the next boot tells it once more
            else:
                self._length = SEGMENT_LEN

    @on_demand
    def image(self) -> bytes:
        """What must survive deep sleep in RTC memory: 30 bytes and the frames of the newest records, at most 300.

        To be believed once, and only if the node slept in good order: see `Reserved`.
        """
        from protocol import cbor

        frames = b"".join([_record_frame(record) for record in self._newest])
        return cbor.encode(self._head() + [self.next_seq, self._segment, self._length, frames])

    @on_demand
    def _resume(self, image: bytes) -> bool:
        """Go on as *image* says; False when it says nothing."""
        from protocol import cbor

        try:
            items = array(cbor.decode(image), "log image", 6)
            frames = items[5]
            self.epoch = integer(items[0], "epoch", 0, 0xFFFF)
            self.epoch_is_new = not items[1]
            self.next_seq = integer(items[2], "next seq")
            self._segment = integer(items[3], "segment")
            self._length = integer(items[4], "length")
        except ProtocolError:
            self.epoch = -1
            return False
        if isinstance(frames, bytes):
            self._newest = [item for item, _ in _frames(frames) if isinstance(item, Record)]
        return True

    @on_demand
    def _recover(self) -> None:
        """Read segments from the newest one back until the head and enough records are known."""
        segments = self._segments()
        for segment in reversed(segments):
            data = self._read(segment)
            headless = self.epoch < 0
            records: list[Record] = []
            whole = 0
            for item, end in _frames(data):
                whole = end
                if isinstance(item, Record):
                    records.append(item)
                    del records[:-NEWEST]
                elif headless:
                    self.epoch, told = item
                    self.epoch_is_new = not told
            if segment == segments[-1]:
                self._segment = segment
                self.next_seq = segment
                # One that a cut left without its head is not gone on with: every segment must tell the epoch.
                self._length = SEGMENT_LEN if self.epoch < 0 else len(data)
                self._torn = data[max(whole, len(data) - _MAX_PAYLOAD - _FRAME_EXTRA) :]
            self._newest.extend(reversed(records))
            del self._newest[NEWEST:]
            if self.epoch >= 0 and len(self._newest) == NEWEST:
                break
        if self._newest:
            self.next_seq = max(self.next_seq, self._newest[0].after())

    @on_demand
    def _format(self, new_epoch: int) -> None:
        """Begin anew under another epoch: numbers that were used before may come again in it."""
        for segment in self._segments():
            self._remove(segment)
        self._segment = -1
        self._newest = []
        self.epoch = new_epoch
        self.epoch_is_new = True
        self.next_seq = 0
        self._begin_segment(0, b"")

    @on_demand
    def _begin_segment(self, first_seq: int, frame: bytes) -> bool:
        if first_seq == self._segment:
            self._remove(first_seq)  # torn before it had a record
        self._segment = first_seq
        self._length = 0
        self._torn = b""
        data = _frame(self._head()) + frame
        fault = self._append(data)
        if fault == _ENOSPC and not self._full:
            # The newest records are worth more than the oldest; but one that was given up in vain is enough.
            for segment in self._segments()[:-1][:1]:
                self._remove(segment)
            self._length = 0
            fault = self._append(data)
            self._full = fault == _ENOSPC
        for segment in self._segments()[:-MAX_SEGMENTS]:
            self._remove(segment)
        return not fault

    def _stays_whole(self, frame: bytes) -> bool:
        """Whether *frame* can be read behind what a cut left; one in 256 begins with the very byte that is missing."""
        if not self._torn:
            return True
        data = self._torn + frame
        self._torn = b""
        return [end for _, end in _frames(data)] == [len(data)]

    def _append(self, data: bytes) -> int:
        """Write into the current segment; returns 0 or the error's number."""
        try:
            self._files.append(_name(self._segment), data)
        except OSError as error:
            self._length = SEGMENT_LEN  # whatever the file has now, the next record begins another
            return error.errno or -1
        self._length += len(data)
        self._full = False
        return 0

    @on_demand
    def _head(self) -> list[object]:
        return [self.epoch, 0 if self.epoch_is_new else 1]

    @on_demand
    def _segments(self) -> list[int]:
        """The numbers of all segments, oldest first."""
        try:
            names = self._files.names()
        except OSError:
            return []
        return sorted([_number(name) for name in names if _number(name) >= 0])

    @on_demand
    def _read(self, segment: int) -> bytes:
        try:
            return self._files.read(_name(segment))
        except OSError:  # its flash is gone; the other segments are not
            return b""

    @on_demand
    def _remove(self, segment: int) -> None:
        try:
            self._files.remove(_name(segment))
        except OSError:
            pass  # nothing depends on it


def _name(segment: int) -> str:
    return "%08x" % segment


@on_demand
def _number(name: str) -> int:
    """The segment that file *name* holds, or -1: something else's file."""
    try:
        number = int(name, 16)
    except ValueError:
        return -1
    return number if _name(number) == name else -1


def _record_frame(record: Record) -> bytes:
    what = record.number if record.kind == READING else -1 - record.number
    items: list[object] = [record.seq, record.boot, record.uptime_s, record.gps_s, what]
    items.extend(record.values)
    return _frame(items)


def _frame(items: list[object]) -> bytes:
    from protocol import cbor  # here, as it is needed for a moment: else it would stay

    payload = cbor.encode(items)
    if len(payload) > _MAX_PAYLOAD:
        raise MessageError(f"log: a record takes {len(payload)} bytes; expected at most {_MAX_PAYLOAD}")
    frame = bytes([len(payload)]) + payload
    return frame + struct.pack("<I", crc32(frame))


@on_demand
def _frames(data: bytes) -> "Iterator[tuple[Record | tuple[int, int], int]]":
    """The records in *data*, and its heads as (epoch, told), each with where it ends; whatever else is skipped."""
    view = memoryview(data)
    at = 0
    while at < len(view) - _FRAME_EXTRA:
        end = at + 1 + view[at]
        item = None
        if end + 4 <= len(view) and struct.unpack_from("<I", view, end)[0] == crc32(view[at:end]):
            item = _item(view[at + 1 : end])
        if item is None:
            at += 1
        else:
            at = end + 4
            yield item, at


@on_demand
def _item(payload: memoryview) -> "Record | tuple[int, int] | None":
    from protocol import cbor

    try:
        items = array(cbor.decode(payload), "frame", _HEAD_ITEMS)
        if len(items) < _RECORD_ITEMS:
            return integer(items[0], "epoch", 0, 0xFFFF), integer(items[1], "told", 0, 1)
        what = integer(items[4], "what", MIN_INT)
        return Record(
            integer(items[0], "seq"),
            integer(items[1], "boot"),
            integer(items[2], "uptime"),
            integer_or_none(items[3], "gps_s"),
            READING if what >= 0 else EVENT,
            what if what >= 0 else -1 - what,
            tuple([integer_or_none(item, "value", MIN_INT) for item in items[_RECORD_ITEMS:]]),
        )
    except ProtocolError:  # whole, but not of this version
        return None
