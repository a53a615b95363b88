"""What a driver is handed, in the shape of MicroPython's `machine` and `time`, and how it says that hardware fails.

A radio that does not answer raises `DriverError`: without it there is nothing to go on with. A sensor that does not
answer is a value that is not known: its driver returns None.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    Buffer = bytearray | memoryview

    class Clock(Protocol):
        """The module `time` on a node. ticks_us wraps at 2^30: only `ticks_diff` may compare two."""

        def sleep_us(self, us: int, /) -> None: ...
        def sleep_ms(self, ms: int, /) -> None: ...
        def ticks_us(self) -> int: ...
        def ticks_diff(self, late: int, early: int, /) -> int: ...

    class Pin(Protocol):
        """`machine.Pin`; direction and pull are the board's to set."""

        IRQ_RISING: int
        IRQ_FALLING: int

        def value(self, level: int = ..., /) -> int: ...
        def irq(self, handler: Callable[["Pin"], None] | None, trigger: int) -> object: ...

    class Spi(Protocol):
        """`machine.SPI`, or `SoftSPI`: mode 0, most significant bit first."""

        def write(self, data: bytes | Buffer, /) -> object: ...
        def readinto(self, into: Buffer, write: int = 0, /) -> object: ...

    class I2c(Protocol):
        """`machine.I2C`: raises OSError when nobody acknowledges."""

        def writeto(self, address: int, data: bytes | Buffer, /) -> object: ...
        def readfrom_into(self, address: int, into: Buffer, /) -> object: ...
        def writeto_mem(self, address: int, register: int, data: bytes | Buffer, /) -> object: ...
        def readfrom_mem_into(self, address: int, register: int, into: Buffer, /) -> object: ...

    class Uart(Protocol):
        """`machine.UART` with its default time-out of 0: nothing waits."""

        def any(self) -> int: ...
        def readinto(self, into: Buffer, count: int, /) -> int | None: ...
        def write(self, data: bytes | Buffer, /) -> object: ...

    class Adc(Protocol):
        """`machine.ADC`; read_uv uses the calibration in the chip's fuses."""

        def read_uv(self) -> int: ...

    class Pwm(Protocol):
        """`machine.PWM`; duty_u16 is 0..65535."""

        def duty_u16(self, duty: int, /) -> object: ...

    class Rmt(Protocol):
        """`esp32.RMT`: pulses of so many ticks each, the first one at *level*, then the other one, and so on."""

        def write_pulses(self, ticks: Sequence[int], level: int, /) -> object: ...
        def wait_done(self, *, timeout: int = 0) -> bool: ...


class DriverError(Exception):
    """Hardware that does not do what its datasheet says; the sentence is for the technician."""
