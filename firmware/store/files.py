"""One folder of small files, on MicroPython's littlefs and on any computer: what log and slots ask of a disk."""

import os
from hashlib import sha256

from protocol.compat import const, on_demand

_FOLDER = const(0x4000)  # in the first word of os.stat, on both Pythons
_CHUNK_LEN = const(512)


class Files:
    """The files of *folder*, which is made if it is missing. Every method may raise OSError."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            os.mkdir(folder)
        except OSError:
            os.listdir(folder)  # it is there already, or this says what is wrong

    @on_demand
    def names(self) -> list[str]:
        """The names of all files, in no order."""
        return os.listdir(self._folder)

    @on_demand
    def read(self, name: str) -> bytes:
        """All of a file."""
        with open(self._folder + "/" + name, "rb") as file:
            return file.read()

    def append(self, name: str, data: bytes) -> None:
        """Write *data* behind what the file has, or into a new one; it is on the flash when this returns."""
        with open(self._folder + "/" + name, "ab") as file:
            file.write(data)
            file.flush()  # littlefs commits here: all of *data* or nothing of it
            if hasattr(os, "fsync"):  # CPython, where flush reaches the kernel only
                os.fsync(file.fileno())

    @on_demand
    def remove(self, name: str) -> None:
        """Delete a file."""
        os.remove(self._folder + "/" + name)

    @on_demand
    def walk(self) -> list[str]:
        """The paths of all files here and in the folders below, in no order."""
        found = []
        todo = [""]
        while todo:
            folder = todo.pop()
            for name in os.listdir(self._folder + folder):
                path = folder + "/" + name
                if os.stat(self._folder + path)[0] & _FOLDER:
                    todo.append(path)
                else:
                    found.append(path[1:])
        return found

    @on_demand
    def digest(self, name: str) -> bytes:
        """The SHA-256 of a file, of which a chunk at a time is in memory."""
        state = sha256()
        chunk = bytearray(_CHUNK_LEN)
        with open(self._folder + "/" + name, "rb") as file:
            while True:
                count = file.readinto(chunk)
                if not count:
                    return state.digest()
                state.update(memoryview(chunk)[:count])
