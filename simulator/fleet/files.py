"""The flash of a virtual node: a folder of files in memory."""


class MemoryFiles:
    """What `firmware/store/log.py` asks of a disk, without one."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}

    def names(self) -> list[str]:
        """The names of all files."""
        return list(self._files)

    def read(self, name: str) -> bytes:
        """All of a file. Raises OSError if there is none of this name."""
        if name not in self._files:
            raise FileNotFoundError(name)
        return self._files[name]

    def append(self, name: str, data: bytes) -> None:
        """Write behind what the file has, or into a new one."""
        self._files[name] = self._files.get(name, b"") + data

    def remove(self, name: str) -> None:
        """Delete a file."""
        del self._files[name]
