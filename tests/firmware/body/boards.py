"""A board on a bench: MicroPython's hardware modules as small fakes around the simulated chips, on a virtual clock.

It boots as a board does, `/boot.py`'s decision included; deep sleep, resets and the watchdog end the run and begin
another, with NVS, RTC memory, files and chips as they were.
"""

import json
import os

from firmware.body.hardware import Hardware
from firmware.body.start import Life
from firmware.boot import DEEP_SLEEP, HARD, POWER_ON, WATCHDOG, decide
from protocol.lorawan.frames import CONFIRMED_DATA_UP, frame_mtype
from protocol.lorawan.join import JoinAccept
from protocol.region import DATA_RATES, dr_of
from protocol.settings import Settings
from simulator.chips.air import Arrival, Emission, OpenAir
from simulator.chips.analogue import BatteryAdc, PwmPin
from simulator.chips.clock import Clock
from simulator.chips.i2c import I2cBus
from simulator.chips.spi import SpiBus
from simulator.chips.sx1262 import Sx1262 as Sx1262Chip
from simulator.chips.wire import Wire
from tests.firmware.network import APP_KEY, DEV_EUI, GEN_APP_KEY, JOIN_EUI, Down, Network

BOARD = {
    "name": "bench",
    "radio": {"chip": "sx1262", "spi": 1, "sck": 9, "miso": 11, "mosi": 10, "cs": 8, "reset": 12, "busy": 13}
    | {"dio1": 14, "wakes": True, "tcxo": 2},
    "i2c": {"scl": 42, "sda": 41},
    "battery": {"pin": 1, "ratio_permille": 4900},
    "led": {"pin": 35},
    "sleep": {"light": True, "deep_from_ms": 60_000},
}


HOUR_MS = 3_600_000
ACCEPT = JoinAccept(1, 0x13, 0x26000011, 0, 3, 5, (867_100_000, 867_300_000, 867_500_000, 0, 0))


def with_parts(**parts):
    """The bench's table with more on it."""
    table = dict(BOARD)
    table.update(parts)
    return table


class Ends(BaseException):
    """The run is over: cause of the next boot, and how long the board sleeps until then."""

    def __init__(self, cause, sleep_ms=None):
        super().__init__()
        self.cause = cause
        self.sleep_ms = sleep_ms


class Pin(Wire):
    """A GPIO with all that `machine.Pin` has."""

    def __init__(self):
        super().__init__()
        self.held = False

    def init(self, hold=False):
        self.held = hold


class Pins:
    """`machine.Pin`: the same wire for the same number, whoever asks."""

    OUT, IN = 3, 1

    def __init__(self):
        self.wires = {}

    def __call__(self, number, mode=None, value=None, hold=False):
        wire = self.wires.setdefault(number, Pin())
        wire.held = hold
        if value is not None:
            wire.value(value)
        return wire


class Adc:
    ATTN_2_5DB = 1

    def __init__(self, adc):
        self._adc = adc

    def __call__(self, pin, atten):
        return self._adc


class Watchdog:
    def __init__(self, board):
        self._board = board

    def __call__(self, timeout):
        self._timeout_ms = timeout
        self._fed = 0
        self.feed()
        return self

    def feed(self):
        self._fed += 1
        mine = self._fed
        board = self._board
        run = board.runs

        def bite():
            if mine == self._fed and run == board.runs:
                raise Ends(WATCHDOG)

        board.clock.at(board.clock.now_us + self._timeout_ms * 1000, bite)


class Rtc:
    def __init__(self, board):
        self._board = board

    def __call__(self):
        return self

    def memory(self, data=None):
        if data is None:
            return self._board.rtc
        assert len(data) <= 2048
        self._board.rtc = bytes(data)
        return None


class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET = 1, 2, 3, 4

    def __init__(self, board, cause):
        self._board = board
        self._cause = cause
        self.Pin = board.pins
        self.ADC = Adc(board.adc)
        self.WDT = Watchdog(board)
        self.RTC = Rtc(board)

    def SPI(self, number, **how):
        return self._board.spi

    def I2C(self, number, **how):
        return self._board.i2c

    def UART(self, number, **how):
        return self._board.uarts[number]

    def PWM(self, pin, **how):
        return self._board.pwm

    def reset_cause(self):
        return self._cause

    def reset(self):
        raise Ends(HARD)

    def deepsleep(self, ms):
        raise Ends(DEEP_SLEEP, ms)

    def lightsleep(self, ms):
        self._board.light_sleeps += 1
        self._board.sleep(ms, self._board.esp32.wakes)


