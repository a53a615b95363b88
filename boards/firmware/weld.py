"""Modules of a node that stay together, as one: one file, one table of names, and no imports of each other.

A module costs a board its name, its path, two tables and a dictionary, which has every name once more that it imports.
So what each weld's roots import becomes one module, less what the welds before it have; what is loaded on demand and
goes again stays apart. Globals of welded modules get names that cost nothing: those of attributes, which are there
anyway, and those that MicroPython itself has.

Each module keeps its lines, those of the next come behind them. `seams` says where: a node translates by it what a
crash says (`firmware/store/crashes.py`).
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from boards.firmware.editing import Edit, edited, instead, origin
from boards.firmware.names import GLOBAL, IN_ROM, bound, is_const, numbered, occurrences

# By what they are called, in the order in which they are loaded: packages and roots in them, which come with what they
# import. A glance (`firmware/glance.py`) does without the core, a bridge loads only the first two.
WELDS = {
    "welded.body": (
        ("firmware.body", "adapters being blink clock console port start"),
        ("firmware.drivers", "bus radio"),
        ("firmware.store", "files"),
        ("firmware", "actions events"),
        ("protocol", "region"),
    ),
    "welded.keys": (("firmware", "session version"),),
    "welded.waking": (
        ("firmware.body", "alive senses station"),
        ("firmware.roles", "turns"),
        ("protocol", "quantities"),
    ),
    "welded.core": (
        ("firmware", "channels clock dice duty mac mind node telling windows"),
        ("firmware.store", "counters log"),
    ),
    "welded.lamp": (
        ("firmware.roles", "base gauges ledger light meter setpoint supply"),
        ("firmware.body", "lamps"),
    ),
}
Roots = tuple[tuple[str, str], ...]
_SHORT = re.compile(r"_[a-z]{1,2}")  # as names.py has it


@dataclass(slots=True)
class _Module:
    """name: as sources have it. own: names that it binds and does not import. weld: "" if it stays apart."""

    name: str
    source: str
    tree: ast.Module
    own: set[str]
    weld: str = ""
    renamed: dict[str, str] = field(default_factory=dict)  # globals, to what they are called in the weld
    modules: dict[str, "_Module"] = field(default_factory=dict)  # that it has imported as such, by name here


def weld(
    sources: Mapping[str, str], apart: Iterable[str], welds: Mapping[str, Roots] = WELDS
) -> tuple[dict[str, str], list[tuple[str, str, int]]]:
    """Weld sources that `lean.py` has made. apart: modules that stay so.

    Returns the sources and the seams: weld, module, and the line before its first. Raises ValueError for a root that is
    not there, and for what cannot be told apart in one module.
    """
    return _Welding(sources, set(apart), welds).done()


class _Welding:
    def __init__(self, sources: Mapping[str, str], apart: set[str], welds: Mapping[str, Roots]) -> None:
        self._modules = {
            name: _Module(name, source, tree, bound(_no_imports(tree)))
            for name, source in sources.items()
            for tree in [ast.parse(source)]
        }
        for module in self._modules.values():
            for node, alias in _aliases(ast.walk(module.tree)):
                whole = self._whole(module, node, alias)
                if whole is not None:
                    module.modules[alias.asname or alias.name] = whole
        self._welds: dict[str, list[_Module]] = {name: [] for name in welds}
        for name, roots in welds.items():
            for root in [f"{package}.{module}" for package, modules in roots for module in modules.split()]:
                if root not in self._modules:
                    raise ValueError(
                        f"boards/firmware/weld.py: {name} has the root {root}, and there is no such module"
                    )
                self._gather(self._modules[root], name, apart)
        self._called: dict[tuple[str, str], str] = {}  # by module and name of a global there: its name in the weld
        for name in welds:
            self._call(name)

    def done(self) -> tuple[dict[str, str], list[tuple[str, str, int]]]:
        """All sources, and the seams."""
        made = {module.name: self._edited(module) for module in self._modules.values() if not module.weld}
        seams = []
        for name, modules in self._welds.items():
            whole = ""
            for module in modules:
                seams.append((name, module.name, whole.count("\n")))
                whole += self._edited(module)
            made[name] = whole
        return made, seams

    def _gather(self, module: _Module, weld: str, apart: set[str]) -> None:
        """Put a module into a weld, behind what it imports."""
        if module.weld or module.name in apart or module.name.endswith("__init__"):
            return
        module.weld = weld
        for node, alias in _aliases(module.tree.body):
            theirs = self._whole(module, node, alias) or self._home(module, node, alias)[0]
            if theirs is not None:
                self._gather(theirs, weld, apart)
        self._welds[weld].append(module)

    def _whole(self, module: _Module, node: ast.ImportFrom, alias: ast.alias) -> _Module | None:
        """The module that is imported as such."""
        return self._modules.get(f"{origin(module.name, node)}.{alias.name}")

    def _home(self, module: _Module, node: ast.ImportFrom, alias: ast.alias) -> tuple[_Module | None, str]:
        """The module of ours that something comes from, and its name there."""
        at = origin(module.name, node)
        theirs = self._modules.get(at) or self._modules.get(at + ".__init__")
        if theirs is None or alias.name in theirs.own:
            return theirs, alias.name
        for passing, passed in _aliases(theirs.tree.body):
            if alias.name == (passed.asname or passed.name):
                return self._home(theirs, passing, passed)
        return theirs, alias.name

    # What globals are called.

    def _call(self, weld: str) -> None:
        """Give the globals of all modules of a weld names of which no two are the same."""
        modules = self._welds[weld]
        foreign: set[str] = set()  # globals that are not ours
        local: set[str] = set()
        free = _Free()
        for module in modules:
            ours = module.own | {name for node in module.tree.body for name in _imported(node)}
            foreign |= {name for _, name, kind in occurrences(module.tree) if kind == GLOBAL and name not in ours}
            foreign |= {
                name for node in ast.walk(module.tree) if isinstance(node, ast.Import) for name in _imported(node)
            }
            for node in ast.walk(module.tree):
                if isinstance(node, ast.arg):
                    local.add(node.arg)
                elif isinstance(node, ast.Name) and node.id not in ours:
                    local.add(node.id)
            local |= {name for name in ours if not _SHORT.fullmatch(name)}  # stays, and may be local elsewhere
            free.learn(module.tree)
        free.taken |= foreign | local
        mine: set[str] = set()
        for module in modules:
            constants = {name for node in module.tree.body if _is_constant(node) for name in bound([node])}
            for name in sorted(module.own):
                stays = not _SHORT.fullmatch(name) and name not in mine | foreign
                if name in constants and not stays:
                    called = f"{name}_{module.name.rpartition('.')[2]}"
                else:
                    called = name if stays else free.take(name)
                mine.add(called)
                module.renamed[name] = self._called[module.name, name] = called
        for module in modules:
            self._call_imported(module, free)
            for name in sorted(_in_f_strings(module.tree)):
                if module.renamed.get(name, name) != name:
                    raise ValueError(
                        f"{module.name}: {name} stands in an f-string and would have another name in {weld}; "
                        "give it a name that no other module there has, or build the text otherwise"
                    )

    def _call_imported(self, module: _Module, free: "_Free") -> None:
        """The same for what comes from elsewhere: by one name in all modules of a weld."""
        for node, alias in _aliases(module.tree.body):
            here = alias.asname or alias.name
            theirs, name = self._home(module, node, alias)
            if here in module.modules or theirs is None:
                continue
            key = (theirs.name, name)
            if theirs.weld != module.weld:
                key = (f"{module.weld} {theirs.name}", name)
                if key not in self._called:
                    self._called[key] = free.take(here)
            module.renamed[here] = self._called[key]

    # What sources become.

    def _edited(self, module: _Module) -> str:
        return edited(module.source, self._edits(module))

    def _edits(self, module: _Module) -> Iterator[Edit]:
        functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)]
        inner = {id(node) for function in functions for node in ast.walk(function)}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom):
                yield instead(node, self._import(module, node, id(node) in inner))
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                whole = module.modules.get(node.value.id)
                if whole is not None and whole.weld:
                    called = self._called[whole.name, node.attr]
                    yield instead(node, called if whole.weld == module.weld else f"{node.value.id}.{called}")
        for named, name, kind in occurrences(module.tree):
            called = module.renamed.get(name, name)
            if kind == GLOBAL and called != name:
                if isinstance(named, ast.Name):
                    yield instead(named, called)
                elif isinstance(named, ast.FunctionDef | ast.ClassDef):
                    column = named.col_offset + len("def " if isinstance(named, ast.FunctionDef) else "class ")
                    yield named.lineno, column, named.lineno, column + len(name), called

    def _import(self, module: _Module, node: ast.ImportFrom, inner: bool) -> str:
        """The same import, of what is somewhere else now."""
        done = []
        wanted: dict[str, list[str]] = {}
        for alias in node.names:
            here = alias.asname or alias.name
            whole = self._whole(module, node, alias)
            theirs, name = self._home(module, node, alias)
            if whole is not None:
                at = whole.weld or whole.name
                if at != module.weld:
                    package, _, last = at.rpartition(".")
                    wanted.setdefault(package, []).append(last if last == here else f"{last} as {here}")
                continue
            if theirs is None:
                wanted.setdefault(origin(module.name, node), []).append(ast.unparse(alias))
                continue
            called = self._called.get((theirs.name, name), name)
            ours = here if inner else module.renamed.get(here, here)
            if theirs.weld and theirs.weld == module.weld:
                if called != ours:
                    done.append(f"{ours} = {called}")
            else:
                at = theirs.weld or theirs.name.removesuffix(".__init__")
                wanted.setdefault(at, []).append(called if called == ours else f"{called} as {ours}")
        done += [f"from {at} import {', '.join(names)}" for at, names in wanted.items()]
        return "; ".join(done) or "pass"


class _Free:
    """Names for globals, those first that cost nothing: of attributes, then MicroPython's own."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self._attributes: set[str] = set()
        self._members: set[str] = set()  # of classes
        self._in_classes: set[str] = set()  # what stands in a class looks among its members first

    def learn(self, tree: ast.Module) -> None:
        """The attributes of one more module."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and _SHORT.fullmatch(node.attr):
                self._attributes.add(node.attr)
            elif isinstance(node, ast.ClassDef):
                self._members |= bound(node.body)
                self._in_classes |= set(_at_once(node))

    def take(self, name: str) -> str:
        """Another one, for *name*."""
        for each in self._all():
            if each not in self.taken and not (name in self._in_classes and each in self._members):
                self.taken.add(each)
                return each
        raise AssertionError("there is always another number")

    def _all(self) -> Iterator[str]:
        yield from sorted(self._attributes)
        yield from IN_ROM.split()
        yield from map(numbered, itertools.count())


def _at_once(node: ast.AST) -> Iterator[str]:
    """Names that are looked up where a class is made: in its body, and in what its functions have for defaults."""
    for field_, value in ast.iter_fields(node):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and field_ == "body":
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Name):
                yield child.id
            if isinstance(child, ast.AST):
                yield from _at_once(child)


def _imported(node: ast.AST) -> set[str]:
    """The names under which something is imported by this statement."""
    names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
    return {alias.asname or alias.name for alias in names}


def _aliases(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.ImportFrom, ast.alias]]:
    """What is imported from modules."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, alias


def _no_imports(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]


def _in_f_strings(tree: ast.Module) -> set[str]:
    """Of names there CPython 3.11 does not say where they are."""
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return {node.id for string in strings for node in ast.walk(string) if isinstance(node, ast.Name)}


def _is_constant(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_const(node.value)
