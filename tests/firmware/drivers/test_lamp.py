"""What a lamp controller has: BL0942, BH1750, 0–10 V, DALI; and the battery of the others."""

from firmware.drivers.battery import Battery
from firmware.drivers.bh1750 import Bh1750
from firmware.drivers.bl0942 import Bl0942
from firmware.drivers.dali import BROADCAST, OFF, QUERY_LEVEL, QUERY_STATUS, Dali, group, short
from firmware.drivers.dimmer import Dimmer, Fade
from simulator.chips.analogue import BatteryAdc, PwmPin
from simulator.chips.bh1750 import Bh1750 as Bh1750Chip
from simulator.chips.bl0942 import Bl0942 as Bl0942Chip
from simulator.chips.dali import LAMP_FAILURE, LAMP_ON, DaliBus, Gear
from simulator.chips.i2c import I2cBus
from simulator.chips.uart import UartLine
from simulator.chips.wire import Wire
from tests.firmware.drivers.benches import BoundedClock, flips
from tests.protocol.expect import Dice


def meter(address=0):
    clock = BoundedClock()
    line = UartLine(clock, 4800)
    chip = Bl0942Chip(clock, line, address)
    return Bl0942(line, clock, address), chip, line, clock


def dali(gears=1, tx_inverted=False, start_us=0):
    clock = BoundedClock(start_us)
    rx = Wire(1)
    bus = DaliBus(clock, rx, tx_inverted)
    bus.gears = [Gear(number) for number in range(gears)]
    driver = Dali(bus, rx, clock, tx_inverted)
    clock.sleep_ms(20)
    return driver, bus, clock


# BL0942.


def test_volts_amperes_and_watts():
    """Counts of the reference design: 15873 to the volt, 251213 to the ampere, 596 to the watt."""
    for address in (0, 3):
        driver, chip, _, _ = meter(address)
        for load in ((2301, 0, 0), (2318, 152, 331), (1985, 2_999, 6_012)):
            chip.set_load(*load)
            assert driver.read()[:3] == load


def test_a_packet_byte_by_byte():
    """Built by hand after DS 3.2.6: 230.0 V are 3650790 counts, 0x37B4E6; 100.0 W are 59600, 0x00E8D0."""
    driver, chip, _, _ = meter()
    body = bytes.fromhex("55 000000 e6b437 000000 d0e800 000000 204e 00 00 00 00".replace(" ", ""))
    chip.spoil = lambda _: body + bytes((~(0x58 + sum(body)) & 0xFF,))
    assert driver.read() == (2300, 0, 1000, 0)


def test_a_transformer_the_other_way_round_is_no_lamp_that_gives():
    driver, chip, _, _ = meter()
    chip.set_load(2300, 400, -900)
    assert driver.read()[2] == 900


def test_energy_is_counted_also_over_the_wrap():
    """100 W for an hour are 100 Wh; the chip's 24 bits wrap after 3.3 MWh."""
    for begins in (0, (1 << 24) - 100):
        driver, chip, _, clock = meter()
        chip.set_pulses(begins)
        chip.set_load(2300, 435, 1000)
        assert driver.read()[3] == 0
        for _ in range(12):
            clock.run(clock.now_us + 300_000_000)
            total = driver.read()[3]
        assert 99 <= total <= 101, total


def test_energy_goes_on_when_the_meter_alone_began_anew():
    driver, chip, _, clock = meter()
    chip.set_pulses(5_000_000)
    chip.set_load(2300, 435, 1000)
    driver.read()
    clock.run(clock.now_us + 3_600_000_000)
    first = driver.read()[3]
    chip.set_pulses(0)
    clock.run(clock.now_us + 3_600_000_000)
    assert first + 99 <= driver.read()[3] <= first + 101


def test_a_packet_with_any_byte_changed_is_not_known():
    driver, chip, _, _ = meter()
    for place in range(23):
        chip.spoil = flips(place, 0x10)
        assert driver.read() is None, place
    chip.spoil = lambda packet: packet[:22]
    assert driver.read() is None
    chip.spoil = lambda packet: packet
    assert driver.read() is not None


