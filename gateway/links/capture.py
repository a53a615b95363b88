r"""Captures: everything the radios heard and were told to send, in a file that a simulation can replay.

JSON, one object a line, only ever appended (`lampyre gateway run --capture FILE`). A header line opens each session,
that is each start of the gateway, since its monotonic clock begins anew:

    {"lampyre_capture":1,"site":"antony-centre"}

then, in the order in which the gateway saw them, lines of four kinds. `ms` is its monotonic clock, `unix_ms` the same
instant in Unix time, null while that was not known:

    {"kind":"received","ms":…,"unix_ms":…,"radio":"udp:…","freq_hz":868100000,"dr":5,"counter_us":…,"rssi_dbm":-107,
     "snr_db":-11.0,"phy_payload":"40…"}
    {"kind":"transmit","ms":…,"unix_ms":…,"token":7,"radio":"udp:…","freq_hz":…,"dr":3,"counter_us":…,"power_dbm":14,
     "phy_payload":"60…"}
    {"kind":"result","ms":…,"unix_ms":…,"token":7,"outcome":"sent"}

counter_us, rssi_dbm, snr_db are null as in `links.link`. New fields may be added; another layout is another number in
the header. PHYPayloads are as they were on the air, encrypted, and nothing else is written: no key can get in.
The file is 0600 all the same, since DevAddr and times tell who is where. Beyond its greatest size it becomes FILE.1,
in place of the one before.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from gateway.links.link import Outcome, Received, Transmit, TransmitResult

VERSION = 1
MAX_BYTES = 64 << 20  # some 250,000 frames: half a day of 5,000 devices, and no card fills up with two of them
FLUSH_MS = 1_000  # so much may be missing after a crash; each flush writes a page, and the card has ten years to live

_MAX_LINE = 4096  # five times the longest line; a file of another kind is not read into memory at once

Captured = Received | Transmit | TransmitResult


class CaptureError(ValueError):
    """A file that is not a capture, or of another version; the message says which."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. session: counts the headers before it from 0; *ms* of different sessions have nothing in common."""

    site: str
    session: int
    ms: int
    unix_ms: int | None
    captured: Captured


