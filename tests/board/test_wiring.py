"""What hangs on a board besides its role's main sensor: it is wired as the table says, and the node makes use of it."""

from itertools import pairwise

import pytest

from boards.catalogue.known import load
from boards.catalogue.options import agreed
from protocol.dimming import EVERY_DAY, SUNRISE, SUNSET, DayType, Programme, Step
from simulator.board.board import State
from simulator.board.process import Host
from simulator.chips.dali import LAMP_FAILURE, Gear
from tests.board.roles import breaches
from tests.board.street import MINUTE_US, Town
from tests.firmware.roles.street import antony

SECOND_US = 1_000_000
NAME = "light-001"
LED_PIN, LAMP_PIN, RELAY_PIN, MOTION_PIN, MAINS_PIN = 2, 25, 27, 34, 35
FULL_DUTY = 65_535
HALF_US = 1e6 / 2400  # of a bit on a DALI bus


@pytest.fixture(name="host")
def _host():
    with Host(1) as host:
        yield host


def lamp(town, firmware, options=(), level=1, **settings):
    """A light on the ESP32 with an RFM95W, switched on. level: of motion and mains, when there is something to tell."""
    table = load("esp32-rfm95").table("light", options)
    told = [name for name in ("motion", "mains") if name in table]
    table |= {name: table[name] | {"level": level} for name in told}
    board = town.node(0, firmware, table, rated_dw=420, **settings)
    for name in told:
        board.hardware.pin(table[name]["pin"]).drive(1 - level)
    board.chips["meter"].set_load(2300, 182, 420)
    board.switch_on()
    return board


def drive(board, pin, level):
    """Something outside of the board puts a level on a pin."""
    board.clock.at(board.clock.now_us, lambda: board.hardware.pin(pin).drive(level))
    board.stirred()


def events(town):
    return [message["event"] for message in town.messages if message["kind"] == "event"]


def outcomes(town):
    return [m["order"]["state"] for m in town.messages if m["kind"] == "order"]


def stored(*steps):
    """A programme of every day as it is persisted."""
    return b"\x01\x00" + Programme(DayType(EVERY_DAY, *steps)).encode()


def test_the_photocell_of_a_lamp_without_a_clock_puts_it_out_by_day(host, firmware):
    with Town(host, (NAME,), "light") as town:
        board = lamp(town, firmware, on_lux=20, off_lux=70)
        board.nvs.write("lampyre", "programme", stored(Step(SUNSET, 0, 100, 0), Step(SUNRISE, 0, 0, 0)))
        board.chips["lux"].lux = 5000
        town.run(9 * MINUTE_US)
        assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY
        town.run(5 * MINUTE_US)
        assert board.hardware.pwm[LAMP_PIN].duty == 0
        assert board.hardware.pin(RELAY_PIN).level == 0
        board.chips["lux"].lux = 10
        town.run(6 * MINUTE_US)
        assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY
        assert board.hardware.pin(RELAY_PIN).level == 1
        assert breaches(board) == {}


