"""Why this run began: a small file beside the database says whether the one before came to its end, and how.

What ends a process from outside leaves no word: a watchdog, `kill -9` and a crash look alike from here (the journal
tells them apart), but the kernel's boot id shows whether the machine was restarted meanwhile.
"""

import logging
from pathlib import Path

from gateway.store.files import write_private

FIRST = "first start"
STOPPED = "started again after an orderly stop"
MACHINE = "the machine restarted without an orderly stop: a power cut, or a reset"
KILLED = "the process ended without an orderly stop: killed, by the watchdog too, or crashed; the journal tells"
_RUNNING, _STOPPED, _FAILED = "running", "stopped", "failed"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")  # random(4): another one after each boot
_MOST = 500  # characters of a sentence

_log = logging.getLogger(__name__)


class LastRun:
    """The file at *path*. It is a help and not a need: where it cannot be written, the gateway runs without."""

    def __init__(self, path: Path, boot_id: Path = _BOOT_ID) -> None:
        self._path = path
        self._boot_id = boot_id

    def begin(self) -> str:
        """A run begins; why, as far as anybody can tell, as a sentence."""
        boot_id = _read(self._boot_id).strip()
        how, _, detail = _read(self._path).strip().partition(" ")
        self._write(f"{_RUNNING} {boot_id}")
        if how == _STOPPED:
            return STOPPED
        if how == _FAILED:
            return f"the gateway had ended itself: {detail}"
        if how == _RUNNING:
            return KILLED if detail == boot_id else MACHINE
        return FIRST

    def end(self, failure: str | None) -> None:
        """It ends as it should, or by itself, for the reason that the sentence *failure* says."""
        self._write(_STOPPED if failure is None else f"{_FAILED} {' '.join(failure.split())[:_MOST]}")

    def _write(self, text: str) -> None:
        try:
            write_private(self._path, text.encode())
        except OSError as error:
            _log.warning("%s: cannot be written: %s; why the next start began will not be known", self._path, error)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
