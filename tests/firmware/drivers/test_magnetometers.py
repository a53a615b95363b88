"""MMC5983MA and LIS3MDL: the field as it is, whatever their offsets, and a threshold that wakes."""

from firmware.drivers.lis3mdl import Lis3mdl
from firmware.drivers.mmc5983ma import Mmc5983ma
from simulator.chips.i2c import I2cBus
from simulator.chips.lis3mdl import Lis3mdl as Lis3mdlChip
from simulator.chips.mmc5983ma import Mmc5983ma as Mmc5983maChip
from simulator.chips.wire import Wire
from tests.firmware.drivers.benches import BoundedClock

FRANCE = (215, 12, -425)  # tenths of a µT: 48 µT in all, most of it downwards


def mmc(**given):
    clock = BoundedClock()
    bus = I2cBus(clock)
    chip = Mmc5983maChip(clock, **given)
    bus.attach(0x30, chip)
    driver = Mmc5983ma(bus, clock)
    assert driver.start()
    return driver, chip, bus, clock


def lis():
    clock = BoundedClock()
    bus = I2cBus(clock)
    wire = Wire()
    chip = Lis3mdlChip(clock, wire)
    bus.attach(0x1C, chip)
    driver = Lis3mdl(bus, clock)
    assert driver.start()
    return driver, chip, bus, clock, wire


def close(seen, expected, within=1):
    return all(abs(a - b) <= within for a, b in zip(seen, expected))


def test_the_field_is_seen_whatever_the_offset():
    """MEMSIC gives 16384 counts to the gauss; offsets of a sensor move by tens of µT with temperature."""
    for offset in ((0, 0, 0), (3000, -5000, 8000)):
        driver, chip, _, _ = mmc(offset=offset)
        for field in (FRANCE, (0, 0, 0), (-1000, 1000, 3), (2499, -2499, 7)):
            chip.set_field(*field)
            assert close(driver.field(), field), field
        assert chip.breaches == []


def test_18_bits_count():
    """The two lowest are in the seventh byte: 0.0625 mG are 0.0625 tenths of a µT."""
    driver, chip, _, _ = mmc(offset=(1, 2, 3))
    chip.set_field(1, -1, 2)
    assert driver.field() == (1, -1, 2) or close(driver.field(), (1, -1, 2))


def test_a_magnet_that_passed_is_healed():
    driver, chip, _, _ = mmc()
    chip.set_field(*FRANCE)
    chip.shock()
    assert close(driver.field(), FRANCE)


def test_temperature_of_the_mmc5983ma():
    """0 is −75 °C, a step is 0.8."""
    for dcel in (-150, 0, 200, 610):
        driver, _chip, _, _ = mmc(dcel=dcel)
        assert abs(driver.temperature_dcel() - dcel) <= 8


def test_a_magnetometer_that_is_silent_stuck_or_another_is_not_known():
    for make in (mmc, lis):
        driver, chip, bus, clock = make()[:4]
        chip.set_field(*FRANCE)
        chip.stalled = True
        before_us = clock.now_us
        assert driver.field() is None
        assert clock.now_us - before_us < 200_000
        chip.stalled = False
        assert close(driver.field(), FRANCE)
        bus.stuck = True
        assert driver.field() is None
        assert driver.temperature_dcel() is None
        assert not driver.start()
        bus.stuck = False
        bus.silent = {0x30, 0x1C}
        assert driver.field() is None and not driver.start()
        bus.silent = set()
        assert close(driver.field(), FRANCE)
        chip.registers[0x2F] = chip.registers[0x0F] = 0x11
        assert not driver.start()


def test_the_lis3mdl_sees_the_field():
    """6842 counts to the gauss at ±4 G (DS table 3)."""
    driver, chip, _, _, _ = lis()
    for field in (FRANCE, (0, 0, 0), (-1000, 1000, 3), (3999, -3999, 7)):
        chip.set_field(*field)
        assert close(driver.field(), field), field
        assert chip.current_na() == 1_000
    assert abs(driver.temperature_dcel() - 200) <= 2
    assert chip.breaches == []


def test_the_lis3mdl_wakes_when_the_field_changes_and_not_before():
    driver, chip, _, clock, wire = lis()
    chip.set_field(*FRANCE)
    assert driver.watch(50)
    assert chip.current_na() == 40_000
    clock.sleep_ms(60_000)
    assert wire.level == 0
    x, y, z = FRANCE
    chip.set_field(x + 40, y - 40, z + 40)
    clock.sleep_ms(200)
    assert wire.level == 0
    chip.set_field(x, y, z - 60)
    clock.sleep_ms(200)
    assert wire.level == 1
    assert chip.breaches == []


def test_either_way_on_every_axis():
    for axis in range(3):
        for change in (60, -60):
            driver, chip, _, clock, wire = lis()
            chip.set_field(*FRANCE)
            assert driver.watch(50)
            field = list(FRANCE)
            field[axis] += change
            chip.set_field(*field)
            clock.sleep_ms(200)
            assert wire.level == 1, (axis, change)


def test_the_alarm_stays_until_it_was_asked_for():
    """A car that is gone again before the node has booted was there."""
    driver, chip, bus, clock, wire = lis()
    chip.set_field(*FRANCE)
    driver.watch(50)
    chip.set_field(0, 0, 0)
    clock.sleep_ms(200)
    chip.set_field(*FRANCE)
    clock.sleep_ms(200)
    assert wire.level == 1
    again = Lis3mdl(bus, clock)  # the node has booted
    assert again.start()
    assert again.moved() and not again.moved()
    assert wire.level == 0
    assert close(again.field(), FRANCE)


def test_after_an_alarm_it_watches_from_where_the_field_is_now():
    driver, chip, _, clock, wire = lis()
    chip.set_field(*FRANCE)
    driver.watch(50)
    x, y, z = FRANCE
    for step in (1, 2, 3):
        chip.set_field(x + 300 * step, y, z)
        clock.sleep_ms(200)
        assert driver.moved()
        assert close(driver.field(), (x + 300 * step, y, z))
        assert wire.level == 0
        assert driver.watch(50)
        clock.sleep_ms(1000)
        assert wire.level == 0 and not driver.moved()


def test_a_change_between_the_look_and_the_watch_wakes_at_once():
    """What the node thinks the field to be is what it looked at."""
    driver, chip, _, clock, wire = lis()
    chip.set_field(*FRANCE)
    assert close(driver.field(), FRANCE)
    chip.set_field(0, 0, 0)
    assert driver.watch(50)
    clock.sleep_ms(200)
    assert wire.level == 1
    assert driver.watch(50)  # nobody has looked since: from how it is now
    clock.sleep_ms(200)
    assert wire.level == 0 and not driver.moved()


def test_watching_is_refused_by_a_silent_chip():
    driver, _, bus, _, _ = lis()
    bus.stuck = True
    assert not driver.watch(50)
    assert not driver.moved()
