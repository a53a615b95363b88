"""A serial line: `machine.UART` for the firmware, bytes that take their time, and a chip on the other end."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    from .clock import Clock

    class UartChip(Protocol):
        """A chip on the line."""

        baud: int

        def receive(self, data: bytes) -> None:
            """What the firmware wrote, once the last bit is over."""


class UartLine:
    """baud: of the firmware's end; what passes between ends that disagree is garbage. rxbuf: as on the ESP32 port."""

    def __init__(self, clock: "Clock", baud: int = 9600, rxbuf: int = 256) -> None:
        self._clock = clock
        self._baud = baud
        self._rxbuf = rxbuf
        self._waiting: list[int] = []
        self._chip: "UartChip | None" = None
        self._free_us = 0  # when the chip's end has sent what it has to send
        self.overruns = 0

    def attach(self, chip: "UartChip") -> None:
        """Put *chip* on the other end."""
        self._chip = chip

    # The firmware's end.

    def set_baud(self, baud: int) -> None:
        """As the constructor of `machine.UART`."""
        self._baud = baud

    def any(self) -> int:
        """As `machine.UART.any`."""
        return len(self._waiting)

    def waiting(self) -> bytes:
        """What `read` would give; nobody reads it by that."""
        return bytes(self._waiting)

    def read(self, count: int = -1) -> bytes | None:
        """As `machine.UART.read` with a time-out of 0."""
        taken = self._waiting if count < 0 else self._waiting[:count]
        self._waiting = self._waiting[len(taken) :]
        return bytes(taken) if taken else None

    def readinto(self, into: bytearray | memoryview, count: int = -1) -> int | None:
        """As `machine.UART.readinto` with a time-out of 0."""
        data = self.read(len(into) if count < 0 else min(count, len(into)))
        if data is None:
            return None
        into[: len(data)] = data
        return len(data)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """As `machine.UART.write`."""
        chip = self._chip
        if chip is not None:
            sent = self._as_heard(bytes(data), chip.baud)
            self._clock.at(self._clock.now_us + self._lasts_us(len(data)), lambda: chip.receive(sent))
        return len(data)

    # The chip's end.

    def send(self, data: bytes) -> None:
        """The chip sends: each byte arrives when its last bit is over."""
        chip = self._chip
        heard = self._as_heard(data, chip.baud if chip is not None else self._baud)
        begins_us = max(self._clock.now_us, self._free_us)
        self._free_us = begins_us + self._lasts_us(len(data))
        for place in range(0, len(heard), 8):  # in the gulps of a FIFO: an event for each byte would be no truer
            part = heard[place : place + 8]
            self._clock.at(begins_us + self._lasts_us(place + len(part)), lambda part=part: self._arrive(part))  # type: ignore[misc]

    def _arrive(self, data: bytes) -> None:
        room = self._rxbuf - len(self._waiting)
        self.overruns += max(len(data) - room, 0)
        self._waiting += data[:room]

    def _lasts_us(self, count: int) -> int:
        return count * 10_000_000 // self._baud

    def _as_heard(self, data: bytes, theirs: int) -> bytes:
        return data if theirs == self._baud else bytes([byte ^ 0xA5 for byte in data])
