"""An I²C bus that fails at any moment: a value is not known, nothing is raised, and the next one is known again."""

from firmware.drivers.bh1750 import Bh1750
from firmware.drivers.bme280 import Bme280
from firmware.drivers.lis3mdl import Lis3mdl
from firmware.drivers.mmc5983ma import Mmc5983ma
from firmware.drivers.scd41 import Scd41
from simulator.chips import bh1750, bme280, lis3mdl, mmc5983ma, scd41
from simulator.chips.i2c import I2cBus
from tests.firmware.drivers.benches import BoundedClock


class Failing:
    """An I²C bus of which one transfer fails, the *at*-th from now."""

    def __init__(self, bus):
        self._bus = bus
        self.at = 0

    def _pass(self):
        self.at -= 1
        if self.at == 0:
            raise OSError(19)

    def writeto(self, address, data):
        self._pass()
        return self._bus.writeto(address, data)

    def readfrom_into(self, address, into):
        self._pass()
        return self._bus.readfrom_into(address, into)

    def writeto_mem(self, address, register, data):
        self._pass()
        return self._bus.writeto_mem(address, register, data)

    def readfrom_mem_into(self, address, register, into):
        self._pass()
        return self._bus.readfrom_mem_into(address, register, into)


def bench(number):
    """A driver that has started, the bus under it, and everything that a body asks of it."""
    clock = BoundedClock()
    bus = I2cBus(clock)
    failing = Failing(bus)
    if number == 0:
        bus.attach(0x30, mmc5983ma.Mmc5983ma(clock))
        driver = Mmc5983ma(failing, clock)
        asked = (driver.start, driver.field, driver.temperature_dcel)
    elif number == 1:
        bus.attach(0x1C, lis3mdl.Lis3mdl(clock))
        driver = Lis3mdl(failing, clock)
        asked = (driver.start, driver.field, driver.temperature_dcel, lambda: driver.watch(50))
    elif number == 2:
        bus.attach(0x76, bme280.Bme280(clock))
        driver = Bme280(failing, clock)
        asked = (driver.start, driver.read)
    elif number == 3:
        bus.attach(0x62, scd41.Scd41(clock))
        driver = Scd41(failing, clock)
        assert driver.start()
        clock.sleep_ms(40_000)
        asked = (driver.read, lambda: driver.set_pressure(1000), driver.stop)
    else:
        bus.attach(0x23, bh1750.Bh1750(clock, 9))
        driver = Bh1750(failing, clock)
        asked = (driver.lux,)
    return failing, asked, clock


def test_one_transfer_that_fails_costs_one_value_and_no_more():
    transfers = 0
    for number in range(5):
        for place in range(len(bench(number)[1])):
            for at in range(1, 60):
                failing, asked, clock = bench(number)
                failing.at = at
                seen = asked[place]()
                if failing.at > 0:
                    break  # it was over before
                assert seen is None or seen is False, (number, place, at, seen)
                clock.sleep_ms(31_000)  # a measurement of an SCD41 can be read once: the next is 30 s away
                again = asked[place]()
                assert again is not None and again is not False, (number, place, at)
                transfers += 1
    assert transfers > 50, transfers
