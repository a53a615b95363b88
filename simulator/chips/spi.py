"""An SPI bus: `machine.SPI` for the firmware, one byte for another with the chip whose select is low."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    from .clock import Clock
    from .wire import Wire

    class SpiChip(Protocol):
        """A chip on the bus."""

        def select(self) -> None:
            """Its select falls."""

        def exchange(self, byte: int) -> int:
            """One byte each way."""

        def take(self, data: bytes | bytearray | memoryview) -> None:
            """Bytes of which nobody reads what they are answered with."""

        def give(self, into: bytearray | memoryview, write: int) -> None:
            """Bytes for so many times *write*."""

        def deselect(self) -> None:
            """Its select rises."""


class SpiBus:
    """Bytes take their time: 8 bits at *hz*. Nobody selected reads as 0xFF, as a pull-up leaves MISO."""

    def __init__(self, clock: "Clock", hz: int = 8_000_000) -> None:
        self._clock = clock
        self._hz = hz
        self._chips: list[tuple["Wire", "SpiChip"]] = []

    def attach(self, cs: "Wire", chip: "SpiChip") -> None:
        """Select *chip* by *cs*, low."""
        cs.watch(lambda level: chip.deselect() if level else chip.select())
        self._chips.append((cs, chip))

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """As `machine.SPI.write`."""
        chip = self._selected()
        if chip is not None:
            chip.take(data)
        self._pass(len(data))

    def readinto(self, into: bytearray | memoryview, write: int = 0) -> None:
        """As `machine.SPI.readinto`."""
        chip = self._selected()
        if chip is None:
            for place in range(len(into)):
                into[place] = 0xFF
        else:
            chip.give(into, write)
        self._pass(len(into))

    def read(self, count: int, write: int = 0) -> bytes:
        """As `machine.SPI.read`."""
        into = bytearray(count)
        self.readinto(into, write)
        return bytes(into)

    def write_readinto(self, data: bytes | bytearray | memoryview, into: bytearray | memoryview) -> None:
        """As `machine.SPI.write_readinto`."""
        chip = self._selected()
        for place in range(len(into)):
            into[place] = 0xFF if chip is None else chip.exchange(data[place])
        self._pass(len(into))

    def _selected(self) -> "SpiChip | None":
        for cs, chip in self._chips:
            if not cs.level:
                return chip
        return None

    def _pass(self, count: int) -> None:
        self._clock.sleep_us((count * 8_000_000 + self._hz - 1) // self._hz)
