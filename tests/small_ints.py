"""Watches the arithmetic of protocol/ for results that MicroPython cannot hold in a small int (31 bits).

They would still be right there, as big integers on the heap, but slow, and a MemoryError waiting for a full heap. The
modules are compiled from their source with each result handed to `note` on its way; what they do stays the same.
As a pytest plugin (`-p tests.small_ints`) it watches whole runs of tests and writes what it saw to LAMPYRE_SMALL_INTS.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from pathlib import Path
from types import CodeType, ModuleType

PROTOCOL = Path(__file__).parents[1] / "protocol"
SMALLEST, LARGEST = -(2**30), 2**30 - 1
CALLS = ("abs", "crc32", "divmod", "from_bytes", "int", "sum", "unpack", "unpack_from")

_NOTE = "_note_result"  # `note` under a name that no module has, and that no class mangles

# (file, function): the first result beyond, as "line: expression = value".
beyond: dict[tuple[str, str], str] = {}


def note(result: object, file: str, function: str, place: str) -> object:
    """Keep *result* in mind if it is, or contains, an integer beyond a small int; return it."""
    for value in result if isinstance(result, tuple) else (result,):
        if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
            beyond.setdefault((file, function), f"{place} = {value}")
    return result


class Watcher(ast.NodeTransformer):
    """Puts `note` around what operators and CALLS return."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.names: list[str] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Know whose arithmetic it is."""
        return self._inside(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Know whose arithmetic it is."""
        return self._inside(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """`a + b` becomes note(a + b)."""
        return self._noted(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        """`-a` becomes note(-a)."""
        return self._noted(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`divmod(a, b)` becomes note(divmod(a, b))."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return self._noted(node) if name in CALLS else self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST | list[ast.stmt]:
        """`a += b` is followed by note(a): done in place, because a may be a bytearray."""
        target = ast.parse(ast.unparse(node.target), mode="eval").body
        noted = ast.Expr(self._call(target, node, ast.unparse(node)))
        self.generic_visit(node)
        return [node, noted]

    def _noted(self, node: ast.expr) -> ast.AST:
        source = ast.unparse(node)
        return self._call(self.generic_visit(node), node, source)

    def _call(self, inner: ast.AST, node: ast.stmt | ast.expr, source: str) -> ast.Call:
        function = ".".join(self.names) or "(module)"
        texts = [ast.Constant(text) for text in (self.file, function, f"line {node.lineno}: {source}")]
        return ast.Call(ast.Name(_NOTE, ast.Load()), [inner, *texts], [])

    def _inside(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        self.names.append(node.name)
        self.generic_visit(node)
        self.names.pop()
        return node


class WatchedLoader(importlib.machinery.SourceFileLoader):
    """Compiles a module of protocol/ with its arithmetic watched; never from or to a cache."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile what the Watcher makes of the source."""
        path = Path(self.get_filename(fullname))
        return compile(watched(path.read_text(encoding="utf-8"), path.relative_to(PROTOCOL).as_posix()), path, "exec")

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its `note`."""
        module.__dict__[_NOTE] = note
        super().exec_module(module)


def watched(source: str, file: str) -> ast.Module:
    """The tree of *source* with its arithmetic watched."""
    return ast.fix_missing_locations(Watcher(file).visit(ast.parse(source)))


class WatchedFinder(importlib.abc.MetaPathFinder):
    """Finds protocol/ under the name *package*."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> object:
        """The spec of a module of *package*, else None."""
        if fullname != self.package and not fullname.startswith(self.package + "."):
            return None
        place = PROTOCOL.joinpath(*fullname.split(".")[1:])
        is_package = place.is_dir()
        file = place / "__init__.py" if is_package else place.with_suffix(".py")
        if not file.exists():
            return None
        return importlib.util.spec_from_file_location(
            fullname,
            file,
            loader=WatchedLoader(fullname, str(file)),
            submodule_search_locations=[str(place)] if is_package else None,
        )


def pytest_unconfigure() -> None:
    """Write what was seen: [file, function, example] each."""
    report = [[file, function, example] for (file, function), example in sorted(beyond.items())]
    Path(os.environ["LAMPYRE_SMALL_INTS"]).write_text(json.dumps(report), encoding="utf-8")


if "LAMPYRE_SMALL_INTS" in os.environ:  # loaded as a plugin, before anything imports protocol
    sys.meta_path.insert(0, WatchedFinder("protocol"))
