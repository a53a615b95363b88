"""The node's modules without packages, each in the slot's folder by its last name: `firmware.roles.light` as `light`.

MicroPython keeps the name of each module that it ever loaded, and the path of its file, also when the module is gone:
73 bytes for `firmware.body.birth`, 34 for `birth`. A package is one more module, and holds all of its own by name.
Modules of one last name have the name of their package before it. What marks what goes again (`firmware/demand.py`) as
text, names of modules and nothing else, is rewritten as imports are. Lines stay where they are.
"""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping

from boards.firmware.editing import Edit, edited, instead, origin
from boards.firmware.split import SUFFIX, home_of

_INIT = ".__init__"


def flat(sources: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """The sources, by the names that their modules have on a board; what has no name there is left out."""
    return {
        names[module.removesuffix(_INIT)]: flattened(source, module, names)
        for module, source in sources.items()
        if module.removesuffix(_INIT) in names
    }


def flat_names(sources: Mapping[str, str]) -> dict[str, str]:
    """The name on a board by the name of each module; of a package without `.__init__`, if there is anything in it."""
    full = [
        module.removesuffix(_INIT)
        for module, source in sources.items()
        if not module.endswith(_INIT) or not all(map(_is_docstring, ast.parse(source).body))
    ]
    homes = {home_of(module) for module in full}
    often = Counter(home.rpartition(".")[2] for home in homes)
    names = {}
    for home in homes:
        package, _, last = home.rpartition(".")
        names[home] = last if often[last] == 1 else package.rpartition(".")[2] + "_" + last
    assert len(set(names.values())) == len(names), "a package and a module in it tell modules apart"
    return {module: names[home_of(module)] + (SUFFIX if module != home_of(module) else "") for module in full}


def flattened(source: str, module: str, names: Mapping[str, str]) -> str:
    """One source, of *module*, that knows the others by *names*."""
    return edited(source, _edits(ast.parse(source), module, names))


def _edits(tree: ast.Module, module: str, names: Mapping[str, str]) -> Iterator[Edit]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield instead(node, _import(node, module, names))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.split()
            if words and all("." in word and word in names for word in words):
                yield instead(node, repr(" ".join(names[word] for word in words)))


def _import(node: ast.ImportFrom, module: str, names: Mapping[str, str]) -> str:
    theirs = origin(module, node)
    modules, things = [], []
    for alias in node.names:
        found = names.get(f"{theirs}.{alias.name}")
        if found:
            here = alias.asname or alias.name
            modules.append("import " + (found if found == here else f"{found} as {here}"))
        else:
            things.append(ast.unparse(alias))
    if things:
        modules.append(f"from {names.get(theirs, theirs)} import {', '.join(things)}")
    return "; ".join(modules)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
