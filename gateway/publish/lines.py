"""Publishing as JSON lines: a message a line, in the order of acceptance."""

import json
from collections.abc import Iterable
from typing import Any, TextIO

from gateway.publish.messages import Messenger
from gateway.readings.record import Record


def to_line(message: dict[str, Any]) -> str:
    """A message as a line, with its end."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False) + "\n"


def publish_lines(rows: Iterable[tuple[int, Record]], messenger: Messenger, out: TextIO) -> int | None:
    """Write the messages of *rows* (id, record); returns the last row's id, None without any.

    A record whose time cannot be told yet is left out. Raises UnreadableRecordError.
    """
    last = None
    for last, record in rows:
        for message in messenger.messages_of(last, record) or ():
            out.write(message.payload.decode() + "\n")
    return last
