"""The unmodified firmware on virtual boards, in one air, with a real gateway's cores at its end."""

import pytest

from simulator.board.board import DEEP_SLEEP, POWER_ON, WATCHDOG, State
from simulator.board.power import Cut
from simulator.board.process import Host
from tests.board.roles import breaches, weather
from tests.board.street import AIR_PARTS, HOUR_US, MINUTE_US, Town, table_of

KNOWN = ("pm1", "pm2_5", "pm10", "co2", "temperature", "relative_humidity", "pressure")


@pytest.fixture(name="host")
def _host():
    with Host(2) as host:
        yield host


def readings(town, name="air-001"):
    return [m for m in town.messages if m["kind"] == "reading" and m["place"] == f"92002-{name}"]


def flawless(town, *boards):
    """Nothing broke, nobody did what a datasheet forbids, and no frame was refused."""
    assert town.refused_ == []
    for board in boards:
        assert board.brought_down == []
        assert breaches(board) == {}


@pytest.mark.parametrize(
    ("kind", "parts"),
    [("heltec-v3", AIR_PARTS), ("t3-s3", AIR_PARTS), ("esp32-rfm95", AIR_PARTS)],
)
def test_an_air_node_boots_joins_reports_and_sleeps_deep(host, firmware, kind, parts):
    with Town(host) as town:
        board = town.node(0, firmware, table_of(kind, **parts))
        weather(board)
        board.switch_on()
        town.run(2 * HOUR_US)
        told = readings(town)
        assert 7 <= len(told) <= 9
        assert all(told[-1]["values"][name] is not None for name in KNOWN), told[-1]
        assert [cause for _, cause in board.boots[:1]] == [POWER_ON]
        assert {cause for _, cause in board.boots[1:]} == {DEEP_SLEEP}
        assert len(board.boots) >= 8
        f_cnts = [f_cnt for _, f_cnt, _ in town.accepted_]
        assert f_cnts == list(range(len(f_cnts)))  # kept through every sleep: none is left out
        assert board.nvs.read("lampyre", "f_cnt_up") >= len(f_cnts)
        flawless(town, board)


def test_a_parking_node_wakes_for_its_magnetometer_and_tells_of_the_car(host, firmware):
    with Town(host, ("parking-001",), "parking") as town:
        table = table_of("heltec-v3", field0={"chip": "lis3mdl", "int": 7})
        board = town.node(0, firmware, table, detector="watched")
        board.chips["field0"].set_field(150, 50, -420)
        board.switch_on()
        town.run(20 * MINUTE_US)
        assert board.state is State.DEEP
        told = [m for m in town.messages if m["kind"] == "event"]
        assert told == []
        board.chips["field0"].set_field(550, 50, -220)
        board.stirred()
        town.run(MINUTE_US)
        assert [m["event"] for m in town.messages if m["kind"] == "event"] == ["bay_taken"]
        assert board.boots[-1][1] == DEEP_SLEEP
        flawless(town, board)


def test_a_lamp_listens_all_the_time_and_obeys_an_order(host, firmware):
    with Town(host, ("light-001",), "light") as town:
        parts = {"lamp0": {"kind": "pwm", "pin": 21}, "meter": {"uart": 2, "tx": 17, "rx": 18}}
        board = town.node(0, firmware, table_of("heltec-v3", **parts), rated_dw=420)
        board.chips["meter"].set_load(2300, 182, 420)
        board.switch_on()
        town.run(20 * MINUTE_US)
        assert board.hardware.pwm[21].duty == 65_535
        assert next(m["values"]["power"] for m in town.messages if m["kind"] == "reading") == 42.0
        town.cabinet.order("light-001", "set_level", {"level_pct": 30}, 600)
        town.run(MINUTE_US)
        assert board.hardware.pwm[21].millivolts() == pytest.approx(1_000 + 0.3 * 9_000, abs=50)  # of 1 to 10 V
        assert [m for m in town.messages if m["kind"] == "order"] != []
        assert {cause for _, cause in board.boots} == {POWER_ON}  # it never sleeps deep
        flawless(town, board)


def test_a_power_cut_costs_numbers_but_never_gives_one_twice(host, firmware):
    with Town(host) as town:
        board = town.node(0, firmware, table_of("heltec-v3", **AIR_PARTS))
        weather(board)
        board.switch_on()
        town.run(40 * MINUTE_US)
        before = len(town.accepted_)
        board.switch_off()
        town.run(5 * MINUTE_US)
        board.switch_on()
        town.run(40 * MINUTE_US)
        f_cnts = [f_cnt for _, f_cnt, _ in town.accepted_]
        assert len(f_cnts) > before + 2
        assert f_cnts == sorted(set(f_cnts))
        assert board.nvs.read("lampyre", "dev_nonce") == 1  # the session goes on: it joined once
        assert [cause for _, cause in board.boots].count(POWER_ON) == 2
        flawless(town, board)


def test_a_radio_that_never_answers_again_does_not_end_the_node(host, firmware):
    with Town(host) as town:
        board = town.node(0, firmware, table_of("heltec-v3", **AIR_PARTS))
        weather(board)
        board.switch_on()
        town.run(20 * MINUTE_US)
        board.chips["radio"].alive = False
        town.run(40 * MINUTE_US)
        board.chips["radio"].alive = True
        heard = len(town.accepted_)
        town.run(40 * MINUTE_US)
        assert len(town.accepted_) > heard
        assert WATCHDOG not in [cause for _, cause in board.boots]
        assert town.refused_ == []


def test_two_boards_share_a_street(host, firmware):
    with Town(host, ("air-001", "air-002")) as town:
        boards = [town.node(number, firmware, table_of("heltec-v3", **AIR_PARTS)) for number in range(2)]
        for number, board in enumerate(boards):
            weather(board)
            town.timeline.at(number * 30_000_000, board.switch_on)
        town.run(HOUR_US)
        assert [len(readings(town, name)) >= 3 for name in ("air-001", "air-002")] == [True, True]
        assert all(board.state in (State.DEEP, State.LIGHT) for board in boards)
        flawless(town, *boards)


def test_the_same_boards_do_the_same_again(host, firmware):
    def frames():
        with Host(1) as again, Town(again) as town:
            board = town.node(0, firmware, table_of("heltec-v3", **AIR_PARTS))
            weather(board)
            board.switch_on()
            town.run(HOUR_US)
            return [(frame.start_us, frame.phy_payload) for frame in town.uplinks]

    assert frames() == frames()


@pytest.mark.parametrize("write", [0, 4, 7, 11, 14, 17])  # of the 18 by its third reading
def test_the_power_may_go_at_any_write(firmware, write):
    with Host(1) as host, Town(host) as town:
        board = town.node(0, firmware, table_of("heltec-v3", **AIR_PARTS))
        weather(board)
        board.writes.cut_at(write, Cut.TORN)
        board.switch_on()
        town.run(40 * MINUTE_US)
        assert board.state is State.OFF
        board.switch_on()
        town.run(25 * MINUTE_US)  # its second reading comes after 7 to 23
        f_cnts = [f_cnt for _, f_cnt, _ in town.accepted_]
        assert len(f_cnts) > 2
        assert f_cnts == sorted(set(f_cnts))
        dev_nonces = [frame.phy_payload[17:19] for frame in town.uplinks if frame.phy_payload[0] == 0]
        assert len(set(dev_nonces)) == len(dev_nonces)
        flawless(town, board)
