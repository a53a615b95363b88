"""The Node process that hosts the boards' interpreters, and the lines of JSON to and from it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol

Ending = tuple[str, str]

_HOST = Path(__file__).parent / "host/pool.mjs"
_PACKAGE = "node_modules/@micropython/micropython-webassembly-pyscript"
_PLACES = (Path(__file__).parents[2] / "tests", Path(__file__).parents[2], Path.cwd())


class HostError(Exception):
    """There is no process to run boards in, or it has gone; the message says what to do."""


class Answers(Protocol):
    """What a call into an interpreter needs of the simulator meanwhile."""

    def post(self, posted: list[Any]) -> None:
        """What the firmware did that needs no answer: (time in µs, operation, arguments…), in their order."""

    def ask(self, now_us: int, op: str, args: list[Any]) -> tuple[int, Any, list[int], Ending | None]:
        """What it waits for: the time then, the result, events for its handlers, and how the call ends, if so."""


class Host:
    """One process with any number of interpreters, of which one runs at a time; close it in the end.

    Raises HostError when there is no Node.js or no MicroPython package.
    """

    def __init__(self) -> None:
        node = os.environ.get("LAMPYRE_NODE") or shutil.which("node")
        if not node:
            raise HostError("virtual boards need Node.js 20 or newer: put `node` on the PATH, or set LAMPYRE_NODE")
        self._process = subprocess.Popen([node, _HOST, _package()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin
        assert self._process.stdout
        self._to = self._process.stdin
        self._from = self._process.stdout

    def call(self, answers: Answers | None, command: str, *args: Any) -> tuple[int, Any]:
        """Let the host do something, and answer what it asks until it is done; returns the time then, and the result.

        Raises HostError when the process is gone.
        """
        self._write([command, *args])
        while True:
            message = self._read()
            if answers is not None:
                answers.post(message[1])
            if message[0] == "done":
                return message[2], message[3]
            assert answers is not None
            self._write(answers.ask(message[2], message[3], message[4:]))

    def close(self) -> None:
        """End the process."""
        self._to.close()
        self._process.wait()
        self._from.close()

    def _write(self, message: object) -> None:
        try:
            self._to.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            self._to.flush()
        except BrokenPipeError as error:
            raise HostError("the boards' Node.js process has ended; it says why on stderr") from error

    def _read(self) -> Any:
        line = self._from.readline()
        if not line:
            raise HostError("the boards' Node.js process has ended; it says why on stderr")
        return json.loads(line)


def _package() -> Path:
    """Where npm put MicroPython's WebAssembly build."""
    named = os.environ.get("LAMPYRE_MICROPYTHON")
    for folder in [Path(named)] if named else [place / _PACKAGE for place in _PLACES]:
        if (folder / "micropython.mjs").exists():
            return folder
    raise HostError(
        "virtual boards need @micropython/micropython-webassembly-pyscript 1.27.0: `npm install` it, and set "
        "LAMPYRE_MICROPYTHON to its folder unless it is in ./node_modules"
    )
