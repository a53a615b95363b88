"""The energy ledger: sums by hand, the model that it must agree with, and what the meter sees of a node."""

from dataclasses import replace

import pytest

from firmware.actions import CloseWindow, OpenWindow, Persist, Power, RadioTransmit, Sense, Transmit
from firmware.events import FrameHeard, Transmitted, WindowClosed, Woke
from firmware.flight import windows
from firmware.mac import Mac
from firmware.node import Node
from firmware.session import Identity
from protocol.region import FULL, RX2_DR, RX2_FREQ_HZ, Plan, frame_airtime_us
from simulator.energy.currents import BOARDS, SX1262_DCDC, SX1262_LDO
from simulator.energy.ledger import Board, Cell, EnergyMeter, Ledger, Radio, Sensors, State
from simulator.fleet.body import Body
from simulator.fleet.window import window_us
from simulator.timeline import Timeline
from tests.fakes.airs import PerfectAir

DAY_US = 86_400_000_000
RADIO = Radio(name="radio", rx_ua=5_000, tx_ua=((0, 40_000), (10, 70_000), (14, 90_000)))
BOARD = Board(
    name="board",
    radio=RADIO,
    active_ua=1_000,
    light_ua=110,
    deep_ua=10,
    rest_ua=3,
    boot_uas=200,  # two seconds of the difference between light and deep
    wake_us=1_000,
    frame_us=7_000,
    antenna_dbi=2,
)
SENSORS = Sensors(name="sensors", sense_us=20_000, idle_ua=4, fan_ua=500)


def booked(ledger: Ledger) -> dict[State, int]:
    return {state: ledger.uas(state) for state in State if ledger.uas(state)}


def test_each_state_takes_its_current_times_its_time():
    ledger = Ledger(BOARD)
    ledger.awake(3_000_000)
    ledger.doze(5_000_000)
    ledger.sleep(4_000_000)
    ledger.transmit(2_000_000, 12)  # EIRP: 10 dBm at the socket
    ledger.receive(7_000_000)
    ledger.sense(11, 1_000_000)
    assert booked(ledger) == {
        State.AWAKE: 3 * 1_003,
        State.LIGHT_SLEEP: 5 * 113,
        State.DEEP_SLEEP: 4 * 13,
        State.BOOT: 200,
        State.TRANSMIT: 2 * 70_000,
        State.RECEIVE: 7 * 5_000,
        State.SENSORS: 11,
    }
    assert ledger.mean_ua(10_000_000) == (3009 + 565 + 52 + 200 + 140_000 + 35_000 + 11) // 10


def test_a_sleep_is_deep_once_it_is_worth_a_boot():
    for time_us, deep in ((2_000_000, False), (2_000_001, True)):
        ledger = Ledger(BOARD)
        ledger.sleep(time_us)
        assert (ledger.uas(State.BOOT) == 200) is deep
        assert (ledger.uas(State.LIGHT_SLEEP) == 0) is deep
    assert 100 < replace(BOARDS[0], boot_uas=24_000).break_even_us / 1e6 < 106  # 24 mAs / (240 - 7) uA


def test_the_mode_is_chosen_by_what_was_planned_and_each_piece_costs_a_boot():
    ledger = Ledger(BOARD)
    ledger.sleep(1_000_000, 3_000_000)  # something woke it before
    assert booked(ledger) == {State.DEEP_SLEEP: 13, State.BOOT: 200}
    ledger.sleep(7_000_000, 3_000_000)
    assert ledger.uas(State.BOOT) == 200 + 3 * 200
    ledger.sleep(10_000_000, 1_000_000)
    assert ledger.uas(State.LIGHT_SLEEP) == 10 * 113
    assert ledger.uas(State.BOOT) == 800


@pytest.mark.parametrize(
    ("dbm", "current_ma"), [(-5, 40), (0, 40), (5, 55), (10, 70), (12, 80), (13, 85), (14, 90), (22, 90)]
)
def test_the_power_between_two_rows_lies_on_their_line(dbm, current_ma):
    assert RADIO.transmit_ua(dbm) == current_ma * 1000


