"""Which lines of the firmware run on real MicroPython, file by file: `make coverage-board`.

The tests that both Pythons share are run on the build that can trace (npm 1.29.0-6 of the same package). A statement
counts as run when one of its lines did; what only a type checker reads, and docstrings, count as nothing.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.micropython.compile import PACKAGES, REPOSITORY

_HERE = Path(__file__).parent
_PACKAGE = REPOSITORY / "tests/node_modules/micropython-settrace"


def statements(source: str) -> list[range]:
    """The lines of each statement; of one with a body, its head's."""
    found: list[range] = []
    _visit(ast.parse(source), found)
    return found


def _visit(node: ast.AST, found: list[range]) -> None:
    for child in _children(node):
        body = getattr(child, "body", None)
        last = body[0].lineno - 1 if isinstance(body, list) and body else child.end_lineno
        first = child.lineno
        if not isinstance(child, ast.Try) and not _is_nothing(child):
            found.append(range(first, max(first, last or first) + 1))
        _visit(child, found)


def _children(node: ast.AST) -> "Iterator[ast.stmt]":
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    for name in ("body", "handlers", "orelse", "finalbody"):
        for child in getattr(node, name, []) if isinstance(getattr(node, name, None), list) else []:
            if isinstance(child, ast.ExceptHandler):
                yield from _children(child)
            else:
                yield child


def _is_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return True
    return isinstance(node, ast.Pass | ast.Global) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def traced(source: str) -> str:
    """The same without what only a type checker reads, which MicroPython cannot, each statement on its line."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for number in range(node.lineno, node.end_lineno or node.lineno):
                lines[number] = ""
            lines[node.lineno - 1] = lines[node.lineno - 1].split("if")[0] + "pass"
    return "\n".join(lines)


def main() -> None:
    """Run, and print a row for each file, the least covered first."""
    package = os.environ.get("LAMPYRE_SETTRACE") or _PACKAGE
    node = os.environ.get("LAMPYRE_NODE", "node")
    with tempfile.TemporaryDirectory() as folder:
        for place in PACKAGES:
            for path in (REPOSITORY / place).rglob("*.py"):
                target = Path(folder) / path.relative_to(REPOSITORY)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(traced(path.read_text(encoding="utf-8")), encoding="utf-8")
        command = [node, _HERE / "coverage.mjs", REPOSITORY, folder, package, *sys.argv[1:]]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"coverage.mjs failed; does {package} have micropython-settrace.wasm?")
    ran = json.loads(done.stdout.splitlines()[-1])
    lines = {name.lstrip("/"): set(numbers) for name, numbers in ran["lines"].items()}
    rows = []
    for path in sorted((REPOSITORY / "firmware").rglob("*.py")):
        name = str(path.relative_to(REPOSITORY))
        wanted = statements(path.read_text(encoding="utf-8"))
        missed = [place.start for place in wanted if not lines.get(name, set()) & set(place)]
        rows.append((100 * (len(wanted) - len(missed)) / max(len(wanted), 1), name, len(wanted), missed))
    for share, name, count, missed in sorted(rows):
        print(f"{name:36}{count:6}{share:7.1f} %  {' '.join(map(str, missed[:14]))}")
    count = sum(row[2] for row in rows)
    missed_count = sum(len(row[3]) for row in rows)
    print(f"{'in all':36}{count:6}{100 * (count - missed_count) / count:7.1f} %")
    print(f"{ran['passed']} tests passed, {len(ran['failed'])} failed {' '.join(ran['failed'])}")


if __name__ == "__main__":
    main()
