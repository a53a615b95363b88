"""The Node process that hosts the boards' interpreters, and the lines of JSON to and from each."""

import json
import os
import select
import shutil
import subprocess
from pathlib import Path
from typing import Any, Protocol, Self

_MAIN = Path(__file__).parent / "host/main.mjs"
_PACKAGE = "node_modules/@micropython/micropython-webassembly-pyscript"
_PLACES = (Path(__file__).parents[2] / "tests", Path(__file__).parents[2], Path.cwd())
_GONE = "the boards' Node.js process has ended; it says why on stderr"
_PATIENCE_S = 60  # a call into the hardware comes every few ms
_HANGS = (
    f"a board's firmware has computed for {_PATIENCE_S} s without any call in which time passes; a real board's "
    "watchdog would end such a loop, but nothing can end it here"
)

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class HostError(Exception):
    """There is no process to run boards in, or it has gone; the message says what to do."""


class Line(Protocol):
    """How a board reaches its interpreter."""

    def write(self, message: object) -> None:
        """Send a command, or the answer to what it asks."""

    def read(self) -> Any:
        """What it asks, or how a command ended: see host/board.mjs."""


class Link:
    """The line to one board's interpreter. Both calls raise HostError when it has gone."""

    def __init__(self, to: int, from_: int) -> None:
        os.set_blocking(to, False)  # so that nobody holds us up for ever who does not read
        self._to = to
        self._from = from_
        self._rest = b""

    def write(self, message: object) -> None:
        """Send a command, or the answer to what it asks."""
        data = _to_json(message).encode() + b"\n"
        while data:
            try:
                data = data[os.write(self._to, data) :]
            except BlockingIOError:
                if not select.select([], [self._to], [], _PATIENCE_S)[1]:
                    raise HostError(_HANGS) from None
            except BrokenPipeError as error:
                raise HostError(_GONE) from error

    def read(self) -> Any:
        """What it asks, or how a command ended: see host/board.mjs."""
        while b"\n" not in self._rest:
            if not select.select([self._from], [], [], _PATIENCE_S)[0]:
                raise HostError(_HANGS)
            data = os.read(self._from, 1 << 16)
            if not data:
                raise HostError(_GONE)
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._to)
        os.close(self._from)


class Host:
    """One process with room for so many *boards*; a context.

    images: boards wake with the memory that they had after importing, else they import all of it again each time.
    heap: they tell now and then what is alive on it.
    Raises HostError when there is no Node.js or no MicroPython package.
    """

    def __init__(self, boards: int = 1, images: bool = True, heap: bool = False) -> None:
        node = os.environ.get("LAMPYRE_NODE") or shutil.which("node")
        if not node:
            raise HostError("virtual boards need Node.js 20 or newer: put `node` on the PATH, or set LAMPYRE_NODE")
        package = _package()
        theirs: list[int] = []
        self._links: list[Link] = []
        for _ in range(boards):
            command_out, command_in = os.pipe()
            answer_out, answer_in = os.pipe()
            theirs += [command_out, answer_in]
            self._links.append(Link(command_in, answer_out))
        self._free = list(self._links)
        pairs = [f"{theirs[place]},{theirs[place + 1]}" for place in range(0, len(theirs), 2)]
        asked = [str(int(images)), str(int(heap))]
        self._process = subprocess.Popen([node, _MAIN, package, *asked, *pairs], stdin=subprocess.PIPE, pass_fds=theirs)
        for number in theirs:
            os.close(number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def link(self) -> Link:
        """The line to a board that nobody has yet."""
        return self._free.pop(0)

    def close(self) -> None:
        """End the process."""
        for link in self._links:
            link.close()
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


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
