"""Records at the subscriber: what was sensed, when it was, once. Every lie is found and named."""

from typing import Any

import pytest

from firmware.store.log import EVENT, READING
from firmware.telling import RARE
from protocol.events import BAY_TAKEN, VOID
from protocol.quantities import AIR_FULL, PARKING_TWO_BAYS
from simulator.truths.breaches import NOTHING_INVENTED, PUBLISHED_ONCE, Breaches
from simulator.truths.expected import expected, instances_of
from simulator.truths.records import Records

START_S = 1_772_434_800  # 2026-03-02T07:00:00Z
EUI = bytes.fromhex("02000000000000aa")
AIR = (84, 96, 112, 140, 431, 214, 63, 10132)
SAID = {
    "pm1": 8.4,
    "pm2_5": 9.6,
    "pm4": 11.2,
    "pm10": 14.0,
    "co2": 431,
    "temperature": 21.4,
    "relative_humidity": 63,
    "pressure": 1013.2,
}


def message(seq: int = 5, **more: Any) -> dict[str, Any]:
    return {
        "kind": "reading",
        "key": {"dev_eui": EUI.hex(), "epoch": 7, "seq": seq},
        "instance": 0,
        "observed": "2026-03-02T07:01:00.000Z",
        "time_error_s": 1,
        "values": SAID,
    } | more


def records_with(
    kind: int = READING, number: int = AIR_FULL, values: tuple[int | None, ...] = AIR, seq: int = 5
) -> Any:
    breaches = Breaches()
    records = Records(START_S, breaches, due_us=3_600_000_000)
    records.meet("node", EUI)
    records.keep("node", 7, seq, kind, number, values, 60_000_000)
    return records, breaches.first


def test_a_reading_as_it_was_sensed_arrives():
    records, broken = records_with()
    arrival = records.arrive(message(), 61_000_000)
    assert (arrival.node, arrival.taken_us, arrival.whole, arrival.error_us) == ("node", 60_000_000, True, 0)
    assert (records.taken, records.arrived, records.missing(), broken) == ([1, 0], [1, 0], [], {})
    assert (records.due, records.due_arrived, records.due_soon) == (1, 1, 1)


@pytest.mark.parametrize(
    "lie",
    [
        {"values": SAID | {"co2": 432}},
        {"values": {name: SAID[name] for name in SAID if name != "pressure"}},
        {"values": SAID | {"temperature": 214}},
        {"values": SAID | {"no2": 1.0}},
        {"key": {"dev_eui": EUI.hex(), "epoch": 7, "seq": 6}},
        {"key": {"dev_eui": EUI.hex(), "epoch": 8, "seq": 5}},
        {"key": {"dev_eui": "02000000000000ab", "epoch": 7, "seq": 5}},
        {"instance": 1},
        {"observed": "2026-03-03T07:01:00.000Z"},
        {"observed": "2026-03-02T07:01:01.001Z"},
        {"observed": "2026-03-02T07:00:58.999Z"},
    ],
)
def test_a_lie_breaks_the_truth(lie):
    records, broken = records_with()
    records.arrive(message(**lie), 61_000_000)
    assert set(broken) == {NOTHING_INVENTED}
    assert "day 0 00:01:01.000000" in broken[NOTHING_INVENTED]


def test_an_error_that_is_admitted_is_none():
    records, broken = records_with()
    arrival = records.arrive(message(observed="2026-03-02T07:01:30.000Z", time_error_s=30), 61_000_000)
    assert (broken, arrival.error_us) == ({}, 0)  # it was not dated directly


def test_without_a_date_it_is_counted_and_not_wrong():
    records, broken = records_with()
    records.arrive(message(observed=None, time_error_s=None), 61_000_000)
    assert (records.undated, broken) == (1, {})


def test_a_clock_that_is_known_to_be_wrong_excuses_as_much():
    for wrong_us, held in ((29_000_000, False), (30_000_000, True)):
        records, broken = records_with()
        records.clock_off(50_000_000, 70_000_000, wrong_us)
        records.arrive(message(observed="2026-03-02T07:01:31.000Z"), 61_000_000)
        assert (broken == {}) == held


def test_a_second_time_breaks_the_truth_unless_an_acknowledgement_was_in_doubt():
    records, broken = records_with()
    records.arrive(message(), 61_000_000)
    records.doubt(62_000_000)
    assert records.arrive(message(), 63_000_000) is None
    assert (records.repeats, broken) == (1, {})
    records, broken = records_with()
    records.doubt(60_500_000)
    records.arrive(message(), 61_000_000)
    records.arrive(message(), 63_000_000)
    assert set(broken) == {PUBLISHED_ONCE}


def test_a_second_time_under_the_same_key_it_must_say_the_same():
    records, broken = records_with()
    records.arrive(message(), 61_000_000)
    records.doubt(62_000_000)
    records.arrive(message(values=SAID | {"co2": 500}), 63_000_000)
    assert set(broken) == {PUBLISHED_ONCE}


def test_a_node_of_two_bays_tells_a_reading_in_two_messages():
    values = (1, 7, 312, 0, 45, 14, 85, 361)
    records, broken = records_with(READING, PARKING_TWO_BAYS, values)
    assert instances_of(READING, PARKING_TWO_BAYS, values) == (0, 1)
    first = records.arrive(message(values=expected(READING, PARKING_TWO_BAYS, values, 0)), 61_000_000)
    assert (first.whole, records.arrived) == (False, [0, 0])
    second = message(instance=1, values=expected(READING, PARKING_TWO_BAYS, values, 1))
    assert records.arrive(second, 61_000_000).whole
    assert (records.arrived, broken) == ([1, 0], {})


def test_an_event_is_told_by_name_with_its_instance_apart():
    records, broken = records_with(EVENT, BAY_TAKEN, (1, 77))
    event = message(kind="event", instance=1, event="bay_taken", details={"free_s": 77})
    arrival = records.arrive({name: event[name] for name in event if name != "values"}, 61_000_000)
    assert (arrival.bay, arrival.said, broken) == (True, {"event": "bay_taken", "free_s": 77}, {})


def test_what_is_told_rarely_is_told_with_its_keys():
    temperature_of_1 = 5 | 1 << 8
    values = (5, temperature_of_1, 214, None)
    assert instances_of(READING, RARE, values) == (0, 1)
    assert expected(READING, RARE, values, 0) == {"temperature": 21.4}
    assert expected(READING, RARE, values, 1) == {"temperature": None}


def test_void_numbers_are_no_record():
    records, _ = records_with(EVENT, VOID, (64,))
    assert (records.taken, records.missing()) == ([0, 0], [])


def test_the_hour_counts_from_when_the_radio_let_something_through():
    for heard_s, soon in ((60, 0), (5000, 1)):
        records, _ = records_with()
        records.heard("node", heard_s * 1_000_000)
        records.heard("node", 8_000_000_000)
        records.arrive(message(), 5100 * 1_000_000)
        assert (records.due_arrived, records.due_soon) == (1, soon)
