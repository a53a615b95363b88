"""What the node's code takes: .mpy bytes, and heap after importing it on real MicroPython (32-bit, as the ESP32)."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.figures import Figure
from tests.micropython.compile import REPOSITORY, compile_all

_NODE = ("firmware.mac", "firmware.mind", "firmware.node", "firmware.store.log")
_ROLES = {
    "air": ("firmware.roles.air", *_NODE),
    "light": ("firmware.roles.light", *_NODE),
    "bridge": ("firmware.roles.bridge",),
}
_HEAP_B = 112_000  # what a plain ESP32 gives, of which a quarter stays free


def figures() -> Iterator[Figure]:
    """Sizes of all shared modules, and the heap that the modules of each role and all of protocol/ take."""
    compiled = REPOSITORY / "build" / "mpy"
    modules = compile_all(compiled)
    yield Figure(name="mpy.all_modules", value=sum(module.stat().st_size for module in modules), unit="B")
    for role, names in _ROLES.items():
        yield Figure(
            name=f"heap.imports.{role}",
            value=_imported(compiled, names),
            unit="B",
            target=_HEAP_B * 3 // 4,
            how="gc.mem_alloc() after importing compiled modules, less that of the empty interpreter",
        )


def _imported(compiled: Path, modules: tuple[str, ...]) -> int:
    node = os.environ.get("LAMPYRE_NODE", "node")
    script = REPOSITORY / "tests" / "micropython" / "heap.mjs"
    done = subprocess.run([node, script, compiled, *modules], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise SystemExit(f"heap.mjs failed:\n{done.stderr}")
    return int(done.stdout)
