"""What is loaded on demand goes into modules of its own: they do the same, on the same lines."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from boards.firmware.lean import lean
from boards.firmware.shake import shaken
from boards.firmware.split import home_of, split

STORE = '''"""A store."""

import struct

from protocol.compat import const, on_demand

LIMIT = const(9)
WIDE: tuple[int, ...] = (8, 9)
_HALF = const(LIMIT // 2)
_SHAPE = "<HH"


@on_demand
class _Reader:
    def __init__(self, wire: bytes) -> None:
        self.values = struct.unpack(_SHAPE, wire)


class Store:
    """Of two numbers."""

    @on_demand
    def __init__(self, first: int, *, second: int = _HALF) -> None:
        self.numbers = [first, second]

    def total(self) -> int:
        return sum(self.numbers)

    @on_demand
    def image(
        self,
        shape: str = _SHAPE,
    ) -> bytes:
        """All of it."""
        return struct.pack(shape, *self.numbers)

    @on_demand
    def checked(self) -> "Store":
        if self.total() > LIMIT or self.total() in WIDE:
            raise ValueError("""too much
    of it""")
        return from_wire(self.image())


@on_demand
def from_wire(wire: bytes) -> Store:
    first, second = _ordered(_Reader(wire).values)
    return Store(first, second=second)


@on_demand
def _ordered(values):
    for width in sorted(values):
        yield width


WIDTHS = tuple([width for width in range(3)])
'''
STORY = """
import builtins, sys, traceback

builtins.const = lambda value: value
from shop.store import WIDTHS, Store, from_wire

print("shop.store_" in sys.modules)
print(Store(2).checked().total(), Store(5, second=2).image(">HH"), from_wire(bytes([3, 0, 1, 0])).numbers, WIDTHS)
print(hasattr(Store(1), "colour"), isinstance(from_wire(bytes(4)), Store))
try:
    Store(7, second=3).checked()
except ValueError as error:
    print(error, traceback.extract_tb(error.__traceback__)[-1].lineno)
print("shop.store_" in sys.modules)
"""
KEPT = {"Store", "WIDTHS", "from_wire", "checked", "image", "second", "total", "numbers"}


def told(folder, sources):
    """What the story prints with these sources."""
    for module, source in sources.items():
        path = folder / (module.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    paths = os.pathsep.join([str(folder), str(Path(__file__).parents[3])])
    ran = subprocess.run(
        [sys.executable, "-c", STORY], capture_output=True, text=True, check=True, env={"PYTHONPATH": paths}
    )
    return ran.stdout.splitlines()


def test_it_does_the_same_on_the_same_lines_and_is_loaded_as_it_is_called(tmp_path):
    whole = told(tmp_path / "whole", {"shop.store": STORE})
    made = split({"shop.store": STORE})
    parted = told(tmp_path / "parted", made)
    small = told(tmp_path / "small", lean(shaken(made, KEPT), known=KEPT))
    assert whole[1:4] == [
        "6 b'\\x00\\x05\\x00\\x02' [1, 3] (0, 1, 2)",
        "False True",
        "too much",
    ]
    assert parted[1:-1] == small[1:-1] == whole[1:-1]
    assert (whole[0], whole[-1]) == ("False", "False")
    assert (parted[0], parted[-1]) == (small[0], small[-1]) == ("False", "True")


def test_a_module_keeps_what_is_not_marked_and_stubs_for_who_calls_the_rest():
    made = split({"shop.store": STORE, "shop.plain": "LIMIT = 3\n"})
    assert sorted(made) == ["shop.plain", "shop.store", "shop.store_"]
    home, other = made["shop.store"], made["shop.store_"]
    assert "total" in home
    assert "def total" not in other
    assert "pack(" not in home
    assert "_ordered" not in home  # nobody but what is marked calls it
    assert "_Reader" not in home
    assert "def from_wire(wire): from .store_ import from_wire_; return from_wire_(wire)" in home
    assert other.startswith("from .store import Store, WIDE, _SHAPE, from_wire\n")
    assert [home_of(module) for module in made] == ["shop.store", "shop.store", "shop.plain"]


@pytest.mark.parametrize(
    ("marked", "why"),
    [
        ("class Shop:\n    @property\n    @on_demand\n    def open(self): pass\n", "it has other decorators"),
        ("class Shop:\n    @on_demand\n    def open(self, *hours): pass\n", "it has other decorators, *args"),
        ("class Shop:\n    @on_demand\n    def __len__(self): pass\n", "Python itself asks for it"),
        ("class Shop(Store):\n    @on_demand\n    def open(self): pass\n", "its class inherits"),
        ("class Shop:\n    @on_demand\n    def open(self): pass\n\nsuper().open()\n", "somebody asks super() for it"),
        ("@on_demand\nclass Shop: pass\n", "it is a class that others"),
        ("@on_demand\nclass _Shop: pass\n\nshop = _Shop()\n", "it is a class that others"),
    ],
)
def test_a_mark_where_it_cannot_be_is_refused(marked, why):
    with pytest.raises(ValueError, match=r"shop\.open, line \d+: \w+ cannot be on_demand, ") as caught:
        split({"shop.open": marked})
    assert why in str(caught.value)


def test_a_table_that_nobody_uses_is_left_out_and_what_it_was_made_of():
    source = (
        "def _row(text):\n    return text.split()\n\n\nTABLE = tuple([_row(text) for text in ROWS])\nROWS = ('a b',)\n"
    )
    assert shaken({"table": source}, {"ROWS"})["table"].split("\n") == [
        *["pass", "", "", "", "pass", "ROWS = ('a b',)", ""],
    ]
    assert shaken({"table": source}, {"TABLE"})["table"] == source
