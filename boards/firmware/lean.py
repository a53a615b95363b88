"""The node's sources as they go to the compiler: line for line the same, less what only people and mypy need.

A name costs a node 20 bytes of heap, and 8 more in each module that imports it: half of what its code takes. So

- constants stand in place also across files, as mpy-cross does it within one: `from .orders import DONE, Order` becomes
  `from .orders import Order`, and `DONE` becomes `0`;
- names that these sources define become short, and different files share them (`names.py`);
- so do arguments that no call in these files gives by name;
- what stands below `if TYPE_CHECKING` is left out.

Lines stay where they are, so that a crash report names those of the repository.
"""

import ast
from collections.abc import Iterable, Mapping

from boards.firmware.editing import origin
from boards.firmware.names import is_const, is_for_mypy, occurrences, short_names
from boards.firmware.split import home_of

_COMPAT = "protocol.compat"
_INIT = ".__init__"


def lean(sources: Mapping[str, str], keep_definitions: bool = False, known: Iterable[str] = ()) -> dict[str, str]:
    """Make sources lean, by module name; the name of a package ends in `.__init__`.

    known: names that stay, because something else says them.
    keep_definitions: put constants in place and nothing else, so that tests find all names.
    """
    trees = {module: ast.parse(source) for module, source in sources.items()}
    constants = {module.removesuffix(_INIT): _constants(tree) for module, tree in trees.items()}
    for module, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                theirs = constants.get(origin(module, node), {})
                own = constants[module.removesuffix(_INIT)]
                own.update({a.name: theirs[a.name] for a in node.names if a.asname == a.name in theirs})
    needed: set[str] = set()  # by name, from wherever
    for tree in trees.values():
        needed |= _elsewhere(tree)
        needed |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    short = {} if keep_definitions else short_names(trees, _groups(trees), known)
    by_name = {node.arg or "" for tree in trees.values() for node in ast.walk(tree) if isinstance(node, ast.keyword)}
    made = {}
    for module, source in sources.items():
        private = set() if keep_definitions else set(constants[module.removesuffix(_INIT)]) - needed
        lean_one = _Lean(module, source, trees[module], constants, private, short)
        if not keep_definitions:
            lean_one.number_arguments(by_name)
        made[module] = lean_one.source()
    return made


def _elsewhere(tree: ast.AST) -> set[str]:
    """Names that cannot be put in place: in f-strings CPython 3.11 does not say where they are."""
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return {node.id for string in strings for node in ast.walk(string) if isinstance(node, ast.Name)}


def _constants(tree: ast.Module) -> dict[str, int]:
    """Public integers that a module binds once, by `NAME = const(…)`."""
    known: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_const(node.value):
            assert isinstance(node.value, ast.Call)
            value = eval(ast.unparse(node.value.args[0]), {}, known)
            known[node.targets[0].id] = value
    return {name: value for name, value in known.items() if not name.startswith("_")}


