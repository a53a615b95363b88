"""Folders in memory whose power can be cut in the middle of a write; on both Pythons."""


class PowerCut(Exception):  # noqa: N818 - it is one
    """The power went; nothing that was going on is heard of again."""


class Disk:
    """A folder of files. `cut_after`: bytes that will still be written (a removal counts as one); None: no cut.

    Unlike littlefs it keeps the first bytes of a write that was cut. `full`: writes are refused.
    """

    def __init__(self):
        self.files = {}
        self.cut_after = None
        self.full = False
        self.reads = 0

    def names(self):
        return list(self.files)

    def read(self, name):
        self.reads += 1
        if name not in self.files:
            raise OSError(2, "missing")
        return bytes(self.files[name])

    def append(self, name, data):
        if self.full:
            raise OSError(28, "full")
        self.files[name] = self.files.get(name, b"") + data[: self._powered(len(data))]
        if self.cut_after == 0:
            raise PowerCut

    def remove(self, name):
        if name not in self.files:
            raise OSError(2, "missing")
        if self._powered(1):
            del self.files[name]
        if self.cut_after == 0:
            raise PowerCut

    def _powered(self, count):
        """How many of *count* bytes are written before the power goes."""
        if self.cut_after is None:
            return count
        count = min(count, self.cut_after)
        self.cut_after -= count
        return count
