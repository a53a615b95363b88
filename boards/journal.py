"""The list of what was commissioned where: CSV, a line for each node, for whoever looks after the town's things."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

from boards import kept
from boards.causes import BoardError, Cause

COLUMNS = (
    *("time", "dev_eui", "name", "board", "role", "place", "zone", "latitude_deg", "longitude_deg"),
    *("chip_mac", "micropython", "firmware", "registered", "self_test"),
)


def add(path: Path, **cells: object) -> None:
    """Add a line, and the header if the file is new; a node that has one already gets no other. Raises BoardError."""
    assert set(cells) <= set(COLUMNS)
    cells.setdefault("time", datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        with kept.alone(path, wait=True):
            before = path.read_text(encoding="utf-8") if path.exists() else _line(dict(zip(COLUMNS, COLUMNS, strict=True)))
            if any(str(row.get("dev_eui")) == cells["dev_eui"] for row in csv.DictReader(io.StringIO(before))):
                return
            kept.write(path, (before + _line(cells)).encode())
    except (OSError, ValueError, csv.Error) as error:
        detail = getattr(error, "strerror", None) or "is no CSV"
        raise BoardError(Cause.FILE_WRONG, path=path, detail=detail) from error


def _line(cells: dict[str, object] | dict[str, str]) -> str:
    out = io.StringIO()
    values = ["" if cells.get(name) is None else str(cells[name]) for name in COLUMNS]
    csv.writer(out, lineterminator="\n").writerow(values)
    return out.getvalue()
