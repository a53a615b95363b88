"""What the whole node takes of a board's heap, body and drivers included: `python -m tests.benchmarks.board_heap`.

Live is `gc.mem_alloc()` after a collection, less that of the interpreter before main.py. This build collects between
two calls only, so each is measured where a turn begins; what a turn leaves behind is its garbage. A wake is all turns
from a light sleep of a second to the next rest so long; what a boot leaves, which loads modules, stands for itself.
"""

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from simulator.board.process import Host
from tests.board.roles import board_of
from tests.board.street import HOUR_US, MINUTE_US, Town, compiled

HEAP_B = 112_000  # of a plain ESP32
AIM_B = HEAP_B * 3 // 4
GARBAGE_B = 16_000
CYCLES = 10_000
ROLES = ("parking", "air", "light", "bridge")
LIVED_US = {"parking": 6 * HOUR_US, "air": 3 * HOUR_US, "light": 6 * HOUR_US, "bridge": 3 * MINUTE_US}

# Before and behind main.py: what there is before anything of ours, what each turn begins and ends with. Some of this
# build's modules are written in Python, those of an ESP32 take no heap.
_BEFORE = """
import binascii, errno, gc, hashlib, io, json, micropython, os, random, select, struct, time, uctypes
import cryptolib, esp32, machine

_empty = gc.mem_alloc()
"""
_BEHIND = """

_turn = turn


def turn():
    live = gc.mem_alloc()
    _turn()
    print("HEAP", time.ticks_ms(), live, gc.mem_alloc() - live)
    gc.collect()


print("START", _empty)
"""


@dataclass
class Lived:
    """live: bytes where each turn began. boots, wakes: garbage that each left. empty: before anything of ours."""

    live: list[int] = field(default_factory=list)
    boots: list[int] = field(default_factory=list)
    wakes: list[int] = field(default_factory=list)
    empty: int = 0


def lived(firmware, role, us=None):
    """A board of *role* for some time."""
    files = dict(firmware)
    files["/a/main.py"] = _BEFORE.encode() + files["/a/main.py"] + _BEHIND.encode()
    found = Lived()
    last_ms = 0
    said = ""
    garbage = found.boots

    def hear(data):
        nonlocal last_ms, said, garbage
        *lines, said = (said + data.decode("latin-1")).split("\r\n")
        for line in lines:
            # What is before it on a bridge's line is the end of an envelope.
            words = line[max(line.find("START "), line.find("HEAP "), 0) :].split()
            if words and words[0] == "START":
                found.empty = found.empty or int(words[-1])  # of the first: later ones wake with what was loaded
                found.boots.append(0)
                garbage = found.boots
                last_ms = 0
            elif len(words) == 4 and words[0] == "HEAP":
                now_ms, live, left = map(int, words[1:])
                if now_ms - last_ms >= 1_000:
                    found.wakes.append(0)
                    garbage = found.wakes
                last_ms = now_ms
                found.live.append(live - found.empty)
                garbage[-1] += max(left, 0)

    with Host(1) as host, Town(host, (f"{role}-001",) if role != "bridge" else (), role) as town:
        more = {"plan": "single-channel"} if role == "bridge" else {}
        board = board_of(town, 0, files, role=role, **more)
        board.cable = hear
        board.switch_on()
        town.run(us or LIVED_US[role])
        assert board.brought_down == []
    return found


def main(roles):
    """Print a line for each role."""
    with tempfile.TemporaryDirectory() as folder:
        firmware = compiled(Path(folder) / "a")
    print(f"{'role':10}{'live, usual':>12}{'most':>8}{'garbage of a wake, most':>25}{'of a boot':>11}{'turns':>8}")
    for role in roles:
        found = lived(firmware, role)
        usual = sorted(found.live)[len(found.live) // 2]
        wake, boot = max(found.wakes, default=0), max(found.boots[1:] or found.boots)
        print(f"{role:10}{usual:12}{max(found.live):8}{wake:25}{boot:11}{len(found.live):8}")
    print(f"the aim is {AIM_B}, three quarters of {HEAP_B}")


if __name__ == "__main__":
    main(sys.argv[1:] or ROLES)
