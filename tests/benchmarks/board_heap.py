"""What the whole node takes of a board's heap, body and drivers included: `python -m tests.benchmarks.board_heap`.

Live is `gc.mem_alloc()` after a collection, less that of a board on which nothing of ours runs, not even /boot.py. This
build collects between two calls only, so it is measured where a turn begins; what the collection then takes away is the
garbage of the turn before. A wake is all turns from a light sleep of a second to the next rest so long; what a boot
leaves, which loads modules, stands for itself. Boards import after each deep sleep, as real ones do.
"""

import sys
from dataclasses import dataclass, field
from itertools import pairwise

from simulator.board.process import Host
from tests.board.roles import board_of
from tests.board.street import HOUR_US, MINUTE_US, Town, compiled

HEAP_B = 112_000  # of a plain ESP32
AIM_B = HEAP_B * 3 // 4
GARBAGE_B = 16_000
CYCLES = 10_000
ROLES = ("parking", "air", "light", "bridge")
LIVED_US = {"parking": 6 * HOUR_US, "air": 3 * HOUR_US, "light": 6 * HOUR_US, "bridge": 3 * MINUTE_US}

# Some of this build's modules are written in Python, those of an ESP32 take no heap: they are there before all else.
_BEFORE = """
import binascii, errno, gc, hashlib, io, json, micropython, os, random, select, struct, time, uctypes
import cryptolib, esp32, machine
"""
_NO_BOOT = b"import os\n\nos.chdir('/a')\n"
_EMPTY = """

def turn():
    print("HEAP", time.ticks_ms(), gc.mem_alloc(), 0)
    gc.collect()
    time.sleep_ms(100)
"""
_BEHIND = """

_turn = turn


def turn():
    live = gc.mem_alloc()
    _turn()
    print("HEAP", time.ticks_ms(), live, gc.mem_alloc())
    gc.collect()


print("START")
"""


@dataclass
class Lived:
    """live: bytes where each turn began. boots, wakes: garbage that each left."""

    live: list[int] = field(default_factory=list)
    boots: list[int] = field(default_factory=list)
    wakes: list[int] = field(default_factory=list)


def lived(firmware, role, us=None):
    """A board of *role* for some time."""
    bare = firmware | {"/boot.py": _NO_BOOT}
    empty = [live for run in _heaps(bare, role, _EMPTY, 1_000_000) for _, live, _ in run][-1]
    found = Lived()
    for run in _heaps(firmware, role, firmware["/a/main.py"].decode() + _BEHIND, us or LIVED_US[role]):
        found.live += [live - empty for _, live, _ in run]
        found.boots.append(0)
        garbage = found.boots
        last_ms = 0
        for (now_ms, _, after), (_, live, _) in pairwise(run):
            garbage[-1] += max(after - live, 0)
            if now_ms - last_ms >= 1_000:  # this turn was a rest, before which it let go what was loaded on demand
                found.wakes.append(0)
                garbage = found.wakes
            last_ms = now_ms
    return found


def _heaps(firmware, role, main, us):
    """By run, of each turn: when it ended in ms, and bytes that were taken as it began and as it ended."""
    runs = [[]]
    said = ""

    def hear(data):
        nonlocal said
        *lines, said = (said + data.decode("latin-1")).split("\r\n")
        for line in lines:
            # What is before it on a bridge's line is the end of an envelope.
            words = line[max(line.find("START"), line.find("HEAP "), 0) :].split()
            if words == ["START"]:
                runs.append([])
            elif len(words) == 4 and words[0] == "HEAP":
                runs[-1].append(tuple(map(int, words[1:])))

    with Host(1, images=False) as host, Town(host, (f"{role}-001",) if role != "bridge" else (), role) as town:
        more = {"plan": "single-channel"} if role == "bridge" else {}
        board = board_of(town, 0, firmware | {"/a/main.py": (_BEFORE + main).encode()}, role=role, **more)
        board.cable = hear
        board.switch_on()
        town.run(us)
        assert board.brought_down == []
    return [run for run in runs if run]


def main(roles):
    """Print a line for each role."""
    firmware = compiled()
    print(f"{'role':10}{'live, usual':>12}{'most':>8}{'garbage of a wake, most':>25}{'of a boot':>11}{'turns':>8}")
    for role in roles:
        found = lived(firmware, role)
        usual = sorted(found.live)[len(found.live) // 2]
        wake, boot = max(found.wakes, default=0), max(found.boots)
        print(f"{role:10}{usual:12}{max(found.live):8}{wake:25}{boot:11}{len(found.live):8}")
    print(f"the aim is {AIM_B}, three quarters of {HEAP_B}")


if __name__ == "__main__":
    main(sys.argv[1:] or ROLES)
