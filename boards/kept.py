"""Files of ours on the laptop: for this user's eyes alone, whole or not at all, and one writer at a time."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from boards.causes import BoardError, Cause

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700

WAIT_S = 30.0  # for others who write the same file: each of forty boards needs some ms
_AGAIN_S = 0.02

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
def alone(path: Path, busy: BoardError | None = None, wait_s: float = 0.0) -> Iterator[None]:
    """Be the only one, among threads and processes, who has *path*; the end of a process lets go of it.

    wait_s: so long others may have it; then *busy*, or FILE_BUSY, is raised: one who was stopped in the midst of it,
    or a share on the network, may have it for ever.
    """
    lock = folder(path.parent) / f".{path.name}.lock"
    key = str(lock.resolve())
    until_s = time.monotonic() + wait_s
    while (file := _taken(lock, key)) is None:
        if time.monotonic() >= until_s:
            raise busy or BoardError(Cause.FILE_BUSY, path=path)
        time.sleep(_AGAIN_S)
    try:
        yield
    finally:
        _let_go(file, key)


def _taken(lock: Path, key: str) -> IO[bytes] | None:
    """The lock's file, None if another has it."""
    with _threads:
        if key in _held:
            return None
        _held.add(key)
    file = None
    try:
        file = lock.open("ab")
        _lock(file)
    except BaseException as error:
        _let_go(file, key)
        if file is not None and isinstance(error, OSError):
            return None
        raise
    return file


def _let_go(file: IO[bytes] | None, key: str) -> None:
    if file is not None:
        file.close()
    with _threads:
        _held.discard(key)


def _lock(file: IO[bytes]) -> None:
    """Take the system's lock on a file, which goes when it is closed. Raises OSError: another has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        lock = getattr(msvcrt, "locking")  # noqa: B009 - which mypy does not know on other systems
        lock(file.fileno(), getattr(msvcrt, "LK_NBLCK"), 1)  # noqa: B009
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
