"""Short names: the program does the same with them, and what something else may know keeps its name."""

import __future__

import ast
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from boards.lean import lean
from boards.names import foreign_names

# Every way in which a module can say a name of its own or of its neighbour.
SHAPES = '''"""Shapes: a `drawn` that is no code."""

from protocol.compat import const

SIDES = const(4)
WORDS = ("colour area_of", "plain")
TYPE_CHECKING = False
if TYPE_CHECKING:
    Sizes = list[int]


class Shape:
    count = 0
    limit = 7

    def __init__(self, width: int, limit: int = limit) -> None:
        self.width = width
        self.colour = limit
        self._drawn = [width for width in self.sizes(width) if width]

    def sizes(self, width: int) -> "Sizes":
        def doubled(size: int) -> int:
            return size * 2

        return [doubled(number) for number in range(width)]

    @property
    def corners(self) -> int:
        return SIDES + self.count

    def __len__(self) -> int:
        return len(self._drawn)


class SizeError(ValueError):
    pass


largest: int = 3
table = [shape for shape in (1, 2, 3)]


def make(width: int) -> Shape:
    shape = Shape(width)
    shape.count += largest
    if width > largest:
        raise SizeError(f"{width} beyond {largest}")
    return shape


def area(width: int, *, squared: bool = False) -> int:
    return width * width if squared else width
'''
DRAWING = '''"""Drawing."""

from protocol import shapes
from protocol.shapes import Shape, area, make, table as rows


class Square(Shape):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.height = self.width
        self.canvas = make(width)

    def measured(self, area: int = 5) -> list[object]:
        from protocol.shapes import make as build

        make = lambda width, times=area: build(width).count * times
        table = {key: value for key, value in zip("ab", rows)}
        return [make(1), table["a"], shapes.make(2).corners, (lambda area: area + 1)(2)]


def draw(width: int) -> list[object]:
    square = Square(width)
    try:
        too_large = make(width + 3).width
    except shapes.SizeError as error:
        too_large = str(error)
    seen = [len(square), square.colour, square.height, square.corners, square.canvas.count, square.limit, too_large]
    return seen + square.measured() + [area(3, squared=True), rows, getattr(square, "colour")]
'''
SOURCES = {
    "protocol.compat": "def const(value):\n    return value\n",
    "protocol.shapes": SHAPES,
    "firmware.drawing": DRAWING,
}


def run(sources: dict[str, str]) -> Any:
    """What `draw` returns, in modules of their own."""
    before = dict(sys.modules)
    try:
        for name in ("protocol", "firmware", *sources):
            sys.modules[name] = types.ModuleType(name)
        for name, source in sources.items():
            sys.modules[name].__dict__["const"] = int  # the compiler's
            code = compile(
                source, name, "exec", __future__.annotations.compiler_flag
            )  # MicroPython does not look at them
            exec(code, sys.modules[name].__dict__)
            package, _, module = name.rpartition(".")
            setattr(sys.modules[package], module, sys.modules[name])
        return sys.modules["firmware.drawing"].draw(2)
    finally:
        sys.modules.clear()
        sys.modules.update(before)


def names_of(sources: dict[str, str]) -> set[str]:
    """Names of attributes and definitions."""
    nodes = [node for source in sources.values() for node in ast.walk(ast.parse(source))]
    definitions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return definitions | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_a_program_with_short_names_does_the_same():
    before = run(SOURCES)
    made = lean(SOURCES, known=["draw"])
    assert run(made) == before
    assert before[6] == "5 beyond 3"
    gone = {"Shape", "width", "corners", "make", "_drawn", "sizes", "Square", "canvas", "measured", "height"}
    kept = {"colour", "SizeError", "count"}  # a string may reach getattr; a crash report; lists have it too
    assert gone | kept <= names_of(SOURCES)
    assert names_of(made) & (gone | kept) == kept
    assert "largest: int = 3" in made["protocol.shapes"]  # an f-string says it


def test_names_that_never_meet_are_the_same():
    one = "class One:\n    def __init__(self) -> None:\n        self.first = 1\n        self.second = 2\n"
    two = "class Two:\n    def __init__(self) -> None:\n        self.third = 3\n"
    made = lean({"a.one": one, "a.two": two})
    assert re.findall(r"_[a-z]+\b(?= =)", made["a.one"]) == ["_a", "_b"]
    assert re.findall(r"_[a-z]+\b(?= =)", made["a.two"]) == ["_a"]
    assert "class _a" in made["a.one"]  # globals and attributes do not meet either
    assert "class _a" in made["a.two"]
    made = lean({"a.one": one, "a.two": "from .one import One\n" + two.replace("Two", "Two(One)")})
    assert "self._c = 3" in made["a.two"]  # but in one object all names meet


def test_what_micropython_knows_keeps_its_name():
    source = "class Pin:\n    def __init__(self) -> None:\n        self.append = self.irq = self.own = 1\n"
    (made,) = lean({"a.pins": source}).values()
    assert made == "class Pin:\n    def __init__(self) -> None:\n        self.append = self.irq = self._a = 1\n"
    assert "crc32" not in lean({"a.b": "from binascii import crc32\n\n\ndef f():\n    return crc32(b'')\n"})


def test_foreign_names_cover_all_that_our_stubs_of_micropython_say():
    stubs = Path(__file__).parents[1] / "typings"
    known = foreign_names()
    for stub in stubs.glob("*.pyi"):
        for node in ast.walk(ast.parse(stub.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.name in known, f"{stub.name}: {node.name}"


def test_a_function_that_binds_names_of_another_scope_is_refused():
    with pytest.raises(NotImplementedError, match="another scope"):
        lean({"a.b": "def f():\n    global x\n    x = 1\n"})
