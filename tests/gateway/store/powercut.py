"""Power cuts: a layer between SQLite and the disk that remembers what was synced, and makes every disk a cut may leave.

Model (facts/reliability.md §8): what was written to a file before its last finished sync is there; of what came later,
nothing, all, or any part may be, the last write torn at a sector of 512 bytes. A rename or delete is as it happened.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apsw

SECTOR = 512
_NUMBERS = itertools.count()


@dataclass(frozen=True, slots=True)
class Op:
    """What happened to the file with this name ending: "write", "truncate", "sync" or "delete"."""

    what: str
    suffix: str
    offset: int = 0
    data: bytes = b""


class Disk:
    """Logs all that SQLite does to the files of one database from now on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.vfs = f"powercut-{next(_NUMBERS)}"
        self.log: list[Op] = []
        self._before = {
            suffix: self._file(suffix).read_bytes() for suffix in ("", "-wal") if self._file(suffix).exists()
        }
        self._vfs = _Vfs(self)

    def note(self, name: str, op: str, offset: int = 0, data: bytes = b"") -> None:
        suffix = name.removeprefix(str(self.path))
        if suffix in ("", "-wal", "-journal"):
            self.log.append(Op(op, suffix, offset, data))

    def image(self, ops: int, folder: Path, dice: random.Random | None, share: float) -> Path:
        """Write the files as a cut after so many operations may leave them; returns the database's path.

        share: of what was not synced, 0 none, 1 all; in between each write is there or not as *dice* has it.
        """
        synced: dict[str, int] = {}
        for index, op in enumerate(self.log[:ops]):
            if op.what == "sync":
                synced[op.suffix] = index
        files = {suffix: bytearray(content) for suffix, content in self._before.items()}
        for index, op in enumerate(self.log[:ops]):
            late = index > synced.get(op.suffix, -1)
            if late and (share == 0 or (0 < share < 1 and dice is not None and dice.random() > share)):
                continue
            torn = late and dice is not None and index == ops - 1
            _apply(files, op, dice.randrange(0, len(op.data) + 1, SECTOR) if torn and dice else len(op.data))
        path = folder / self.path.name
        for suffix in ("", "-wal", "-journal", "-shm"):
            file = folder / (self.path.name + suffix)
            file.unlink(missing_ok=True)
            if suffix in files:
                file.write_bytes(files[suffix])
        return path

    def images(self, folder: Path, dice: random.Random, step: int = 1) -> Iterator[tuple[int, Path]]:
        """None, all and part of what was not synced, at every step-th operation; with how many were done before."""
        for ops in range(0, len(self.log) + 1, step):
            for share in (0, 1, 0.5):
                yield ops, self.image(ops, folder, dice if share == 0.5 else None, share)

    def _file(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)


def _apply(files: dict[str, bytearray], op: Op, length: int) -> None:
    if op.what == "delete":
        files.pop(op.suffix, None)
        return
    content = files.setdefault(op.suffix, bytearray())
    if op.what == "truncate":
        del content[op.offset :]
        content.extend(bytes(op.offset - len(content)))
    elif op.what == "write":
        data = op.data[:length]
        content.extend(bytes(max(0, op.offset - len(content))))
        content[op.offset : op.offset + len(data)] = data


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.vfs, "unix")

    def xOpen(self, name, flags):
        return _File(self._disk, name, flags)

    def xDelete(self, filename, syncdir):
        super().xDelete(filename, syncdir)
        self._disk.note(filename, "delete")


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name, flags) -> None:
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("unix", name, flags)

    def xWrite(self, data, offset):
        super().xWrite(data, offset)
        self._disk.note(self._name, "write", offset, bytes(data))

    def xTruncate(self, newsize):
        super().xTruncate(newsize)
        self._disk.note(self._name, "truncate", newsize)

    def xSync(self, flags):
        # The log of operations is what counts; the test's own disk need not spin.
        self._disk.note(self._name, "sync")
