"""A02YYUW: its maker's example (wiki.dfrobot.com/sen0311), and everything that a line can do to it."""

from firmware.drivers.a02yyuw import A02yyuw
from simulator.chips.a02yyuw import A02yyuw as A02yyuwChip
from simulator.chips.uart import UartLine
from tests.firmware.drivers.benches import BoundedClock
from tests.protocol.expect import Dice


def bench():
    clock = BoundedClock()
    line = UartLine(clock, 9600)
    chip = A02yyuwChip(clock, line)
    return A02yyuw(line, clock), chip, clock


def test_the_manuals_example():
    driver, chip, _ = bench()
    chip.spoil = lambda _: b"\xff\x07\xa1\xa7"  # 0x07A1 = 1953 mm
    assert driver.read() == (195,)


def test_it_is_heard_at_each_pace_that_is_documented():
    driver, chip, clock = bench()
    for every_ms in (100, 300, 500):
        chip.every_us = every_ms * 1000
        for mm in (700, 1900):
            chip.mm = mm
            clock.sleep_ms(1_100)
            assert driver.read() == (mm // 10,), every_ms


def test_distances_whatever_their_bytes():
    driver, chip, _ = bench()
    for mm, cm in ((31, 3), (255, 25), (1500, 150), (0x0FFF, 409), (4500, 450)):
        chip.mm = mm
        assert driver.read() == (cm,)


def test_what_is_nearer_or_farther_than_it_sees_is_not_known():
    driver, chip, _ = bench()
    for mm in (0, 30, 0xFFFF):
        chip.mm = mm
        assert driver.read() is None


def test_it_says_what_is_there_now_and_not_what_waited_on_the_line():
    driver, chip, clock = bench()
    chip.mm = 2500
    clock.sleep_ms(60_000)
    chip.mm = 600
    clock.sleep_ms(10)  # what is on its way
    assert driver.read() == (60,)


def test_a_flipped_bit_is_never_another_distance():
    driver, chip, clock = bench()
    chip.mm = 1953
    for bit in range(32):
        chip.spoil = lambda frame, bit=bit: bytes([byte ^ ((1 << bit) >> 8 * k & 0xFF) for k, byte in enumerate(frame)])
        clock.sleep_ms(1_000)
        assert driver.read() is None, bit


def test_a_frame_behind_noise_that_looks_like_its_beginning():
    driver, chip, _ = bench()
    for noise in (b"\xff", b"\x01\xff", b"\xff\xff", b"\xff\x02\x03"):
        chip.spoil = lambda frame, noise=noise: noise + frame
        assert driver.read() == (250,)


def test_one_that_is_silent_or_noisy_does_not_hold_the_node():
    driver, chip, clock = bench()
    chip.alive = False
    before_us = clock.now_us
    assert driver.read() is None
    assert clock.now_us - before_us < 800_000
    chip.alive = True
    dice = Dice(7)
    chip.spoil = lambda _: bytes([dice.below(255) for _ in range(600)])  # never 0xFF
    before_us = clock.now_us
    assert driver.read() is None
    assert clock.now_us - before_us < 800_000