def test_a_meter_that_is_dead_or_of_another_address_is_not_known():
    driver, chip, line, clock = meter()
    chip.alive = False
    before_us = clock.now_us
    assert driver.read() is None
    assert clock.now_us - before_us < 300_000
    chip.alive = True
    assert Bl0942(line, clock, 2).read() is None
    assert driver.read() is not None


def test_leftovers_on_the_line_do_not_shift_what_is_read():
    driver, _chip, line, clock = meter()
    line.send(b"\x55\x55\x00\x12")
    clock.sleep_ms(50)
    assert driver.read()[0] == 2300


# BH1750.


def test_daylight():
    """1.2 counts to the lux; 54612 lx are all that 16 bits hold."""
    clock = BoundedClock()
    bus = I2cBus(clock)
    chip = Bh1750Chip(clock)
    bus.attach(0x23, chip)
    driver = Bh1750(bus, clock)
    for lux in (0, 5, 10, 400, 54_000):
        chip.lux = lux
        assert abs(driver.lux() - lux) <= 1
    chip.lux = 100_000
    assert driver.lux() == 54_612
    assert chip.breaches == []
    bus.stuck = True
    assert driver.lux() is None
    bus.stuck = False
    bus.silent = {0x23}
    assert driver.lux() is None


# 0–10 V.


def test_1_to_10_v_over_the_whole_range():
    pin = PwmPin()
    dimmer = Dimmer(pin)
    for drive, millivolts in ((254, 10_000), (1, 1_000), (127, 5_480), (0, 0), (300, 10_000), (-5, 0)):
        dimmer.set(drive)
        assert abs(pin.millivolts() - millivolts) <= 40, drive


def test_the_other_way_round_behind_a_transistor():
    pin = PwmPin()
    dimmer = Dimmer(pin, inverted=True)
    dimmer.set(254)
    assert pin.duty == 0
    dimmer.set(0)
    assert pin.duty == 65_535


def test_off_is_the_relays_and_on_comes_after_the_level():
    pin, relay = PwmPin(), Wire(0)
    dimmer = Dimmer(pin, relay)
    seen = []
    relay.watch(lambda level: seen.append((level, pin.duty)))
    dimmer.set(50)
    dimmer.set(60)
    dimmer.set(0)
    at_50 = pin.steps[0]
    assert seen == [(1, at_50), (0, pin.steps[1])]


def test_a_fade_is_even_and_arrives():
    fade = Fade()
    fade.begin(254, 0, 1_000)
    assert fade.at(1_000) == 254 and fade.next_ms(1_000) is None
    fade.begin(54, 20, 2_000)
    now_ms, steps = 2_000, []
    while now_ms is not None:
        steps.append((now_ms, fade.at(now_ms)))
        now_ms = fade.next_ms(now_ms)
    assert steps[-1] == (22_000, 54)
    drives = [drive for _, drive in steps]
    assert drives == sorted(drives, reverse=True)
    assert all(drives[place] - drives[place + 1] <= 2 for place in range(len(drives) - 1))
    assert len(steps) <= 202


def test_a_fade_that_is_overtaken_goes_on_from_where_it_was():
    fade = Fade()
    fade.begin(200, 0, 0)
    fade.begin(0, 10, 1_000)
    half = fade.at(6_000)
    assert 98 <= half <= 102
    fade.begin(254, 10, 6_000)
    assert fade.at(6_000) == half
    assert fade.at(16_000) == 254


# DALI.