def test_a_cell_gives_what_is_usable_and_loses_the_rest_by_itself():
    ideal = Cell(name="ideal", capacity_mah=8_766, usable_per_mille=1000)
    assert ideal.years(1_000) == 1
    cell = Cell(name="cell", capacity_mah=19_000, usable_per_mille=850, cold_per_mille=900, leaks_per_mille=10)
    # 19 Ah * 0.85 * 0.9 = 14.535 Ah; 200 uA for 8766 h are 1.7532 Ah a year, and 0.19 Ah leak
    assert cell.years(200) == pytest.approx(14.535 / 1.9432)


# An independent reckoning of ours, made before this ledger: 96 uplinks of 24 bytes a day, 15 uA asleep, 2.5 Ah of which
# 85 % are usable, awake for 0.6 s an uplink from the boot on, light sleep until RX2, the radio at 90 or 45 mA.
CHECK_CELL = Cell(name="check", capacity_mah=2_500, usable_per_mille=850)
CHECK_UPLINKS = 96
CHECK_LEN = 24
CHECK_AWAKE_US = 600_000
OPTIMAL = Radio(name="SX1262, DC-DC, optimal configuration", rx_ua=SX1262_DCDC.rx_ua, tx_ua=((14, 45_000),))
CHECK = [
    (SX1262_LDO, 5, 5.4),
    (SX1262_LDO, 3, 4.0),
    (SX1262_LDO, 0, 1.3),
    (OPTIMAL, 5, 5.8),
    (OPTIMAL, 3, 4.9),
    (OPTIMAL, 0, 2.1),
]


