"""The flash of a virtual node: a folder of files in memory; it may wear out, or lose power in the middle of a write."""

import errno
from collections.abc import Callable


class PowerCut(Exception):  # noqa: N818 - it is one
    """The power went in the middle of a write."""


class MemoryFiles:
    """What `firmware/store/log.py` asks of a disk, without one.

    refuses: asked before each write whether the flash is too worn for it; None: it never is. tears: the next write
    keeps its first half only, and the power goes.
    """

    __slots__ = ("_files", "refuses", "tears")

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self.refuses: Callable[[], bool] | None = None
        self.tears = False

    def names(self) -> list[str]:
        """The names of all files."""
        return list(self._files)

    def read(self, name: str) -> bytes:
        """All of a file. Raises OSError if there is none of this name."""
        if name not in self._files:
            raise FileNotFoundError(name)
        return self._files[name]

    def append(self, name: str, data: bytes) -> None:
        """Write behind what the file has, or into a new one. Raises OSError (EIO) or PowerCut when a fault has it."""
        if self.tears:
            self.tears = False
            self._files[name] = self._files.get(name, b"") + data[: len(data) // 2]
            raise PowerCut
        if self.refuses is not None and self.refuses():
            raise OSError(errno.EIO, "the flash is worn")
        self._files[name] = self._files.get(name, b"") + data

    def remove(self, name: str) -> None:
        """Delete a file."""
        del self._files[name]
