"""Envelopes: checked, versioned messages on the cable of a bridge or a wired node.

On the wire: 0x00 | COBS(version | body | CRC-32) | 0x00. COBS (Cheshire and Baker, 1999) leaves no zero byte between
the delimiters, so after any noise the next 0x00 starts afresh; the one in front keeps noise on an idle line out of
the envelope that follows it. The CRC is IEEE 802.3's (`binascii.crc32`), little-endian, over version and body. The
body is a CBOR array, type first, then that type's fields; their meaning is the packet forwarder's (Semtech GWMP).

Old and new live together: items behind the fields known here are skipped, a type not known here is handed on as it
is. Another layout of the envelope itself is another version, and refused with both numbers.
"""

import binascii
import struct

from . import cbor
from .compat import const
from .errors import CborError, EnvelopeError
from .items import is_integer

VERSION = const(1)
# Bytes between two delimiters. Today's longest, TRANSMIT of 255 bytes, takes 291; the rest is for the items that newer
# versions append. A decoder holds one such buffer for life.
MAX_ENVELOPE = const(512)
MAX_PHY_LEN = const(255)

HELLO = const(1)  # both ways; sent at start and in answer to the other side's
RECEIVED = const(2)  # bridge to gateway: a frame heard on the air
TRANSMIT = const(3)  # gateway to bridge
TRANSMIT_RESULT = const(4)  # bridge to gateway, once for each TRANSMIT
STATISTICS = const(5)  # bridge to gateway, counted since start
LOG = const(6)  # to the gateway
FRAME = const(7)  # a wired node's uplink, or a downlink to it, at once: no air, no window, no data rate

GATEWAY = const(0)  # HELLO.role
BRIDGE = const(1)
NODE = const(2)

SENT = const(0)  # TRANSMIT_RESULT.outcome: GWMP's txpk_ack errors, then ours
TOO_LATE = const(1)
TOO_EARLY = const(2)
COLLISION = const(3)
BAD_FREQUENCY = const(4)
BAD_POWER = const(5)
RADIO_FAULT = const(6)

DEBUG = const(0)  # LOG.level
INFO = const(1)
WARNING = const(2)
ERROR = const(3)

_U8 = const(0xFF)
_U16 = const(0xFFFF)
_U32 = const(0xFFFFFFFF)
_OVERHEAD = const(5)  # version and CRC

# A field is (name, check, least, most).
_INT = const(0)
_INT_OR_NULL = const(1)
_BYTES = const(2)  # least and most of its length
_TEXT = const(3)  # least and most of its length in UTF-8
_BOOL = const(4)
_ONE_OF = const(5)  # least is the place in _CHOICES

_CHOICES = ((0, 7, 8, 9, 10, 11, 12), (0, 125_000, 250_000, 500_000))
_FREQ_HZ = ("freq_hz", _INT, 137_000_000, 1_020_000_000)  # what an SX1276 can be tuned to
_SF = ("sf", _ONE_OF, 0, 0)  # FSK at 50 kbit/s is sf 0 with bw_hz 0, as in region.DATA_RATES
_BW_HZ = ("bw_hz", _ONE_OF, 1, 0)
_PHY_PAYLOAD = ("phy_payload", _BYTES, 0, MAX_PHY_LEN)
_TOKEN = ("token", _INT, 0, _U16)  # ties a result to its order; the gateway's choice

