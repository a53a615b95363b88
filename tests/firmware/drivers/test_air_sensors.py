"""PMS5003, SCD41 and BME280: their datasheets' examples, and everything that a bus can do to them."""

from firmware.drivers.bme280 import Bme280
from firmware.drivers.pms5003 import Pms5003
from firmware.drivers.scd41 import Scd41, crc8
from simulator.chips import bme280 as bosch
from simulator.chips.i2c import I2cBus
from simulator.chips.pms5003 import Pms5003 as Pms5003Chip
from simulator.chips.scd41 import Scd41 as Scd41Chip
from simulator.chips.uart import UartLine
from tests.firmware.drivers.benches import BoundedClock, flips
from tests.protocol.expect import Dice, hexa


def pms():
    clock = BoundedClock()
    line = UartLine(clock, 9600)
    chip = Pms5003Chip(clock, line)
    return Pms5003(line, clock), chip, line, clock


def scd(wraps_in_us=2_000_000):
    clock = BoundedClock((1 << 30) - wraps_in_us)
    bus = I2cBus(clock, 100_000)
    chip = Scd41Chip(clock)
    bus.attach(0x62, chip)
    return Scd41(bus, clock), chip, bus, clock


def bme(**given):
    clock = BoundedClock()
    bus = I2cBus(clock)
    chip = bosch.Bme280(clock, **given)
    bus.attach(0x76, chip)
    return Bme280(bus, clock), chip, bus, clock


# PMS5003.


def test_particles_under_atmospheric_conditions_after_30_s():
    driver, chip, _, clock = pms()
    chip.pm1, chip.pm2_5, chip.pm10 = 11, 23, 47
    driver.wake()
    clock.sleep_ms(31_000)
    assert driver.read() == (110, 230, 470)


def test_nothing_piles_up_between_readings_and_what_is_read_is_new():
    driver, chip, line, clock = pms()
    driver.wake()
    clock.sleep_ms(600_000)
    assert line.overruns == 0 and line.any() <= 64
    chip.pm2_5 = 99
    assert driver.read()[1] == 990


def test_one_that_has_been_powered_anew_sends_by_itself():
    driver, chip, line, clock = pms()
    clock.sleep_ms(40_400)
    assert line.overruns > 0
    chip.pm2_5 = 77
    assert driver.read()[1] == 770


def test_asleep_it_takes_nothing_and_says_nothing():
    driver, chip, _, clock = pms()
    driver.wake()
    driver.sleep()
    clock.sleep_ms(100)
    assert chip.current_na() < 1_000_000
    assert driver.read() is None
    driver.wake()
    clock.sleep_ms(31_000)
    assert driver.read() == (50, 80, 120)


def test_a_frame_with_any_byte_changed_is_not_known():
    driver, chip, _, clock = pms()
    driver.wake()
    clock.sleep_ms(31_000)
    for place in range(32):
        chip.spoil = flips(place, 0x04)
        assert driver.read() is None, place
    chip.spoil = lambda frame: frame
    assert driver.read() == (50, 80, 120)


def test_a_frame_that_is_cut_or_comes_after_noise():
    driver, chip, _, clock = pms()
    driver.wake()
    clock.sleep_ms(31_000)
    chip.spoil = lambda frame: frame[:31]
    assert driver.read() is None
    chip.spoil = lambda frame: hexa("42 13 42 42 4D 00") + frame
    assert driver.read() == (50, 80, 120)
    chip.spoil = lambda frame: frame[:20] + frame
    assert driver.read() == (50, 80, 120)


def test_a_frame_of_another_model_is_not_known():
    """A PMS5003ST says 36 for its length; where the sum would be, there is something else, which may fit by chance."""
    driver, chip, _, clock = pms()
    driver.wake()
    clock.sleep_ms(31_000)
    chip.spoil = lambda frame: frame[:3] + bytes((36,)) + frame[4:30] + bytes((frame[30], frame[31] + 8)) + bytes(8)
    assert sum(chip.spoil(chip._frame())[:30]) % 256 == chip.spoil(chip._frame())[31]
    assert driver.read() is None


