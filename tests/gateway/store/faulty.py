"""A disk that fails on purpose: at the nth write, sync or truncation, once or until it is mended."""

import itertools

import apsw

_NUMBERS = itertools.count()


class FaultyDisk:
    """Counts operations; `fail_at` and the *width* after it raise *error* (apsw.FullError, apsw.IOError)."""

    def __init__(self) -> None:
        self.name = f"faulty-{next(_NUMBERS)}"
        self.count = 0
        self.fail_at: int | None = None
        self.width = 1
        self.error: type[apsw.Error] = apsw.IOError
        self.hits = 0
        self._vfs = _Vfs(self)

    def operation(self, grows: int = 0) -> None:
        """An operation that makes its file longer by so many bytes."""
        self.count += 1
        if self.fail_at is not None and self.fail_at <= self.count < self.fail_at + self.width:
            self.hits += 1
            raise self.error("failed on purpose")


class _Vfs(apsw.VFS):
    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__(disk.name, "unix")

    def xOpen(self, name, flags):
        return _File(self._disk, name, flags)

    def excepthook(self, *_error):
        return True  # SQLite asks for no more than the code of an error made here


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name, flags) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data, offset):
        self._disk.operation(offset + len(data) - self.xFileSize())
        super().xWrite(data, offset)

    def xTruncate(self, newsize):
        self._disk.operation()
        super().xTruncate(newsize)

    def xSync(self, flags):
        self._disk.operation()

    def excepthook(self, *_error):
        return True
