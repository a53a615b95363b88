"""The mind of an air node, on both Pythons: its status, its readings at their interval, their repetition."""

from firmware.actions import Sense, Transmit
from firmware.events import Sensed, Woke
from firmware.node import Node
from firmware.roles.air import REPEATED, VERSION, AirMind
from protocol.quantities import AIR_FULL, AIR_WITHOUT_PM4, quantities_of
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, decode_readings, decode_status
from tests.fakes.bench import Bench
from tests.fakes.macs import RecordingMac

INTERVAL_MS = 900_000
VALUES = (21, 34, 44, 61, 431, 184, 55, 10132)


def told(mind, hours, room=222):
    """What *mind* says in so many hours of sensors that always see the same: (now_ms, f_port, payload)."""
    mac = RecordingMac(room)
    Bench(Node(mind, mac), lambda set_number, now_ms: VALUES[: len(quantities_of(set_number))]).run(hours * 3_600_000)
    return mac.payloads


def rows(payloads):
    return [decode_readings(payload).rows for _, f_port, payload in payloads if f_port == F_PORT_READINGS]


def test_after_the_boot_it_tells_its_status_once():
    statuses = [
        (now_ms, decode_status(payload))
        for now_ms, f_port, payload in told(AirMind(AIR_FULL, INTERVAL_MS, 5_000, 0xBEEF, 70_000), 24)
        if f_port == F_PORT_STATUS
    ]
    assert len(statuses) == 1
    now_ms, status = statuses[0]
    assert now_ms == 0
    assert (status.version, status.epoch, status.next_seq, status.uptime_s) == (VERSION, 0xBEEF, 70_000, 0)


def test_it_senses_at_its_interval_from_the_first_time_on():
    bench = Bench(AirMind(AIR_FULL, INTERVAL_MS, 7_500, 1), lambda set_number, now_ms: VALUES)
    bench.run(3_600_000)
    assert [(now_ms, action.set_number) for now_ms, action in bench.of(Sense)] == [
        (7_500 + number * INTERVAL_MS, AIR_FULL) for number in range(4)
    ]


def test_numbers_go_on_where_the_log_left_them_and_wrap_on_the_air():
    many = rows(told(AirMind(AIR_FULL, INTERVAL_MS, 5_000, 1, 65_535), 1))
    assert [row[0].seq for row in many] == [65_535, 0, 1, 2]


def test_each_frame_repeats_the_readings_before():
    many = rows(told(AirMind(AIR_FULL, INTERVAL_MS, 5_000, 1), 2))
    assert [[row.seq for row in some] for some in many[:5]] == [[0], [1, 0], [2, 1, 0], [3, 2, 1, 0], [4, 3, 2, 1]]
    assert [row.age_s for row in many[-1]] == [900 * number for number in range(REPEATED + 1)]


def test_a_small_room_repeats_less_but_never_nothing_of_the_newest():
    many = rows(told(AirMind(AIR_FULL, INTERVAL_MS, 5_000, 1), 2, 40))
    assert [some[0].seq for some in many] == list(range(8))
    assert len(many[-1]) < REPEATED + 1


def test_the_age_is_that_of_the_moment_the_frame_is_built():
    mind = AirMind(AIR_FULL, INTERVAL_MS, 5_000, 1)
    mind.handle(Woke(), 0)
    [transmit] = mind.handle(Sensed(AIR_FULL, VALUES), 5_000)
    assert isinstance(transmit, Transmit)
    assert decode_readings(transmit.compose(222, 65_000)).rows[0].age_s == 60


def test_a_frame_that_waits_takes_the_next_reading_along():
    mind = AirMind(AIR_FULL, INTERVAL_MS, 5_000, 1)
    mind.handle(Woke(), 0)
    [transmit] = mind.handle(Sensed(AIR_FULL, VALUES), 5_000)
    assert mind.handle(Sensed(AIR_FULL, VALUES), 905_000) == []
    assert [row.seq for row in decode_readings(transmit.compose(222, 906_000)).rows] == [1, 0]
    assert len(mind.handle(Sensed(AIR_FULL, VALUES), 1_805_000)) == 1


def test_another_set_is_sent_as_that_set():
    first = rows(told(AirMind(AIR_WITHOUT_PM4, INTERVAL_MS, 5_000, 1), 1))[0]
    assert first[0].values == VALUES[:7]
