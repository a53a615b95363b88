"""Drivers on a bench: the real ones, wired to simulated chips, with a virtual clock."""

from firmware.drivers.sx1262 import Sx1262
from firmware.drivers.sx1276 import Sx1276
from simulator.chips.air import Arrival, OpenAir
from simulator.chips.clock import Clock
from simulator.chips.spi import SpiBus
from simulator.chips.sx1262 import Sx1262 as Sx1262Chip
from simulator.chips.sx1276 import Sx1276 as Sx1276Chip
from simulator.chips.wire import Wire

UP_HZ = 868_100_000
WRAP = 1 << 30  # of the ticks


def refusal(error, call, *arguments):
    """What *call* says when it raises *error*."""
    try:
        call(*arguments)
    except error as raised:
        return str(raised)
    raise AssertionError("nothing was raised")


def flips(place, bits):
    """What noise does to a message: *bits* of the byte at *place*."""
    return lambda data: data[:place] + bytes((data[place] ^ bits,)) + data[place + 1 :]


class BoundedClock(Clock):
    """A clock that loses patience with a driver that waits for ever."""

    def __init__(self, start_us=0):
        super().__init__(start_us)
        self._sleeps = 0

    def sleep_us(self, us):
        self._sleeps += 1
        assert self._sleeps < 100_000, "the driver waits for ever"
        super().sleep_us(us)


class RadioBench:
    """A driver and its chip under one air; board: what the chip's board has, given: what the driver is told."""

    def __init__(self, clock=None, air=None):
        self.clock = clock or BoundedClock(start_us=WRAP - 50_000)  # ticks wrap in the midst of the first frame
        self.air = air or OpenAir(self.clock)

    def outcome(self, within_us=60_000_000):
        """What `poll` says once it says something, asked whenever something happens; PENDING in the end."""
        end_us = self.clock.now_us + within_us
        said = self.radio.poll()
        while not said and self.clock.now_us < end_us:
            next_us = self.clock.next_us()
            due_us = self.clock.now_us + 10_000
            self.clock.run(min(end_us, due_us if next_us is None else min(next_us, due_us)))
            said = self.radio.poll()
        return said

    def emit(self, emission, **how):
        """Put a frame on the air, at its own time."""
        self.clock.at(emission.start_us, lambda: self.air.let_arrive(Arrival(emission, **how)))

    def send(self, payload, sf=9, bw_hz=125_000, power_dbm=14, **how):
        """Send a frame and return it as it was on the air."""
        self.radio.prepare_transmit(payload, UP_HZ, sf, bw_hz, power_dbm, **how)
        self.radio.go()
        assert self.outcome() == 1
        return self.air.sent[-1]


class Sx1262Bench(RadioBench):
    def __init__(self, clock=None, air=None, board=None, **given):
        super().__init__(clock, air)
        self.cs, self.reset = Wire(1), Wire(1)
        self.busy, self.dio1 = Wire(), Wire()
        self.spi = SpiBus(self.clock)
        self.chip = Sx1262Chip(self.clock, self.air, self.reset, self.busy, self.dio1, **(board or {}))
        self.spi.attach(self.cs, self.chip)
        self.restart(**given)

    def restart(self, **given):
        """The microcontroller starts anew: another driver on the same chip."""
        self.radio = Sx1262(self.spi, self.cs, self.reset, self.busy, self.dio1, self.clock, **given)


class Sx1276Bench(RadioBench):
    def __init__(self, clock=None, air=None, board=None, wired=True, **given):
        super().__init__(clock, air)
        self.cs, self.reset = Wire(1), Wire(1)
        self.dio0, self.dio1 = Wire(), Wire() if wired else None
        self.spi = SpiBus(self.clock)
        self.chip = Sx1276Chip(self.clock, self.air, self.reset, self.dio0, self.dio1, **(board or {}))
        self.spi.attach(self.cs, self.chip)
        self.restart(**given)

    def restart(self, **given):
        self.radio = Sx1276(self.spi, self.cs, self.reset, self.dio0, self.clock, self.dio1, **given)


def started(make, **given):
    """A bench whose radio is ready."""
    bench = make(**given)
    bench.radio.start()
    return bench
