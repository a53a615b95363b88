"""A chip with registers on I²C: a bus that fails is an answer too, and no exception leaves here."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Buffer, I2c


class Registers:
    """The registers of the chip at *address*."""

    def __init__(self, i2c: "I2c", address: int) -> None:
        self._i2c = i2c
        self._address = address
        self._one = bytearray(1)

    def read(self, register: int, into: "Buffer") -> bool:
        """Fill *into* from *register* on; False when the chip does not answer."""
        try:
            self._i2c.readfrom_mem_into(self._address, register, into)
        except OSError:
            return False
        return True

    def write(self, register: int, data: bytes) -> bool:
        """Write *data* from *register* on; False when the chip does not answer."""
        try:
            self._i2c.writeto_mem(self._address, register, data)
        except OSError:
            return False
        return True

    def set(self, register: int, value: int) -> bool:
        """Write one register."""
        self._one[0] = value
        try:
            self._i2c.writeto_mem(self._address, register, self._one)
        except OSError:
            return False
        return True

    def get(self, register: int) -> int:
        """Read one register; −1 when the chip does not answer."""
        return self._one[0] if self.read(register, self._one) else -1