_NAMES = {
    HELLO: "HELLO",
    RECEIVED: "RECEIVED",
    TRANSMIT: "TRANSMIT",
    TRANSMIT_RESULT: "TRANSMIT_RESULT",
    STATISTICS: "STATISTICS",
    LOG: "LOG",
    FRAME: "FRAME",
}
_FIELDS: dict[int, tuple[tuple[str, int, int, int], ...]] = {
    HELLO: (
        ("role", _INT, 0, _U8),
        ("firmware", _TEXT, 0, 32),
        ("eui", _BYTES, 8, 8),
        ("max_phy_len", _INT, 0, MAX_PHY_LEN),
        ("plan", _INT_OR_NULL, 0, _U8),
    ),
    RECEIVED: (
        ("counter_us", _INT, 0, _U32),
        _FREQ_HZ,
        _SF,
        _BW_HZ,
        ("rssi_dbm", _INT, -255, 127),
        ("snr_qdb", _INT, -128, 127),
        ("crc_ok", _BOOL, 0, 0),
        _PHY_PAYLOAD,
    ),
    TRANSMIT: (
        _TOKEN,
        ("at_us", _INT_OR_NULL, 0, _U32),
        _FREQ_HZ,
        _SF,
        _BW_HZ,
        ("power_dbm", _INT, -9, 36),
        ("iq_inverted", _BOOL, 0, 0),
        ("preamble_symbols", _INT, 1, 1000),
        _PHY_PAYLOAD,
    ),
    TRANSMIT_RESULT: (
        _TOKEN,
        ("outcome", _INT, 0, _U8),
        ("started_us", _INT_OR_NULL, 0, _U32),
        ("actual_dbm", _INT_OR_NULL, -9, 36),
    ),
    STATISTICS: (
        ("uptime_s", _INT, 0, _U32),
        ("received_ok", _INT, 0, _U32),
        ("received_bad", _INT, 0, _U32),
        ("forwarded", _INT, 0, _U32),
        ("transmitted", _INT, 0, _U32),
    ),
    LOG: (("level", _INT, 0, _U8), ("text", _TEXT, 0, 200)),
    FRAME: (_PHY_PAYLOAD,),
}


class Message:
    """What one envelope says: *kind* is its type (HELLO, …), its fields are attributes; made by `message`.

    Only the attributes of its own kind exist. `items` are the fields in wire order; of a kind not known here they are
    what came, unchecked. Raises EnvelopeError for a field that is missing or out of range.
    """

    # HELLO
    role: int  # GATEWAY, BRIDGE, NODE, or a number from a newer version
    firmware: str
    eui: bytes  # DevEUI or gateway EUI, 8 bytes as printed, most significant first
    max_phy_len: int  # bytes of PHYPayload this end can take
    plan: int | None  # region.Plan.number; None where there is no radio
    # RECEIVED
    counter_us: int  # the bridge's 32-bit clock at the end of the frame; it wraps every 71.6 minutes
    rssi_dbm: int
    snr_qdb: int  # quarters of a decibel
    crc_ok: bool
    # RECEIVED and TRANSMIT
    freq_hz: int
    sf: int  # 7..12, or 0 for FSK at 50 kbit/s
    bw_hz: int
    # RECEIVED, TRANSMIT and FRAME
    phy_payload: bytes
    # TRANSMIT
    at_us: int | None  # the bridge's clock when the first symbol shall leave; None: now
    power_dbm: int  # at the antenna connector
    iq_inverted: bool  # true for LoRaWAN downlinks, which also go without CRC
    preamble_symbols: int
    # TRANSMIT and TRANSMIT_RESULT
    token: int
    # TRANSMIT_RESULT
    outcome: int  # SENT, TOO_LATE, …, or a number from a newer version
    started_us: int | None  # None: nothing was sent
    actual_dbm: int | None
    # STATISTICS
    uptime_s: int
    received_ok: int
    received_bad: int
    forwarded: int
    transmitted: int
    # LOG
    level: int  # DEBUG, INFO, WARNING, ERROR
    text: str

    def __init__(self, kind: int, items: list[object]) -> None:
        fields = _FIELDS.get(kind)
        if fields is not None:
            if len(items) < len(fields):
                missing = fields[len(items)][0]
                raise EnvelopeError(f"{_NAMES[kind]} has {len(items)} fields, expected {len(fields)}: no {missing}")
            items = items[: len(fields)]
            for at in range(len(fields)):
                _check(_NAMES[kind], fields[at], items[at])
                setattr(self, fields[at][0], items[at])
            if _SF in fields and (self.sf == 0) != (self.bw_hz == 0):
                raise EnvelopeError(
                    f"{_NAMES[kind]} has sf {self.sf} with bw_hz {self.bw_hz}; expected both 0 (FSK) or neither"
                )
        self.kind = kind
        self.items = items

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.kind == other.kind and self.items == other.items

    def __repr__(self) -> str:
        if self.kind not in _NAMES:
            return f"envelope type {self.kind} {self.items!r}"
        names = [field[0] for field in _FIELDS[self.kind]]
        return f"{_NAMES[self.kind]}({', '.join([f'{name}={getattr(self, name)!r}' for name in names])})"


