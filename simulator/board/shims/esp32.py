"""The module `esp32` of MicroPython's ESP32 port, as far as the firmware uses it."""

import struct

import _hw
from clockwork import happened, settle, sleep_us
from uctypes import addressof

WAKEUP_ALL_LOW = False
WAKEUP_ANY_HIGH = True
_NOT_FOUND = -0x1102  # ESP_ERR_NVS_NOT_FOUND
_EXT0 = 2
_EXT1 = 3


def wake_on_ext0(pin, level):
    """As documented."""
    if pin is None:
        _hw.wake_on(_EXT0, -1, 0)
    else:
        _hw.wake_on(_EXT0, pin.id, int(bool(level)))


def wake_on_ext1(pins, level):
    """As documented."""
    _hw.wake_on(_EXT1, -1, 0)
    for pin in pins or ():
        _hw.wake_on(_EXT1, pin.id, int(bool(level)))


def gpio_deep_sleep_hold(enable):
    """As documented; pins keep their levels anyway."""


class NVS:
    """As documented: what is not committed is lost."""

    def __init__(self, namespace):
        if len(namespace) > 15:
            raise ValueError("a name of NVS has 15 letters at the most")
        self._space = namespace

    def get_i32(self, key):
        """As documented."""
        return struct.unpack("<i", self._take(_hw.nvs_number(self._space, key)))[0]

    def set_i32(self, key, value):
        """As documented."""
        if not -(1 << 31) <= value < 1 << 31:
            raise OverflowError("overflow converting long int to machine word")
        _check(key)
        data = struct.pack("<i", value)
        _hw.nvs_set_number(self._space, key, addressof(data))

    def get_blob(self, key, buffer):
        """As documented."""
        data = self._take(_hw.nvs_blob(self._space, key))
        if len(data) > len(buffer):
            raise OSError(-0x110C)  # ESP_ERR_NVS_INVALID_LENGTH
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        """As documented."""
        _check(key)
        _hw.nvs_set_blob(self._space, key, addressof(value), len(value))

    def erase_key(self, key):
        """As documented."""
        if _hw.nvs_erase(self._space, key):
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")

    def commit(self):
        """As documented."""
        _hw.nvs_commit(self._space)

    def _take(self, length):
        if length < 0:
            raise OSError(_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        data = bytearray(length)
        _hw.blob(addressof(data))
        return data


class RMT:
    """As documented, as far as pulses of given lengths go."""

    def __init__(self, channel=None, *, pin=None, clock_div=8, resolution_hz=None, idle_level=0, tx_carrier=None):
        self._id = pin.id
        self._hz = resolution_hz or 80_000_000 // clock_div

    def write_pulses(self, duration, data=True):
        """As documented, with a sequence of durations and the first one's level."""
        us = ",".join([str(ticks * 1_000_000 // self._hz) for ticks in duration])
        left_us = _hw.pulses(self._id, int(bool(data)), us)  # less than all of it when an edge has come
        if happened[0]:
            settle()
        sleep_us(left_us)

    def wait_done(self, *, timeout=0):
        """As documented: writing has waited already."""
        return True

    def deinit(self):
        """As documented."""


def _check(key):
    if len(key) > 15:
        raise OSError(-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
