"""The list of what was commissioned where: CSV, a line for each node, for whoever looks after the town's things."""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from boards import kept
from boards.causes import BoardError, Cause

COLUMNS = (
    *("time", "dev_eui", "name", "board", "role", "place", "zone", "latitude_deg", "longitude_deg"),
    *("chip_mac", "micropython", "firmware", "registered", "self_test"),
)


def add(path: Path, **cells: object) -> None:
    """Add a line, and the header if the file is new; not one that says the same as another. Raises BoardError."""
    assert set(cells) <= set(COLUMNS)
    cells.setdefault("time", datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        with kept.alone(path, wait_s=kept.WAIT_S):
            header = _line(dict(zip(COLUMNS, COLUMNS, strict=True)))
            before = path.read_text(encoding="utf-8") if path.exists() else header
            line = _line(cells)
            if not any(_untimed(each) == _untimed(line) for each in before.splitlines()):
                kept.write(path, (before + line).encode())
    except (OSError, ValueError, csv.Error) as error:
        detail = getattr(error, "strerror", None) or "is no CSV"
        raise BoardError(Cause.FILE_WRONG, path=path, detail=detail) from error


def _untimed(line: str) -> str:
    return line.strip().partition(",")[2]


def _line(cells: Mapping[str, object]) -> str:
    out = io.StringIO()
    values = ["" if cells.get(name) is None else str(cells[name]) for name in COLUMNS]
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()
