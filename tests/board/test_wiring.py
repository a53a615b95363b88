"""What hangs on a board besides its role's main sensor: it is wired as the table says, and the node makes use of it."""

import pytest

from boards.catalogue.known import load
from protocol.dimming import EVERY_DAY, SUNRISE, SUNSET, DayType, Programme, Step
from simulator.board.board import State
from simulator.board.process import Host
from simulator.chips.dali import LAMP_FAILURE, Gear
from tests.board.roles import breaches
from tests.board.street import MINUTE_US, Town, table_of
from tests.firmware.roles.street import antony

SECOND_US = 1_000_000
NAME = "light-001"
LED_PIN, LAMP_PIN, RELAY_PIN, MOTION_PIN, MAINS_PIN = 2, 25, 27, 34, 35
FULL_DUTY = 65_535


@pytest.fixture(name="host")
def _host():
    with Host(1) as host:
        yield host


def lamp(town, firmware, options=(), **settings):
    """A light on the ESP32 with an RFM95W, switched on."""
    table = load("esp32-rfm95").table("light", options)
    board = town.node(0, firmware, table, rated_dw=420, **settings)
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


def test_who_moves_below_a_dimmed_lamp_gets_its_light_at_once(host, firmware):
    with Town(host, (NAME,), "light") as town:  # it is midnight
        board = lamp(town, firmware, ("motion",), boost_s=30, motion_interval_s=240)
        board.nvs.write("lampyre", "programme", stored(Step(SUNSET, 0, 40, 0), Step(SUNRISE, 0, 0, 0)))
        board.nvs.write("lampyre", "site", antony().encode())
        town.run(2 * MINUTE_US)
        assert board.state is State.LIGHT
        dimmed = board.hardware.pwm[LAMP_PIN].duty
        assert 0.3 < dimmed / FULL_DUTY < 0.5
        drive(board, MOTION_PIN, 1)
        town.run(SECOND_US * 3 // 2)
        assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY
        town.run(60 * SECOND_US)
        assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY  # as long as somebody moves
        drive(board, MOTION_PIN, 0)
        town.run(45 * SECOND_US)
        assert board.hardware.pwm[LAMP_PIN].duty == dimmed
        assert board.state is State.LIGHT
        assert events(town) == ["motion_seen"]


def test_the_last_gasp_tells_that_the_mains_are_gone(host, firmware):
    with Town(host, (NAME,), "light") as town:
        board = lamp(town, firmware, ("mains",))
        town.run(10 * MINUTE_US)
        assert board.state is State.LIGHT
        assert events(town) == []
        drive(board, MAINS_PIN, 1)
        town.run(3 * SECOND_US)
        assert events(town) == ["power_lost"]


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


def test_a_bay_below_an_ultrasonic_sensor_is_taken_and_left(host, firmware):
    with Town(host, ("parking-001",), "parking") as town:
        table = table_of("esp32-rfm95", distance={"uart": 2, "tx": 17, "rx": 16})
        board = town.node(0, firmware, table, detector="distance")
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
        assert breaches(board) == {}
