"""Put other text in places of a source, so that all lines stay where they are; and who a relative import means."""

import ast
from collections.abc import Iterable

Edit = tuple[int, int, int, int, str]  # line and column, last line and its end, as `ast` counts them; what comes there


def edited(source: str, edits: Iterable[Edit]) -> str:
    """The source after edits of which none is within another; what takes several lines leaves empty ones."""
    raw = source.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    places = {
        (starts[first - 1] + column, starts[last - 1] + end, text + "\n" * (last - first))
        for first, column, last, end, text in edits
    }
    for begin, end, text in sorted(places, reverse=True):
        raw = raw[:begin] + text.encode() + raw[end:]
    return raw.decode()


def instead(node: ast.stmt | ast.expr, text: str) -> Edit:
    """The edit that puts *text* in the place of a node."""
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, text


def origin(module: str, node: ast.ImportFrom) -> str:
    """The module from which *module* imports; a package is known by its name alone."""
    if not node.level:
        return node.module or ""
    package = module.split(".")[: -node.level]
    return ".".join(package + ([node.module] if node.module else []))
