"""What is soldered to a board's microcontroller: wires, buses and outputs, by the firmware's numbers for them."""

from collections.abc import Callable
from typing import Protocol

from simulator.chips.analogue import PwmPin
from simulator.chips.clock import Clock
from simulator.chips.i2c import I2cBus
from simulator.chips.spi import SpiBus
from simulator.chips.uart import UartLine
from simulator.chips.wire import Wire


class Pulses(Protocol):
    """What takes pulses of the RMT: `simulator.chips.dali.DaliBus`."""

    def write_pulses(self, ticks: list[int], level: int) -> None:
        """So many µs each, the first at *level*."""


class Converter(Protocol):
    """What an ADC measures."""

    def read_uv(self) -> int:
        """µV at the pin."""


class Hardware:
    """Everything by number; what nobody wired is a pin that floats low, and a bus without chips.

    Chips are made with `clock`, which is the board's, so that they live on while its microcontroller sleeps.
    seen: pins that the firmware has read. calm: (BUSY's pin, select's pin, SPI bus, commands) of chips whose BUSY, when
    it is low, stays so over these commands. hears: whether its radio listens, so that others' doings may reach it.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.pins: dict[int, Wire] = {}
        self.seen: dict[int, Wire] = {}
        self.hears: Callable[[], bool] = lambda: True
        self.calm: list[tuple[int, int, int, list[int]]] = []
        self.spi: dict[int, SpiBus] = {}
        self.i2c: dict[int, I2cBus] = {}
        self.uart: dict[int, UartLine] = {}
        self.adc: dict[int, Converter] = {}
        self.pwm: dict[int, PwmPin] = {}
        self.rmt: dict[int, Pulses] = {}

    def pin(self, number: int) -> Wire:
        """The wire at a pin."""
        if number not in self.pins:
            self.pins[number] = Wire()
        return self.pins[number]

    def spi_bus(self, number: int) -> SpiBus:
        """The SPI bus of that number, −1 for the one by software."""
        return self.spi.setdefault(number, SpiBus(self.clock))

    def i2c_bus(self, number: int) -> I2cBus:
        """The I²C bus of that number, −1 for the one by software."""
        return self.i2c.setdefault(number, I2cBus(self.clock))

    def uart_line(self, number: int) -> UartLine:
        """The serial line of that number."""
        return self.uart.setdefault(number, UartLine(self.clock))

    def pwm_pin(self, number: int) -> PwmPin:
        """The PWM output at a pin."""
        return self.pwm.setdefault(number, PwmPin())

    def microvolts(self, number: int) -> int:
        """What the ADC measures at a pin."""
        converter = self.adc.get(number)
        return 0 if converter is None else converter.read_uv()