def test_noise_without_end_does_not_hold_the_node():
    driver, chip, _line, clock = pms()
    dice = Dice(5)
    chip.spoil = lambda _: bytes([dice.below(256) for _ in range(600)])
    driver.wake()
    before_us = clock.now_us
    assert driver.read() is None
    assert clock.now_us - before_us < 1_200_000


def test_a_particle_sensor_that_reports_an_error_or_is_dead_is_not_known():
    driver, chip, _, clock = pms()
    driver.wake()
    clock.sleep_ms(31_000)
    chip.error = 1
    assert driver.read() is None
    chip.error = 0
    chip.alive = False
    assert driver.read() is None


def test_the_commands_are_those_of_the_manual():
    """DS appendix II: by request 42 4D E1 00 00 01 70, read 42 4D E2 00 00 01 71, sleep 42 4D E4 00 00 01 73."""
    driver, _chip, line, _clock = pms()
    written = []
    write = line.write
    line.write = lambda data: written.append(bytes(data)) or write(data)
    driver.wake()
    driver.sleep()
    assert written == [hexa("42 4D E4 00 01 01 74"), hexa("42 4D E1 00 00 01 70"), hexa("42 4D E4 00 00 01 73")]


# SCD41.


def test_the_checksum_of_the_datasheet():
    """SCD4x DS 3.12: 0xBEEF gives 0x92; the words of its examples in 3.6.2, 3.7.5 and 3.10.2."""
    for word, crc in (("BEEF", 0x92), ("01F4", 0x33), ("6667", 0xA2), ("5EB9", 0x3C), ("03DB", 0x42), ("F896", 0x31)):
        assert crc8(hexa(word)) == crc, word


def test_the_measurement_of_the_datasheet():
    """SCD4x DS 3.6.2: 01 F4 33 66 67 A2 5E B9 3C are 500 ppm, 25 °C and 37 %."""
    driver, chip, _, clock = scd()
    assert driver.start()
    clock.sleep_ms(31_000)
    chip._measurement = lambda: hexa("01F433 6667A2 5EB93C")
    assert driver.read() == (500, 250, 37)


def test_a_new_measurement_every_30_s_and_the_last_one_between():
    driver, chip, _, clock = scd()
    assert driver.start()
    assert driver.read() is None
    clock.sleep_ms(31_000)
    assert driver.read() == (420, 200, 50)
    chip.co2 = 900
    clock.sleep_ms(5_000)
    assert driver.read() == (420, 200, 50)
    clock.sleep_ms(30_000)
    assert driver.read() == (900, 200, 50)
    assert chip.breaches == []


def test_cold_and_dry():
    driver, chip, _, clock = scd()
    assert driver.start()
    for dcel, rh in ((-99, 0), (-1, 3), (0, 99), (451, 100)):
        chip.dcel, chip.rh = dcel, rh
        clock.sleep_ms(30_000)
        assert driver.read()[1:] == (dcel, rh)


def test_a_node_that_wakes_reads_without_starting_again():
    driver, _chip, bus, clock = scd()
    assert driver.start()
    clock.sleep_ms(900_000)
    assert Scd41(bus, clock).read() == (420, 200, 50)


def test_one_that_measures_already_is_started_all_the_same():
    """A node that was reset: the chip goes on measuring, and refuses most commands (DS 3.6.1)."""
    driver, chip, bus, clock = scd()
    assert driver.start()
    clock.sleep_ms(3_000)
    assert Scd41(bus, clock).start()
    clock.sleep_ms(31_000)
    assert driver.read() == (420, 200, 50)
    assert chip.breaches == []


def test_a_wrong_checksum_in_any_word_is_not_known():
    driver, chip, _, clock = scd()
    assert driver.start()
    clock.sleep_ms(31_000)
    assert driver.read()
    for place in range(9):
        clock.sleep_ms(31_000)
        flip = flips(place, 1)
        chip.spoil = lambda answer, flip=flip: flip(answer) if len(answer) == 9 else answer
        assert driver.read() is None, place
    chip.spoil = flips(1, 1)
    assert driver.read() is None


def test_what_was_measured_long_ago_is_not_the_air_of_now():
    driver, _chip, _, clock = scd(wraps_in_us=100_000_000)
    assert driver.start()
    clock.sleep_ms(31_000)
    assert driver.read()
    assert driver.stop()
    clock.sleep_ms(60_000)
    assert driver.read()
    clock.sleep_ms(40_000)
    assert driver.read() is None


