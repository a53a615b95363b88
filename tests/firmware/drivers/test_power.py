"""AXP192 and AXP2101: the radio gets its rail, the microcontroller keeps its own."""

from firmware.drivers.axp import Axp
from simulator.chips.axp import Axp192, Axp2101
from simulator.chips.i2c import I2cBus
from tests.firmware.drivers.benches import BoundedClock


def bench(chip):
    clock = BoundedClock()
    bus = I2cBus(clock)
    bus.attach(0x34, chip)
    return Axp(bus, clock), bus, clock


def test_the_radio_is_given_3_3_v_the_gps_nothing_and_the_rest_is_left_alone():
    for chip, others in ((Axp192(), 0x42), (Axp2101(), 0x30)):
        driver, _, clock = bench(chip)
        chip.registers[chip.switches] = others | chip.gps
        before_us = clock.now_us
        assert chip.radio_mv() == 0 and chip.gps_is_on()
        assert driver.start()
        assert chip.radio_mv() == 3300
        assert not chip.gps_is_on()
        assert chip.registers[chip.switches] == others | chip.radio
        assert clock.now_us - before_us >= 10_000
        assert chip.breaches == []


def test_the_other_half_of_a_shared_voltage_is_left_alone():
    chip = Axp192()
    chip.registers[0x28] = 0x5A
    bench(chip)[0].start()
    assert chip.registers[0x28] == 0xFA


def test_the_battery_is_told_in_mv_and_none_is_none():
    for chip in (Axp192(3912), Axp2101(3912)):
        driver = bench(chip)[0]
        assert abs(driver.millivolts() - 3912) <= 2
        chip.battery_mv = 0
        assert driver.millivolts() is None
    chip.battery_mv = 5_900
    assert driver.millivolts() is None


def test_what_is_not_there_or_another_chip_is_not_touched():
    other = Axp192()
    other.registers[0x03] = 0x41
    before = bytes(other.registers)
    driver, bus, _ = bench(other)
    assert not driver.start()
    assert driver.millivolts() is None
    assert bytes(other.registers) == before
    bus.silent.add(0x34)
    assert not driver.start()
    assert driver.millivolts() is None


class Failing:
    """A bus of which the *at*-th transfer fails."""

    def __init__(self, bus, at):
        self._bus = bus
        self._at = at

    def _pass(self):
        self._at -= 1
        if self._at == 0:
            raise OSError(19)

    def writeto_mem(self, address, register, data):
        self._pass()
        return self._bus.writeto_mem(address, register, data)

    def readfrom_mem_into(self, address, register, into):
        self._pass()
        return self._bus.readfrom_mem_into(address, register, into)


def test_a_bus_that_fails_at_any_moment_is_told_and_raises_nothing():
    for chip in (Axp192, Axp2101):
        at = 1
        while True:
            driver, bus, clock = bench(chip())
            if Axp(Failing(bus, at), clock).start():
                break
            assert driver.start()
            at += 1
        assert at == (6 if chip is Axp192 else 5)
        for at in (1, 2):
            _, bus, clock = bench(chip())
            assert Axp(Failing(bus, at), clock).millivolts() is None
