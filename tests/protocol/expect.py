"""What the tests of `protocol/` need on both Pythons: refusals, vectors, hexadecimal and a seeded generator."""

import json

from protocol.errors import ProtocolError


def refused(says, function, *args, **kwargs):
    """Call *function*; it must raise a ProtocolError whose message contains *says*. Returns the message."""
    try:
        result = function(*args, **kwargs)
    except ProtocolError as error:
        assert says in str(error), f"expected '{says}' in: {error}"
        return str(error)
    raise AssertionError(f"expected a ProtocolError saying '{says}', got {result!r}")


def vectors(name):
    """Load tests/data/*name*.json; each such file names its source under "source"."""
    here = __file__.replace("\\", "/")
    root = here.rsplit("tests/protocol/", 1)[0]
    with open(root + "tests/data/" + name + ".json", encoding="utf-8") as file:
        return json.load(file)


def hexa(text):
    """Bytes from spaced hexadecimal."""
    return bytes.fromhex(text.replace(" ", "").replace("\n", ""))


class Dice:
    """A linear congruential generator (ANSI C's constants, 30 bits) that throws the same on both Pythons."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        """A number 0..limit-1; *limit* up to 2^16."""
        self.state = (self.state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self.state >> 10) % limit

    def bytes(self, count):
        """*count* bytes."""
        return bytes([self.below(256) for _ in range(count)])