class Esp32:
    WAKEUP_ALL_LOW = 0
    WAKEUP_ANY_HIGH = 1

    def __init__(self, board):
        self._board = board
        self.wakers = ()
        self.faller = None

    def NVS(self, namespace):
        assert namespace == "lampyre"
        return self

    def get_i32(self, key):
        if not isinstance(self._board.nvs.get(key), int):
            raise OSError(-4354)
        return self._board.nvs[key]

    def set_i32(self, key, value):
        self._write(key, value)

    def get_blob(self, key, room):
        value = self._board.nvs.get(key)
        if not isinstance(value, bytes) or len(value) > len(room):
            raise OSError(-4354)
        room[: len(value)] = value
        return len(value)

    def set_blob(self, key, value):
        self._write(key, bytes(value))

    def erase_key(self, key):
        if key not in self._board.nvs:
            raise OSError(-4354)
        del self._board.nvs[key]

    def commit(self):
        pass

    def wake_on_ext1(self, pins, level):
        assert level == self.WAKEUP_ANY_HIGH
        self.wakers = tuple(pins or ())

    def wake_on_ext0(self, pin, level):
        assert level == self.WAKEUP_ALL_LOW
        self.faller = pin

    def wakes(self):
        return any(pin.value() for pin in self.wakers) or (self.faller is not None and not self.faller.value())

    def gpio_deep_sleep_hold(self, on):
        pass

    def _write(self, key, value):
        assert len(key) <= 15
        if key in self._board.worn:
            raise OSError(-4357)
        self._board.nvs[key] = value


class Port:
    """The console: what a technician types, and what comes out."""

    def __init__(self, board):
        self._board = board
        self.typed = b""
        self.said = b""
        self.listener = None
        self.is_binary = False

    def any(self):
        return 1 if self.typed else 0

    def readinto(self, into, count):
        data = self.typed[:count]
        self.typed = self.typed[count:]
        into[: len(data)] = data
        return len(data)

    def write(self, data):
        self.said += bytes(data)
        if self.listener is not None:
            self.listener(bytes(data))

    def wait(self, ms):
        self._board.sleep(ms, self.any)

    def binary(self, on):
        self.is_binary = on

    def lines(self):
        said = self.said
        self.said = b""
        return [line for line in said.decode().split("\r\n") if line]


class Time(Clock):
    def time_ns(self):
        return self.now_us * 1000


