"""Which lines of the firmware run on real MicroPython, file by file: `make coverage-board`.

The tests that both Pythons share are run on the build that can trace (npm 1.29.0-6 of the same package), a fresh
interpreter for each file: together they need more memory than it has. A statement counts as run when one of its lines
did; what only a type checker reads, docstrings, and constants that the compiler puts in place count as nothing. Words
choose files of tests.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.micropython.compile import PACKAGES, REPOSITORY

_HERE = Path(__file__).parent
_WASM = "micropython-settrace.wasm"
_TIMEOUT_S = 900  # of a file on a machine that does much else; alone the slowest takes a minute


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
    if isinstance(node, ast.Assign) and _is_put_in_place(node):
        return True
    return isinstance(node, ast.Pass | ast.Global) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )


def _is_put_in_place(node: ast.Assign) -> bool:
    """`_NAME = const(…)`: MicroPython's compiler leaves no code of it."""
    target, value = node.targets[0], node.value
    is_const = isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "const"
    return is_const and isinstance(target, ast.Name) and target.id.startswith("_")


def traced(source: str) -> str:
    """The same without what only a type checker reads, which MicroPython cannot, each statement on its line."""
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for number in range(node.lineno, node.end_lineno or node.lineno):
                lines[number] = ""
            lines[node.lineno - 1] = lines[node.lineno - 1].split("if")[0] + "pass"
    return "\n".join(lines)


def main(words: list[str]) -> None:
    """Run file after file, and print a row for each file of the firmware, the least covered first."""
    package = Path(os.environ.get("LAMPYRE_SETTRACE", ""))
    if not (package / _WASM).is_file():
        raise SystemExit(
            f"LAMPYRE_SETTRACE is '{package}', where there is no {_WASM}; expected the folder of "
            "@micropython/micropython-webassembly-pyscript 1.29.0-6: `make coverage-board` fetches it"
        )
    tests = [path.relative_to(REPOSITORY) for path in sorted((REPOSITORY / "tests/firmware").rglob("test_*.py"))]
    tests = [path for path in tests if not words or any(word in str(path) for word in words)]
    lines: dict[str, set[int]] = {}
    passed = 0
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        _write_sources(Path(folder))
        for number, test in enumerate(tests, 1):
            began_s = time.monotonic()
            ran = _run(Path(folder), package, test)
            passed += ran["passed"]
            failed += ran["failed"]
            for name, numbers in ran["lines"].items():
                lines.setdefault(name.lstrip("/"), set()).update(numbers)
            took_s = time.monotonic() - began_s
            print(f"{number:3}/{len(tests)}  {test!s:52}{ran['passed']:4} passed{took_s:7.1f} s", flush=True)
    _print_table(lines)
    print(f"{passed} tests passed, {len(failed)} failed {' '.join(failed)}")
    if failed or not passed:
        raise SystemExit(1)


def _write_sources(folder: Path) -> None:
    for place in PACKAGES:
        for path in (REPOSITORY / place).rglob("*.py"):
            target = folder / path.relative_to(REPOSITORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(traced(path.read_text(encoding="utf-8")), encoding="utf-8")


def _run(sources: Path, package: Path, test: Path) -> dict[str, Any]:
    """What coverage.mjs says of a file of tests; one that does not end, or ends the interpreter, has failed."""
    node = os.environ.get("LAMPYRE_NODE", "node")
    command: list[str | Path] = [node, _HERE / "coverage.mjs", REPOSITORY, sources, package, test]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=_TIMEOUT_S)
    except subprocess.SubprocessError as error:
        print(error, file=sys.stderr)
        return {"passed": 0, "failed": [str(test)], "lines": {}}
    ran: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return ran


def _print_table(lines: dict[str, set[int]]) -> None:
    rows = []
    for path in sorted((REPOSITORY / "firmware").rglob("*.py")):
        name = str(path.relative_to(REPOSITORY))
        wanted = statements(path.read_text(encoding="utf-8"))
        missed = [place.start for place in wanted if not lines.get(name, set()) & set(place)]
        if wanted:
            rows.append((100 * (len(wanted) - len(missed)) / len(wanted), name, len(wanted), missed))
    for share, name, count, missed in sorted(rows):
        print(f"{name:36}{count:6}{share:7.1f} %  {' '.join(map(str, missed[:14]))}")
    count = sum(row[2] for row in rows)
    missed_count = sum(len(row[3]) for row in rows)
    print(f"{'in all':36}{count:6}{100 * (count - missed_count) / count:7.1f} %")


if __name__ == "__main__":
    main(sys.argv[1:])
