"""Leave out of the node's sources what no line of them uses: the gateway's half of each codec, words for screens.

protocol/ has two ends, and a function costs a node 150 bytes of heap whether it is called or not. What counts as used
is every name that stands anywhere in code that is left, whatever it means there: too much rather than too little.
And what only the air can cause is refused without a sentence: on a node there is nobody to read it. Lines stay where
they are.
"""

import ast
from collections.abc import Iterator, Mapping

from boards.firmware.names import is_const, is_for_mypy

# Whose refusals a technician reads on the node's console; those of firmware/ are kept as well.
SPEAKING = ("protocol.settings", "protocol.manifest", "protocol.lorawan.eui")
_ERRORS = ("ProtocolError", "FrameError", "CborError", "MessageError")
_ITEMS = ("array", "integer", "integer_or_none")  # of protocol/items.py: their second argument is for sentences alone

_Definition = ast.FunctionDef | ast.ClassDef | ast.Assign


def shaken(sources: Mapping[str, str], roots: set[str]) -> dict[str, str]:
    """The sources, by module name, without definitions that neither they nor *roots*, names from elsewhere, use."""
    trees = {module: ast.parse(source) for module, source in sources.items()}
    silent = {module: _silenced(tree) for module, tree in trees.items() if _is_silent(module)}
    unsaid = {module: _unsaid(tree) for module, tree in trees.items()}
    dropped: dict[str, list[_Definition]] = {module: [] for module in trees}
    while True:
        used = roots | {name for tree in trees.values() for name in _names(tree)}
        before = sum(map(len, dropped.values()))
        for module, tree in trees.items():
            owners: list[ast.Module | ast.ClassDef] = [tree]
            owners += [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
            for owner in owners:
                _drop(owner, used, dropped[module])
        if sum(map(len, dropped.values())) == before:
            break
    gone = {_name(definition) for definitions in dropped.values() for definition in definitions}
    made = {}
    for module, source in sources.items():
        said = _without_words(source, unsaid[module])
        made[module] = _without(said, silent.get(module, []), dropped[module], _unused(trees[module], gone))
    return made


def _is_silent(module: str) -> bool:
    return module.startswith("protocol.") and module not in SPEAKING


def _silenced(tree: ast.Module) -> list[tuple[ast.Raise, str]]:
    """Take the sentences out of the tree; returns each `raise` that had one, and the name of its error."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in _ERRORS:
            node.exc.args = []
            found.append((node, ast.unparse(node.exc.func)))
    return found


def _unsaid(tree: ast.Module) -> list[tuple[int, int, int]]:
    """Put 0 where a string is handed on for a sentence; returns the line of each, and its columns."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _ITEMS and len(node.args) > 1:
            what = node.args[1]
            if isinstance(what, ast.Constant) and isinstance(what.value, str) and what.lineno == what.end_lineno:
                assert what.end_col_offset is not None
                found.append((what.lineno, what.col_offset, what.end_col_offset))
                node.args[1] = ast.copy_location(ast.Constant(0), what)
    return found


def _without_words(source: str, places: list[tuple[int, int, int]]) -> str:
    lines = [line.encode() for line in source.split("\n")]
    for number, first, end in sorted(places, reverse=True):
        lines[number - 1] = lines[number - 1][:first] + b"0" + lines[number - 1][end:]
    return b"\n".join(lines).decode()


def _drop(owner: ast.Module | ast.ClassDef, used: set[str], dropped: list[_Definition]) -> None:
    kept: list[ast.stmt] = []
    for node in owner.body:
        if isinstance(node, _Definition) and not _stays(owner, node, used):
            dropped.append(node)
        else:
            kept.append(node)
    owner.body = kept


def _name(node: _Definition) -> str:
    """What it defines; of an assignment the text on its left."""
    return ast.unparse(node.targets[0]) if isinstance(node, ast.Assign) else node.name


def _stays(owner: ast.Module | ast.ClassDef, node: _Definition, used: set[str]) -> bool:
    """Whether it is used, or no table of a module: constants take nothing, and mypy's own `lean.py` leaves out."""
    if _name(node) in used or _name(node).startswith("__"):
        return True
    plain = isinstance(owner, ast.Module) and isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    return isinstance(node, ast.Assign) and (not plain or is_const(node.value) or is_for_mypy(node))


def _names(node: ast.AST) -> Iterator[str]:
    """Names that run: none of annotations, and nothing below `if TYPE_CHECKING`."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value  # it may be asked for by getattr
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _names(child)


def _imports(tree: ast.Module) -> list[ast.ImportFrom]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def _unused(tree: ast.Module, gone: set[str]) -> list[tuple[ast.ImportFrom, list[ast.alias]]]:
    """The imports of which something is not used, with what is; what a package passes on is, unless it is *gone*."""
    here = set(_names(tree))
    found = []
    for node in _imports(tree):
        kept = []
        for alias in node.names:
            passed_on = alias.asname == alias.name and alias.name not in gone
            if (alias.asname or alias.name) in here or passed_on:
                kept.append(alias)
        if len(kept) < len(node.names):
            found.append((node, kept))
    return found


def _without(
    source: str,
    silent: list[tuple[ast.Raise, str]],
    dropped: list[_Definition],
    imports: list[tuple[ast.ImportFrom, list[ast.alias]]],
) -> str:
    lines = source.splitlines()
    for statement, error in silent:
        _replace(lines, statement.lineno, statement.end_lineno, f"raise {error}")
    for definition in dropped:
        decorators = [] if isinstance(definition, ast.Assign) else definition.decorator_list
        first = min([definition.lineno, *[decorator.lineno for decorator in decorators]])
        _replace(lines, first, definition.end_lineno, "pass")
    for node, kept in imports:
        names = ", ".join([alias.name + (f" as {alias.asname}" if alias.asname else "") for alias in kept])
        text = f"from {'.' * node.level}{node.module or ''} import {names}" if kept else "pass"
        _replace(lines, node.lineno, node.end_lineno, text)
    return "\n".join(lines) + "\n"


def _replace(lines: list[str], first: int, last: int | None, text: str) -> None:
    assert last is not None
    line = lines[first - 1]
    lines[first - 1 : last] = [line[: len(line) - len(line.lstrip())] + text] + [""] * (last - first)
