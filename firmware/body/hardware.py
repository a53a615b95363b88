"""What a body is handed of the microcontroller: MicroPython's own modules, or what a test puts in their place."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ..drivers.bus import Buffer, Clock

    class Time(Clock, Protocol):
        """The module `time`; time_ns goes on through deep sleep and restarts, ticks do not."""

        def ticks_ms(self) -> int:
            """As documented: wraps at 2^30."""

        def time_ns(self) -> int:
            """As documented."""

    class Port(Protocol):
        """The serial console, as bytes; nothing of it waits but `wait`."""

        def any(self) -> int:
            """Whether there is something to read."""

        def readinto(self, into: Buffer, count: int, /) -> int | None:
            """Fill *into* with at most *count* bytes; how many there were."""

        def write(self, data: bytes | Buffer, /) -> object:
            """Send *data*."""

        def wait(self, ms: int) -> None:
            """Until there is something to read, so long at most."""

        def binary(self, on: bool) -> None:
            """From now on byte 3 is a byte and no Ctrl-C."""


class Hardware:
    """machine, esp32, time: the modules. port: the console. root: where the flash is mounted, "" on a board.

    heap_free: returns the bytes of the heap that are free, or None.
    """

    def __init__(self, machine: "Any", esp32: "Any", time: "Any", port: "Port", root: str = "") -> None:
        self.machine = machine
        self.esp32 = esp32
        self.time: "Time" = time
        self.port = port
        self.root = root
        self.last_error: str | None = None  # of a driver; one that ended a run is in NVS

    def heap_free(self) -> int | None:
        """Free bytes of the heap, collected or not; None on a computer."""
        import gc

        return gc.mem_free() if hasattr(gc, "mem_free") else None

    def report(self, where: str, error: Exception) -> None:
        """Keep what went wrong in a driver, for the status and the technician: the node goes on without it."""
        self.last_error = (where + " " + type(error).__name__)[:20]
