"""protocol/ and firmware/ stay what a node can run: integers only, and no import that MicroPython does not ship."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SHARED = [
    path.relative_to(REPOSITORY).as_posix()
    for package in ("protocol", "firmware")
    for path in sorted((REPOSITORY / package).rglob("*.py"))
]

# Modules of MicroPython's ESP32 port that shared code may import, and where; ours are `protocol` and `firmware`.
IMPORTS = {
    "": ("binascii", "hashlib", "struct"),
    "protocol/compat.py": ("micropython",),
    "protocol/aes.py": ("cryptolib",),
    "protocol/aes_cpython.py": ("cryptography",),
    "firmware/": ("esp32", "firmware", "machine", "micropython", "protocol", "time"),
    "firmware/body/": ("gc", "io", "json", "random", "select", "sys"),
    "firmware/body/start.py": ("traceback",),  # on CPython only
    "firmware/boot.py": ("os",),
    "firmware/demand.py": ("sys",),
    "firmware/store/files.py": ("os",),
}
FLOAT_FORMATS = set("defFDg")  # of struct: half, single and double


def faults(source: str, path: str) -> list[str]:
    """What in *source*, were it in file *path*, a node could not run, or not in integers."""
    found = []
    tree = ast.parse(source)
    modules = _imported_modules(tree)
    for node in _walk(tree):
        sentence = _arithmetic(node) or _call(node) or _import(node, path) or _private_attribute(node, modules)
        if sentence:
            found.append(f"{path}:{node.lineno}: {sentence}")
    return found


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those below `if TYPE_CHECKING`, which only mypy reads."""
    yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        children = iter(node.orelse)
    else:
        children = ast.iter_child_nodes(node)
    for child in children:
        yield from _walk(child)


