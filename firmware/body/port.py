"""The console of a real board: standard input and output, asked without waiting."""

import select
import sys

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from ..drivers.bus import Buffer

_CTRL_C = 3


class StandardPort:
    """UART0 or native USB, whichever the board's MicroPython has its prompt on."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._one = bytearray(1)
        self._input: "Any" = sys.stdin.buffer

    def any(self) -> int:
        """Whether there is something to read."""
        return 1 if self._poll.poll(0) else 0

    def readinto(self, into: "Buffer", count: int) -> int | None:
        """Fill *into* with at most *count* bytes; how many there were."""
        read = 0
        while read < count and self._poll.poll(0):  # one by one: a longer read waits for the last of them
            if not self._input.readinto(self._one):
                break
            into[read] = self._one[0]
            read += 1
        return read

    def write(self, data: "bytes | Buffer") -> object:
        """Send *data*."""
        return sys.stdout.buffer.write(data)

    def wait(self, ms: int) -> None:
        """Until there is something to read, so long at most."""
        self._poll.poll(ms)

    def binary(self, on: bool) -> None:
        """From now on byte 3 is a byte and no Ctrl-C, or one again."""
        import micropython

        micropython.kbd_intr(-1 if on else _CTRL_C)
