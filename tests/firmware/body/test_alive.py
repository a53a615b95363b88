"""A node's whole body on a bench: real drivers, simulated chips, a network that answers."""

from firmware.actions import Sense
from firmware.boot import DEEP_SLEEP, POWER_ON
from protocol.events import BAY_TAKEN, SENSOR_FAILED
from protocol.orders import SET_LEVEL, Order, encode_order
from protocol.quantities import AIR_WITHOUT_PM4, quantities_of
from protocol.telemetry_reader import decode_event, decode_readings, decode_status
from simulator.chips import bl0942, bme280, lis3mdl, mmc5983ma, pms5003, scd41
from simulator.chips.uart import UartLine
from tests.firmware.body.boards import BOARD, HOUR_MS, Ends, bench, with_parts
from tests.firmware.network import Down

AIR = with_parts(particles={"uart": 1, "tx": 4, "rx": 5}, co2={"chip": "scd41"}, climate={"chip": "bme280"})
WATCHED = with_parts(field0={"chip": "lis3mdl", "int": 7})
LAMP = with_parts(lamp0={"kind": "pwm", "pin": 21}, meter={"uart": 2, "tx": 17, "rx": 18})


def air_bench(name, **more):
    board = bench(name, "air", AIR, **more)
    line = UartLine(board.clock)
    board.uarts[1] = line
    board.dust = pms5003.Pms5003(board.clock, line)
    board.carbon = scd41.Scd41(board.clock)
    board.i2c.attach(0x62, board.carbon)
    board.i2c.attach(0x76, bme280.Bme280(board.clock))

    def drift():
        """Sensors that always say the same are taken for stuck."""
        board.dust.pm1, board.dust.pm2_5, board.dust.pm10 = [
            value % 40 + 5 for value in (board.dust.pm1 + 3, board.dust.pm2_5 + 5, board.dust.pm10 + 7)
        ]
        board.carbon.co2 = 400 + (board.carbon.co2 + 17) % 300
        board.clock.at(board.clock.now_us + 40_000_000, drift)

    drift()
    return board


def readings(board):
    """The newest reading of each frame on FPort 1."""
    return [decode_readings(up.payload).rows[0] for up in board.air.network.uplinks if up.f_port == 1]


def test_an_air_node_measures_reports_and_sleeps_in_between():
    board = air_bench("air")
    board.run(2 * HOUR_MS)
    network = board.air.network
    assert [join[0] for join in network.joins] == [0]
    assert decode_status(network.uplinks[0].payload).reset_cause == POWER_ON
    told = readings(board)
    assert 7 <= len(told) <= 9
    known = told[-1].values
    assert len(known) == 7
    assert None not in known, known
    assert board.boots.count(DEEP_SLEEP) >= 7
    assert board.body().hardware.last_error is None
    assert board.chip.breaches == []
    assert board.nvs["boots"] == 1  # deep sleep is no boot of the log


def test_between_two_readings_the_board_hardly_works():
    board = air_bench("turns")
    board.run(HOUR_MS)
    turns, light = board.turns, board.light_sleeps
    board.run(HOUR_MS)
    assert board.turns - turns < 600
    assert board.light_sleeps > light
    assert sum(board.deep_sleeps) > HOUR_MS


