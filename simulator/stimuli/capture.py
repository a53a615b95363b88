"""Frames that a real gateway heard and wrote down (`lampyre gateway run --capture`), heard again at any speed.

The format is the gateway's and described there (`gateway/links/capture.py`); this side reads what was received and
needs to know where a file is broken, which the gateway does not.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from simulator.scenario.model import CaptureSpec

_VERSION = 1
_MOST_LINE = 4096  # as the gateway's reader has it
_SHOWN = 40


class CaptureError(ValueError):
    """A capture that is broken or cut short; the message names file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedFrame:
    """An uplink as a radio received it. line: of the file. ms: of the gateway's clock, anew with each *session*."""

    line: int
    session: int
    ms: int
    unix_ms: int | None
    radio: str
    freq_hz: int
    dr: int
    counter_us: int | None
    rssi_dbm: int | None
    snr_db: float | None
    phy_payload: bytes


def captured_frames(path: Path) -> Iterator[CapturedFrame]:
    """The uplinks of a capture, in its order.

    A line that a crash of the gateway tore, which a new session follows, is passed over. Raises CaptureError at the
    first line that is broken otherwise; what comes before it was yielded. So it is with a file that was cut short.
    """
    session = -1
    torn: CaptureError | None = None
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(_MOST_LINE):
                number += 1
                fields = _fields(raw)
                if fields is not None and "lampyre_capture" in fields:
                    if fields["lampyre_capture"] != _VERSION:
                        version = fields["lampyre_capture"]
                        raise CaptureError(f"{path}, line {number}: version {version!r}; this program reads {_VERSION}")
                    session += 1
                    torn = None
                elif session < 0:
                    raise CaptureError(f"{path}, line {number}: no capture's header; is it one of Lampyre's captures?")
                elif torn is not None:
                    raise torn
                elif fields is None:
                    torn = _broken(path, number, raw)
                elif fields.get("kind") == "received":
                    yield _frame(path, number, session, fields)
    except OSError as error:
        raise CaptureError(f"{path}: cannot be read: {error.strerror or error}") from None
    if torn is not None:
        raise torn
    if session < 0:
        raise CaptureError(f"{path} is empty; a capture begins with a header")


def played(spec: CaptureSpec) -> Iterator[tuple[int, CapturedFrame]]:
    """What a scenario asks for: each frame with the virtual µs at which its gateway hears it. Raises CaptureError."""
    return paced(captured_frames(spec.file), int(spec.from_s * 1_000_000), spec.speed)


def paced(frames: Iterable[CapturedFrame], start_us: int, speed: float = 1.0) -> Iterator[tuple[int, CapturedFrame]]:
    """Each frame with the virtual µs at which it is heard: the first at *start_us*, *speed* times as fast as it was.

    Between sessions passes as much time as the wall clock said, and none where it did not know.
    """
    passed_ms = 0  # of the original, up to the frame before
    before: CapturedFrame | None = None
    for frame in frames:
        if before is not None:
            passed_ms += max(0, _between_ms(before, frame))
        before = frame
        yield start_us + round(passed_ms * 1000 / speed), frame


def _between_ms(before: CapturedFrame, frame: CapturedFrame) -> int:
    if before.session == frame.session:
        return frame.ms - before.ms
    if before.unix_ms is None or frame.unix_ms is None:
        return 0
    return frame.unix_ms - before.unix_ms


def _fields(raw: bytes) -> dict[str, object] | None:
    try:
        fields = json.loads(raw)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _broken(path: Path, number: int, raw: bytes) -> CaptureError:
    if not raw.endswith(b"\n") and len(raw) < _MOST_LINE:
        return CaptureError(
            f"{path}, line {number}: the file ends in the middle of this line; it was cut short, and is replayed up "
            "to here: copy it again, or delete the line"
        )
    text = raw[:_SHOWN].decode("utf-8", "replace").strip()
    return CaptureError(f"{path}, line {number}: no JSON object: {text!r}…; delete the line")


def _frame(path: Path, number: int, session: int, fields: dict[str, object]) -> CapturedFrame:
    try:
        snr_db = fields["snr_db"]
        if snr_db is not None and not isinstance(snr_db, int | float):
            raise TypeError(f"snr_db is {snr_db!r}")
        return CapturedFrame(
            line=number,
            session=session,
            ms=_whole(fields, "ms"),
            unix_ms=_whole_or_none(fields, "unix_ms"),
            radio=str(fields["radio"]),
            freq_hz=_whole(fields, "freq_hz"),
            dr=_whole(fields, "dr"),
            counter_us=_whole_or_none(fields, "counter_us"),
            rssi_dbm=_whole_or_none(fields, "rssi_dbm"),
            snr_db=None if snr_db is None else float(snr_db),
            phy_payload=bytes.fromhex(str(fields["phy_payload"])),
        )
    except KeyError as error:
        raise CaptureError(f"{path}, line {number}: {error.args[0]} is missing; delete the line") from None
    except TypeError as error:
        raise CaptureError(f"{path}, line {number}: {error}; expected a number") from None
    except ValueError:
        text = str(fields["phy_payload"])[:_SHOWN]
        raise CaptureError(f"{path}, line {number}: phy_payload is '{text}'; expected pairs of hex digits") from None


def _whole(fields: dict[str, object], name: str) -> int:
    value = fields[name]
    if type(value) is not int:
        raise TypeError(f"{name} is {str(value)[:_SHOWN]!r}")
    return value


def _whole_or_none(fields: dict[str, object], name: str) -> int | None:
    return None if fields[name] is None else _whole(fields, name)
