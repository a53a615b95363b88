from firmware.actions import AskLink, AskTime, Identify, JoinGroup, Persist, Restart, SetLamp, UsePlan
from firmware.events import (
    Downlink,
    Joined,
    LinkAnswered,
    Sensed,
    Sent,
    TimeAnswered,
    TimeTold,
    Woke,
)
from firmware.mind import IMAGE_LEN, ROLE_IMAGE_LEN, SEQ_STEP, TELL_TIME_MS
from firmware.orders import NIGHT_S, WITH_NEXT_START
from firmware.store.log import NEWEST
from firmware.telling import MAX_RECEIPTS, RARE, Receipts
from protocol import cbor
from protocol import orders as o
from protocol.events import BAY_LEFT, BAY_TAKEN, MOTION_SEEN, TAMPERED, VOID
from protocol.orders import Order, decode_receipt
from protocol.quantities import PARKING_TWO_BAYS
from protocol.region import frame_airtime_us
from protocol.settings import ROLES, SETTINGS, Settings, number_of
from protocol.telemetry_reader import decode_event, decode_readings, decode_status
from tests.fakes.desk import BUILD_GPS_S, EPOCH, Desk, PuppetRole, Wish

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000
NOW_GPS_S = BUILD_GPS_S + 1000
SOON = NOW_GPS_S + 600
HEARTBEAT_S = number_of("heartbeat_s")


def settled(room=51):
    """A desk after its boot, with nothing left to tell."""
    desk = Desk(room=room)
    desk.run(100_000)
    desk.payloads.clear()
    desk.done.clear()
    desk.asked.clear()
    return desk


def with_clock():
    desk = settled()
    desk.tell(TimeAnswered(NOW_GPS_S, desk.now_ms))
    return desk


def rows(payload):
    return [(row.seq, row.values[0]) for row in decode_readings(payload).rows]


def receipts(desk):
    return [decode_receipt(payload) for _, payload in desk.sent(o.F_PORT_ORDERS)]


def outcomes(desk):
    return [(receipt.order_id, receipt.outcome) for receipt in receipts(desk)]


# Telling.


def test_a_reading_goes_at_once_with_its_age():
    desk = settled()
    desk.read(1, 5, 30, 215, 360)
    desk.rest(1)
    ((at_ms, payload),) = desk.sent(1)
    assert at_ms == 100_000
    assert payload.hex() == "8800000001" + "05181e" + "18d7" + "190168"
    (row,) = decode_readings(payload).rows
    assert (row.seq, row.age_s, row.values) == (0, 0, (1, 5, 30, 215, 360))


def test_each_frame_repeats_the_three_before():
    desk = settled()
    for n in range(6):
        desk.read(n & 1, n, 30, 215, 360)
        desk.rest(900)
    frames = [rows(payload) for _, payload in desk.sent(1)]
    assert frames[2] == [(2, 0), (1, 1), (0, 0)]
    assert frames[5] == [(5, 1), (4, 0), (3, 1), (2, 0)]


def test_a_frame_that_waited_tells_the_newest_and_its_age_when_built():
    desk = settled()
    desk.delay_ms = 200_000
    desk.read(0, 1, 30, 215, 360)
    desk.rest(100)
    desk.read(1, 2, 30, 215, 360)
    desk.rest(900)
    ((_, payload),) = desk.sent(1)
    first, second = decode_readings(payload).rows
    assert (first.seq, first.age_s, second.seq, second.age_s) == (1, 100, 0, 200)


