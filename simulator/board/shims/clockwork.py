"""Time and interrupts of the virtual board; runs on its MicroPython, where `_hw` is host/hardware.mjs."""

import time

import _hw

PIN = 0  # kinds of events: number * 4 + kind
TIMER = 1

handlers = {}  # by event
_held = [0]  # how many have disabled interrupts


def settle():
    """Handle what happened: called after whatever lets time pass."""
    if _held[0]:
        return
    while True:
        event = _hw.event()
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
    settle()


def sleep_us(us):
    """As `time.sleep_us`."""
    _hw.sleep_us(us)
    settle()


def sleep_ms(ms):
    """As `time.sleep_ms`; an hour is more µs than cross to JavaScript at once."""
    while ms > 1_000_000:
        _hw.sleep_us(1_000_000_000)
        ms -= 1_000_000
    _hw.sleep_us(int(ms * 1000))
    settle()


def sleep(seconds):
    """As `time.sleep`."""
    sleep_ms(seconds * 1000)


def time_ns():
    """As `time.time_ns`."""
    return _hw.rtc_s() * 1_000_000_000 + _hw.rtc_us() * 1000


def ticks_ms():
    """As `time.ticks_ms`."""
    ticks = _hw.ticks_ms()
    settle()
    return ticks


def ticks_us():
    """As `time.ticks_us`."""
    ticks = _hw.ticks_us()
    settle()
    return ticks


time.sleep = sleep
time.sleep_ms = sleep_ms
time.sleep_us = sleep_us
time.ticks_ms = ticks_ms
time.ticks_us = time.ticks_cpu = ticks_us
time.time = _hw.rtc_s
time.time_ns = time_ns