def test_pressure_is_told_while_it_measures():
    driver, chip, _, clock = scd()
    assert driver.start()
    assert driver.set_pressure(987)
    assert chip.pressure_hpa == 987
    clock.sleep_ms(31_000)
    assert driver.read()


def test_a_silent_scd41_is_not_known():
    driver, _chip, bus, clock = scd()
    for trouble in ("silent", "stuck"):
        assert driver.start()
        clock.sleep_ms(31_000)
        bus.silent = {0x62} if trouble == "silent" else set()
        bus.stuck = trouble == "stuck"
        assert driver.read() is None
        assert not driver.start() and not driver.stop() and not driver.set_pressure(1000)
        bus.silent, bus.stuck = set(), False


# BME280.


def test_the_example_of_the_datasheet():
    """BMP280 DS 3.12, whose formulae are the BME280's: adc 519888 and 415148 give 25.08 °C and 100653.27 Pa."""
    driver, chip, _, _ = bme()
    chip.set_raw(415_148, 519_888, 25_000)
    dcel, _, dhpa = driver.read()
    assert (dcel, dhpa) == (250, 10_065)
    fine = driver._fine(519_888)
    assert (fine * 5 + 128) >> 8 == 2508
    assert abs(driver._pressure(415_148, fine) - 25_767_236) <= 4  # 100653.27 Pa in 1/256


def test_integers_agree_with_the_datasheets_floats():
    """Appendix 8.1, computed by the simulated chip, over all of the weather; half a last digit and rounding apart."""
    driver, chip, _, _ = bme()
    for dcel in (-400, -153, -1, 0, 207, 451, 849):
        for permille in (0, 37, 500, 733, 999):
            for dhpa in (3_000, 8_750, 10_132, 10_999):
                chip.set_weather(dcel, permille, dhpa)
                celsius, percent, pressure = driver.read()
                assert abs(celsius - dcel) <= 1, (dcel, permille, dhpa)
                assert abs(percent * 10 - permille) <= 7, (dcel, permille, dhpa, percent)
                assert abs(pressure - dhpa) <= 1, (dcel, permille, dhpa)
    assert chip.breaches == []


def test_other_chips_calibrations_with_negative_words():
    driver, chip, _, _ = bme(dig_h=(75, 376, 0, -273, -50, 30), dig_t=(40_000, 26_000, 50))
    chip.set_weather(153, 456, 9_900)
    celsius, _, pressure = driver.read()
    assert abs(celsius - 153) <= 1 and abs(pressure - 9_900) <= 1
    driver, chip, _, _ = bme(dig_h=(75, 355, 0, 341, -29, -20))
    for permille in (200, 456, 800):
        chip.set_weather(153, permille, 9_900)
        assert abs(driver.read()[1] * 10 - permille) <= 7


def test_each_reading_is_new():
    driver, chip, _, clock = bme()
    for dcel in (100, 200, 300):
        chip.set_weather(dcel, 500, 10_000)
        assert abs(driver.read()[0] - dcel) <= 1
        clock.sleep_ms(1_000)


def test_a_bmp280_is_not_taken_for_it():
    driver, _, _, _ = bme(identity=0x58)
    assert not driver.start()
    assert driver.read() is None


def test_a_chip_that_was_restarted_says_nothing_wrong():
    """Its data registers say "skipped" until a measurement is over (DS 5.4.6)."""
    driver, chip, _, _ = bme()
    assert driver.read()
    chip.set_raw(0x80000, 0x80000, 0x8000)
    assert driver.read() is None


def test_a_bme280_without_calibration_is_not_known():
    driver, chip, _, _ = bme()
    chip.registers[0x8E:0xA0] = bytes(18)
    assert driver.read() is None


def test_a_silent_or_slow_bme280_is_not_known():
    driver, chip, bus, clock = bme()
    assert driver.read()
    chip.stalled = True
    before_us = clock.now_us
    assert driver.read() is None
    assert clock.now_us - before_us < 50_000
    chip.stalled = False
    bus.stuck = True
    assert driver.read() is None and not driver.start()
    bus.stuck = False
    bus.silent = {0x76}
    assert driver.read() is None and not driver.start()
    bus.silent = set()
    assert driver.read()