def test_an_event_goes_at_once_and_twice_again():
    for seed in range(20):
        desk = settled()
        desk.persisted["boots"] = seed
        desk.power_up()
        desk.run(100_000)
        desk.payloads.clear()
        desk.event(BAY_LEFT, 0, 840)
        desk.rest(600)
        (first, second, third) = desk.sent(2)
        assert first[0] == 100_000
        assert 15_000 <= second[0] - first[0] <= 45_000
        assert 120_000 <= third[0] - first[0] <= 300_000
        told = [decode_event(payload) for _, payload in desk.sent(2)]
        assert [event.seq for event in told] == [told[0].seq] * 3
        assert [event.age_s for event in told] == [(at_ms - 100_000) // 1000 for at_ms, _ in desk.sent(2)]
        assert (told[2].event, told[2].details) == (BAY_LEFT, (0, 840))


def test_a_motion_goes_at_once_and_soon_again():
    desk = settled(room=115)
    desk.event(MOTION_SEEN, 4)
    desk.rest(600)
    (first, second) = desk.sent(2)
    assert first[0] == 100_000
    assert 4_000 <= second[0] - first[0] <= 8_000
    told = [decode_event(payload) for _, payload in desk.sent(2)]
    assert [(event.seq, event.details) for event in told] == [(told[0].seq, (4,))] * 2


def test_a_motion_goes_once_where_frames_are_so_long_that_a_second_leaves_too_little_airtime():
    """The room is that of DR0..DR2. At DR0 twenty of these an hour take 30 s, and 36 are allowed."""
    desk = settled(room=51)
    desk.event(MOTION_SEEN, 4)
    desk.rest(600)
    ((at_ms, payload),) = desk.sent(2)
    assert at_ms == 100_000
    assert decode_event(payload).details == (4,)


def test_the_repeats_of_two_nodes_come_at_different_times():
    times = []
    for boot in (3, 4):
        desk = settled()
        desk.persisted["boots"] = boot
        desk.power_up()
        desk.run(100_000)
        desk.payloads.clear()
        desk.event(BAY_TAKEN, 0, 1)
        desk.rest(600)
        times.append([at_ms for at_ms, _ in desk.sent(2)])
    assert times[0][1:] != times[1][1:]


def test_readings_and_events_share_one_numbering_and_the_log():
    desk = settled()
    desk.read(0, 1, 30, 215, 360)
    desk.event(BAY_TAKEN, 0, 60)
    desk.read(1, 0, 300, 215, 360)
    desk.rest(30)
    assert [(record.seq, record.number) for record in desk.log.newest(5)] == [(2, 0), (1, BAY_TAKEN), (0, 0)]
    assert rows(desk.sent(1)[-1][1]) == [(2, 1), (0, 0)]
    assert decode_event(desk.sent(2)[0][1]).seq == 1


def test_an_event_overtakes_a_reading_that_waits():
    desk = settled()
    desk.delay_ms = 60_000
    desk.read(0, 1, 30, 215, 360)
    desk.rest(10)
    desk.event(BAY_TAKEN, 0, 60)
    desk.rest(55)
    assert [f_port for _, f_port, _, _ in desk.payloads] == [2]
    desk.rest(65)
    assert [f_port for _, f_port, _, _ in desk.payloads] == [2, 1] or desk.payloads[1][1] == 2  # or its repeat


def test_too_many_events_cost_the_repeats_of_the_oldest():
    desk = settled()
    desk.event(TAMPERED)
    desk.rest(2)
    desk.airtime_ms = 100_000
    for bay in range(8):
        desk.event(BAY_TAKEN, bay, 0)
    desk.rest(3600)
    told = [decode_event(payload) for _, payload in desk.sent(2)]
    assert {event.seq for event in told} == set(range(9))
    assert len([event for event in told if event.event == TAMPERED]) == 1
    assert len(told) == 1 + 8 * 3


def test_of_nine_events_at_once_the_first_is_left_to_the_log():
    desk = settled()
    desk.delay_ms = 5_000
    for bay in range(9):
        desk.event(BAY_TAKEN, bay, 0)
    desk.rest(3600)
    assert {decode_event(payload).seq for _, payload in desk.sent(2)} == set(range(1, 9))


def test_the_status_goes_after_each_boot_and_daily():
    desk = Desk()
    desk.run(2 * DAY_MS + HOUR_MS)
    told = desk.sent(3)
    assert len(told) == 3
    assert told[0][0] <= 61_000
    assert abs(told[1][0] - told[0][0] - DAY_MS) < 1000
    status = decode_status(told[0][1])
    assert (status.version, status.epoch, status.reset_cause) == ((1, 2, 3), EPOCH, 1)
    assert (status.battery_mv, status.heap_free, status.last_error) == (3600, 90_000, None)
    assert (status.link_margin_db, status.next_seq) == (None, 0)
    desk.power_up(reset_cause=5)
    desk.run(61_000)
    assert decode_status(desk.sent(3)[3][1]).reset_cause == 5


def test_the_link_is_asked_for_with_a_status_and_told_in_the_next():
    desk = Desk()
    desk.run(100_000)
    assert [type(action) for _, action in desk.asked] == [AskTime, AskLink]
    desk.tell(LinkAnswered(17, 2))
    desk.run(DAY_MS + 100_000)
    assert decode_status(desk.sent(3)[1][1]).link_margin_db == 17


def test_a_new_epoch_is_told_confirmed_and_records_wait_for_its_acknowledgement():
    desk = Desk(told=False)
    desk.acked = False
    desk.event(BAY_TAKEN, 0, 1)
    desk.read(1, 5, 30, 215, 360)
    desk.run(6 * HOUR_MS)
    assert {(f_port, confirmed) for _, f_port, _, confirmed in desk.payloads} == {(3, True)}
    times = [at_ms for at_ms, _ in desk.sent(3)]
    assert times[0] <= 60_000
    assert 60_000 <= times[1] - times[0] <= 122_000
    assert max([times[n + 1] - times[n] for n in range(len(times) - 1)]) <= HOUR_MS + 62_000
    assert 8 <= len(times) <= 13
    desk.acked = True
    desk.rest(2 * 3600)
    assert not desk.log.epoch_is_new
    assert decode_event(desk.sent(2)[0][1]).seq == 0
    assert rows(desk.sent(1)[0][1]) == [(1, 1)]
    assert len(desk.sent(2)) == 3
    count = len(desk.payloads)
    desk.power_up()
    desk.run(100_000)
    assert [(f_port, confirmed) for _, f_port, _, confirmed in desk.payloads[count:]] == [(3, False)]


def test_an_epoch_that_nobody_acknowledges_is_told_no_oftener_by_a_node_that_sleeps_in_between():
    awake, slept = Desk(told=False), Desk(told=False)
    for desk in (awake, slept):
        desk.acked = False
    for _ in range(6 * 60):
        slept.doze()
        slept.rest(60)
        awake.rest(60)
    times = [[at_ms for at_ms, _ in desk.sent(3)] for desk in (awake, slept)]
    assert len(times[0]) == len(times[1])
    assert max([abs(times[0][n] - times[1][n]) for n in range(len(times[0]))]) < 60_000  # each sleep rounds to a second
    assert 8 <= len(times[1]) <= 13


def test_receipts_do_not_wait_for_the_epoch():
    desk = Desk(told=False)
    desk.acked = False
    desk.run(10_000)
    desk.order(Order(7, SOON, o.IDENTIFY, None))
    desk.rest(2)
    assert outcomes(desk) == [(7, o.DONE)]


def test_a_radio_that_takes_nothing_for_weeks_gets_the_newest_in_the_end():
    desk = settled()
    desk.delay_ms = 14 * DAY_MS
    for n in range(14 * 24):
        desk.read(n & 1, n, 30, 215, 360)
        desk.rest(3600)
    desk.delay_ms = 0
    desk.rest(7200)
    assert rows(desk.sent(1)[0][1])[0][0] == 14 * 24 - 1


# The log, asked for again.


def gateway(desk):
    """All numbers that arrived, and what they said: seq: (kind, values)."""
    seen = {}
    for _, f_port, payload, _ in desk.payloads:
        if f_port == 1:
            for row in decode_readings(payload).rows:
                seen[row.seq] = ("reading", row.values)
        elif f_port == 2:
            event = decode_event(payload)
            for n in range(event.details[0] if event.event == VOID else 1):
                seen[event.seq + n] = (event.event, event.details)
    return seen


def lost_week(desk, count=60):
    for n in range(count):
        if n % 10 == 3:
            desk.event(BAY_TAKEN, 0, n)
        else:
            desk.read(n & 1, n, 30 + n, 215, 360)
        desk.rest(900)
    desk.payloads.clear()


def test_what_was_lost_is_told_again_on_demand():
    desk = settled()
    lost_week(desk)
    desk.order(Order(1, SOON, o.RESEND, 5, 40))
    desk.rest(4 * 3600)
    seen = gateway(desk)
    assert set(range(5, 45)) <= set(seen)
    assert seen[13] == (BAY_TAKEN, (0, 13))
    assert seen[12] == ("reading", (0, 12, 42, 215, 360))
    assert [decode_event(payload).seq for _, payload in desk.sent(2)] == [13, 23, 33, 43]
    assert (receipts(desk)[0].outcome, receipts(desk)[0].detail) == (o.DONE, None)


def test_a_resend_takes_half_of_one_percent_of_the_time_at_most():
    for room, dr in ((51, 0), (115, 3), (222, 4)):
        desk = settled()
        desk.room = room
        lost_week(desk, 200)
        desk.order(Order(1, SOON, o.RESEND, 0, 200))
        began_ms = desk.now_ms
        desk.rest(24 * 3600)
        assert set(range(200)) <= set(gateway(desk))
        frames = [entry for entry in desk.payloads if entry[1] in (1, 2)]
        airtime_us = sum([frame_airtime_us(dr, 13 + len(payload)) for _, _, payload, _ in frames[:-1]])
        assert airtime_us // 1000 * 200 <= frames[-1][0] - began_ms


def test_a_resend_goes_twice_as_fast_where_two_sub_bands_share_it():
    took_ms = []
    for hour_ms in (36_000, 72_000):
        desk = settled()
        desk.room, desk.hour_ms = 51, hour_ms
        lost_week(desk, 200)
        desk.order(Order(1, SOON, o.RESEND, 0, 200))
        began_ms = desk.now_ms
        desk.rest(24 * 3600)
        assert set(range(200)) <= set(gateway(desk))
        frames = [entry for entry in desk.payloads if entry[1] in (1, 2)]
        airtime_us = sum([frame_airtime_us(0, 13 + len(payload)) for _, _, payload, _ in frames[:-1]])
        assert airtime_us * 2 // 1000 * 3_600_000 // hour_ms <= frames[-1][0] - began_ms
        took_ms.append(frames[-1][0] - began_ms)
    assert 1.9 < took_ms[0] / took_ms[1] < 2.1


def test_what_is_new_goes_before_what_was_lost():
    desk = settled()
    lost_week(desk, 100)
    desk.order(Order(1, SOON, o.RESEND, 0, 100))
    desk.rest(60)
    desk.event(BAY_LEFT, 0, 1)
    desk.rest(1)
    assert decode_event(desk.sent(2)[0][1]).seq == 100


def test_numbers_skipped_by_a_power_cut_are_void():
    desk = settled()
    lost_week(desk, 5)
    desk.power_up()
    desk.run(100_000)
    desk.read(1, 1, 1, 1, 360)
    assert decode_status(desk.sent(3)[-1][1]).next_seq == SEQ_STEP
    desk.payloads.clear()
    desk.order(Order(1, SOON, o.RESEND, 0, 33))
    desk.rest(3600)
    seen = gateway(desk)
    assert [seen[seq][0] for seq in (0, 4)] == ["reading", "reading"]
    assert seen[5] == seen[SEQ_STEP - 1] == (VOID, (SEQ_STEP - 5,))
    assert seen[SEQ_STEP] == ("reading", (1, 1, 1, 1, 360))
    ages = {row.seq: row.age_s for _, payload in desk.sent(1) for row in decode_readings(payload).rows}
    assert ages[SEQ_STEP] is not None
    assert [ages[seq] for seq in (0, 1, 2, 4)] == [None] * 4  # nobody knows how long the power was off


def test_numbers_of_which_the_log_knows_nothing_are_void():
    desk = settled()
    lost_week(desk, 3)
    desk.disk.full = True
    desk.read(1, 1, 1, 1, 360)
    desk.disk.full = False
    for _ in range(NEWEST):  # memory forgets it too
        desk.event(TAMPERED)
    desk.payloads.clear()
    desk.rest(900)
    desk.order(Order(1, SOON, o.RESEND, 3, 2))
    desk.rest(900)
    assert gateway(desk)[3] == (VOID, (1,))


def test_what_is_older_than_the_log_is_named_in_the_receipt():
    desk = settled()
    for n in range(2500):
        desk.read(1, 500_000 + n, 20_000, 800, 60_000)
    desk.rest(60)
    oldest = desk.log.oldest_seq()
    assert oldest > 0
    desk.payloads.clear()
    desk.order(Order(1, SOON, o.RESEND, oldest - 10, 12))
    desk.rest(900)
    assert receipts(desk)[0].detail == oldest
    assert set(gateway(desk)) == {oldest, oldest + 1}


def test_who_asks_for_what_no_log_has_any_more_is_told_the_status():
    """A gateway that was restored from a backup asks so for the log's epoch."""
    desk = settled()
    lost_week(desk, 3)
    desk.order(Order(1, SOON, o.RESEND, 0, 2))
    desk.rest(60)
    assert desk.sent(3) == []
    desk.order(Order(2, SOON, o.RESEND, 0x1003, 1))  # 61,440 numbers ago
    desk.rest(60)
    assert [receipt.detail for receipt in receipts(desk)] == [None, 0]
    [(_, payload)] = desk.sent(3)
    assert (decode_status(payload).epoch, decode_status(payload).next_seq) == (desk.log.epoch, desk.log.next_seq)


def test_what_the_log_lets_go_of_while_its_frame_waits_is_no_harm():
    desk = settled()
    for n in range(2500):
        desk.read(1, 500_000 + n, 20_000, 800, 60_000)
    desk.rest(60)
    oldest = desk.log.oldest_seq()
    desk.payloads.clear()
    desk.delay_ms = 60_000
    desk.order(Order(1, SOON, o.RESEND, oldest, 5))
    desk.rest(100)
    for n in range(500):
        desk.event(BAY_TAKEN, 0, n)
    assert desk.log.oldest_seq() > oldest + 5
    desk.rest(7200)
    told = [row.seq for _, payload in desk.sent(1) for row in decode_readings(payload).rows]
    assert told == [] or told[0] == oldest


def test_a_resend_of_what_is_not_there_is_answered_with_nothing():
    desk = settled()
    lost_week(desk, 3)
    for first in (3, 4, 60_000):
        desk.order(Order(first, SOON, o.RESEND, first, 5))
    desk.rest(3600)
    assert gateway(desk) == {}
    assert [receipt.outcome for receipt in receipts(desk)] == [o.DONE] * 3


def test_many_resends_are_bounded_and_the_newest_are_answered():
    desk = settled()
    lost_week(desk, 60)
    for n in range(8):
        desk.order(Order(n, SOON, o.RESEND, 7 * n, 2))
    desk.order(Order(9, SOON, o.RESEND, 49, 1))  # part of the one before
    desk.rest(4 * 3600)
    seen = set(gateway(desk))
    assert {28, 29, 35, 36, 42, 43, 49, 50} <= seen
    assert not {7, 14, 15} & seen


def test_the_numbers_of_a_resend_wrap_at_two_to_the_sixteen():
    desk = settled()
    desk.persisted["seq"] = 65_530
    desk.power_up()
    desk.run(100_000)
    lost_week(desk, 12)
    assert desk.log.next_seq == 65_542
    desk.order(Order(1, SOON, o.RESEND, 65_528, 12))
    desk.rest(3600)
    told = [row.seq for _, payload in desk.sent(1) for row in decode_readings(payload).rows]
    assert sorted(told) == [0, 1, 2, 3, 65_530, 65_531, 65_532, 65_534, 65_535]
    void, taken = [decode_event(payload) for _, payload in desk.sent(2)[:2]]
    assert (void.event, void.seq, void.details, taken.seq) == (VOID, 0, (65_530,), 65_533)


# Orders.


def test_a_verb_of_the_role_is_the_roles():
    desk = with_clock()
    desk.role.outcome = (o.DONE, 3, [SetLamp(0, 40, 2)])
    desk.order(Order(7, SOON, o.SET_LEVEL, 40, 2, 60))
    desk.rest(2)
    ((order, now_ms, gps_s, group),) = desk.role.ordered
    assert (order.arguments, now_ms, gps_s, group) == ((40, 2, 60), 100_000, NOW_GPS_S, None)
    assert [type(action) for _, action in desk.done] == [Persist, SetLamp]  # the book is written first
    assert [(r.order_id, r.outcome, r.detail) for r in receipts(desk)] == [(7, o.DONE, 3)]


def test_a_repeat_is_answered_and_not_obeyed():
    desk = with_clock()
    for _ in range(3):
        desk.order(Order(7, SOON, o.SET_LEVEL, 40))
        desk.rest(5)
    assert len(desk.role.ordered) == 1
    assert outcomes(desk) == [(7, o.DONE)] * 3


def test_a_repeat_is_not_obeyed_after_a_power_cut_or_a_sleep():
    desk = with_clock()
    desk.role.outcome = (o.BELOW_FLOOR, -5, [])
    desk.order(Order(7, SOON, o.SET_LEVEL, 40))
    for again in (desk.power_up, desk.doze):
        again()
        desk.rest(100)
        desk.order(Order(7, SOON, o.SET_LEVEL, 40))
        desk.rest(2)
        assert desk.role.ordered == []
        assert (receipts(desk)[-1].outcome, receipts(desk)[-1].detail) == (o.BELOW_FLOOR, -5)


def test_the_receipts_are_told_on_the_port_of_orders_and_are_bounded():
    assert Receipts.f_port == o.F_PORT_ORDERS
    owed = Receipts()
    for n in range(MAX_RECEIPTS + 1):
        owed.owe(bytes([n]), 100 - n % 2)
        owed.owe(bytes([n]), 50)
    told = []
    while owed.due_ms() is not None:
        told.append((owed.due_ms(), owed.compose(36, 0)[0]))
    assert told == [(99, n) for n in (1, 3, 5, 7)] + [(100, n) for n in (2, 4, 6, 8)]


def test_the_last_eight_outcomes_are_kept():
    desk = with_clock()
    for n in range(9):
        desk.order(Order(n, SOON, o.SET_LEVEL, n))
        desk.rest(2)
    desk.order(Order(1, SOON, o.SET_LEVEL, 1))
    assert len(desk.role.ordered) == 9
    desk.order(Order(0, SOON, o.SET_LEVEL, 0))
    assert len(desk.role.ordered) == 10
    assert len(desk.persisted["orders"]) <= 100


def test_the_same_id_of_a_group_is_another_order():
    desk = with_clock()
    for group in (None, 0, 3, 0):
        desk.order(Order(7, SOON, o.SET_LEVEL, 40), group)
    assert len(desk.role.ordered) == 3


def test_an_order_past_its_expiry_is_refused():
    desk = with_clock()
    desk.order(Order(1, NOW_GPS_S, o.SET_LEVEL, 40))
    desk.order(Order(2, NOW_GPS_S + 1, o.SET_LEVEL, 40))
    desk.rest(5)
    assert outcomes(desk) == [(1, o.EXPIRED), (2, o.DONE)]
    assert len(desk.role.ordered) == 1


def test_without_clock_the_role_is_told_so():
    desk = settled()
    desk.order(Order(1, 0, o.SET_LEVEL, 40))
    assert desk.role.ordered[0][2] is None


def test_what_cannot_be_obeyed_is_answered():
    desk = with_clock()
    for payload in (
        cbor.encode([1, SOON, 99, 1]),
        cbor.encode([2, SOON, o.SET_LEVEL, 101]),
        cbor.encode([3, SOON, o.SET_LEVEL]),
        cbor.encode([4, SOON, o.JOIN_GROUP, 0, 1, b"short", 0]),
        cbor.encode([5, SOON, o.RESEND, 0, 0]),
        cbor.encode([6, SOON, o.CONFIGURE, 250, 1]),
        cbor.encode([7, SOON, o.CONFIGURE, HEARTBEAT_S, 299]),
        cbor.encode([8, SOON, o.CONFIGURE, 0, 1]),  # the role is fixed
        cbor.encode([9, SOON, o.CONFIGURE, number_of("floor_pct"), 1]),  # and no lamp
    ):
        desk.tell(Downlink(4, payload))
        desk.rest(2)
    assert outcomes(desk) == [
        (1, o.UNKNOWN_VERB),
        (2, o.BAD_ARGUMENT),
        (3, o.BAD_ARGUMENT),
        (4, o.BAD_ARGUMENT),
        (5, o.BAD_ARGUMENT),
        (6, o.BAD_ARGUMENT),
        (7, o.BAD_ARGUMENT),
        (8, o.BAD_ARGUMENT),
        (9, o.BAD_ARGUMENT),
    ]
    assert desk.role.ordered == []
    assert "settings" not in desk.persisted


def test_what_is_no_order_is_no_bother():
    desk = with_clock()
    for f_port, payload in ((4, b""), (4, b"\xff"), (4, b"\x83\x01\x02"), (200, b"\x00"), (1, b"\x83\x01\x02\x07")):
        desk.tell(Downlink(f_port, payload))
    desk.rest(60)
    assert desk.payloads == []


def test_identify_join_group_and_configure():
    desk = with_clock()
    desk.order(Order(1, SOON, o.IDENTIFY, 5))
    desk.order(Order(2, SOON, o.IDENTIFY))
    assert [action.seconds for action in desk.of(Identify)] == [5, 30]
    desk.order(Order(3, SOON, o.JOIN_GROUP, 2, 0xFFFFFFFE, bytes(range(16)), 0xFFFFFFFF))
    joined = desk.asked[-1][1]
    assert isinstance(joined, JoinGroup)
    assert (joined.group, joined.mc_addr, joined.f_cnt_min) == (2, 0xFFFFFFFE, 0xFFFFFFFF)
    assert joined.mc_key_encrypted == bytes(range(16))
    desk.order(Order(4, SOON, o.CONFIGURE, HEARTBEAT_S, 900))
    assert Settings.decode(desk.persisted["settings"]).heartbeat_s == 900
    desk.order(Order(5, SOON, o.CONFIGURE, HEARTBEAT_S))
    assert Settings.decode(desk.persisted["settings"]).heartbeat_s == 3600
    desk.order(Order(6, SOON, o.CONFIGURE, number_of("min_dr"), 2))
    assert desk.role.configured == [(HEARTBEAT_S, 900), (HEARTBEAT_S, 3600), (number_of("min_dr"), 2)]
    desk.order(Order(7, SOON, o.CONFIGURE, number_of("plan"), 1))
    assert isinstance(desk.asked[-1][1], UsePlan)
    assert desk.asked[-1][1].plan_number == 1
    assert Settings.decode(desk.persisted["settings"]).min_dr == 2
    desk.rest(20)
    assert [outcome for _, outcome in outcomes(desk)] == [o.DONE] * 7
    assert [receipt.detail for receipt in receipts(desk)[3:]] == [None, None, WITH_NEXT_START, None]


def test_every_setting_has_a_defined_answer_and_takes_effect_at_once_or_says_when():
    at_once = ("plan", "status_interval_s", "heartbeat_s")  # the puppet obeys the last
    for role, name in enumerate(ROLES):
        desk = with_clock()
        desk.persisted["settings"] = Settings({0: role, 1: bytes(8)}).encode()
        desk.power_up()
        desk.run(100_000)
        before = Settings.decode(desk.persisted["settings"])
        for number, (setting, roles, _, low, _, _) in enumerate(SETTINGS):
            desk.payloads.clear()
            desk.order(Order(number, SOON, o.CONFIGURE, number))  # its default
            desk.order(Order(100 + number, SOON, o.CONFIGURE, number, low - 1))
            desk.order(Order(200 + number, SOON, o.CONFIGURE, number, 0x3FFFFFFF))
            desk.rest(10)
            default, least, most = receipts(desk)
            assert (least.outcome, most.outcome) == (o.BAD_ARGUMENT, o.BAD_ARGUMENT), setting
            if roles & 16 or not roles >> role & 1:  # fixed, or another role's
                assert default.outcome == o.BAD_ARGUMENT, (name, setting)
            else:
                assert default.outcome == o.DONE
                assert default.detail == (None if setting in at_once else WITH_NEXT_START), setting
        assert Settings.decode(desk.persisted["settings"]).encode() == before.encode()
        desk.order(Order(999, SOON, o.CONFIGURE, len(SETTINGS), 1))
        desk.rest(10)
        assert outcomes(desk)[-1] == (999, o.BAD_ARGUMENT)


def test_windows_are_no_order_to_a_node_that_learns_them_as_it_joins():
    for activation, outcome in ((0, o.BAD_ARGUMENT), (1, o.DONE)):
        desk = with_clock()
        given = {0: 1, 1: bytes(8), number_of("activation"): activation}
        desk.persisted["settings"] = Settings(given).encode()
        desk.power_up()
        desk.run(100_000)
        for number, name in enumerate(("rx_delay_s", "rx2_dr")):
            desk.order(Order(number, SOON, o.CONFIGURE, number_of(name), 1))
        desk.rest(10)
        assert [receipt.outcome for receipt in receipts(desk)[-2:]] == [outcome] * 2


def test_a_new_interval_of_the_status_counts_from_the_next_one():
    desk = with_clock()
    desk.order(Order(1, SOON, o.CONFIGURE, number_of("status_interval_s"), 3600))
    desk.rest(2 * 86_400)
    assert 24 <= len(desk.sent(3)) <= 26
    desk.payloads.clear()
    desk.power_up()
    desk.rest(86_400)
    assert 23 <= len(desk.sent(3)) <= 25


def test_the_same_plan_again_does_not_disturb_the_radio():
    desk = with_clock()
    desk.order(Order(1, SOON, o.CONFIGURE, number_of("plan"), 0))
    desk.rest(5)
    assert desk.asked == []
    assert (receipts(desk)[0].outcome, receipts(desk)[0].detail) == (o.DONE, None)


def test_a_group_may_only_light_and_never_beyond_the_night():
    desk = with_clock()
    key = bytes(16)
    for order in (
        Order(1, SOON, o.IDENTIFY),
        Order(2, SOON, o.REBOOT),
        Order(3, SOON, o.CONFIGURE, 5, 1),
        Order(4, SOON, o.RESEND, 0, 1),
        Order(5, SOON, o.JOIN_GROUP, 0, 1, key, 0),
    ):
        desk.order(order, 0)
    desk.rest(700)
    assert sorted(outcomes(desk)) == [(n, o.NOT_HERE) for n in range(1, 6)]
    assert desk.of(Restart) == desk.of(Identify) == []
    desk.payloads.clear()
    gps_s = NOW_GPS_S + 700
    desk.order(Order(6, gps_s + NIGHT_S + 1, o.SET_LEVEL, 40), 0)
    desk.order(Order(7, gps_s + 600, o.SET_LEVEL, 40, 0, NIGHT_S + 1), 0)
    desk.order(Order(8, gps_s + NIGHT_S, o.SET_LEVEL, 40, 0, NIGHT_S), 0)
    desk.order(Order(9, gps_s + 600, o.RESUME_PROGRAMME), 0)
    desk.order(Order(10, gps_s + 600, o.LOAD_PROGRAMME, 1, 0, 1, b"x"), 0)
    desk.rest(700)
    expected = [(6, o.BAD_ARGUMENT), (7, o.BAD_ARGUMENT), (8, o.DONE), (9, o.DONE), (10, o.DONE)]
    assert sorted(outcomes(desk)) == expected
    assert [(row[0].order_id, row[3]) for row in desk.role.ordered] == [(8, 0), (9, 0), (10, 0)]


def test_the_receipts_of_a_group_are_spread_over_ten_minutes():
    times = []
    for boot in range(40):
        desk = settled()
        desk.persisted["boots"] = boot
        desk.power_up()
        desk.run(100_000)
        desk.payloads.clear()
        desk.order(Order(7, SOON, o.SET_LEVEL, 40), 1)
        desk.rest(30)
        desk.order(Order(7, SOON, o.SET_LEVEL, 40), 1)  # the gateway sends a group's frame twice
        desk.rest(700)
        times += [at_ms - 100_000 for at_ms, _ in desk.sent(4)]
    assert 40 <= len(times) <= 46  # a receipt that went within the half minute is asked for again
    assert max(times) <= 630_000
    quarters = [len([at_ms for at_ms in times if at_ms // 150_000 == quarter]) for quarter in range(4)]
    assert min(quarters) >= 3


def test_a_reboot_is_answered_first_and_only_once():
    desk = with_clock()
    desk.order(Order(7, SOON, o.REBOOT))
    assert desk.of(Restart) == []
    desk.rest(5)
    assert outcomes(desk) == [(7, o.DONE)]
    assert len(desk.of(Restart)) == 1
    desk.run(100_000)
    desk.order(Order(7, SOON, o.REBOOT))
    desk.rest(400)
    assert len(desk.of(Restart)) == 1
    assert outcomes(desk) == [(7, o.DONE)] * 2


def test_a_reboot_does_not_wait_for_ever_for_its_receipt():
    desk = with_clock()
    desk.delay_ms = DAY_MS
    desk.order(Order(7, SOON, o.REBOOT))
    desk.rest(299)
    assert desk.of(Restart) == []
    desk.rest(1)
    assert len(desk.of(Restart)) == 1


# Time.


def test_trusted_time_is_told_to_the_role_and_kept_in_the_log():
    desk = settled()
    desk.read(0, 1, 30, 215, 360)
    desk.tell(TimeAnswered(NOW_GPS_S, desk.now_ms - 5000))
    told = [event for event in desk.role.heard if isinstance(event, TimeTold)]
    assert [event.gps_s for event in told] == [NOW_GPS_S + 5]
    desk.read(1, 1, 30, 215, 360)
    assert [record.gps_s for record in desk.log.newest(2)] == [NOW_GPS_S + 5, None]


def test_a_time_that_is_not_believed_is_not_told():
    desk = with_clock()
    desk.tell(TimeAnswered(BUILD_GPS_S - 1, desk.now_ms))
    desk.tell(TimeAnswered(NOW_GPS_S + 400, desk.now_ms))
    assert len([event for event in desk.role.heard if isinstance(event, TimeTold)]) == 1


def test_what_the_role_does_on_time_is_done():
    class Punctual(PuppetRole):
        def handle(self, event, now_ms):
            return [SetLamp(0, 100, 0)] if isinstance(event, TimeTold) else []

    desk = Desk(make_role=Punctual)
    desk.run(1000)
    desk.tell(TimeAnswered(NOW_GPS_S, 0))
    assert len(desk.of(SetLamp)) == 1


def test_the_time_is_asked_for_with_frames_that_go_anyway():
    desk = settled()
    for _ in range(24):
        desk.rest(3600)
        desk.read(0, 1, 30, 215, 360)
    asked = [at_ms for at_ms, action in desk.asked if isinstance(action, AskTime)]
    assert len(asked) == 24  # no answer: hourly
    desk.tell(TimeAnswered(NOW_GPS_S, desk.now_ms))
    for _ in range(72):
        desk.rest(3600)
        if (desk.now_ms - 100_000) % 7_200_000 == 0:
            desk.tell(TimeAnswered(NOW_GPS_S + (desk.now_ms - asked[-1]) // 1000, desk.now_ms))
        desk.read(0, 1, 30, 215, 360)
    assert len([1 for _, action in desk.asked if isinstance(action, AskTime)]) <= 24 + 1 + 36


def test_the_time_is_told_again_each_hour_from_the_clock_that_knows_its_drift():
    desk = settled()
    slow_ppm = 30_000  # of true time, which this node's sleep clock does not see
    for hour in range(3):
        desk.now_ms = 100_000 + hour * HOUR_MS
        desk.tell(TimeAnswered(NOW_GPS_S + hour * 3600 * (1_000_000 + slow_ppm) // 1_000_000, desk.now_ms))
    desk.role.heard.clear()
    began_ms = desk.now_ms
    gps_s = NOW_GPS_S + 7200 * (1_000_000 + slow_ppm) // 1_000_000
    desk.rest(86_400)
    told = [event.gps_s for event in desk.role.heard if isinstance(event, TimeTold)]
    assert len(told) == 24
    for hour, told_s in enumerate(told):
        true_s = gps_s + (hour + 1) * 3600 * (1_000_000 + slow_ppm) // 1_000_000
        assert abs(told_s - true_s) <= 1
    assert desk.now_ms == began_ms + DAY_MS
    desk.doze()
    desk.rest(0)
    assert len([event for event in desk.role.heard if isinstance(event, TimeTold)]) == 1  # a new role, after the sleep


def test_a_role_hears_an_old_time_anew_before_it_hears_anything_else():
    desk = with_clock()
    desk.role.heard.clear()
    desk.now_ms += TELL_TIME_MS
    desk.tell(Sensed(0, ()))
    assert [type(event) for event in desk.role.heard] == [TimeTold, Sensed]
    assert desk.role.heard[0].gps_s == NOW_GPS_S + TELL_TIME_MS // 1000


# What is rare.


def test_what_no_set_carries_is_told_once_a_day_and_logged():
    desk = settled()
    desk.role.seldom = [(28, 0, 4100), (29, 0, 365), (28, 1, 0xFFFFFFFF), (29, 1, -0xFFFFFFFF - 1)]
    desk.rest(3 * 86_400 + 600)
    days = []
    for _, payload in desk.sent(1):
        readings = decode_readings(payload)
        (row,) = readings.rows
        days.append((row.seq, dict(zip(readings.quantities, row.values))))
        assert len(payload) <= 36
    assert days[0] == (0, {(28, 0): 4100, (28, 1): 0xFFFFFFFF, (29, 0): 365})
    assert days[1] == (1, {(29, 1): -0xFFFFFFFF - 1})
    assert [seq for seq, _ in days] == [0, 1, 2, 3, 4, 5]
    assert [(record.seq, record.number) for record in desk.log.newest(2)] == [(5, RARE), (4, RARE)]


def test_what_is_rare_and_lost_is_told_again_like_any_record():
    desk = settled()
    desk.role.seldom = [(28, 0, 4100)]
    lost_week(desk, 5)
    desk.rest(86_400)
    lost_week(desk, 5)
    desk.payloads.clear()
    desk.order(Order(1, SOON, o.RESEND, 0, 11))
    desk.rest(7200)
    seen = gateway(desk)
    assert set(seen) == set(range(11))
    assert seen[5] == ("reading", (4100,))
    ((_, rare),) = [(at, payload) for at, payload in desk.sent(1) if payload[1] & 0xE0 == 0xA0]
    assert decode_readings(rare).rows[0].age_s > 3600


def test_after_a_sleep_the_day_goes_on():
    desk = settled()
    desk.role.seldom = [(28, 0, 4100)]
    for _ in range(48):
        desk.rest(3600)
        desk.doze()
        desk.role.seldom = [(28, 0, 4100)]
    assert len(desk.sent(1)) == 2


# A street that gets its power in one second.


def street(spread_s, said, nodes=200, told=True):
    """When each of *nodes* that got power in the same moment sends, by second of true time."""
    seconds = {}
    for number in range(nodes):
        desk = Desk(told=told, spread_s=spread_s, dev_eui=bytes([0, 4, 163, 0, 0, 16, number >> 8, number & 255]))
        said(desk)
        desk.run(700_000)
        assert desk.payloads
        assert desk.payloads[0][0] <= 601_000
        for at_ms, _, _, _ in desk.payloads:
            seconds[at_ms // 1000] = seconds.get(at_ms // 1000, 0) + 1
    return seconds


def test_the_first_words_of_a_street_that_gets_power_at_once_are_spread():
    def all_at_once(desk):
        desk.read(1, 5, 30, 215, 360)
        desk.event(TAMPERED)

    for told in (True, False):
        seconds = street(600, all_at_once, told=told)
        assert max(seconds.values()) <= 8
        assert len([second for second in seconds if second < 60]) >= 10  # nobody waits because of nothing


def test_the_receipts_of_its_first_group_order_are_spread_too():
    def dim(desk):
        desk.run(1)
        desk.order(Order(7, SOON, o.SET_LEVEL, 40), 1)

    assert max(street(600, dim).values()) <= 8


def test_orders_to_one_node_are_answered_before_its_turn():
    desk = Desk(spread_s=600, dev_eui=bytes([0, 4, 163, 0, 0, 16, 0, 5]))
    desk.event(TAMPERED)
    desk.order(Order(7, SOON, o.IDENTIFY, 5))
    desk.run(20_000)
    assert [f_port for _, f_port, _, _ in desk.payloads] == [4]


# The whole.


def test_the_role_hears_the_world_and_not_the_network():
    desk = settled()
    desk.role.heard.clear()
    events = (Woke(), Sensed(0, ()), Joined(), LinkAnswered(1, 1))
    for event in events:
        desk.tell(event)
    assert desk.role.heard == list(events[:2])
    assert desk.payloads == desk.done == []


def test_it_wakes_when_its_role_wants_to():
    desk = settled()
    desk.role.wake_ms = 500_000
    assert desk.mind.wake_at() == 500_000
    desk.role.wake_ms = None
    assert desk.mind.wake_at() > HOUR_MS  # the next status
    desk.order(Order(7, SOON, o.SET_LEVEL, 40), 1)
    assert 100_000 <= desk.mind.wake_at() <= 700_000


def test_each_boot_has_its_number():
    desk = Desk()
    desk.run(1000)
    assert desk.persisted["boots"] == 1
    desk.power_up()
    desk.run(1000)
    assert desk.persisted["boots"] == 2
    desk.doze()
    desk.read(0, 1, 30, 215, 360)
    assert desk.persisted["boots"] == 2
    assert desk.log.newest(1)[0].boot == 2


def test_what_it_persists_is_not_what_the_slots_do():
    desk = settled()
    desk.read(0, 1, 30, 215, 360)
    desk.order(Order(1, SOON, o.CONFIGURE, HEARTBEAT_S, 900))
    assert sorted(desk.persisted) == ["boots", "orders", "seq", "settings"]  # "boot" and "floor" are theirs


def test_safe_mode_is_radio_orders_and_status():
    desk = settled()
    lost_week(desk, 5)
    desk.power_up(reset_cause=3, safe=True)
    desk.run(HOUR_MS + 100_000)
    statuses = [decode_status(payload) for _, payload in desk.sent(3)]
    assert len(statuses) == 2  # hourly
    assert statuses[0].last_error == "OSError 5"
    assert desk.mind.image() == b""  # it does not sleep deep
    for order in (
        Order(1, SOON, o.SET_LEVEL, 40),
        Order(2, SOON, o.RESEND, 0, 5),
        Order(3, SOON, o.CONFIGURE, HEARTBEAT_S, 900),
        Order(4, SOON, o.IDENTIFY),
        Order(5, SOON, o.REBOOT),
    ):
        desk.order(order)
    desk.tell(TimeAnswered(NOW_GPS_S, desk.now_ms))
    desk.rest(10)
    assert [outcome for _, outcome in outcomes(desk)] == [o.NOT_HERE, o.NOT_HERE, o.DONE, o.DONE, o.DONE]
    assert Settings.decode(desk.persisted["settings"]).heartbeat_s == 900
    assert len(desk.of(Restart)) == 1
    assert desk.sent(1) == desk.sent(2) == []


def test_deep_sleep_changes_nothing():
    awake, slept = settled(), settled()
    for desk in (awake, slept):
        desk.tell(TimeAnswered(NOW_GPS_S, desk.now_ms))
        desk.tell(LinkAnswered(9, 1))
        lost_week(desk, 12)
        desk.event(BAY_LEFT, 0, 5)
        desk.order(Order(1, SOON * 2, o.RESEND, 0, 12))
        desk.order(Order(2, NOW_GPS_S + 86_400, o.RESUME_PROGRAMME), 0)
        desk.rest(5)
    for _ in range(400):
        slept.doze()
        slept.rest(10)
        awake.rest(10)
    for desk in (awake, slept):
        desk.event(TAMPERED)
        desk.rest(DAY_MS // 1000)
    said = [[(f_port, payload) for _, f_port, payload, _ in desk.payloads if f_port != 1] for desk in (awake, slept)]
    assert [f_port for f_port, _ in said[0]] == [f_port for f_port, _ in said[1]]
    assert gateway(awake) == gateway(slept)
    assert [record.gps_s for record in slept.log.newest(1)] == [record.gps_s for record in awake.log.newest(1)]
    assert decode_status(slept.sent(3)[-1][1]).link_margin_db == 9


def test_a_reading_untold_before_the_sleep_is_told_after_it():
    desk = settled()
    desk.delay_ms = 60_000
    desk.read(1, 5, 30, 215, 360)
    desk.doze()
    desk.rest(61)
    assert rows(desk.sent(1)[0][1]) == [(0, 1)]


def test_the_image_fits_rtc_memory_with_everything_under_way():
    desk = settled()
    desk.persisted["seq"] = 0xFFFF0000
    desk.power_up()
    desk.run(100_000)
    desk.tell(TimeAnswered(0xF0000000, desk.now_ms))
    desk.tell(TimeAnswered(0xF0000000 - 80_000, desk.now_ms))
    desk.tell(LinkAnswered(254, 1))
    desk.airtime_ms = DAY_MS
    desk.now_ms = 1 << 36
    for n in range(9):
        desk.role.outcome = (o.FAILED, -(1 << 32), [])
        desk.event(BAY_TAKEN, 0xFFFFFFFF, n)
        desk.order(Order(0xFF00 + n, 0xFFFFFFFF, o.SET_LEVEL, 1))
        desk.order(Order(0xFF80 + n, 0xFFFFFFFF, o.RESEND, 2 * n, 2))
    desk.role.kept = b"\xff" * ROLE_IMAGE_LEN
    images = desk.images()
    assert len(images[1]) <= IMAGE_LEN
    desk.wake_from(images)
    assert desk.images() == images


def test_an_image_of_another_version_is_as_none():
    desk = settled()
    desk.tell(TimeAnswered(0xF0000000, desk.now_ms))
    role, image, log = desk.images()
    for bad in (b"", b"\x00", image[:-1], image[:1] + b"\x01" + image[2:], b"\x80"):
        desk.wake_from((role, bad, log))
        assert not desk.mind.clock.is_set(), bad
    desk.wake_from((role, image, log))
    assert desk.mind.clock.is_set()


def test_a_wish_for_the_body_reaches_it():
    desk = settled()
    desk.tell(Wish(SetLamp(1, 30, 5)))
    assert [(lamp.head, lamp.level_pct) for lamp in desk.of(SetLamp)] == [(1, 30)]


def test_a_book_that_cannot_be_read_is_a_new_one():
    for stored in (b"\xff", cbor.encode([[4, 7, 99, None]]), cbor.encode(5)):
        desk = with_clock()
        desk.persisted["orders"] = stored
        desk.power_up()
        desk.run(100_000)
        desk.order(Order(7, SOON, o.SET_LEVEL, 40))
        assert len(desk.role.ordered) == 1


def test_with_the_time_known_a_role_is_told_after_the_sleep():
    desk = with_clock()
    desk.doze()
    desk.rest(50)
    desk.rest(0)
    assert [event.gps_s for event in desk.role.heard if isinstance(event, TimeTold)] == [NOW_GPS_S]


def test_a_frame_from_before_the_sleep_ends_without_confusion():
    desk = Desk(told=False)
    desk.run(500)
    assert [f_port for _, f_port, _, _ in desk.payloads] == [3]  # its answer comes after the sleep
    desk.doze()
    desk.tell(Sent(3, True))
    assert not desk.log.epoch_is_new
    desk.delay_ms = 60_000
    desk.read(0, 1, 30, 215, 360)
    desk.tell(Sent(2, None))
    desk.event(TAMPERED)
    desk.rest(70)
    assert [f_port for _, f_port, _, _ in desk.payloads] == [3, 2]


def test_what_comes_while_a_frame_is_on_the_air_does_not_change_whose_it_is():
    desk = Desk(told=False)
    desk.run(500)
    desk.order(Order(7, SOON, o.IDENTIFY, 5))
    desk.rest(5)
    assert not desk.log.epoch_is_new
    assert outcomes(desk) == [(7, o.DONE)]


def test_readings_of_two_sets_do_not_share_a_frame():
    class Wider(PuppetRole):
        set_number = PARKING_TWO_BAYS

    desk = settled()
    lost_week(desk, 3)
    desk.make_role = Wider
    desk.power_up()
    desk.run(100_000)
    desk.read(1, 5, 30, 0, 7, 12, 215, 360)
    desk.rest(60)
    assert rows(desk.sent(1)[-1][1]) == [(SEQ_STEP, 1)]
    desk.payloads.clear()
    desk.order(Order(1, SOON, o.RESEND, 0, SEQ_STEP + 1))
    desk.rest(7200)
    seen = gateway(desk)
    assert set(seen) == set(range(SEQ_STEP + 1))
    assert (seen[2][1], seen[SEQ_STEP][1]) == ((0, 2, 32, 215, 360), (1, 5, 30, 0, 7, 12, 215, 360))


def test_void_numbers_at_the_end_of_what_was_asked_for_are_said():
    desk = settled()
    lost_week(desk, 3)
    desk.disk.full = True
    desk.read(1, 1, 1, 1, 360)
    desk.disk.full = False
    for _ in range(NEWEST):  # memory forgets it too
        desk.event(TAMPERED)
    desk.rest(900)
    desk.payloads.clear()
    desk.order(Order(1, SOON, o.RESEND, 2, 2))
    desk.rest(900)
    assert gateway(desk)[3] == (VOID, (1,))
