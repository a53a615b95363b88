"""What is logged, and how much of it: refusals, changes of state and a summary per minute, bounded per reason.

A line per uplink would cost more than its commit, and wear the card. Under systemd the journal has the time already.
"""

import logging
import os
import sys
import time
from collections.abc import Callable

PER_MINUTE = 10  # lines of one kind; the flood of a jammer or of a wrong key is counted, not written
KINDS_MAX = 500  # kinds counted in a minute; those beyond share one budget, so that the table stays small
_WINDOW_S = 60.0


class RateLimit(logging.Filter):
    """Lets PER_MINUTE lines of a kind through, then says once that more are kept back. Errors always pass.

    The kind is `extra={"kind": …}`, such as the reason of a refusal, else the line's format and its first argument,
    such as an alarm's name: a full disk fails every commit, and must not be written to about each.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()
        self._counts: dict[str, int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* is written."""
        if record.levelno >= logging.ERROR:
            return True
        now = self._clock()
        if now - self._began >= _WINDOW_S:
            self._began = now
            self._counts.clear()
        kind = _kind(record)
        if kind not in self._counts and len(self._counts) >= KINDS_MAX:
            kind = "others"
        count = self._counts.get(kind, 0) + 1
        self._counts[kind] = count
        if count == PER_MINUTE:
            record.msg = f"{record.msg} (more of this kind are counted, not written, for the rest of the minute)"
        return count <= PER_MINUTE


def _kind(record: logging.LogRecord) -> str:
    if (kind := getattr(record, "kind", None)) is not None:
        return str(kind)
    first = record.args[0] if isinstance(record.args, tuple) and record.args else ""
    return f"{record.msg}|{first}"


class OneLine(logging.Formatter):
    """A line is a line: what the air or a user sent cannot begin another one, or colour a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback follows on lines of its own."""
        text = super().format(record)
        return (
            "\n".join(
                "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
                for line in text.split("\n")
            )
            if record.exc_info
            else _printable(text)
        )


def _printable(text: str) -> str:
    return "".join(
        char if char.isprintable() else " " if char in "\r\n\t" else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def set_up(level: int = logging.INFO) -> None:
    """Log to stderr: with journal's level prefixes under systemd, else with the time."""
    under_systemd = "JOURNAL_STREAM" in os.environ
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Journal() if under_systemd else OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


class _Journal(OneLine):
    """`<6>name: message`, which the journal takes apart (sd-daemon(3))."""

    _PRIORITIES = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line with its priority."""
        priority = next(number for level, number in self._PRIORITIES if record.levelno >= level)
        return f"<{priority}>{super().format(record)}"
