"""A node twice: its whole firmware on a board, and its mind and MAC in the fleet, which sees through the same chips."""

from firmware.body.board import Board as BoardTable
from firmware.body.hardware import Hardware as BodyHardware
from firmware.body.senses import Senses
from firmware.body.wiring import Wiring
from simulator.board.hardware import Hardware
from simulator.board.soldering import Soldered
from simulator.chips.air import OpenAir
from simulator.chips.clock import Clock


class Pin:
    """`machine.Pin` of a hardware that nobody's firmware runs on."""

    IN, OUT = 1, 3

    def __init__(self, number, wire):
        self.number = number
        self._wire = wire

    def value(self, level=None):
        return self._wire.value() if level is None else self._wire.value(level)

    def irq(self, handler, trigger=0):
        self._wire.irq(handler, trigger)


class Pins:
    IN, OUT = Pin.IN, Pin.OUT

    def __init__(self, hardware):
        self._hardware = hardware

    def __call__(self, number, mode=None, value=None, hold=False):
        pin = Pin(number, self._hardware.pin(number))
        if value is not None:
            pin.value(value)
        return pin


class Adc:
    ATTN_2_5DB = 1

    def __init__(self, hardware):
        self._hardware = hardware

    def __call__(self, pin, atten=None):
        return self._hardware.adc[pin.number]


class Machine:
    """`machine`, as far as sensors go."""

    def __init__(self, hardware):
        self.Pin = Pins(hardware)
        self.ADC = Adc(hardware)
        self._hardware = hardware

    def I2C(self, number, **how):
        return self._hardware.i2c_bus(number)

    def UART(self, number, **how):
        return self._hardware.uart_line(number)


class Twin:
    """What the sensors of a table say, read by the firmware's own drivers; implements a stimulus of the fleet.

    Its chips live on a clock of their own, which is let run to the moment at which it is asked.
    """

    def __init__(self, table, start_s):
        self._start_s = start_s
        self.clock = Clock(0)
        self.hardware = Hardware(self.clock)
        parts = {name: part for name, part in table.items() if name != "name"}
        self.chips = Soldered(self.hardware, OpenAir(self.clock), parts).chips
        body = BodyHardware(Machine(self.hardware), None, self.clock, None)
        wiring = Wiring(body, BoardTable("twin", parts), True)
        particles = wiring.particles()
        sensors = wiring.sensors()
        if particles is not None:
            sensors.append(wiring.sensor_of(particles))
        self._particles = particles
        self._senses = Senses(body, sensors, wiring.fields(), wiring.photocell(), particles, wiring.battery())
        self._senses.start_fields()
        self._moves = []
        if particles is not None:
            particles.wake()

    def _at(self, time_s):
        self.clock.run(max(self.clock.now_us, round((time_s - self._start_s) * 1_000_000)))

    def values(self, set_number, time_s):
        self._at(time_s)
        return self._senses.sense(set_number).values


class BayTwin(Twin):
    """Of a parking node."""

    def field(self, bay, time_s):
        self._at(time_s)
        return self._senses.field(bay).field

    def temperature_dcel(self, time_s):
        return self._senses.field(0).temperature_dcel

    def moves(self, times_s):
        """When the field changes, as the fleet must know ahead."""
        self._moves = list(times_s)

    def next_change_s(self, bay, time_s):
        return min([at_s for at_s in self._moves if at_s > time_s], default=None)

    def empty_field(self, bay):
        return self._senses.field(bay).field


class LampTwin(Twin):
    """Of a lamp."""

    mains = None

    def lamp_set(self, head, level_pct, fade_s, time_s):
        """Its load follows the clock, not the lamp."""

    def power_gone(self, time_s):
        """It never is."""

    def lux(self, time_s):
        self._at(time_s)
        return self._senses.lux().lux

    def gear_status(self, head, time_s):
        return -1

    def next_motion_s(self, time_s):
        return None
