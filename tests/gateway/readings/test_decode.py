"""From rows to records: full numbers, dates and how far they may be off."""

import pytest

from gateway.readings.decode import records_of
from protocol.quantities import OCCUPIED
from protocol.telemetry_reader import Readings, Row
from tests.fakes.devices import Device

NOW_MS = 1_767_225_600_000


def rows_of(*rows: Row) -> Readings:
    return Readings(((OCCUPIED, 0), (OCCUPIED, 1)), list(rows))


def session(last_seq: int = 0):
    session = Device(1).session()
    session.last_seq = last_seq
    return session


def test_a_row_without_an_age_waits_to_be_dated():
    [record] = records_of(rows_of(Row(4, None, None, (0, 1))), session(), NOW_MS, 0)
    assert (record.observed_ms, record.time_error_s) == (None, None)
    assert record.received_ms == NOW_MS


@pytest.mark.parametrize(("age_s", "error_s"), [(0, 1), (33, 1), (34, 2), (900, 28), (86_400, 2593)])
def test_the_error_is_the_cut_to_seconds_and_three_percent_of_the_age(age_s, error_s):
    [record] = records_of(rows_of(Row(4, age_s, None, (0, 1))), session(), NOW_MS, 57)
    assert record.time_error_s == error_s
    assert record.observed_ms == NOW_MS - 57 - age_s * 1000


def test_values_keep_their_quantity_and_instance():
    [record] = records_of(rows_of(Row(4, 0, None, (1, None))), session(), NOW_MS, 0)
    assert [(measured.quantity, measured.instance, measured.value) for measured in record.measured] == [
        (OCCUPIED, 0, 1),
        (OCCUPIED, 1, None),
    ]


@pytest.mark.parametrize(
    ("last_seq", "low16", "seq"),
    [
        (0, 0, 0),
        (65_535, 0, 65_536),
        (65_536, 65_535, 65_535),
        (200_000, 200_000 & 0xFFFF, 200_000),
        (3, 65_530, 65_530),
    ],
)
def test_the_number_is_the_nearest_to_the_last(last_seq, low16, seq):
    [record] = records_of(rows_of(Row(low16, 0, None, (0, 1))), session(last_seq), NOW_MS, 0)
    assert record.seq == seq