def test_no_frame_counter_comes_twice_through_sleeps_restarts_and_power_cuts():
    """The network refuses a counter or a nonce that it has seen."""
    board = air_bench("counters")
    for cause in (POWER_ON, 2, 3, POWER_ON):
        board.run(HOUR_MS // 2)
        board.boot(cause)
    board.run(HOUR_MS // 2)
    assert len(board.air.network.uplinks) > 8
    assert len(board.air.network.joins) == 1


def test_a_sensor_that_dies_is_not_known_and_an_event_and_no_more():
    board = air_bench("dead", reading_interval_s=300)
    board.run(HOUR_MS // 2)
    board.i2c.silent.add(0x62)
    board.run(HOUR_MS)
    events = [decode_event(up.payload) for up in board.air.network.uplinks if up.f_port == 2]
    assert SENSOR_FAILED in [event.event for event in events]
    values = readings(board)[-1].values
    assert values[3] is None
    assert values[1] is not None


def test_the_radio_listens_when_the_mac_says_to_the_millisecond():
    board = bench("windows", "air")
    board.run(60_000)
    network = board.air.network
    network.uplinks.clear()
    network.answers = [Down(f_port=4, payload=b"\x80", ack=True)]  # no order at all, but authentic
    late = network.in_window

    def later(window, radio, end_ms, phy_payload):
        return late(window, radio, end_ms + board.skew_ms, phy_payload)

    network.in_window = later
    for skew_ms in (-15, 0, 15):
        board.skew_ms = skew_ms
        before = board.nvs["session"]
        network.answers = [Down(ack=True)]
        board.run(2 * HOUR_MS)
        assert board.nvs["session"] != before, f"{skew_ms} ms was missed"


def test_a_car_wakes_the_node_through_its_magnetometer():
    board = bench("car", "parking", WATCHED, detector="watched")
    chip = lis3mdl.Lis3mdl(board.clock, board.pins(7))
    chip.set_field(200, 100, -400)
    board.i2c.attach(0x1C, chip)
    board.run(HOUR_MS)
    sleeps = len(board.deep_sleeps)
    assert sleeps >= 8
    assert board.body().glance is not None, "mind and MAC are not loaded to look at a sensor"
    before = len(board.air.network.uplinks)
    for step in range(8):
        chip.set_field(200 + 40 * step, 100 + 25 * step, -400 + 50 * step)
        board.run(700)
    board.run(20_000)
    events = [decode_event(up.payload) for up in board.air.network.uplinks[before:] if up.f_port == 2]
    assert BAY_TAKEN in [event.event for event in events], "the car was told within seconds"


def test_two_bays_that_are_sampled_need_no_deep_sleep():
    board = bench("still", "parking", with_parts(field0={"chip": "mmc5983ma"}))
    chip = mmc5983ma.Mmc5983ma(board.clock, (5, 6, 7))
    chip.set_field(215, 12, -425)
    board.i2c.attach(0x30, chip)
    board.run(HOUR_MS // 4)
    assert board.deep_sleeps == []
    assert readings(board)[-1].values[2] is not None


def lamp_bench(name, table=LAMP, **more):
    board = bench(name, "light", table, device_class="C", **more)
    line = UartLine(board.clock, 4800)
    board.uarts[2] = line
    board.meter = bl0942.Bl0942(board.clock, line)
    return board


def test_a_lamp_is_lit_before_anything_else_and_obeys_an_order_that_comes_at_any_time():
    board = lamp_bench("lamp")
    board.boot()
    assert board.pwm.duty == 65_535
    board.run(HOUR_MS)
    network = board.air.network
    order = encode_order(Order(7, 1_500_000_000, SET_LEVEL, 40, 10, 600))
    board.air.send(board.clock.now_us + 1_000_000, 869_525_000, 3, network.seal(Down(0, 4, order)))
    board.run(7_000)
    assert 30_000 < board.pwm.duty < 60_000, "it is on its way"
    board.run(10_000)
    assert abs(board.pwm.duty - 65_535 * 46 // 100) < 1_000  # 1 V is the least: 10 % and 40 % of 90 %
    assert [up.f_port for up in network.uplinks].count(4) == 1
    assert len(board.pwm.steps) > 20
    values = readings(board)[-1].values
    assert None not in values[:5], values
    board.run(900_000)
    assert board.pwm.duty == 65_535
    assert board.light_sleeps > 100


def test_a_lamp_goes_on_with_what_it_was_ordered_after_a_restart_in_good_order():
    board = lamp_bench("again")
    board.run(HOUR_MS // 4)
    order = encode_order(Order(7, 1_500_000_000, SET_LEVEL, 0, 0, 800))
    board.air.send(board.clock.now_us + 1_000_000, 869_525_000, 3, board.air.network.seal(Down(0, 4, order)))
    board.run(5_000)
    assert board.pwm.duty == 0
    board.pwm.steps.clear()
    try:
        board.body().restart()
    except Ends as end:
        board.boot(end.cause)
    board.run(2_000)
    assert board.pwm.steps[0] == 65_535, "full light while nothing is known"
    board.run(10_000)
    assert board.rtc == b""
    assert board.nvs["boot"] // 16 == 0, "no crash"


def test_a_board_whose_radio_wakes_nobody_looks_after_it():
    table = with_parts(lamp0={"kind": "pwm", "pin": 21})
    table["radio"] = dict(BOARD["radio"])
    del table["radio"]["wakes"]
    board = bench("looks", "light", table, device_class="C")
    board.run(HOUR_MS // 4)
    order = encode_order(Order(7, 1_500_000_000, SET_LEVEL, 0, 0, 600))
    board.air.send(board.clock.now_us + 1_000_000, 869_525_000, 3, board.air.network.seal(Down(0, 4, order)))
    board.run(3_000)
    assert board.pwm.duty == 0


def test_what_the_air_node_sends_is_what_its_set_says():
    board = air_bench("set", reading_interval_s=300)
    board.run(HOUR_MS // 2)
    told = [decode_readings(up.payload).quantities for up in board.air.network.uplinks if up.f_port == 1]
    assert told
    assert [quantities for quantities in told if quantities != quantities_of(AIR_WITHOUT_PM4)] == []
    assert board.carbon.pressure_hpa == readings(board)[-1].values[6] // 10


def test_a_fan_that_warms_up_keeps_the_node_from_a_deep_sleep_in_which_it_would_begin_again():
    board = air_bench("fan", fan_warm_up_s=120)
    board.run(HOUR_MS)
    assert board.deep_sleeps
    assert len(readings(board)) >= 3


def test_a_sensor_that_measures_through_the_sleep_is_not_begun_anew():
    """An SCD41 says nothing for 30 s after its start; this fan warms up for 10."""
    board = air_bench("through", fan_warm_up_s=10)
    board.run(HOUR_MS)
    assert DEEP_SLEEP in board.boots
    assert [row.values[3] for row in readings(board)[1:] if row.values[3] is None] == []


def test_a_magnetometer_that_was_read_watches_no_more():
    board = bench("read", "parking", WATCHED, detector="watched")
    chip = lis3mdl.Lis3mdl(board.clock, board.pins(7))
    chip.set_field(200, 100, -400)
    board.i2c.attach(0x1C, chip)
    board.run(70_000)
    senses = board.body().senses
    senses.watch(0, 50)
    assert senses.watch_pins() == [board.pins(7)]
    senses.field(0)
    assert senses.watch_pins() == []


def test_a_slow_sensor_waits_until_no_window_is_near():
    board = air_bench("slow")
    board.run(5_000)
    board.dust.alive = False  # a second until nobody has answered
    station = board.body().station
    clock = board.body().clock
    while station.free_ms(clock.now_ms()) > 700:  # the first window of the Join-Request comes nearer
        board.run(50)
    board.body()._errands.append((Sense(AIR_WITHOUT_PM4), 1_200))
    board.run(10_000)
    assert "session" in board.nvs, "the Join-Accept was heard"
    assert board.body()._errands == []
