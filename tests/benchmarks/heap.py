"""What a node takes on real MicroPython (32-bit, as the ESP32): heap and .mpy code of each role as it lives.

`python -m tests.benchmarks.heap air` shows where it goes, by module.
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure
from tests.benchmarks.lives import Life, life_of
from tests.micropython.compile import REPOSITORY, compile_all

ROLES = ("parking", "air", "light", "bridge")
_HEAP_B = 84_000  # three quarters of what a plain ESP32 gives
_LOADED_B = 50_000
_WAKE_B = 30_000
_HOW = "gc.mem_alloc() after a collection, less that of the empty interpreter; hours of normal running before"
# The body's part: what the core wants is carried out elsewhere, and leaves no trace but what is shown of it.
_BODY = """
from firmware import events
from firmware.actions import RadioTransmit, SetLamp
def hear(event, now):
    for action in core.handle(event, now):
        if isinstance(action, RadioTransmit):
            print(action.phy_payload.hex())
        elif isinstance(action, SetLamp):
            print(action.head, action.level_pct)
"""
_FORGET = """

from firmware.demand import forget
forget()
del forget
"""


def figures() -> Iterator[Figure]:
    """Sizes of all shared modules, and what each role takes while it lives and when it wakes.

    A node has one role, so that what only another one needs is not on it.
    """
    compiled = REPOSITORY / "build" / "mpy"
    lives = {role: life_of(role) for role in ROLES}
    modules = compile_for(lives.values(), compiled)
    yield Figure(name="mpy.all_modules", value=sum(module.stat().st_size for module in modules), unit="B")
    for role, life in lives.items():
        compile_for([life], compiled)
        lived = live(compiled, life)
        loaded = sum(_sizes(compiled, lived["modules"]).values())
        yield Figure(name=f"firmware.{role}.live_heap_bytes", value=lived["heap"], unit="B", target=_HEAP_B, how=_HOW)
        yield Figure(name=f"firmware.{role}.loaded_mpy_bytes", value=loaded, unit="B", target=_LOADED_B)
        if life.glance is not None:
            loaded = sum(_sizes(compiled, wake(compiled, life.glance)["modules"]).values())
            yield Figure(name=f"firmware.{role}.wake_mpy_bytes", value=loaded, unit="B", target=_WAKE_B)


def compile_for(lives: Iterable[Life], target: Path) -> list[Path]:
    """Compile as for a node whose body lives these lives; returns the .mpy files."""
    told = [_BODY, _FORGET]
    for life in lives:
        for one in (life, life.glance):
            if one is not None:
                told += [one.born, *[event for event, _ in one.heard]]
    return compile_all(target, "\n".join(told))


def live(compiled: Path, life: Life) -> dict[str, Any]:
    """Let MicroPython live it. Raises SystemExit if it did not send the very same frames."""
    hears = [f"hear({event}, {now})" for event, now in life.heard]
    lived = _run(compiled, life.given, life.born, [_BODY, *hears])
    if lived["said"] != life.sent:
        raise SystemExit("the node on MicroPython did not send what the node on CPython sent")
    return lived


def wake(compiled: Path, glance: Life) -> dict[str, Any]:
    """Let MicroPython wake for a glance; nothing is forgotten, since that would take longer than to sleep."""
    hears = [f"hear({event}, {now})" for event, now in glance.heard]
    return _run(compiled, glance.given, glance.born, [_BODY, *hears], "")


def _run(compiled: Path, given: dict[str, Any], born: str, hears: list[str], rests: str = _FORGET) -> dict[str, Any]:
    node = os.environ.get("LAMPYRE_NODE", "node")
    script = REPOSITORY / "tests" / "micropython" / "heap.mjs"
    names = "\n".join([f"{name} = {value!r}" for name, value in given.items()])
    rests = "".join([f"del {name}\n" for name in given]) + rests
    story = json.dumps({"given": names, "born": born, "hears": hears, "rests": rests})
    done = subprocess.run([node, script, compiled], input=story, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"heap.mjs failed: …{done.stderr[-1500:]}")  # Node begins with the text of a whole package
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _sizes(compiled: Path, modules: list[str]) -> dict[str, int]:
    """Bytes of .mpy by module, of those that are ours."""
    sizes = {}
    for module in modules:
        at = compiled / module.replace(".", "/")
        for path in (at.with_suffix(".mpy"), at / "__init__.mpy"):
            if path.exists():
                sizes[module] = path.stat().st_size
    return sizes


def _in_order(modules: list[str]) -> list[str]:
    """The same, each after what it imports."""
    ordered: list[str] = []

    def visit(module: str) -> None:
        if module in ordered or module not in modules:
            return
        source = REPOSITORY / (module.replace(".", "/") + ".py")
        if source.exists():
            for node in ast.parse(source.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ImportFrom):
                    package = module.split(".")[: -node.level] if node.level else []
                    base = ".".join([*package, node.module] if node.module else package)
                    for name in [base, *[f"{base}.{alias.name}" for alias in node.names]]:
                        visit(name)
        ordered.append(module)

    for module in modules:
        visit(module)
    return ordered


def _table(role: str) -> None:
    """Where it goes: the modules that a role has loaded, each after those it imports, with their .mpy and heap."""
    compiled = REPOSITORY / "build" / "mpy"
    life = life_of(role)
    compile_for([life], compiled)
    lived = live(compiled, life)
    sizes = _sizes(compiled, lived["modules"])
    before = 0
    imports = ""
    for module in _in_order(sorted(sizes)):
        imports += f"import {module}\n"
        heap = _run(compiled, {}, imports, [])["heap"]
        print(f"{module:32}{sizes[module]:7}{heap - before:7}")
        before = heap
    total = sum(sizes.values())
    print(f"{'in all; alive':32}{total:7}{before:7}{lived['heap']:7}, {lived['names']} names")
    if life.glance is not None:
        woken = wake(compiled, life.glance)
        print(f"{'at the wake':32}{sum(_sizes(compiled, woken['modules']).values()):7}{woken['heap']:14}")


if __name__ == "__main__":
    _table(sys.argv[1])
