"""Wrong MICs are counted per address, an alarm rings, and too many are not looked at any more."""

from gateway.network.events import Reason
from gateway.network.suspicion import ALARM_AT, GUESSES, MAX_ADDRESSES, REFILL_MS, Suspicion
from tests.fakes.devices import Device
from tests.fakes.stations import Station


def test_a_hundred_in_an_hour_ring_once_and_again_in_the_next_hour():
    suspicion = Suspicion()
    rang = [number for number in range(350) if suspicion.wrong(7, number * 20_000)]
    # An hour holds 180 of one each 20 s, so the count begins again with the 181st.
    assert rang == [ALARM_AT - 1, 180 + ALARM_AT - 1]


def test_guesses_run_out_and_come_back_slowly():
    suspicion = Suspicion()
    for _ in range(GUESSES):
        assert not suspicion.too_many(7, 0)
        suspicion.wrong(7, 0)
    assert suspicion.too_many(7, REFILL_MS - 1)
    assert not suspicion.too_many(8, 0)
    assert not suspicion.too_many(7, REFILL_MS)
    suspicion.wrong(7, REFILL_MS)
    assert suspicion.too_many(7, REFILL_MS)
    assert not suspicion.too_many(7, 3 * REFILL_MS)


def test_a_long_rest_gives_no_more_than_a_full_bucket():
    suspicion = Suspicion()
    suspicion.wrong(7, 0)
    for _ in range(GUESSES):
        assert not suspicion.too_many(7, 10**9)
        suspicion.wrong(7, 10**9)
    assert suspicion.too_many(7, 10**9)


def test_the_table_is_bounded_and_forgets_the_least_recent():
    suspicion = Suspicion()
    for _ in range(GUESSES):
        suspicion.wrong(b"first", 0)
    for address in range(MAX_ADDRESSES - 1):
        suspicion.wrong(address, 0)
    assert suspicion.too_many(b"first", 0)
    suspicion.wrong(10**6, 0)
    assert not suspicion.too_many(b"first", 0)


def test_a_forger_is_shut_out_while_others_are_heard():
    device, other = Device(1), Device(2)
    station = Station([device.registration(), other.registration()])
    for number in range(130):
        station.hear(device.frame(number)[:-4] + b"mic!")
    reasons = [refused.reason for refused in station.refusals]
    assert reasons[:GUESSES] == [Reason.WRONG_MIC] * GUESSES
    assert reasons[-1] is Reason.TOO_MANY_WRONG_MICS
    [alarm] = station.alarms
    assert (alarm.name, alarm.dev_eui) == ("wrong_mics", device.dev_eui)
    assert "26000001" in alarm.detail
    station.hear(other.frame(0))
    assert len(station.accepted) == 1
    station.run(REFILL_MS)
    station.hear(device.frame(0))
    assert len(station.accepted) == 2