def message(kind: int, **fields: object) -> Message:
    """Make a message of a known *kind* with exactly its fields, as `Message` names them.

    Raises EnvelopeError for a kind or field there is not, one that is missing, and one that is out of range.
    """
    if kind not in _FIELDS:
        raise EnvelopeError(f"there is no envelope type {kind}; expected {HELLO}..{FRAME}")
    names = [field[0] for field in _FIELDS[kind]]
    for name in fields:
        if name not in names:
            raise EnvelopeError(f"{_NAMES[kind]} has no field {name}; expected {', '.join(names)}")
    for name in names:
        if name not in fields:
            raise EnvelopeError(f"{_NAMES[kind]} needs a {name}; expected {', '.join(names)}")
    return Message(kind, [fields[name] for name in names])


def seal(content: Message) -> bytes:
    """The envelope of *content* as it goes on the wire, delimiters included.

    Raises EnvelopeError when it does not fit MAX_ENVELOPE, which only kinds not known here can bring about.
    """
    items: list[object] = [content.kind]
    items.extend(content.items)
    try:
        body = cbor.encode(items)
    except CborError as error:
        raise EnvelopeError(f"envelope body: {error}")
    checked = bytes([VERSION]) + body
    stuffed = cobs_encode(checked + struct.pack("<I", binascii.crc32(checked)))
    if len(stuffed) > MAX_ENVELOPE:
        raise EnvelopeError(f"envelope of {len(stuffed)} bytes; expected at most {MAX_ENVELOPE}")
    return b"\x00" + stuffed + b"\x00"


def open_envelope(data: bytes | bytearray | memoryview) -> Message:
    """The message in one whole envelope, with or without its delimiters.

    Raises EnvelopeError for anything else, saying what is wrong: cut short, CRC, version, body.
    """
    stuffed = bytes(data).strip(b"\x00")
    _refuse_zero(stuffed)
    if len(stuffed) > MAX_ENVELOPE:
        raise EnvelopeError(f"envelope of {len(stuffed)} bytes; expected at most {MAX_ENVELOPE}")
    return _open(bytearray(stuffed), len(stuffed))


class Decoder:
    """Takes what a cable brings, in any pieces, and finds the messages in it; never raises, never grows.

    Whatever came before a 0x00, the envelope after it is found. Counted for display: `messages`, `bad_crc`,
    `oversize` (longer than MAX_ENVELOPE), `refused` (other errors), `discarded_bytes` of all these; `last_error`
    is the newest reason, empty while there is none.
    """

    def __init__(self) -> None:
        self._buffer = bytearray(MAX_ENVELOPE)
        self._len = 0
        self._skipping = False  # until the next delimiter, after an envelope has grown too long
        self.messages = 0
        self.bad_crc = 0
        self.oversize = 0
        self.refused = 0
        self.discarded_bytes = 0
        self.last_error = ""

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """Take the next bytes from the cable; returns the messages they complete, in order."""
        chunk = bytes(data)  # MicroPython's bytearray and memoryview have no find()
        view = memoryview(chunk)
        found: list[Message] = []
        start = 0
        while True:
            end = chunk.find(b"\x00", start)
            if end < 0:
                self._keep(view[start:])
                return found
            self._keep(view[start:end])
            content = self._close()
            if content is not None:
                found.append(content)
            start = end + 1

    def _keep(self, piece: memoryview) -> None:
        """Add *piece*, which has no delimiter, to the envelope under way, or discard both when it gets too long."""
        size = self._len + len(piece)
        if self._skipping:
            self.discarded_bytes += len(piece)
        elif size > MAX_ENVELOPE:
            self._skipping = True
            self.oversize += 1
            self.discarded_bytes += size
            self.last_error = f"no delimiter within {MAX_ENVELOPE} bytes: noise, or another speed or protocol?"
            self._len = 0
        else:
            self._buffer[self._len : size] = piece
            self._len = size

    def _close(self) -> Message | None:
        """Open what lies between two delimiters, if it is an envelope."""
        size = self._len
        self._len = 0
        self._skipping = False
        if size == 0:
            return None
        try:
            content = _open(self._buffer, size)
        except EnvelopeError as error:
            if isinstance(error, _CrcError):
                self.bad_crc += 1
            else:
                self.refused += 1
            self.discarded_bytes += size
            self.last_error = str(error)
            return None
        self.messages += 1
        return content


