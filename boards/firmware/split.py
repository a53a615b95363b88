"""What the node's sources mark `@on_demand` goes into a module of its own, which is loaded when it is called.

Half of a node's code runs as it starts and then not for hours: what reads an image, joins, obeys an order. Marked
methods of a class in `mac.py` are looked for in `mac_.py`, by a `__getattr__` that each such class gets; of a
constructor or a function a stub stays, which takes 100 bytes of heap, and nothing of what only marked code of that file
calls. `firmware/demand.py` lets `mac_` go again. There all stands on the same lines, and the module says that it is the
first, so that a crash report names the line of the repository.
"""

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence

from boards.firmware.names import is_const, is_for_mypy

MARK = "on_demand"
SUFFIX = "_"  # of the other module's name, and of what its classes and functions are called there

_CONSTRUCTOR = "__init__"
_BOUND = "_bound"
_Import = ast.Import | ast.ImportFrom
_Definition = ast.FunctionDef | ast.ClassDef


def home_of(module: str) -> str:
    """The module whose functions *module* has; most have their own."""
    return module.removesuffix(SUFFIX)


def split(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources, by module name, and those split off. Raises ValueError for a mark where it cannot be."""
    by_super = {name for source in sources.values() for name in _asked_of_super(ast.parse(source))}
    made = {}
    for module, source in sources.items():
        one = _Split(module, source, by_super)
        made[module] = one.home()
        if one.marked:
            made[module + SUFFIX] = one.other()
    return made


class _Split:
    """marked: the functions, each with the class around it or None."""

    def __init__(self, module: str, source: str, by_super: set[str]) -> None:
        self._module = module
        self._name = module.rpartition(".")[2]
        self._lines = source.splitlines()
        self._tree = ast.parse(source)
        owners: list[ast.Module | ast.ClassDef] = [self._tree]
        owners += [node for node in self._tree.body if isinstance(node, ast.ClassDef)]
        self.marked: list[tuple[ast.ClassDef | None, _Definition]] = [
            (owner if isinstance(owner, ast.ClassDef) else None, node)
            for owner in owners
            for node in owner.body
            if isinstance(node, _Definition) and any(map(_is_mark, node.decorator_list))
        ]
        marked = [node for _, node in self.marked]
        left = {name for node in self._tree.body for name in _names(node, marked)}
        # Needs no stub: only what is marked calls it.
        self._gone = {node.name for node in marked if node.name.startswith("_") and node.name not in left}
        for owner, node in self.marked:
            self._check(owner, node, by_super)

    def home(self) -> str:
        """The module without what is marked, and what calls it instead."""
        lines = list(self._lines)
        seen = set()
        for owner, node in self.marked:
            assert node.end_lineno is not None
            first = node.decorator_list[0].lineno - 1
            lines[first : node.end_lineno] = [""] * (node.end_lineno - first)
            if owner is None and node.name in self._gone:
                continue
            if isinstance(node, ast.FunctionDef) and (owner is None or node.name == _CONSTRUCTOR):
                lines[node.lineno - 1] = " " * node.col_offset + self._stub(owner, node)
            elif owner is not None and owner.name not in seen:
                seen.add(owner.name)
                find = (
                    f"from .{self._name}{SUFFIX} import {owner.name}{_BOUND}; return {owner.name}{_BOUND}(self, name)"
                )
                lines[node.lineno - 1] = f"    def __getattr__(self, name): {find}"
        return "\n".join(lines) + "\n"

    def other(self) -> str:
        """What is marked alone, with the imports and constants that it needs."""
        lines = [""] * len(self._lines)
        wanted: set[str] = set()
        for owner, node in self.marked:
            wanted |= set(_names(node))
            assert node.end_lineno is not None
            lines[node.lineno - 1 : node.end_lineno] = self._lines[node.lineno - 1 : node.end_lineno]
            if owner is None and node.name not in self._gone:
                lines[node.lineno - 1] = lines[node.lineno - 1].replace(node.name, node.name + SUFFIX, 1)
            elif owner is not None:
                name = owner.name + SUFFIX
                lines[owner.lineno - 2] = (
                    f"def {owner.name}{_BOUND}(self, name): found = getattr({name}, name); "
                    "return lambda *given, **named: found(self, *given, **named)"
                )
                lines[owner.lineno - 1] = f"class {name}:"
        ours = set()  # names that only the home has
        below: set[str] = set()  # what copied constants are made of
        for statement in reversed(self._tree.body):  # a constant may need one above it
            bound = (_bound(statement) & wanted) - self._gone
            if is_for_mypy(statement) or not bound:
                continue
            if isinstance(statement, _Import):
                kept = [alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) in bound]
                lines[statement.lineno - 1] = ast.unparse(_with_names(statement, kept))
            elif isinstance(statement, ast.Assign) and is_const(statement.value) and _is_copied(bound, below):
                below |= set(_names(statement.value))
                wanted |= below
                lines[statement.lineno - 1] = ast.unparse(statement)
            else:
                ours |= bound
        if ours:
            lines[0] = f"from .{self._name} import {', '.join(sorted(ours))}"
        return "\n".join(lines) + "\n"

    def _stub(self, owner: ast.ClassDef | None, node: ast.FunctionDef) -> str:
        """What loads a constructor or a function, and calls it."""
        bare = copy.deepcopy(node.args)
        for arg in (*bare.args, *bare.kwonlyargs):
            arg.annotation = None
        given = [arg.arg for arg in bare.args] + [f"{arg.arg}={arg.arg}" for arg in bare.kwonlyargs]
        name = (owner or node).name + SUFFIX
        call = f"{name}.{_CONSTRUCTOR}" if owner else f"return {name}"
        signature = ast.unparse(bare)
        return f"def {node.name}({signature}): from .{self._name}{SUFFIX} import {name}; {call}({', '.join(given)})"

    def _check(self, owner: ast.ClassDef | None, node: "_Definition", by_super: set[str]) -> None:
        where = f"{self._module}, line {node.lineno}: {node.name} cannot be on_demand, "
        if isinstance(node, ast.ClassDef):
            if node.name not in self._gone:
                raise ValueError(where + "it is a class that others than marked functions of this file may use")
            return
        if len(node.decorator_list) > 1 or node.args.vararg or node.args.kwarg or node.args.posonlyargs:
            raise ValueError(where + "it has other decorators, *args or **kwargs")
        if node.name.startswith("__") and node.name != _CONSTRUCTOR:
            raise ValueError(where + "Python itself asks for it")
        if owner is not None and (owner.bases or "super" in _names(node) or node.name in by_super):
            raise ValueError(where + "its class inherits, or somebody asks super() for it")


def _is_mark(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == MARK


def _is_copied(bound: set[str], below: set[str]) -> bool:
    """Of constants that are bound: the private ones, which no module can import, and what those are made of."""
    return min(bound).startswith("_") or not bound.isdisjoint(below)


def _asked_of_super(tree: ast.Module) -> Iterator[str]:
    """Names of methods that are called by `super()`, which finds no `__getattr__`; a constructor is there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "super()" and node.attr != _CONSTRUCTOR:
            yield node.attr


def _names(node: ast.AST, but: Sequence[ast.AST] = ()) -> Iterator[str]:
    """Names that run, and no annotations; none of the nodes *but*."""
    if node in but:
        return
    if isinstance(node, ast.Name):
        yield node.id
    for field, value in ast.iter_fields(node):
        if field not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _names(child, but)


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a statement of a module binds."""
    if isinstance(statement, _Import):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
    inner = [node for node in ast.walk(statement) if isinstance(node, ast.stmt) and node is not statement]
    return {name for node in inner for name in _bound(node)}  # of an `if` or a `try`


def _with_names(statement: _Import, names: list[ast.alias]) -> _Import:
    made = copy.copy(statement)
    made.names = names
    return made
