"""Compile protocol/ and firmware/ to .mpy as the flashing tool does: bytecode only, 31-bit small ints."""

import shutil
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("protocol", "firmware")

sys.path.insert(0, str(REPOSITORY))  # for `python tests/micropython/compile.py`
from boards.firmware.compiling import compiled  # noqa: E402


def compile_all(target: Path, body: str | None = None) -> list[Path]:
    """Compile every module of the shared packages into *target*; returns the .mpy files.

    body: what runs beside them on a node, which has all it needs; None for tests, which need all there is. Raises
    SystemExit with mpy-cross's message for a file that MicroPython cannot compile.
    """
    shutil.rmtree(target, ignore_errors=True)
    try:
        code = compiled(sources(), body)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    made = []
    for module, data in code.items():
        made.append(target / (module.replace(".", "/") + ".mpy"))
        made[-1].parent.mkdir(parents=True, exist_ok=True)
        made[-1].write_bytes(data)
    return made


def sources() -> dict[str, str]:
    """Those of the shared packages, by module name."""
    paths = [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py"))]
    return {_module(path): path.read_text(encoding="utf-8") for path in paths}


def _module(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)


if __name__ == "__main__":
    print(f"{len(compile_all(Path(sys.argv[1])))} modules compiled", file=sys.stderr)
