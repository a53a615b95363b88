"""Drivers on a bench: the real ones, wired to simulated chips, with a virtual clock."""

from firmware.drivers.sx1262 import Sx1262
from simulator.chips.air import OpenAir
from simulator.chips.clock import Clock
from simulator.chips.spi import SpiBus
from simulator.chips.sx1262 import Sx1262 as Sx1262Chip
from simulator.chips.wire import Wire

UP_HZ = 868_100_000


class RadioBench:
    """A driver and its chip under one air; board: what the chip's board has, given: what the driver is told."""

    def __init__(self, clock=None, air=None):
        self.clock = clock or Clock(start_us=(1 << 30) - 50_000)  # the ticks wrap while the first frame is out
        self.air = air or OpenAir(self.clock)

    def outcome(self, within_us=60_000_000, step_us=200):
        """What `poll` says once it says something, or at the end."""
        end_us = self.clock.now_us + within_us
        while self.clock.now_us < end_us:
            said = self.radio.poll()
            if said:
                return said
            self.clock.run(min(end_us, max(self.clock.next_us() or end_us, self.clock.now_us + step_us)))
        return self.radio.poll()

    def emit(self, emission, **how):
        """Put a frame on the air, at its own time."""
        from simulator.chips.air import Arrival

        self.clock.at(emission.start_us, lambda: self.air.let_arrive(Arrival(emission, **how)))


class Sx1262Bench(RadioBench):
    def __init__(self, clock=None, air=None, board=None, driver=Sx1262, **given):
        super().__init__(clock, air)
        cs, reset = Wire(1), Wire(1)
        self.cs, self.reset = cs, reset
        self.busy, self.dio1 = Wire(), Wire()
        self.spi = SpiBus(self.clock)
        self.chip = Sx1262Chip(self.clock, self.air, reset, self.busy, self.dio1, **(board or {}))
        self.spi.attach(cs, self.chip)
        self.radio = driver(self.spi, cs, reset, self.busy, self.dio1, self.clock, **given)

    def again(self, driver=Sx1262, **given):
        """The microcontroller starts anew: another driver on the same chip."""
        self.radio = driver(self.spi, self.cs, self.reset, self.busy, self.dio1, self.clock, **given)