class Capture:
    """Appends to the capture at *path*, which it makes if need be; raises OSError when it cannot.

    Once open it raises nothing: a full disk must not stop the gateway. Then `error` says what happened, and nothing
    more is captured.
    """

    def __init__(self, path: Path, site: str, max_bytes: int = MAX_BYTES) -> None:
        self.error = ""
        self._path = path
        self._header = orjson.dumps({"lampyre_capture": VERSION, "site": site}) + b"\n"
        self._max_bytes = max_bytes
        self._flushed_ms = 0
        self._file: BinaryIO | None = self._open()

    def write(self, captured: Captured, now_ms: int, offset_ms: int | None) -> None:
        """Append one line. offset_ms: what makes Unix ms of *now_ms*, None while nobody knows."""
        if self._file is None:
            return
        unix_ms = None if offset_ms is None else now_ms + offset_ms
        line = orjson.dumps(_fields(captured, now_ms, unix_ms)) + b"\n"
        try:
            if self._size + len(line) > self._max_bytes:
                self._rotate()
            self._file.write(line)
            self._size += len(line)
            if now_ms - self._flushed_ms >= FLUSH_MS:
                self._flushed_ms = now_ms
                self._file.flush()
        except OSError as error:
            self._give_up(error)

    def flush(self) -> None:
        """Hand to the system what is still held back."""
        try:
            if self._file is not None:
                self._file.flush()
        except OSError as error:
            self._give_up(error)

    def close(self) -> None:
        """Flush and let go of the file."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)  # also of one that somebody made with another mask
        file = os.fdopen(descriptor, "ab")
        self._size = os.fstat(descriptor).st_size
        if self._size and os.pread(descriptor, 1, self._size - 1) != b"\n":
            file.write(b"\n")  # the last line was torn by a crash
        file.write(self._header)
        file.flush()
        self._size = os.fstat(descriptor).st_size
        return file

    def _rotate(self) -> None:
        assert self._file is not None
        self._file.close()
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        self._file = self._open()

    def _give_up(self, error: OSError) -> None:
        self.error = f"{self._path}: {error.strerror or error}; the capture ends here, the gateway goes on"
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        except OSError:
            return  # what it still held is lost with it


def read_capture(path: Path) -> Iterator[Line]:
    """The lines of one capture file, in their order; of a rotated pair FILE.1 is the older.

    Lines torn by a crash and kinds of newer versions are passed over. Raises CaptureError when the file does not begin
    as a capture does, or has a version not known here; OSError when it cannot be read.
    """
    site, session = "", -1
    with path.open("rb") as file:
        while raw := file.readline(_MAX_LINE):
            fields = _parsed(raw)
            if fields is not None and "lampyre_capture" in fields:
                if fields["lampyre_capture"] != VERSION:
                    raise CaptureError(
                        f"{path} is a capture of version {fields['lampyre_capture']!r}; this program reads {VERSION}"
                    )
                site, session = str(fields.get("site", "")), session + 1
            elif session < 0:
                raise CaptureError(f"{path} does not begin with a capture's header: is it one of Lampyre's captures?")
            elif fields is not None:
                line = _line(fields, site, session)
                if line is not None:
                    yield line


def _fields(captured: Captured, ms: int, unix_ms: int | None) -> dict[str, object]:
    if isinstance(captured, Received):
        return {
            "kind": "received",
            "ms": ms,
            "unix_ms": unix_ms,
            "radio": captured.radio,
            "freq_hz": captured.freq_hz,
            "dr": captured.dr,
            "counter_us": captured.counter_us,
            "rssi_dbm": captured.rssi_dbm,
            "snr_db": captured.snr_db,
            "phy_payload": captured.phy_payload.hex(),
        }
    if isinstance(captured, Transmit):
        return {
            "kind": "transmit",
            "ms": ms,
            "unix_ms": unix_ms,
            "token": captured.token,
            "radio": captured.radio,
            "freq_hz": captured.freq_hz,
            "dr": captured.dr,
            "counter_us": captured.counter_us,
            "power_dbm": captured.power_dbm,
            "phy_payload": captured.phy_payload.hex(),
        }
    return {
        "kind": "result",
        "ms": ms,
        "unix_ms": unix_ms,
        "token": captured.token,
        "outcome": captured.outcome.value,
    }


def _parsed(raw: bytes) -> dict[str, object] | None:
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def _line(fields: dict[str, object], site: str, session: int) -> Line | None:
    """What a whole line says; None for a kind not known here, or one that somebody has edited into nonsense."""
    try:
        captured = _captured(fields)
        if captured is None:
            return None
        return Line(site, session, _int(fields["ms"]), _int_or_none(fields["unix_ms"]), captured)
    except (KeyError, TypeError, ValueError):
        return None


def _captured(fields: dict[str, object]) -> Captured | None:
    kind = fields["kind"]
    if kind == "result":
        return TransmitResult(token=_int(fields["token"]), outcome=Outcome(fields["outcome"]))
    if kind not in ("received", "transmit"):
        return None
    radio, phy_payload = str(fields["radio"]), bytes.fromhex(str(fields["phy_payload"]))
    freq_hz, dr, counter_us = _int(fields["freq_hz"]), _int(fields["dr"]), _int_or_none(fields["counter_us"])
    if kind == "transmit":
        return Transmit(
            token=_int(fields["token"]),
            radio=radio,
            phy_payload=phy_payload,
            freq_hz=freq_hz,
            dr=dr,
            power_dbm=_int(fields["power_dbm"]),
            counter_us=counter_us,
        )
    snr_db = fields["snr_db"]
    return Received(
        radio=radio,
        phy_payload=phy_payload,
        freq_hz=freq_hz,
        dr=dr,
        counter_us=counter_us,
        rssi_dbm=_int_or_none(fields["rssi_dbm"]),
        snr_db=float(snr_db) if isinstance(snr_db, int | float) else None,
    )


def _int(value: object) -> int:
    if type(value) is not int:
        raise TypeError
    return value


def _int_or_none(value: object) -> int | None:
    return None if value is None else _int(value)