def _groups(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    """By module the name of its group: files of which a class inherits from one in the other count as one.

    So do those of which one has functions of the other's classes.
    """
    home = {module: home_of(module) for module in trees}
    for module, tree in trees.items():
        bases = {ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and bases & {alias.name for alias in node.names}:
                theirs = home.get(origin(module, node), "")
                home = {other: home[module] if at == theirs else at for other, at in home.items()}
    return home


class _Lean:
    """One module on its way."""

    def __init__(
        self,
        module: str,
        source: str,
        tree: ast.Module,
        constants: Mapping[str, Mapping[str, int]],
        private: set[str],
        short: Mapping[str, str],
    ) -> None:
        self._module = module
        self._lines = [line.encode() for line in source.splitlines(keepends=True)]
        self._tree = tree
        self._constants = constants
        self._private = private
        self._short = short
        self._edits: list[tuple[int, int, int, int, str]] = []  # line, column, last line, its end, new text

    def source(self) -> str:
        in_place = self._imported()
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Name) and node.id in in_place and isinstance(node.ctx, ast.Load):
                value = in_place[node.id]
                self._edit(node, str(value) if value >= 0 else f"({value})")
            elif isinstance(node, ast.Name) and node.id in self._private:
                self._edit(node, f"_{node.id}_")  # there may be one that differs by the underscore before it alone
            elif isinstance(node, ast.stmt) and is_for_mypy(node):
                self._edit(node, "pass")
        functions = [node for node in ast.walk(self._tree) if isinstance(node, ast.FunctionDef)]
        inner = {id(node) for function in functions for node in ast.walk(function)}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ImportFrom):
                self._import(node, in_place, id(node) in inner)
        for node, name, _ in occurrences(self._tree):
            if name in self._short and not isinstance(node, ast.alias):
                self._rename(node, name)
        return self._edited()

    def number_arguments(self, by_name: set[str]) -> None:
        """Call the arguments of each function `_0`, `_1`, …, unless some call gives them by name."""
        self._number(self._tree, {}, 0, by_name)

    def _number(self, node: ast.AST, numbers: dict[str, int], count: int, by_name: set[str]) -> None:
        """numbers: of the arguments of the functions around *node*; count: how many were given out for them."""
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            for default in node.args.defaults:
                self._number(default, numbers, count, by_name)
            numbers = dict(numbers)
            keep = by_name | _elsewhere(node) | {"self"}
            for arg in node.args.args:
                numbers.pop(arg.arg, None)
                if arg.arg not in keep and not arg.arg.startswith("_"):
                    numbers[arg.arg] = count
                    line, column = arg.lineno - 1, arg.col_offset
                    self._edits.append((line, column, line, column + len(arg.arg), f"_{count}"))
                    count += 1
            for inner in node.body if isinstance(node, ast.FunctionDef) else [node.body]:
                self._number(inner, numbers, count, by_name)
            return
        if isinstance(node, ast.Name) and node.id in numbers:
            self._edit(node, f"_{numbers[node.id]}")
        for child in ast.iter_child_nodes(node):
            self._number(child, numbers, count, by_name)

    def _imported(self) -> dict[str, int]:
        """The constants that this module imports and that can be put in place, by name.

        Raises ValueError for a name that functions import from different modules with different values.
        """
        found: dict[str, int] = {}
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ImportFrom):
                constants = self._constants.get(origin(self._module, node), {})
                for alias in node.names:
                    if alias.name in constants and alias.asname != alias.name:
                        here, value = alias.asname or alias.name, constants[alias.name]
                        if found.setdefault(here, value) != value:
                            raise ValueError(
                                f"{self._module}, line {node.lineno}: {here} is {value} here and {found[here]} "
                                "elsewhere in this file; import one of them under another name"
                            )
        for name in _elsewhere(self._tree):
            found.pop(name, None)
        return found

    def _import(self, node: ast.ImportFrom, in_place: Mapping[str, int], inner: bool) -> None:
        """Import only what is more than a constant; nothing at all if nothing is left. inner: in a function."""
        theirs_at = origin(self._module, node)
        left = []
        for alias in node.names:
            here = alias.asname or alias.name
            constant = here in in_place and alias.asname != alias.name
            passed_on = alias.asname == alias.name in self._private
            if not (constant or passed_on or (theirs_at == _COMPAT and alias.name == "const")):
                theirs = self._short.get(alias.name, alias.name)
                ours = here if inner else self._short.get(here, here)
                left.append(theirs if theirs == ours else f"{theirs} as {ours}")
        dots = "." * node.level
        self._edit(node, f"from {dots}{node.module or ''} import {', '.join(left)}" if left else "pass")

    def _rename(self, node: ast.AST, name: str) -> None:
        assert isinstance(node, ast.Name | ast.Attribute | ast.FunctionDef | ast.ClassDef)
        line, column = node.lineno - 1, node.col_offset
        if isinstance(node, ast.Attribute):
            assert node.end_lineno is not None
            assert node.end_col_offset is not None
            line, column = node.end_lineno - 1, node.end_col_offset - len(name)
        elif not isinstance(node, ast.Name):
            column += len("def ") if isinstance(node, ast.FunctionDef) else len("class ")
        self._edits.append((line, column, line, column + len(name), self._short[name]))

    def _edit(self, node: ast.stmt | ast.expr, text: str) -> None:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        self._edits.append((node.lineno - 1, node.col_offset, node.end_lineno - 1, node.end_col_offset, text))

    def _edited(self) -> str:
        """The last edit first, so that places stay true; an edit inside one that was made before is part of it."""
        lines = self._lines
        edits = sorted(self._edits)
        outer = (-1, -1)
        kept = []
        for edit in edits:
            if edit[:2] >= outer:
                kept.append(edit)
                outer = edit[2:4]
        for first, column, last, end, text in reversed(kept):
            tail = lines[last][end:]
            lines[first] = lines[first][:column] + text.encode() + (tail if last == first else b"\n")
            for line in range(first + 1, last):
                lines[line] = b"\n"
            if last > first:
                lines[last] = tail.lstrip() if tail.strip() else b"\n"
        return b"".join(lines).decode()