@pytest.mark.parametrize("level", [1, 0])
def test_who_moves_below_a_dimmed_lamp_gets_its_light_at_once(host, firmware, level):
    with Town(host, (NAME,), "light") as town:  # it is midnight
        board = lamp(town, firmware, ("motion",), level, boost_s=30, motion_interval_s=240)
        board.nvs.write("lampyre", "programme", stored(Step(SUNSET, 0, 40, 0), Step(SUNRISE, 0, 0, 0)))
        board.nvs.write("lampyre", "site", antony().encode())
        town.run(2 * MINUTE_US)
        assert board.state is State.LIGHT
        dimmed = board.hardware.pwm[LAMP_PIN].duty
        assert 0.3 < dimmed / FULL_DUTY < 0.5
        drive(board, MOTION_PIN, level)
        town.run(SECOND_US * 3 // 2)
        assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY
        town.run(60 * SECOND_US)
        assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY  # as long as somebody moves
        drive(board, MOTION_PIN, 1 - level)
        town.run(45 * SECOND_US)
        assert board.hardware.pwm[LAMP_PIN].duty == dimmed
        assert board.state is State.LIGHT
        assert events(town) == ["motion_seen"]


@pytest.mark.parametrize("level", [1, 0])
def test_power_that_goes_and_comes_back_is_told_with_how_long_it_was_away(host, firmware, level):
    with Town(host, (NAME,), "light") as town:
        board = lamp(town, firmware, ("mains",), level)
        town.run(20 * MINUTE_US + 35 * SECOND_US)  # in the midst of a sleep
        assert board.state is State.LIGHT
        drive(board, MAINS_PIN, level)
        town.run(3 * SECOND_US)  # as long as the capacitor lasts
        gone_us = town.timeline.now_us
        board.switch_off()
        town.run(40 * MINUTE_US)
        assert events(town) == ["power_lost"]
        board.hardware.pin(MAINS_PIN).drive(1 - level)
        board.switch_on()
        away_us = town.timeline.now_us - gone_us
        town.run(30 * MINUTE_US)
        told = [message for message in town.messages if message["kind"] == "event"]
        assert [message["event"] for message in told] == ["power_lost", "power_back"]
        assert told[1]["details"]["outage_s"] == pytest.approx(away_us / SECOND_US, abs=60)
        assert board.brought_down == []


def test_power_that_is_back_before_the_lamp_goes_out_was_a_dip(host, firmware):
    with Town(host, (NAME,), "light") as town:
        board = lamp(town, firmware, ("mains",))
        town.run(10 * MINUTE_US)
        drive(board, MAINS_PIN, 1)
        town.run(3 * SECOND_US)
        drive(board, MAINS_PIN, 0)
        town.run(MINUTE_US)
        told = [message for message in town.messages if message["kind"] == "event"]
        assert [message["event"] for message in told] == ["power_lost", "power_back"]
        assert told[1]["details"] == {"outage_s": 0}


class Probe:
    """A logic analyser on the bus: the edges of what the RMT sends, as (us, level behind the edge)."""

    def __init__(self, board, pin):
        self._board = board
        self._bus = board.hardware.rmt[pin]
        board.hardware.rmt[pin] = self
        self.frames = []

    def write_pulses(self, ticks, level):
        self._bus.write_pulses(ticks, level)
        at_us = self._board.clock.now_us
        self.frames.append([])
        for lasts_us in ticks:
            self.frames[-1].append((at_us, level))
            at_us, level = at_us + lasts_us, 1 - level


def manchester(edges):
    """Address and data of a forward frame: a start bit and 16 more of two halves each, by 10 % (IEC 62386-101 §8)."""
    begins_us = edges[0][0]
    bits = ""
    for place in range(17):
        halves = []
        for half in (0, 1):
            middle_us = begins_us + (2 * place + half + 0.5) * HALF_US
            halves.append([level for at_us, level in edges if at_us <= middle_us][-1])
        assert halves in ([0, 1], [1, 0]), (place, halves)
        bits += str(halves[1])
    for (at_us, _), (next_us, _) in pairwise(edges):
        assert abs((next_us - at_us) / HALF_US - round((next_us - at_us) / HALF_US)) < 0.1
    assert bits[0] == "1"
    assert edges[-1][1] == 1  # the bus rests high
    return int(bits[1:9], 2), int(bits[9:], 2)


def test_what_a_lamp_puts_on_dali_are_forward_frames_in_time(host, firmware):
    """Decoded here, from the edges: neither the driver's code nor the chip's has a say."""
    with Town(host, (NAME,), "light") as town:
        board = lamp(town, firmware, ("dali",))
        probe = Probe(board, LAMP_PIN)
        board.chips["lamp0"].gears.append(Gear(3))
        town.run(3 * MINUTE_US)
        town.cabinet.order(NAME, "set_level", {"level_pct": 40, "hold_s": 600}, 3600)
        town.run(MINUTE_US)
        frames = [manchester(edges) for edges in probe.frames]
        assert frames[0] == (0xFE, 254)  # to all, direct arc power: a lamp is lit before anything else
        assert [data for address, data in frames if address == 0xFE][-1] == round(254 * 0.4)
        assert {data for address, data in frames if address == 0xFF} == {0x90}  # QUERY STATUS
        for before, after in pairwise(probe.frames):
            assert after[0][0] - before[0][0] >= (38 + 22) * HALF_US  # a frame, and the least that is between two
        assert breaches(board) == {}


def test_a_lamp_on_dali_obeys_and_its_gear_says_when_it_fails(host, firmware):
    with Town(host, (NAME,), "light") as town:
        board = lamp(town, firmware, ("dali",))
        bus = board.chips["lamp0"]
        gear = Gear(3)
        bus.gears.append(gear)
        town.run(3 * MINUTE_US)
        assert gear.level == 254
        assert board.hardware.pin(RELAY_PIN).level == 1
        town.cabinet.order(NAME, "set_level", {"level_pct": 40, "fade_s": 5, "hold_s": 600}, 3600)
        town.run(MINUTE_US)
        assert outcomes(town)[-1] == "done"
        assert gear.level == 254 * 40 // 100 + 1  # linear, as the settings say
        assert {address for address, _ in bus.forward} == {0xFE, 0xFF}  # nobody has given the gear an address
        gear.faults |= LAMP_FAILURE
        town.run(6 * MINUTE_US)
        assert events(town) == ["lamp_failed"]
        assert breaches(board) == {}


@pytest.mark.parametrize("role", ["light", "air", "parking"])
def test_identify_makes_the_boards_light_flicker_and_then_it_is_dark(host, firmware, role):
    name = f"{role}-001"
    with Town(host, (name,), role) as town:
        interval = "heartbeat_s" if role == "parking" else "reading_interval_s"
        board = town.node(0, firmware, load("esp32-rfm95").table(role), **{interval: 300})
        led = board.hardware.pin(LED_PIN)
        edges = []
        led.watch(lambda level: edges.append(board.clock.now_us))
        board.switch_on()
        town.run(10 * MINUTE_US)
        edges.clear()
        town.cabinet.order(name, "identify", {"seconds": 10}, 3600)
        town.run(15 * MINUTE_US)
        assert outcomes(town) == ["done"]
        assert led.level == 0
        assert 99 <= len(edges) <= 102  # every 0.1 s
        assert 9.8 * SECOND_US < edges[-1] - edges[0] <= 10.2 * SECOND_US


@pytest.mark.parametrize("kind", ["heltec-v3", "esp32-rfm95"])
def test_a_bay_below_an_ultrasonic_sensor_is_taken_and_left(host, firmware, kind):
    with Town(host, ("parking-001",), "parking") as town:
        options, settings = agreed(load(kind), "parking", (), {"detector": "distance"})
        board = town.node(0, firmware, load(kind).table("parking", options), **settings)
        chip = board.chips["distance"]
        board.switch_on()
        town.run(3 * MINUTE_US)
        chip.mm = 620
        town.run(MINUTE_US)
        chip.mm = 2500
        town.run(MINUTE_US)
        assert events(town) == ["bay_taken", "bay_left"]
        readings = [message["values"] for message in town.messages if message["kind"] == "reading"]
        assert (readings[0]["occupied"], readings[0]["distance"]) == (0, 250)
        chip.alive = False  # the wire breaks, and is mended
        town.run(4 * MINUTE_US)
        chip.alive = True
        town.run(3 * MINUTE_US)
        assert events(town)[2:] == ["sensor_failed", "sensor_back"]
        assert board.brought_down == []
        assert breaches(board) == {}
