"""The record of a reading, and its published form, which partners read: a change here is a change for them."""

from dataclasses import FrozenInstanceError, replace

import pytest

from gateway.readings.record import Measured, Record
from protocol.quantities import BATTERY_VOLTAGE, CO2, OCCUPIED, PM2_5, TEMPERATURE

RECORD = Record(
    dev_eui=bytes.fromhex("0200000000000102"),
    epoch=0xBEEF,
    seq=70_001,
    place="corner-07",
    observed_ms=1_767_225_600_057,
    time_error_s=28,
    received_ms=1_767_226_500_999,
    measured=(
        Measured(quantity=PM2_5, instance=0, value=87),
        Measured(quantity=CO2, instance=0, value=431),
        Measured(quantity=TEMPERATURE, instance=0, value=-5),
        Measured(quantity=OCCUPIED, instance=0, value=1),
        Measured(quantity=OCCUPIED, instance=1, value=None),
        Measured(quantity=BATTERY_VOLTAGE, instance=0, value=361),
    ),
)


def test_the_published_form():
    assert RECORD.to_message() == {
        "dev_eui": "0200000000000102",
        "epoch": 48879,
        "seq": 70001,
        "place": "corner-07",
        "observed": "2026-01-01T00:00:00.057Z",
        "time_error_s": 28,
        "received": "2026-01-01T00:15:00.999Z",
        "values": {
            "pm2_5": 8.7,
            "co2": 431,
            "temperature": -0.5,
            "occupied": 1,
            "occupied.1": None,
            "battery_voltage": 3.61,
        },
    }


def test_what_has_no_date_yet_says_so():
    message = replace(RECORD, observed_ms=None, time_error_s=None, place=None).to_message()
    assert (message["observed"], message["time_error_s"], message["place"]) == (None, None, None)


def test_every_millisecond_survives():
    for ms in range(1_767_225_600_000, 1_767_225_601_000):
        assert replace(RECORD, observed_ms=ms).to_message()["observed"] == f"2026-01-01T00:00:00.{ms % 1000:03}Z"


def test_its_key_is_device_epoch_and_number_and_nothing_else():
    assert RECORD.key == (RECORD.dev_eui, 0xBEEF, 70_001)
    repeated = replace(RECORD, received_ms=0, observed_ms=None, time_error_s=None, place="elsewhere", measured=())
    assert repeated.key == RECORD.key
    for other in (replace(RECORD, epoch=1), replace(RECORD, seq=4_465), replace(RECORD, dev_eui=bytes(8))):
        assert other.key != RECORD.key


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        RECORD.seq = 1
