"""Files beside the database: written whole or not at all, and set aside rather than deleted."""

import os
from pathlib import Path

_PARTS = ("", "-wal", "-shm")  # SQLite finds the log of a file by its name


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at *path* by *content*, 0600, so that a power cut leaves the old or the new one."""
    partial = path.with_name(path.name + ".part")
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were made, changed or deleted in *folder* survive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def set_aside(path: Path, why: str) -> Path:
    """Rename what there is of a database and its log to `<name>.<why>` (or `…-2` and so on); returns the new path."""
    aside = path.with_name(f"{path.name}.{why}")
    count = 1
    while aside.exists():
        count += 1
        aside = path.with_name(f"{path.name}.{why}-{count}")
    # The database first: its log beside another file would be a disaster, but without it nothing is opened here.
    for part in _PARTS:
        source = path.with_name(path.name + part)
        if source.exists():
            source.replace(aside.with_name(aside.name + part))
    sync_folder(path.parent)
    return aside


def put_in_place(rebuilt: Path, path: Path, why: str) -> Path | None:
    """Set aside what is at *path* and put *rebuilt* there; returns where the old one is, None: there was none.

    *rebuilt* is one whole file. A power cut in between is finished by the next call.
    """
    old = any(path.with_name(path.name + part).exists() for part in _PARTS)
    aside = set_aside(path, why) if old else None
    rebuilt.replace(path)
    sync_folder(path.parent)
    return aside


def rebuilt_name(path: Path) -> Path:
    """Where a file that is whole waits to be put in place of the database at *path*."""
    return path.with_name(path.name + ".rebuilt")


def exists(path: Path) -> bool:
    """Whether there is a database with anything in it."""
    return path.exists() and path.stat().st_size > 0