class NetworkAir(OpenAir):
    """An air with a network server (tests/firmware/network.py) behind it."""

    def __init__(self, clock, network):
        super().__init__(clock)
        self._clock = clock
        self.network = network
        self.uplinks = []  # (start_us, end_us, phy_payload, freq_hz, dr)

    def transmit(self, emission):
        super().transmit(emission)
        if emission.inverted_iq or self.network is None:
            return
        radio = Heard(emission)
        end_us = emission.start_us + emission.airtime_us
        self.uplinks.append((emission.start_us, end_us, emission.payload, radio.freq_hz, radio.dr))
        self._clock.at(end_us, lambda: self._answer(radio, emission.start_us, end_us))

    def _answer(self, radio, start_us, end_us):
        for start_ms, freq_hz, dr, phy_payload in self.network.hear(radio, start_us // 1000, end_us // 1000):
            self.send(start_ms * 1000, freq_hz, dr, phy_payload)

    def send(self, start_us, freq_hz, dr, phy_payload):
        sf, bw_hz = DATA_RATES[dr]

        def begin():
            frame = Emission(phy_payload, freq_hz, sf, bw_hz, start_us, inverted_iq=True, crc=False)
            self.let_arrive(Arrival(frame))

        self._clock.at(start_us, begin)


class Heard:
    """An uplink as the network's script takes it: EIRP, and the channel's own frequency."""

    def __init__(self, emission):
        self.phy_payload = emission.payload
        self.freq_hz = (emission.freq_hz + 50_000) // 100_000 * 100_000
        self.dr = dr_of(emission.sf, emission.bw_hz)
        self.power_dbm = emission.power_dbm + 2


class BenchBoard:
    """nvs: what the flashing tool and the node wrote. table: /board.json. network: who hears, or None.

    boots: cause of each boot. turn_us: what a turn takes.
    """

    def __init__(self, root, nvs, table=None, network=None):
        self.clock = Time(0)
        self.air = NetworkAir(self.clock, network)
        self.nvs = nvs
        self.rtc = b""
        self.worn = ()
        self.root = root
        self.pins = Pins()
        self.adc = BatteryAdc(4900)
        self.spi = SpiBus(self.clock)
        self.i2c = I2cBus(self.clock)
        self.uarts = {}
        self.pwm = PwmPin()
        self.port = Port(self)
        self.esp32 = None
        self.runs = 0
        self.boots = []
        self.light_sleeps = 0
        self.deep_sleeps = []
        self.turns = 0
        self.turn_us = 50
        table = BOARD if table is None else table
        with open(root + "/board.json", "w") as file:
            file.write(json.dumps(table))
        radio = table.get("radio", {})
        if "reset" in radio:
            pins = [self.pins(radio[name]) for name in ("reset", "busy", "dio1")]
            cs = self.pins(radio["cs"])
            cs.level = pins[0].level = 1
            self.chip = Sx1262Chip(self.clock, self.air, pins[0], pins[1], pins[2])
            self.spi.attach(cs, self.chip)
        self.turn = None

    def boot(self, cause=POWER_ON):
        """Start, as /boot.py and main.py do."""
        self.boots.append(cause)
        self.runs += 1
        if cause == POWER_ON:
            self.rtc = b""
        self.nvs["boot"] = decide(self.nvs.get("boot", 0), cause)
        self.esp32 = Esp32(self)
        for wire in self.pins.wires.values():
            wire.irq(None)
        hardware = Hardware(Machine(self, cause), self.esp32, self.clock, self.port, self.root)
        hardware.heap_free = lambda: 40_000
        try:
            self.turn = None
            self.life = Life(hardware)
            self.turn = self.life.turn
        except Ends as end:
            self._again(end)

    def run(self, ms):
        """Let time pass."""
        until_us = self.clock.now_us + ms * 1000
        if self.turn is None:
            self.boot()
        while self.clock.now_us < until_us:
            self.turns += 1
            try:
                self.turn()
                self.clock.sleep_us(self.turn_us)
            except Ends as end:
                self._again(end)

    def type(self, text, ms=2_000):
        """Type a line; returns what is said."""
        self.port.lines()
        self.port.typed += text.encode() + b"\n"
        self.run(ms)
        return self.port.lines()

    def body(self):
        """The body that runs, for a look inside."""
        return self.life.body

    def sleep(self, ms, wakes):
        """Let time pass until then, or until something wakes it."""
        until_us = self.clock.now_us + ms * 1000
        while self.clock.now_us < until_us and not wakes():
            next_us = self.clock.next_us()
            self.clock.run(until_us if next_us is None else min(next_us, until_us))

    def _again(self, end):
        if end.sleep_ms is not None:
            self.deep_sleeps.append(end.sleep_ms)
            self.runs += 1  # the watchdog sleeps too
            self.sleep(end.sleep_ms, self.esp32.wakes)
        self.boot(end.cause)


class Acknowledging(Network):
    """A network that acknowledges what wants to be."""

    def hear(self, radio, start_ms, end_ms):
        if frame_mtype(radio.phy_payload) == CONFIRMED_DATA_UP and not self.answers:
            self.answers.append(Down(ack=True))
        return super().hear(radio, start_ms, end_ms)


def born(role, **more):
    """NVS as the flashing tool leaves it."""
    given = {"role": role, "dev_eui": DEV_EUI.hex(), "join_eui": JOIN_EUI.hex()}
    given.update(more)
    settings = Settings.from_names(given).encode()
    return {"settings": settings, "app_key": APP_KEY, "gen_app_key": GEN_APP_KEY}


def bench(name, role, table=None, **more):
    """A board of this role under a network that lets it join; more: settings."""
    network = Acknowledging()
    network.accepts.append(ACCEPT)
    return BenchBoard(folder(name), born(role, **more), table, network)


def folder(name):
    """An empty folder of this name, on both Pythons."""
    root = ("/tmp" if "tmp" in os.listdir("/") else "") + "/lampyre-" + name
    _clear(root)
    os.mkdir(root)
    return root


def _clear(path):
    try:
        names = os.listdir(path)
    except OSError:
        return
    for name in names:
        inner = path + "/" + name
        if os.stat(inner)[0] & 0x4000:
            _clear(inner)
        else:
            os.remove(inner)
    os.rmdir(path)