def test_a_forward_frame_bit_by_bit():
    """Broadcast, half light: start, 1111 1110, 1000 0000; a one is low then high, half-bits of 416.7 µs."""
    driver, bus, _ = dali()
    seen = []
    write = bus.write_pulses
    bus.write_pulses = lambda ticks, level: seen.append((list(ticks), level)) or write(ticks, level)
    driver.set_level(BROADCAST, 0x80)
    ((ticks, level),) = seen
    halves = ""
    for lasts in ticks:
        halves += "01"[level] * ((lasts + 208) // 417)
        level = 1 - level
    bits = "1" + "11111110" + "10000000"
    assert halves == "".join(["01" if bit == "1" else "10" for bit in bits]) + "1111"
    assert bus.forward == [(0xFE, 0x80)]
    assert abs(sum(ticks) - 15_833) <= 30  # 38 halves


def test_every_byte_goes_over_the_bus_as_it_is():
    for inverted in (False, True):
        driver, bus, _ = dali(tx_inverted=inverted)
        for value in (0, 1, 0x55, 0xAA, 0x7F, 0xFE, 0xFF):
            driver.set_level(short(value & 63), value)
        driver.set_level(group(5), 77)
        expected = [((value & 63) << 1, value) for value in (0, 1, 0x55, 0xAA, 0x7F, 0xFE, 0xFF)]
        assert bus.forward == expected + [(0x8A, 77)]
        assert bus.breaches == []


def test_a_gear_obeys_and_says_how_it_is():
    driver, bus, _ = dali(2)
    driver.set_level(short(0), 120)
    driver.set_level(short(1), 0)
    assert [gear.level for gear in bus.gears] == [120, 0]
    assert driver.query(short(0), QUERY_LEVEL) == 120
    assert driver.query(short(0), QUERY_STATUS) == LAMP_ON
    bus.gears[0].faults |= LAMP_FAILURE
    assert driver.query(short(0), QUERY_STATUS) == LAMP_FAILURE
    driver.command(BROADCAST, OFF)
    assert driver.query(short(0), QUERY_LEVEL) == 0
    assert bus.breaches == []


def test_every_answer_is_read_as_it_is_also_while_ticks_wrap():
    driver, bus, _ = dali(start_us=(1 << 30) - 500_000)
    for level in range(255):
        bus.gears[0].level = level
        assert driver.query(short(0), QUERY_LEVEL) == level
    assert bus.breaches == []


def test_a_gear_that_is_silent_or_not_there_is_not_known():
    driver, bus, clock = dali()
    bus.gears[0].silent = True
    assert driver.query(short(0), QUERY_STATUS) is None
    before_us = clock.now_us
    assert driver.query(short(9), QUERY_STATUS) is None
    assert clock.now_us - before_us < 60_000


def test_two_answers_at_once_are_none():
    driver, _bus, _ = dali(2)
    assert driver.query(BROADCAST, QUERY_STATUS) is None


def test_a_bus_that_is_short_circuited_or_noisy_is_not_known():
    driver, bus, clock = dali()
    dice = Dice(9)
    bus.gears = []
    for _ in range(30):
        at_us = clock.now_us + 40_000
        for edge in range(2 + dice.below(60)):
            at_us += 50 + dice.below(900)
            clock.at(at_us, lambda edge=edge: bus._rx.drive(edge & 1))
        answer = driver.query(short(0), QUERY_STATUS)
        assert answer is None or 0 <= answer <= 255
        clock.sleep_ms(100)


def test_what_configures_comes_twice():
    driver, bus, _ = dali()
    driver.command(short(0), 0x2E)
    assert bus.gears[0].configured == []
    driver.configure(short(0), 0x2F)
    assert bus.gears[0].configured == [0x2F]


# The battery.


def test_a_battery_whichever_way_its_divider_is_switched():
    """Heltec V3: LOW to measure on V3.0 and V3.1, HIGH on V3.2 (ropg/heltec_esp32_lora_v3 issues 64 and 67)."""
    for on_level in (0, 1):
        control = Wire(0)
        adc = BatteryAdc(4900, control, on_level)
        battery = Battery(adc, BoundedClock(), 4900, control)
        for millivolts in (3_000, 3_700, 4_180):
            adc.millivolts = millivolts
            assert abs(battery.millivolts() - millivolts) <= 10
            assert control.level != on_level  # the divider is off again


def test_a_board_without_a_switch():
    adc = BatteryAdc(2000)
    battery = Battery(adc, BoundedClock(), 2000)
    adc.millivolts = 3_650
    assert abs(battery.millivolts() - 3_650) <= 10


def test_no_battery_is_not_known():
    control = Wire(0)
    adc = BatteryAdc(4900, control, 1, millivolts=0)
    assert Battery(adc, BoundedClock(), 4900, control).millivolts() is None
    assert Battery(adc, BoundedClock(), 4900).millivolts() is None
