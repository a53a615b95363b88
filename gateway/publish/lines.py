"""Publishing as JSON lines: one record a line, appended in the order of acceptance."""

import json
from typing import Any, TextIO

from gateway.store.records import RecordStore


def to_line(message: dict[str, Any]) -> str:
    """One record as a line, with its end."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False) + "\n"


def publish_lines(store: RecordStore, out: TextIO, after: int = 0) -> int:
    """Write the records with an id above *after*; returns the last id written, the cursor for the next call."""
    for row_id, message in store.messages(after):
        out.write(to_line(message))
        after = row_id
    return after
