"""Opening the gateway's one SQLite file, with the settings that make a commit durable and keep the file small.

One process has the file, one connection of it writes and checkpoints; SQLite up to 3.51.2 could lose committed rows
when two did (facts/reliability.md §0.2). Others of the process may read, in short pages.
"""

import os
from pathlib import Path

import apsw

from gateway.store.faults import FaultKind, StoreError
from gateway.store.rows import fetch

PAGE_SIZE = 1024  # a commit writes whole pages: of 4 KiB it would write four times as much for a counter
CACHE_KIB = 2048  # every counter page of 5,000 devices stays in memory
READ_CACHE_KIB = 256  # a reader goes forward through what was just written, which the system holds in memory anyway
WAL_PAGES = 4096  # checkpoint at 4 MiB of log: each page goes to the card once in some 300 commits, not at each
WAL_BYTES = 4 << 20  # what stays of the log after a checkpoint: overwritten in place, no new blocks to note
BUSY_MS = 5000  # a reader never holds a lock for so long
_FIRST_FIXED_SQLITE = (3, 51, 3)
_BACKPORTED = ((3, 50, 7), (3, 44, 6))


class FileLock:
    """The right to use a database, held as a lock on the file beside it until `close` or the end of the process."""

    def __init__(self, database: Path) -> None:
        """Raises StoreError when another process has it, with that process's number."""
        import fcntl  # here, because Windows has none: simulations run there, on databases that are locked by nobody

        self._path = database.with_name(database.name + ".lock")
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(FaultKind.READ_ONLY, f"{self._path}: cannot be opened to lock: {error.strerror}") from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreError(
                FaultKind.IN_USE,
                f"{database}: in use by process {owner}, a gateway that runs or a command that is not done;"
                " stop it (`systemctl stop lampyre-gateway`) or ask the running gateway",
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def close(self) -> None:
        """Let another process have the database."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def open_database(
    path: Path | str, *, durable: bool = True, max_bytes: int | None = None, vfs: str | None = None
) -> apsw.Connection:
    """Open or create the file to write it; ":memory:" for one that ends with the process.

    The folder is made 0700 and the file 0600, as it holds keys. durable: False leaves out the physical sync, for runs
    in virtual time; code and transactions stay the same. max_bytes: what the file may grow to. vfs: SQLite's way to
    the files, for tests. Raises OSError or, with SQLite's reason, apsw.Error when the file cannot be used, StoreError
    when this SQLite is one that loses data.
    """
    _refuse_faulty_sqlite()
    if path != ":memory:":
        _make_private(Path(path))
    database = apsw.Connection(str(path), vfs=vfs)
    database.set_busy_timeout(BUSY_MS)
    if not database.pragma("page_count"):
        database.pragma("page_size", PAGE_SIZE)
        database.pragma("auto_vacuum", 2)  # INCREMENTAL; after journal_mode it would be ignored without a word
    database.pragma("journal_mode", "WAL")
    database.pragma("synchronous", "FULL" if durable else "OFF")
    database.pragma("journal_size_limit", WAL_BYTES)
    database.pragma("wal_autocheckpoint", 0)  # whoever commits checkpoints when nobody waits for an answer
    database.pragma("cache_size", -CACHE_KIB)
    database.pragma("mmap_size", 0)  # an error of the card would be a signal that kills the process
    database.pragma("temp_store", 2)  # in memory: no other files to be full or to be left behind
    database.pragma("foreign_keys", True)
    if max_bytes is not None:
        database.pragma("max_page_count", max(1, max_bytes // PAGE_SIZE))
    return database


def read_database(path: Path | str, *, vfs: str | None = None) -> apsw.Connection:
    """Open a file that exists, only to read: a file that turns out not to be a gateway's stays as it is.

    Fetch whole pages of rows: a statement left open holds the log, which then grows with every commit.
    Raises apsw.Error with SQLite's reason when the file cannot be used.
    """
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY, vfs=vfs)
    try:
        database.set_busy_timeout(BUSY_MS)
        database.pragma("cache_size", -READ_CACHE_KIB)  # the first look at the schema
    except apsw.Error:
        database.close(True)
        raise
    return database


def quick_check(database: apsw.Connection) -> str | None:
    """What SQLite finds wrong with the file's structure, its first finding; None: nothing."""
    try:
        [(finding,)] = fetch(database, "PRAGMA quick_check(1)")
    except (apsw.CorruptError, apsw.NotADBError) as error:
        return str(error)
    return None if finding == "ok" else str(finding)


def checkpoint(database: apsw.Connection, *, whole: bool = False) -> int:
    """Bring the log's pages home; returns how many stay in the log because somebody reads an older state.

    whole: also wait for readers, up to BUSY_MS, and cut the log to nothing.
    """
    mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if whole else apsw.SQLITE_CHECKPOINT_PASSIVE
    in_log, home = database.wal_checkpoint(mode=mode)
    return max(0, in_log - home)


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The mode is given at creation: a key must not be readable for the moment before a chmod.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for file in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        if file.exists() and file.stat().st_mode & 0o077:
            file.chmod(0o600)


def _refuse_faulty_sqlite() -> None:
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version >= _FIRST_FIXED_SQLITE or any(fixed <= version < (*fixed[:2], 99) for fixed in _BACKPORTED):
        return
    raise StoreError(
        FaultKind.OTHER,
        f"SQLite {apsw.sqlite_lib_version()} can lose committed rows (sqlite.org/wal.html, the WAL-reset bug);"
        " install apsw 3.51.3 or newer from PyPI, which brings its own SQLite",
    )
