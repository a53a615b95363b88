"""Time and interrupts of the virtual board; runs on its MicroPython, where `_hw` is host/hardware.mjs."""

import gc
import random
import select
import sys
import time

import _hw
import micropython
from uctypes import addressof

PIN = 0  # kinds of events: number * 4 + kind
TIMER = 1
_FREE = 64_000  # what the heap is said to have left: its size is no board's, and nobody is to go by it

# Looked up once: each name of `_hw` is one more call of JavaScript.
_event = _hw.event
_sleep_us = _hw.sleep_us
_ticks_ms = _hw.ticks_ms
_ticks_us = _hw.ticks_us
_stdin_any = _hw.stdin_any

handlers = {}  # by event
happened = bytearray(1)  # not 0 when there is an event, which host/hardware.mjs sees to
_held = [0]  # how many have disabled interrupts
_hw.flag(addressof(happened))
_hw.heap(gc.collect, gc.mem_alloc)
_hw.dice(random.seed)


def settle():
    """Handle what happened: called after whatever lets time pass, if there is something."""
    if _held[0]:
        return
    while True:
        event = _event()
        if event < 0:
            return
        handler = handlers.get(event)
        if handler is not None:
            handler()


def disable_irq():
    """As `machine.disable_irq`."""
    _held[0] += 1
    return _held[0] - 1


def enable_irq(state=0):
    """As `machine.enable_irq`."""
    _held[0] = state
    if happened[0]:
        settle()


def sleep_us(us):
    """As `time.sleep_us`: interrupts are handled in the midst of it."""
    while us > 0:
        us = _sleep_us(us)
        if happened[0]:
            settle()


def sleep_ms(ms):
    """As `time.sleep_ms`; an hour is more µs than cross to JavaScript at once."""
    while ms > 1_000_000:
        sleep_us(1_000_000_000)
        ms -= 1_000_000
    sleep_us(int(ms * 1000))


def sleep(seconds):
    """As `time.sleep`."""
    sleep_ms(seconds * 1000)


def time_ns():
    """As `time.time_ns`."""
    return _hw.rtc_s() * 1_000_000_000 + _hw.rtc_us() * 1000


def ticks_ms():
    """As `time.ticks_ms`."""
    ticks = _ticks_ms()
    if happened[0]:
        settle()
    return ticks


def ticks_us():
    """As `time.ticks_us`."""
    ticks = _ticks_us()
    if happened[0]:
        settle()
    return ticks


class Input:
    """`sys.stdin`: what is typed at the serial port."""

    def __init__(self):
        self.buffer = self

    def read(self, count=-1):
        """As documented: waits for all of them."""
        data = bytearray(count if count >= 0 else _hw.stdin_any())
        self.readinto(data)
        return bytes(data)

    def readinto(self, into, count=-1):
        """As documented."""
        count = len(into) if count < 0 else count
        at = 0
        while at < count:
            room = bytearray(max(_hw.stdin_read(count - at), 0))
            if room:
                _hw.blob(addressof(room))
                into[at : at + len(room)] = room
                at += len(room)
            else:
                sleep_ms(1)
        return count


class Raw:
    """`sys.stdout.buffer`: bytes go out as they are."""

    def write(self, data):
        """As documented."""
        _hw.out(addressof(data), len(data))
        return len(data)


class Output:
    """`sys.stdout`: lines of text end as on a real board."""

    def __init__(self):
        self.buffer = Raw()

    def write(self, text):
        """As documented."""
        self.buffer.write(text.replace("\r\n", "\n").replace("\n", "\r\n").encode() if isinstance(text, str) else text)
        return len(text)


class Overlaid:
    """A module of the interpreter with some names of ours: builtin ones take no new values."""

    def __init__(self, module, **names):
        self._module = module
        for name in names:
            setattr(self, name, names[name])

    def __getattr__(self, name):
        return getattr(self._module, name)


class Poll:
    """`select.poll`, of standard input alone."""

    def register(self, obj, eventmask=select.POLLIN | select.POLLOUT):
        """As documented."""
        self._obj = obj

    def poll(self, timeout=-1):
        """As documented."""
        while not _stdin_any():
            if not timeout:
                return []
            wait = 10 if timeout < 0 else min(timeout, 10)
            sleep_ms(wait)
            timeout -= wait if timeout > 0 else 0
        return [(self._obj, select.POLLIN)]

    ipoll = poll


sys.modules["sys"] = Overlaid(sys, stdin=Input(), stdout=Output())
sys.modules["gc"] = Overlaid(gc, mem_free=lambda: _FREE)
sys.modules["select"] = Overlaid(select, poll=Poll)
sys.modules["micropython"] = Overlaid(micropython, kbd_intr=lambda char: _hw.binary(int(char < 0)))
time.sleep = sleep
time.sleep_ms = sleep_ms
time.sleep_us = sleep_us
time.ticks_ms = ticks_ms
time.ticks_us = time.ticks_cpu = ticks_us
time.time = _hw.rtc_s
time.time_ns = time_ns