def _arithmetic(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        return f"the float {node.value}; write an integer in a smaller unit"
    if isinstance(node, ast.BinOp | ast.AugAssign):
        if isinstance(node.op, ast.Div):
            return "true division makes a float; write //"
        exponent = node.right if isinstance(node, ast.BinOp) else node.value
        if isinstance(node.op, ast.Pow) and not (
            isinstance(exponent, ast.Constant) and isinstance(exponent.value, int)
        ):
            return "a power that may be negative makes a float; write a plain number as exponent"
    return ""


def _call(node: ast.AST) -> str:
    if isinstance(node, ast.Name) and node.id in ("float", "complex"):
        return f"{node.id}; this code knows integers only"
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "round" and (len(node.args) > 1 or node.keywords):
        return "round to digits makes a float"
    if name == "pow":
        return "pow; write ** and a plain number"
    if name in ("pack", "pack_into", "unpack", "unpack_from", "calcsize"):
        return _struct_format(node.args[0] if node.args else None)
    return ""


def _struct_format(argument: ast.expr | None) -> str:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and FLOAT_FORMATS & set(argument.value):
        return f"struct format {argument.value!r} carries floats"
    return ""


def _import(node: ast.AST, path: str) -> str:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        if node.module == "__future__":
            return "MicroPython has no __future__"
        modules = [] if node.level else [node.module or ""]
        for alias in node.names:
            if alias.name == "*" or (alias.name.startswith("_") and not alias.name.endswith("__")):
                return f"import of {alias.name}: MicroPython forgets underscore constants, and stars hide names"
    else:
        return ""
    allowed = {name for place, names in IMPORTS.items() if path.startswith(place) for name in names}
    for module in modules:
        if module.split(".")[0] not in allowed:
            return f"import of {module}; allowed here: {', '.join(sorted(allowed))}"
    return ""


def _imported_modules(tree: ast.Module) -> set[str]:
    """Names that may stand for modules of ours: `from . import cbor`, `import protocol.cbor`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return names


def _private_attribute(node: ast.AST, modules: set[str]) -> str:
    if not isinstance(node, ast.Attribute) or not node.attr.startswith("_") or node.attr.endswith("__"):
        return ""
    root = node.value
    while isinstance(root, ast.Attribute):
        root = root.value
    if isinstance(root, ast.Name) and root.id in modules:
        return f"{ast.unparse(node)}: MicroPython forgets underscore constants of other modules"
    return ""


@pytest.mark.parametrize("path", SHARED)
def test_shared_code_is_what_a_node_can_run(path):
    assert faults((REPOSITORY / path).read_text(encoding="utf-8"), path) == []


@pytest.mark.parametrize("path", [path for path in SHARED if path.startswith("protocol/")])
def test_every_public_name_has_a_docstring(path):
    tree = ast.parse((REPOSITORY / path).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path} does not say which idea it is"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path}:{node.lineno}: {node.name} has no docstring"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("X = 0.5", "the float 0.5"),
        ("X = 1e3", "the float 1000.0"),
        ("X = 2j", "the float 2j"),
        ("def f(a, b):\n    return a / b", "file.py:2: true division"),
        ("def f(a, b):\n    a /= b", "true division"),
        ("X = float(3)", "float; this code knows integers only"),
        ("def f(x: float): pass", "float; this code"),
        ("X = round(Y, 1)", "round to digits"),
        ("X = round(Y, ndigits=1)", "round to digits"),
        ("X = 10 ** -1", "a power that may be negative"),
        ("X = 10 ** Y", "a power that may be negative"),
        ("X **= Y", "a power that may be negative"),
        ("X = pow(10, -1)", "pow;"),
        ("import struct\nX = struct.unpack('<f', Y)", "struct format '<f' carries floats"),
        ("from struct import pack_into\npack_into('>Hd', X, 0, 1, 2)", "struct format '>Hd'"),
        ("import math", "import of math; allowed here: binascii, hashlib, struct"),
        ("import struct, math", "import of math"),
        ("from math import sin", "import of math"),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import math", "import of math"),
        ("def f():\n    import typing", "import of typing"),
        ("from collections.abc import Iterable", "import of collections.abc"),
        ("from __future__ import annotations", "no __future__"),
        ("import machine", "import of machine"),
        ("import time", "import of time"),
        ("from micropython import const", "import of micropython"),
        ("from cryptography.hazmat.primitives import ciphers", "import of cryptography"),
        ("from firmware import mac", "import of firmware"),
        ("from .cbor import _NULL", "import of _NULL"),
        ("from .cbor import *", r"import of \*"),
        ("from . import cbor\nX = cbor._NULL", "cbor._NULL: MicroPython forgets"),
        ("import protocol.cbor\nX = protocol.cbor._NULL", "import of protocol|protocol.cbor._NULL"),
    ],
)
def test_a_broken_rule_is_seen(source, says):
    found = faults(source, "protocol/file.py")
    assert found, "nothing was seen"
    with pytest.raises(AssertionError, match=says):
        raise AssertionError("\n".join(found))


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("X = (7 // 2) ** 2 + round(3) - -1", "protocol/file.py"),
        ("import binascii, hashlib, struct\nX = struct.pack('<BIH', 1, 2, 3)", "protocol/file.py"),
        ("from . import cbor\nfrom ..errors import MessageError\nX = cbor.MAX_INT", "protocol/dimming/file.py"),
        ("class A:\n    def f(self):\n        return self._x + type(self).__name__", "protocol/file.py"),
        ("from micropython import const", "protocol/compat.py"),
        ("if TYPE_CHECKING:\n    from typing import Protocol", "firmware/file.py"),
        ("from cryptography.hazmat.primitives.ciphers import Cipher", "protocol/aes_cpython.py"),
        (
            "import machine, esp32, time\nfrom protocol.cbor import encode\nfrom firmware.mac import Mac",
            "firmware/x.py",
        ),
    ],
)
def test_what_a_node_can_run_is_left_alone(source, path):
    assert faults(source, path) == []
