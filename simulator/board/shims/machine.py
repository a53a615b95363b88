"""The module `machine` of MicroPython's ESP32 port, as far as the firmware uses it; see host/hardware.mjs."""

from binascii import unhexlify

import _hw
from clockwork import PIN, TIMER, handlers, happened, settle
from clockwork import disable_irq as disable_irq
from clockwork import enable_irq as enable_irq
from uctypes import addressof

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5
PIN_WAKE = EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4
SLEEP = 2
DEEPSLEEP = 4

_FOREVER = -1

# Looked up once: each name of `_hw` is one more call of JavaScript.
_adc = _hw.adc
_blob = _hw.blob
_feed = _hw.feed
_i2c_read = _hw.i2c_read
_i2c_register = _hw.i2c_register
_i2c_write = _hw.i2c_write
_lightsleep = _hw.lightsleep
_pin = _hw.pin
_pin_get = _hw.pin_get
_pin_set = _hw.pin_set
_spi_both = _hw.spi_both
_spi_read = _hw.spi_read
_spi_write = _hw.spi_write
_uart_any = _hw.uart_any
_uart_read = _hw.uart_read
_uart_write = _hw.uart_write


def reset_cause():
    """As documented."""
    return _hw.reset_cause()


def wake_reason():
    """As documented."""
    return _hw.wake_reason()


def unique_id():
    """As documented."""
    return unhexlify(_hw.unique_id())


def freq(*hz):
    """As documented."""
    return 240_000_000


def reset():
    """As documented."""
    _hw.reset()


def lightsleep(time_ms=0):
    """As documented: until the time is over or a pin wakes it; 0 sets no time (ports/esp32/modmachine.c)."""
    _lightsleep(time_ms or _FOREVER)
    if happened[0]:
        settle()


def deepsleep(time_ms=0):
    """As documented; 0 as above."""
    _hw.deepsleep(time_ms or _FOREVER)


def idle():
    """As documented: until something happens, a millisecond at the most."""
    _hw.sleep_us(1000)
    if happened[0]:
        settle()


