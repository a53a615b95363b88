"""What boards tell of their heap while they run: bytes that are alive where a turn begins."""

import pytest

from simulator.board.process import Host
from tests.board.conftest import Bench
from tests.board.roles import board_of
from tests.board.street import HOUR_US, Town
from tests.board.test_images import digest

BLOCK_B = 16  # of MicroPython's heap, on 32 bits
SLEEPS = "import machine\n\n\ndef turn():\n    machine.lightsleep(1000)\n"


def looked(main, seconds=10):
    with Bench(1, heap=True) as bench:
        board = bench.board(main)
        bench.run(seconds)
        return board.heap_b


def test_what_the_firmware_holds_counts_to_the_block_and_its_garbage_does_not():
    [empty] = set(looked(SLEEPS))
    holds = looked(SLEEPS + "\n\nkept = bytearray(20_000)\n")
    litters = looked(SLEEPS + "    bytearray(20_000)\n")
    assert 0 < empty < 1_000
    # A name and a few instructions come with it.
    assert {20_000 < alive - empty < 20_000 + 10 * BLOCK_B for alive in holds} == {True}
    assert {0 <= alive - empty < 10 * BLOCK_B for alive in litters} == {True}


def test_a_module_that_is_written_in_c_on_an_esp32_does_not_count():
    assert max(looked("import os, time, binascii, io\n" + SLEEPS)) < 1_000


def test_the_first_turns_are_looked_at_then_ever_fewer():
    # Turns begin each second; the 9th waits for a quarter more than the 8.7 s since the reset, and so on up to an hour.
    assert len(looked(SLEEPS, 8.5)) == 8
    assert len(looked(SLEEPS, 11.5)) == 9
    assert 30 < len(looked(SLEEPS, 3600)) < 40


def test_nobody_is_told_who_did_not_ask(bench):
    board = bench.board(SLEEPS)
    bench.run(10)
    assert board.heap_b == []


def hours(role, firmware, **how):
    with Host(1, **how) as host, Town(host, (f"{role}-001",), role) as town:
        board = board_of(town, 0, firmware)
        board.switch_on()
        town.run(HOUR_US)
        return digest(town, [board]), board.heap_b


@pytest.mark.parametrize("role", ["parking", "air"])
def test_a_node_that_is_looked_at_does_the_same_and_has_the_heap_of_one_that_always_imports(firmware, role):
    told, alive = hours(role, firmware, heap=True)
    assert (told, []) == hours(role, firmware)
    assert (told, alive) == hours(role, firmware, images=False, heap=True)
    # What wakes for a moment has less than half the node in memory: it could not be so from an image of the whole.
    assert min(alive) < 85_000 < 100_000 < max(alive)