def cobs_encode(data: bytes | bytearray | memoryview) -> bytes:
    """Stuff *data* so that no zero is left in it; one byte longer, and one more for every 254."""
    out = bytearray()
    runs = bytes(data).split(b"\x00")
    for number in range(len(runs)):
        run = runs[number]
        start = 0
        while len(run) - start >= 254:  # code 255 stands for 254 bytes that no zero follows
            out.append(255)
            out.extend(run[start : start + 254])
            start += 254
        if start == 0 or start < len(run) or number < len(runs) - 1:
            out.append(len(run) - start + 1)
            out.extend(run[start:])
    return bytes(out)


def cobs_decode(data: bytes | bytearray | memoryview) -> bytes:
    """Undo `cobs_encode`; raises EnvelopeError for a zero byte and for a code that points beyond the end."""
    buffer = bytearray(data)
    _refuse_zero(bytes(buffer))
    return bytes(buffer[: _unstuff(buffer, len(buffer))])


class _CrcError(EnvelopeError):
    """Told apart because it is the one that noise causes."""


def _refuse_zero(stuffed: bytes) -> None:
    at = stuffed.find(b"\x00")
    if at >= 0:
        raise EnvelopeError(f"COBS at byte {at}: a zero inside an envelope; expected it only as delimiter")


def _unstuff(buffer: bytearray, size: int) -> int:
    """Undo COBS in place in the first *size* bytes; returns how many are left."""
    read = write = 0
    while read < size:
        code = buffer[read]
        end = read + code
        if end > size:
            raise EnvelopeError(f"COBS at byte {read}: code {code} points {end - size} bytes past the end: cut short?")
        buffer[write : write + code - 1] = buffer[read + 1 : end]
        write += code - 1
        read = end
        if code < 255 and read < size:
            buffer[write] = 0
            write += 1
    return write


def _open(buffer: bytearray, size: int) -> Message:
    """The message in the first *size* bytes of *buffer*, which hold no zero and are unstuffed in place."""
    size = _unstuff(buffer, size)
    if size <= _OVERHEAD:
        raise EnvelopeError(f"envelope of {size} bytes; expected at least {_OVERHEAD + 1}: version, body, CRC")
    view = memoryview(buffer)[:size]
    checked = view[: size - 4]
    (crc,) = struct.unpack_from("<I", view, size - 4)
    computed = binascii.crc32(checked)
    if crc != computed:
        count = len(checked)
        raise _CrcError(f"envelope CRC is {crc:08x}, computed {computed:08x} over {count} bytes: noise on the cable?")
    if view[0] != VERSION:
        raise EnvelopeError(f"envelope has version {view[0]}, this end speaks version {VERSION}: update the older end")
    try:
        body = cbor.decode(checked[1:])
    except CborError as error:
        raise EnvelopeError(f"envelope body: {error}")
    if not isinstance(body, list) or not body or not is_integer(body[0], 0, _U32):
        raise EnvelopeError("envelope body is not an array that begins with a type number")
    return Message(body[0], body[1:])


def _check(name: str, field: tuple[str, int, int, int], value: object) -> None:
    """Refuse a *value* that *field* of the message called *name* cannot have."""
    label, check, least, most = field
    if check == _BOOL:
        good = value is True or value is False
        expected = "true or false"
    elif check == _ONE_OF:
        good = is_integer(value, 0, _U32) and value in _CHOICES[least]
        expected = f"one of {_CHOICES[least]}"
    elif check == _BYTES:
        good = isinstance(value, bytes) and least <= len(value) <= most
        expected = f"{least}..{most} bytes"
    elif check == _TEXT:
        good = isinstance(value, str) and _utf8_len(value) <= most
        expected = f"a text of at most {most} bytes in UTF-8"
    else:
        good = is_integer(value, least, most) or (check == _INT_OR_NULL and value is None)
        expected = f"an integer {least}..{most}" + (" or null" if check == _INT_OR_NULL else "")
    if not good:
        raise EnvelopeError(f"{name}.{label} is {_shown(value)}; expected {expected}")


def _shown(value: object) -> str:
    if isinstance(value, (bytes, str)) and len(value) > 16:
        return f"{len(value)} {'bytes' if isinstance(value, bytes) else 'characters'}"
    return repr(value)[:64]


def _utf8_len(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeError:  # half of a surrogate pair, which CPython strings can hold
        return _U32
