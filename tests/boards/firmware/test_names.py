"""Short names: the program does the same with them, and what something else may know keeps its name."""

import __future__

import ast
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from boards.firmware.lean import lean
from boards.firmware.names import foreign_names

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

    def __init__(self, breadth: int, limit: int = limit) -> None:
        self.breadth = breadth
        self.colour = limit
        self._drawn = [breadth for breadth in self.sizes(breadth) if breadth]

    def sizes(self, breadth: int) -> "Sizes":
        def doubled(size: int) -> int:
            return size * 2

        return [doubled(number) for number in range(breadth)]

    @property
    def corners(self) -> int:
        return SIDES + self.count

    def __len__(self) -> int:
        return len(self._drawn)


class SizeError(ValueError):
    pass


largest: int = 3
table = [shape for shape in (1, 2, 3)]


def scaled(table: int) -> int:
    return (lambda: table * 10)()


def make(breadth: int) -> Shape:
    shape = Shape(breadth)
    shape.count += largest
    if breadth > largest:
        raise SizeError(f"at most {largest}")
    return shape


def area(breadth: int, *, squared: bool = False) -> int:
    return breadth * breadth if squared else breadth
'''
DRAWING = '''"""Drawing."""

from protocol import shapes
from protocol.shapes import Shape, area, make, table as rows


class Square(Shape):
    def __init__(self, breadth: int) -> None:
        super().__init__(breadth)
        self.height = self.breadth
        self.canvas = make(breadth)

    def measured(self, area: int = 5) -> list[object]:
        from protocol.shapes import make as build

        make = lambda breadth, times=area: build(breadth).count * times
        table = {key: value for key, value in zip("ab", rows)}
        return [make(1), table["a"], shapes.make(2).corners, (lambda area: area + 1)(2)]


def draw(breadth: int) -> list[object]:
    from protocol.shapes import scaled

    square = Square(breadth)
    try:
        too_large = make(breadth + 3).breadth
    except shapes.SizeError as error:
        too_large = str(error)
    seen = [len(square), square.colour, square.height, square.corners, square.canvas.count, square.limit, too_large]
    return seen + square.measured() + [area(3, squared=True), scaled(table=4), rows, getattr(square, "colour")]
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
    assert before[6] == "at most 3"
    gone = {"Shape", "breadth", "corners", "make", "_drawn", "sizes", "Square", "canvas", "measured", "height"}
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


def test_a_class_body_sees_its_own_names_before_globals():
    source = "begin = 7\n\n\nclass Apex:\n    alpha = 1\n    beta = 2\n\n    def f(self, x=begin):\n        return x\n"
    (made,) = lean({"a.b": source}, known=["f"]).values()
    names: dict[str, Any] = {}
    exec(made, names)
    (made_class,) = [value for value in names.values() if isinstance(value, type)]
    assert made_class().f() == 7  # type: ignore[attr-defined]


def test_a_name_that_a_package_gives_to_another_ones_stands_in_both():
    sources = {
        "a.o": "class One:\n    pass\n",
        "a.p": "from .o import One as Two\n\n\ndef zero():\n    return 0\n",
        "a.q": "from .p import Two\nfrom .r import Alpha\n\nx = Two, Alpha\n",
        "a.r": "class Alpha:\n    pass\n",
    }
    made = lean(sources)
    passed_on, other = re.findall(r"(?<=as )\w+|(?<=def )\w+", made["a.p"])
    assert passed_on != other
    assert f"import {passed_on}" in made["a.q"]


def test_what_micropython_knows_keeps_its_name():
    source = "class Pin:\n    def __init__(self) -> None:\n        self.append = self.irq = self.own = 1\n"
    (made,) = lean({"a.pins": source}).values()
    assert made == "class Pin:\n    def __init__(self) -> None:\n        self.append = self.irq = self._a = 1\n"
    sources = {"a.b": "from elsewhere import cipher\n\n__made__ = cipher()\n", "a.c": "cipher = 1\n"}
    assert lean(sources) == sources


def test_foreign_names_cover_all_that_our_stubs_of_micropython_say():
    stubs = Path(__file__).parents[2] / "typings"
    known = foreign_names()
    for stub in stubs.glob("*.pyi"):
        for node in ast.walk(ast.parse(stub.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                assert node.name in known, f"{stub.name}: {node.name}"


def test_a_function_that_binds_names_of_another_scope_is_refused():
    with pytest.raises(ValueError, match="own scope"):
        lean({"a.b": "def f():\n    global x\n    x = 1\n"})
