"""Welded modules: they do as before, no two globals meet, and each line is found again."""

import ast
import subprocess
import sys

import pytest

from boards.firmware.compiling import on_demand
from boards.firmware.names import GLOBAL, IN_ROM, occurrences
from boards.firmware.split import split
from boards.firmware.weld import WELDS, weld
from tests.micropython.compile import sources

SOURCES = {
    "a.__init__": "",
    "a.first": "import struct\n_a = 1\n_K = const(3)\n\n\ndef _b(x):\n    return x + _a + _K\n",
    "a.second": (
        "from .first import _a\nfrom .first import _b as _c\nfrom . import first\n_f = 10\n_K = const(30)\n\n\n"
        "class _d:\n    _a = _f\n\n    def _b(self, _e=_f):\n"
        "        return _c(_e) + self._a + first._b(_K) + _a\n"
    ),
    "a.apart": "import json\nfrom . import second\nfrom .second import _d, _f\n\n\ndef twice(): return 2 * _f\n",
    "a.third": (
        "from a.second import _d, _f as ten\n\n_a = [abs(_e) for _e in (-1, 2)]\n\n\n"
        "def main():\n    from .apart import twice; from .first import _a as one, _K as three\n"
        "    from . import second\n"
        "    return _d()._b(), ten, _a, twice(), one, three, second._f\n"
    ),
    "a.main": "from .third import main\n\nprint(main())\n",
}
BEFORE = "(59, 10, [1, 2], 20, 1, 3, 10)\n"
ROOTS = {"w.one": (("a", "second"),), "w.two": (("a", "third"),)}


def run(folder, made):
    """What its main prints."""
    for name, source in made.items():
        file = folder / (name.replace(".", "/") + ".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("def const(x): return x\n" + source if "const(" in source else source, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "a.main"], cwd=folder, capture_output=True, check=False)
    return done.stdout.decode() or done.stderr.decode()


@pytest.mark.parametrize("roots", [{}, ROOTS, {"w.all": (("a", "second third"),)}, {"w.two": (("a", "third apart"),)}])
def test_it_runs_as_before(tmp_path, roots):
    made, seams = weld(SOURCES, [], roots)
    assert run(tmp_path, made) == BEFORE
    assert set(made) == set(SOURCES) - {module for _, module, _ in seams} | set(roots)


def test_what_goes_again_stays_apart():
    made, seams = weld(SOURCES, ["a.first"], ROOTS)
    assert "a.first" in made
    assert [(at, module) for at, module, _ in seams] == [("w.one", "a.second"), ("w.two", "a.third")]


def test_lines_stand_behind_those_of_the_modules_before():
    made, seams = weld(SOURCES, [], ROOTS)
    assert seams == [("w.one", "a.first", 0), ("w.one", "a.second", 7), ("w.two", "a.third", 0)]
    lines = made["w.one"].splitlines()
    assert lines[6].startswith("    return x + ")
    assert lines[7 + 11].startswith("        return ")


def test_names_cost_nothing_where_that_is_possible():
    """Of an attribute, which is there anyway, or MicroPython's; none of a class that it stands in."""
    made, _ = weld(SOURCES, [], ROOTS)
    tree = ast.parse(made["w.one"])
    named = {name for _, name, kind in occurrences(tree) if kind == GLOBAL} - {"const", "_K", "_K_second"}
    assert named <= {"_a", "_b"} | set(IN_ROM.split())


def test_a_root_that_is_not_there_is_said():
    with pytest.raises(ValueError, match=r"w.one has the root a.fourth, and there is no such module"):
        weld(SOURCES, [], {"w.one": (("a", "fourth"),)})


@pytest.mark.parametrize(
    "source", ["name = 2\n\n\ndef say(): return f'{name}'\n", "from a.z import name\nx = f'{name}'\n"]
)
def test_what_an_f_string_has_cannot_be_called_otherwise(source):
    same = {"a.x": "def name(): return 1\n", "a.y": source, "a.z": "name = 3\n"}
    with pytest.raises(ValueError, match=r"a.y: name stands in an f-string and would have another name in w; give it"):
        weld(same, ["a.z"], {"w": (("a", "x y"),)})


def test_the_welds_of_the_repository():
    """None has a name twice at its top, so no two modules' names have become one; nothing that goes again is in one."""
    every = sources()
    gone = on_demand(every["firmware.demand"])
    made, seams = weld(split(every), gone)
    for name in WELDS:
        tree = ast.parse(made[name])
        defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
        assert len(defined) == len(set(defined)), name
    assert list(dict.fromkeys(at for at, _, _ in seams)) == list(WELDS)
    assert not {module for _, module, _ in seams} & set(gone)
    assert [module for _, module, _ in seams if module.endswith("_")] == []
