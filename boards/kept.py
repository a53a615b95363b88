"""Files of ours on the laptop: for this user's eyes alone, whole or not at all, and one writer at a time."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from boards.causes import BoardError, Cause

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700

_threads = threading.Lock()
_held: set[str] = set()


def write(path: Path, data: bytes) -> None:
    """Replace a file in one step: a power cut leaves the old or the new one. Raises OSError."""
    folder(path.parent)
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if os.name != "nt":  # Windows cannot open a folder, and needs not to
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def folder(path: Path) -> Path:
    """Make a folder unless it is there; one of our making is for this user alone."""
    path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def alone(path: Path, busy: BoardError | None = None, wait: bool = False) -> Iterator[None]:
    """Be the only one, among threads and processes, who has *path*; the end of a process lets go of it.

    wait: until the others have ended; else raises *busy*, or FILE_BUSY.
    """
    busy = busy or BoardError(Cause.FILE_BUSY, path=path)
    lock = folder(path.parent) / f".{path.name}.lock"
    key = str(lock.resolve())
    if wait:
        with _threads, lock.open("ab") as file:
            _lock(file, True, busy)
            yield
        return
    with _threads:
        if key in _held:
            raise busy
        _held.add(key)
    try:
        with lock.open("ab") as file:
            _lock(file, False, busy)
            yield
    finally:
        with _threads:
            _held.discard(key)


def _lock(file: IO[bytes], wait: bool, busy: BoardError) -> None:
    """Take the system's lock on a file, which goes when it is closed."""
    try:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            file.seek(0)
            lock = getattr(msvcrt, "locking")  # noqa: B009 - which mypy does not know on other systems
            lock(file.fileno(), getattr(msvcrt, "LK_LOCK" if wait else "LK_NBLCK"), 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise busy from error
