"""A NOR flash with littlefs on it, whose power can be cut in the middle of any operation."""

import random

import littlefs
from littlefs import lfs
from littlefs.context import UserContext
from littlefs.lfs import LFSFileFlag

from tests.firmware.store.disks import PowerCut

# As MicroPython's VfsLfs2 mounts it on an ESP32: 32 bytes per read and write, a cache of four of them, blocks of 4 kB.
BLOCK_LEN = 4096
IO_ERROR = -5  # LFS_ERR_IO
GEOMETRY = {
    "block_size": BLOCK_LEN,
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
    "block_cycles": 100,
}


class Flash(UserContext):
    """The chip: ones until programmed, erased by the block.

    cut_in: programs and erasures that still succeed before the power goes in the middle of one; None: it stays.
    off: the power is gone; all that is asked is refused. programmed (bytes) and erased (blocks) so far.
    """

    def __init__(self, blocks: int, rng: random.Random) -> None:
        super().__init__(blocks * BLOCK_LEN)
        self.rng = rng
        self.cut_in: int | None = None
        self.off = False
        self.programmed = 0
        self.erased = 0

    def power_on(self) -> None:
        self.off = False
        self.cut_in = None

    def read(self, cfg, block, off, size):
        start = block * BLOCK_LEN + off
        return bytearray(size) if self.off else self.buffer[start : start + size]

    def prog(self, cfg, block, off, data):
        start = block * BLOCK_LEN + off
        if self.off:
            return IO_ERROR
        assert self.buffer[start : start + len(data)] == b"\xff" * len(data), "programmed twice"
        if self._lasts():
            self.buffer[start : start + len(data)] = data
            self.programmed += len(data)
            return 0
        done = self.rng.randrange(len(data))
        self.buffer[start : start + done] = data[:done]
        self.buffer[start + done] = data[done] | self.rng.randrange(256)  # some bits of the byte under way
        return IO_ERROR

    def erase(self, cfg, block):
        if self.off:
            return IO_ERROR
        start = block * BLOCK_LEN
        if self._lasts():
            self.buffer[start : start + BLOCK_LEN] = b"\xff" * BLOCK_LEN
            self.erased += 1
            return 0
        for at in range(start, start + BLOCK_LEN, self.rng.choice([1, 16, 128])):
            self.buffer[at] |= self.rng.randrange(256)  # bits on their way to one
        return IO_ERROR

    def _lasts(self) -> bool:
        """Whether the power lasts for one operation more."""
        if self.cut_in is not None:
            self.cut_in -= 1
            self.off = self.cut_in < 0
        return not self.off


class LittleFiles:
    """`firmware/store/files.py` for one folder of littlefs on a `Flash`; raises PowerCut once the power is gone.

    littlefs is called without the Python layer: after a cut nothing must close the file that was open.
    """

    def __init__(self, flash: Flash, folder: str = "log") -> None:
        self.flash = flash
        self.folder = folder
        self.config = lfs.LFSConfig(context=flash, block_count=len(flash.buffer) // BLOCK_LEN, **GEOMETRY)
        self.fs = lfs.LFSFilesystem()

    def format(self):
        lfs.format(self.fs, self.config)
        self.mount()
        lfs.mkdir(self.fs, self.folder)

    def mount(self):
        lfs.mount(self.fs, self.config)

    def names(self):
        folder = self._call(lfs.dir_open, self.folder)
        names = []
        while (entry := self._call(lfs.dir_read, folder)) is not None:
            names.append(entry.name)
        self._call(lfs.dir_close, folder)
        return [name for name in names if name not in (".", "..")]

    def read(self, name):
        file = self._call(lfs.file_open, f"{self.folder}/{name}", LFSFileFlag.rdonly)
        data = self._call(lfs.file_read, file, self._call(lfs.file_size, file))
        self._call(lfs.file_close, file)
        return data

    def append(self, name, data):
        flags = LFSFileFlag.wronly | LFSFileFlag.creat | LFSFileFlag.append
        file = self._call(lfs.file_open, f"{self.folder}/{name}", flags)
        self._call(lfs.file_write, file, data)
        self._call(lfs.file_close, file)

    def remove(self, name):
        self._call(lfs.remove, f"{self.folder}/{name}")

    def _call(self, function, *arguments):
        try:
            result = function(self.fs, *arguments)
        except littlefs.LittleFSError as error:
            if self.flash.off:
                raise PowerCut from error
            raise OSError(-error.code, str(error)) from error
        if self.flash.off:  # in an operation whose failure littlefs shrugged off
            raise PowerCut
        return result