class Pin:
    """As documented."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_UP = 2
    PULL_DOWN = 1
    IRQ_RISING = 1
    IRQ_FALLING = 2
    WAKE_LOW = 4
    WAKE_HIGH = 5
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __init__(self, id, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        self.id = id.id if isinstance(id, Pin) else id
        self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None, drive=None, hold=None):
        """As documented."""
        _pin(self.id, mode, -1 if pull is None else pull, -1 if value is None else int(bool(value)))

    def value(self, level=None):
        """As documented."""
        if level is None:
            level = _pin_get(self.id)
            if happened[0]:
                settle()
            return level
        _pin_set(self.id, int(bool(level)))
        return None

    __call__ = value

    def on(self):
        """As documented."""
        self.value(1)

    def off(self):
        """As documented."""
        self.value(0)

    def irq(self, handler=None, trigger=IRQ_RISING | IRQ_FALLING, *, wake=None, hard=False):
        """As documented."""
        handlers[self.id * 4 + PIN] = None if handler is None else lambda: handler(self)
        _hw.pin_irq(self.id, 0 if handler is None else trigger)


class ADC:
    """As documented."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3

    def __init__(self, pin, *, atten=None):
        self._id = pin.id if isinstance(pin, Pin) else pin

    def atten(self, atten):
        """As documented."""

    def read_uv(self):
        """As documented."""
        return _adc(self._id)

    def read_u16(self):
        """As documented."""
        return min(_adc(self._id) * 655 // 33_000, 65_535)


class PWM:
    """As documented."""

    def __init__(self, dest, freq=5000, duty_u16=0, *, duty=None, duty_ns=None, invert=False, lightsleep=False):
        self._id = dest.id if isinstance(dest, Pin) else dest
        self._hz = freq
        self._duty = duty_u16
        _hw.pwm(self._id, duty_u16, freq)

    def duty_u16(self, duty=None):
        """As documented."""
        if duty is not None:
            self._duty = duty
            _hw.pwm(self._id, duty, self._hz)
        return self._duty

    def freq(self, hz=None):
        """As documented."""
        if hz is not None:
            self._hz = hz
            _hw.pwm(self._id, self._duty, hz)
        return self._hz

    def deinit(self):
        """As documented."""
        _hw.pwm(self._id, 0, 0)


class SPI:
    """As documented."""

    MSB = 0
    LSB = 1

    def __init__(
        self, id, baudrate=1_000_000, *, polarity=0, phase=0, bits=8, firstbit=0, sck=None, mosi=None, miso=None
    ):
        self._id = id
        if polarity or phase or bits != 8 or firstbit:
            raise ValueError("the virtual board's SPI has mode 0, 8 bits, the most significant first")

    def init(self, baudrate=1_000_000, **kw):
        """As documented."""

    def deinit(self):
        """As documented."""

    def write(self, buf):
        """As documented."""
        _spi_write(self._id, addressof(buf), len(buf))

    def readinto(self, buf, write=0):
        """As documented."""
        if buf:
            _spi_read(self._id, addressof(buf), len(buf), write)
            if happened[0]:
                settle()

    def read(self, nbytes, write=0):
        """As documented."""
        buf = bytearray(nbytes)
        self.readinto(buf, write)
        return bytes(buf)

    def write_readinto(self, write_buf, read_buf):
        """As documented."""
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        _spi_both(self._id, addressof(write_buf), addressof(read_buf), len(read_buf))
        if happened[0]:
            settle()


class SoftSPI(SPI):
    """As documented; its bus has number −1."""

    def __init__(self, baudrate=500_000, **kw):
        super().__init__(-1, baudrate, **kw)


class I2C:
    """As documented."""

    def __init__(self, id, *, scl=None, sda=None, freq=400_000, timeout=50_000):
        self._id = id

    def scan(self):
        """As documented."""
        return list(_bytes(_hw.i2c_scan(self._id)))

    def writeto(self, addr, buf, stop=True):
        """As documented."""
        _check(_i2c_write(self._id, addr, addressof(buf), len(buf)))
        if happened[0]:
            settle()
        return len(buf)

    def readfrom_into(self, addr, buf, stop=True):
        """As documented."""
        _check(_i2c_read(self._id, addr, addressof(buf), len(buf)))
        if happened[0]:
            settle()

    def readfrom(self, addr, nbytes, stop=True):
        """As documented."""
        buf = bytearray(nbytes)
        self.readfrom_into(addr, buf)
        return bytes(buf)

    def writeto_mem(self, addr, memaddr, buf, *, addrsize=8):
        """As documented."""
        self.writeto(addr, bytes([memaddr]) + bytes(buf))

    def readfrom_mem_into(self, addr, memaddr, buf, *, addrsize=8):
        """As documented."""
        _check(_i2c_register(self._id, addr, memaddr, addressof(buf), len(buf)))
        if happened[0]:
            settle()

    def readfrom_mem(self, addr, memaddr, nbytes, *, addrsize=8):
        """As documented."""
        buf = bytearray(nbytes)
        self.readfrom_mem_into(addr, memaddr, buf)
        return bytes(buf)


class SoftI2C(I2C):
    """As documented; its bus has number −1."""

    def __init__(self, scl, sda, *, freq=400_000, timeout=50_000):
        super().__init__(-1)


class UART:
    """As documented, with the time-out 0 that is the port's: nothing waits."""

    INV_TX = 32
    INV_RX = 4

    def __init__(
        self,
        id,
        baudrate=115_200,
        bits=8,
        parity=None,
        stop=1,
        *,
        tx=None,
        rx=None,
        rxbuf=256,
        txbuf=256,
        timeout=0,
        timeout_char=0,
        invert=0,
    ):
        self._id = id
        _hw.uart(id, baudrate)

    def init(self, baudrate=115_200, bits=8, parity=None, stop=1, **kw):
        """As documented."""
        _hw.uart(self._id, baudrate)

    def deinit(self):
        """As documented."""

    def any(self):
        """As documented."""
        count = _uart_any(self._id)
        if happened[0]:
            settle()
        return count

    def read(self, nbytes=-1):
        """As documented."""
        data = _bytes(_uart_read(self._id, nbytes))
        if happened[0]:
            settle()
        return bytes(data) if data else None

    def readinto(self, buf, nbytes=-1):
        """As documented."""
        data = _bytes(_uart_read(self._id, len(buf) if nbytes < 0 else min(nbytes, len(buf))))
        buf[: len(data)] = data
        if happened[0]:
            settle()
        return len(data) or None

    def write(self, buf):
        """As documented."""
        _uart_write(self._id, addressof(buf), len(buf))
        return len(buf)


class WDT:
    """As documented."""

    def __init__(self, id=0, timeout=5000):
        if id:
            raise ValueError("there is one watchdog, 0")
        _hw.watchdog(timeout)

    def feed(self):
        """As documented."""
        _feed()


class RTC:
    """As documented."""

    def memory(self, data=None):
        """As documented: at most 2048 bytes."""
        if data is None:
            return bytes(_bytes(_hw.memory()))
        if len(data) > 2048:
            raise ValueError("buffer too long")
        _hw.set_memory(addressof(data), len(data))
        return None

    def datetime(self, datetimetuple=None):
        """As documented."""
        import time

        if datetimetuple is None:
            year, month, day, hour, minute, second, weekday, _ = time.gmtime()
            return year, month, day, weekday, hour, minute, second, _hw.rtc_us()
        year, month, day, _, hour, minute, second, _ = datetimetuple
        _hw.rtc_set(time.mktime((year, month, day, hour, minute, second, 0, 0)) - 946_684_800)
        return None


class Timer:
    """As documented; its callback comes when the program lets time pass."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id, **kw):
        self._id = id
        if kw:
            self.init(**kw)

    def init(self, *, mode=PERIODIC, period=-1, callback=None, freq=None):
        """As documented."""
        if freq:
            period = 1000 // freq
        handlers[self._id * 4 + TIMER] = None if callback is None else lambda: callback(self)
        _hw.timer(self._id, period, mode)

    def deinit(self):
        """As documented."""
        _hw.timer(self._id, -1, 0)


def _bytes(length):
    if length <= 0:
        return b""
    data = bytearray(length)
    _blob(addressof(data))
    return data


def _check(errno):
    if errno:
        raise OSError(errno)
