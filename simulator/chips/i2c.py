"""An I²C bus: `machine.I2C` for the firmware, and the chips that answer to their addresses."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    from .clock import Clock

    class I2cChip(Protocol):
        """A chip on the bus."""

        def write(self, data: bytes) -> bool:
            """What came after its address; whether it acknowledges."""

        def read(self, count: int) -> bytes | None:
            """What it answers; None when it does not acknowledge."""


ENODEV = 19  # what the ESP32 port raises when nobody acknowledges
ETIMEDOUT = 116  # and when a chip holds the clock low


class I2cBus:
    """9 bits a byte at *hz*. stuck: a chip holds the clock low, and every transfer ends in ETIMEDOUT.

    silent: addresses of chips that have lost their wires.
    """

    def __init__(self, clock: "Clock", hz: int = 400_000) -> None:
        self._clock = clock
        self._hz = hz
        self._chips: dict[int, "I2cChip"] = {}
        self._registered: list[int] = []
        self.stuck = False
        self.silent: set[int] = set()

    def attach(self, address: int, chip: "I2cChip") -> None:
        """Give *chip* an address."""
        self._chips[address] = chip
        if isinstance(chip, RegisterChip):
            self._registered.append(address)

    def scan(self) -> list[int]:
        """As `machine.I2C.scan`."""
        return [address for address in sorted(self._chips) if address not in self.silent]

    def writeto(self, address: int, data: bytes | bytearray | memoryview, stop: bool = True) -> int:
        """As `machine.I2C.writeto`."""
        self._pass(len(data) + 1)
        if not self._chip(address).write(bytes(data)):
            raise OSError(ENODEV)
        return len(data)

    def readfrom_into(self, address: int, into: bytearray | memoryview, stop: bool = True) -> None:
        """As `machine.I2C.readfrom_into`."""
        answer = self._chip(address).read(len(into))
        self._pass(len(into) + 1)
        if answer is None:
            raise OSError(ENODEV)
        into[:] = answer

    def readfrom(self, address: int, count: int) -> bytes:
        """As `machine.I2C.readfrom`."""
        into = bytearray(count)
        self.readfrom_into(address, into)
        return bytes(into)

    def writeto_mem(self, address: int, register: int, data: bytes | bytearray | memoryview) -> None:
        """As `machine.I2C.writeto_mem`."""
        self.writeto(address, bytes([register]) + bytes(data))

    def readfrom_mem_into(self, address: int, register: int, into: bytearray | memoryview) -> None:
        """As `machine.I2C.readfrom_mem_into`."""
        self.writeto(address, bytes([register]), False)
        self.readfrom_into(address, into)

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        """As `machine.I2C.readfrom_mem`."""
        into = bytearray(count)
        self.readfrom_mem_into(address, register, into)
        return bytes(into)

    def stays(self, address: int, register: int) -> bool:
        """Whether a register that was just read may be read again and is the same, as long as nothing happens."""
        chip = self._chips.get(address)
        return isinstance(chip, RegisterChip) and register in chip.still

    def willing(self) -> list[int]:
        """Addresses that acknowledge whatever is written to them, as long as nothing happens."""
        return [] if self.stuck else [address for address in self._registered if address not in self.silent]

    def _chip(self, address: int) -> "I2cChip":
        if self.stuck:
            raise OSError(ETIMEDOUT)
        if address not in self._chips or address in self.silent:
            raise OSError(ENODEV)
        return self._chips[address]

    def _pass(self, count: int) -> None:
        self._clock.sleep_us((count * 9_000_000 + self._hz - 1) // self._hz)


class RegisterChip:
    """A chip with registers, which acknowledges always: the first byte written is an address, which then goes on.

    still: registers that change only with a write, or with what its clock has planned; reading them does nothing.
    """

    still: tuple[int, ...] = ()

    def __init__(self) -> None:
        self.registers = bytearray(256)
        self._at = 0
        self.breaches: list[str] = []

    def breach(self, sentence: str) -> None:
        """Note what the datasheet forbids."""
        if len(self.breaches) < 50:
            self.breaches.append(sentence)

    def write(self, data: bytes) -> bool:
        """From the bus."""
        self._at = data[0]
        for value in data[1:]:
            self.put(self._at, value)
            self._at = (self._at + 1) % 256
        return True

    def read(self, count: int) -> bytes | None:
        """From the bus."""
        answer = bytearray(count)
        for place in range(count):
            answer[place] = self.get(self._at)
            self._at = (self._at + 1) % 256
        return bytes(answer)

    def put(self, register: int, value: int) -> None:
        """The firmware writes a register."""
        self.registers[register] = value

    def get(self, register: int) -> int:
        """The firmware reads a register."""
        return self.registers[register]