def check_board(radio: Radio, boot_us: int = CHECK_AWAKE_US) -> Board:
    """The board of the check, whose boot is all of its time awake."""
    heltec = BOARDS[0]
    return replace(heltec, radio=radio, boot_uas=boot_us * heltec.active_ua // 1_000_000, wake_us=0, frame_us=0)


@pytest.mark.parametrize(("radio", "dr", "years"), CHECK)
def test_it_agrees_with_the_model_check(radio, dr, years):
    ledger = Ledger(check_board(radio))
    rx1_dr, rx1_symbols, _, _, _, rx2_symbols, _ = windows(dr, 0, 1, RX2_FREQ_HZ, RX2_DR, 2_000)
    for _ in range(CHECK_UPLINKS):
        airtime_us = frame_airtime_us(dr, CHECK_LEN)
        ledger.transmit(airtime_us, 16)
        ledger.receive(window_us(OpenWindow(0, 0, rx1_dr, rx1_symbols)))
        ledger.receive(window_us(OpenWindow(0, 0, RX2_DR, rx2_symbols)))
        ledger.doze(airtime_us + 2_200_000)
        ledger.sleep(DAY_US // CHECK_UPLINKS - airtime_us - 2_200_000)
    assert CHECK_CELL.years(ledger.mean_ua(DAY_US)) == pytest.approx(years, rel=0.1)


@pytest.mark.parametrize(("radio", "dr"), [(radio, dr) for radio, dr, _ in CHECK])
def test_who_stays_awake_until_rx2_is_empty_within_two_years(radio, dr):
    ledger = Ledger(check_board(radio))
    for _ in range(CHECK_UPLINKS):
        ledger.transmit(frame_airtime_us(dr, CHECK_LEN), 16)
        ledger.awake(2_200_000)
        ledger.sleep(DAY_US // CHECK_UPLINKS - 2_200_000)
    assert CHECK_CELL.years(ledger.mean_ua(DAY_US)) < 1.95


class Clockwork:
    """A mind with 11 bytes to send every 15 minutes: with the 13 that LoRaWAN adds, the frame of the check."""

    def __init__(self) -> None:
        self._next_ms = 0

    def handle(self, event: object, now_ms: int) -> list[object]:
        if now_ms < self._next_ms:
            return []
        self._next_ms += 900_000
        return [Transmit(1, lambda room, now_ms: bytes(CHECK_LEN - 13))]

    def wake_at(self) -> int | None:
        return self._next_ms


class OneSecondPlan(Plan):
    """The full plan with the windows of the check, one and two seconds after the frame."""

    def __init__(self) -> None:
        super().__init__(0, "check", FULL.channels, FULL.join_channels, 0, 5, False, None)
        self.rx_delay_s = 1
        self.rx2_dr = RX2_DR


@pytest.mark.parametrize(("radio", "dr", "years"), CHECK)
def test_a_real_mac_under_the_meter_agrees_with_it_too(radio, dr, years):
    mac = Mac(Identity(bytes(8), abp=(1, bytes(16), bytes(16))), OneSecondPlan(), dr=dr)
    meter = EnergyMeter(Node(Clockwork(), mac), check_board(radio), replace(SENSORS, idle_ua=0))
    timeline = Timeline()
    body = Body("node", meter, timeline, PerfectAir(timeline), NoSensors(), 0)
    body.boot(0)
    timeline.run(DAY_US)
    meter.settle(DAY_US // 1000)
    assert body.tally.frames_sent == CHECK_UPLINKS + 1  # both ends of the day
    assert CHECK_CELL.years(meter.ledger.mean_ua(DAY_US)) == pytest.approx(years, rel=0.1)


class NoSensors:
    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        return ()


class Script:
    """A core that answers the n-th event with the n-th line: actions, and when it wants to wake."""

    def __init__(self, *lines: tuple[list[object], int | None]) -> None:
        self._lines = list(lines)
        self._wake_ms: int | None = None

    def handle(self, event: object, now_ms: int) -> list[object]:
        actions, self._wake_ms = self._lines.pop(0)
        return actions

    def wake_at(self) -> int | None:
        return self._wake_ms


def metered(*lines: tuple[list[object], int | None], sleep_us: int | None = None) -> EnergyMeter:
    return EnergyMeter(Script(*lines), BOARD, SENSORS, sleep_us)


def pc(current_ua: int, time_us: int) -> int:
    return current_ua * time_us // 1_000_000


def test_a_frame_and_its_windows_are_booked_as_long_as_they_are():
    frame = RadioTransmit(bytes(20), 868_100_000, 0, 16)
    rx1 = OpenWindow(6_319, 868_100_000, 0, 12)
    rx2 = OpenWindow(7_300, 869_525_000, 3, 10)
    meter = metered(([frame], None), ([rx1], None), ([rx2], None), ([], 60_000), ([], None))
    assert meter.handle(Woke(), 0) == [frame]
    meter.handle(Transmitted(), 1_319)
    meter.handle(WindowClosed(), 6_713)
    meter.handle(WindowClosed(), 7_341)
    meter.handle(Woke(), 60_000)
    ledger = meter.ledger
    assert ledger.uas(State.TRANSMIT) == pc(90_000, frame_airtime_us(0, 20)) == pc(90_000, 1_318_912)
    assert ledger.uas(State.RECEIVE) == pc(5_000, 12 * 32_768 + 10 * 4_096)
    awake_us = 4 * 1_000 + 7_000  # four events before the last one, and the frame
    assert ledger.uas(State.AWAKE) == pc(1_003, awake_us)
    light_us = 7_341_000 - 3 * 1_000 - 7_000  # however long, while the radio has something to do
    assert ledger.uas(State.LIGHT_SLEEP) == pc(113, light_us)
    assert ledger.uas(State.DEEP_SLEEP) == pc(13, 60_000_000 - 7_341_000 - 1_000)
    assert ledger.uas(State.BOOT) == 200
    assert ledger.uas(State.SENSORS) == pc(4, 60_000_000)


def test_a_window_that_hears_something_lasts_until_its_frame_ends():
    window = OpenWindow(5_000, 868_100_000, 0, 12)
    meter = metered(([window], None), ([], None), ([], None))
    meter.handle(Woke(), 0)
    meter.handle(FrameHeard(b"", -90, 20), 15_000)
    assert meter.ledger.uas(State.RECEIVE) == 10 * 5_000
    meter.handle(WindowClosed(), 16_000)  # there is none any more
    assert meter.ledger.uas(State.RECEIVE) == 10 * 5_000


def test_a_class_c_radio_listens_until_it_sends_or_is_stopped():
    listen = OpenWindow(0, 869_525_000, 3, 0)
    frame = RadioTransmit(bytes(20), 868_100_000, 5, 2)
    meter = metered(([listen], None), ([], None), ([frame], None), ([listen], None), ([CloseWindow()], None))
    meter.handle(Woke(), 0)
    meter.handle(FrameHeard(b"", -90, 20), 10_000)
    assert meter.ledger.uas(State.RECEIVE) == 10 * 5_000
    meter.handle(WindowClosed(), 20_000)
    meter.handle(Transmitted(), 21_000)
    assert meter.ledger.uas(State.RECEIVE) == 20 * 5_000
    meter.handle(Persist("stops", 1), 30_000)
    meter.settle(40_000)
    assert meter.ledger.uas(State.RECEIVE) == (20 + 9) * 5_000
    assert meter.ledger.uas(State.TRANSMIT) == pc(40_000, frame_airtime_us(5, 20))
    assert meter.ledger.uas(State.BOOT) == 200  # only once nothing listened


def test_sensors_take_what_they_always_take_and_the_fan_while_it_is_on():
    meter = metered(([Power(0, True)], 1_000), ([Sense(3)], 2_000), ([Power(0, False)], 3_000))
    meter.handle(Woke(), 0)
    meter.handle(Woke(), 1_000)
    meter.handle(Woke(), 2_000)
    meter.settle(3_000)
    assert meter.ledger.uas(State.SENSORS) == 3 * 4 + 2 * 500
    assert meter.ledger.uas(State.AWAKE) == pc(1_003, 3 * 1_000 + 20_000)


def test_work_that_outlasts_the_next_event_is_paid_for_all_the_same():
    meter = metered(([Sense(3)], 5), ([Sense(3)], 50), ([], None))
    meter.handle(Woke(), 0)
    meter.handle(Woke(), 5)
    meter.handle(Woke(), 50)
    meter.settle(60)
    assert meter.ledger.uas(State.AWAKE) == pc(1_003, 2 * 21_000 + 1_000)
    assert meter.ledger.uas(State.LIGHT_SLEEP) == pc(113, 60_000 - 43_000)


def test_an_alarm_that_a_board_would_not_have_rung_costs_nothing():
    meter = metered(([], 10_000), ([], 10_000), ([], None), ([], None), ([Sense(3)], None))
    meter.handle(Woke(), 0)
    meter.handle(Woke(), 4_000)  # that of before
    meter.handle(Woke(), 10_000)
    assert meter.ledger.uas(State.BOOT) == 200
    assert meter.ledger.uas(State.DEEP_SLEEP) == pc(13, 10_000_000 - 1_000)
    meter.handle(Woke(), 14_000)  # nobody asked for one
    assert meter.ledger.uas(State.BOOT) == 200
    meter.handle(Woke(), 18_000)  # but this one had its use
    assert meter.ledger.uas(State.BOOT) == 400


def test_sensors_that_wake_the_node_decide_with_it_how_deep_it_sleeps():
    for sleep_us, boots in ((1_000_000, 0), (4_000_000, 3), (60_000_000, 1)):
        meter = metered(([], 10_000), ([], None), sleep_us=sleep_us)
        meter.handle(Woke(), 0)
        meter.handle(Woke(), 10_000)
        assert meter.ledger.uas(State.BOOT) == 200 * boots
    meter = metered(([], None), ([], None), sleep_us=4_000_000)
    meter.handle(Woke(), 0)
    meter.settle(10_000)
    assert meter.ledger.uas(State.BOOT) == 3 * 200
    assert meter.wake_at() is None
