"""The hour of EN 300 220 goes over every restart: never more than it allows, and silent no longer than it must be."""

import random

import pytest

from gateway.network.airtime import NOTHING, Sent, allowed_us, from_text, to_text, unkept_us
from gateway.network.scheduling import Radios, Window
from gateway.network.settings import NetworkSettings
from gateway.store.writes import KeepAirtime
from protocol.region import SUB_BANDS, frame_airtime_us
from tests.fakes.devices import Device
from tests.fakes.stations import Station

HOUR_MS = 3_600_000
RADIO = "udp:01"
FREQS = {"L": 867_100_000, "M": 868_300_000, "P": 869_525_000}
BANDS = {band.name: band for band in SUB_BANDS}


def test_what_is_kept_is_by_sub_band_and_five_minutes_and_never_older_than_it_was():
    sent = [Sent("M", 1_000_000, 500), Sent("P", 1_299_000, 7), Sent("M", 1_300_001, 20), Sent("M", 1_500_000, 3)]
    text = to_text(sent, 1_400_000, ended=True)
    assert text == '{"M":[[300,500],[0,23]],"P":[[0,7]]}'
    assert from_text(text, 9_000_000) == [
        Sent("M", 9_000_000 - 300_000, 500),
        Sent("M", 9_000_000, 23),
        Sent("P", 9_000_000, 7),
    ]
    assert to_text([], 5, ended=True) == NOTHING


def test_while_it_goes_on_what_may_be_sent_before_the_next_time_is_added():
    kept = {one.band: one.airtime_us for one in from_text(to_text([], 0, ended=False), 0)}
    assert kept == {"K": 3_000_000, "L": 3_000_000, "M": 3_000_000, "N": 3_000_000, "P": 30_000_000, "Q": 3_000_000}


def test_of_a_damaged_row_nothing_is_believed_but_that_all_was_used():
    radios = Radios(NetworkSettings(), {RADIO: None}, 0)
    radios.heard(RADIO)
    assert all(radios.book(Window(RADIO, None, None, freq_hz, 5), 12, HOUR_MS) is None for freq_hz in FREQS.values())
    assert radios.book(Window(RADIO, None, None, FREQS["M"], 5), 12, HOUR_MS + 2_001) is not None


@pytest.mark.parametrize("band", FREQS)
def test_no_hour_holds_more_than_is_allowed_whenever_the_power_goes(band):
    """A radio that sends whenever it may; commits take their time, and power cuts come before, between and after."""
    dice = random.Random(f"airtime/{band}")
    on_air: list[tuple[int, int]] = []
    disk: dict[str, str] = {}
    now_ms = started_ms = 0
    cuts = ends = 0
    while now_ms < 12 * HOUR_MS:
        # The clock of a new boot begins anew; here it only never goes on while the gateway is away.
        radios = Radios(NetworkSettings(), disk, now_ms - started_ms)
        radios.heard(RADIO)
        life_ms = dice.randrange(HOUR_MS // 2)
        owed = None
        due_ms = until_ms = 0
        until_ms = now_ms + life_ms
        while now_ms < until_ms:
            clock_ms = now_ms - started_ms
            if owed is not None and now_ms >= due_ms:
                disk.update({write.radio: write.sent for write in owed[1]})
                radios.kept(owed[0])
                owed = None
            dr, length = dice.randrange(3, 6), dice.randrange(12, 60)
            if radios.book(Window(RADIO, None, None, FREQS[band], dr), length, clock_ms) is not None:
                on_air.append((now_ms, frame_airtime_us(dr, length, False)))
            if owed is None and radios.owes:
                owed = radios.to_keep(clock_ms)
                due_ms = now_ms + dice.randrange(4_000)
            now_ms += dice.randrange(1, 3_000)
        if dice.random() < 0.3:
            disk.update({write.radio: write.sent for write in radios.at_the_end(now_ms - started_ms)})
            ends += 1
        else:
            cuts += 1
        started_ms = now_ms + dice.randrange(60_000)
        now_ms = started_ms
    assert ends > 2
    assert cuts > 5
    limit_us = allowed_us(BANDS[band])
    first = spent_us = most_us = 0
    for at_ms, airtime_us in on_air:
        spent_us += airtime_us
        while on_air[first][0] <= at_ms - HOUR_MS:
            spent_us -= on_air[first][1]
            first += 1
        most_us = max(most_us, spent_us)
    assert limit_us // 3 < most_us <= limit_us


def test_while_the_disk_hangs_no_more_is_sent_than_is_kept_back_for_that():
    radios = Radios(NetworkSettings())
    radios.heard(RADIO)
    sent_us = 0
    for turn in range(1_000):
        booking = radios.book(Window(RADIO, None, None, FREQS["M"], 5), 50, turn * 1_000)
        sent_us += booking.airtime_us if booking else 0
    assert 0.9 * unkept_us(BANDS["M"]) < sent_us <= unkept_us(BANDS["M"])
    radios.kept(radios.to_keep(1_000_000)[0])
    assert not radios.owes
    assert radios.book(Window(RADIO, None, None, FREQS["M"], 5), 50, 1_000_000) is not None


@pytest.fixture(name="device")
def _device() -> Device:
    return Device(1, joins=True)


def test_an_answer_is_kept_with_a_commit_that_is_not_hurried_and_the_next_start_counts_it(device):
    station = Station([device.registration()])
    station.hear(device.join_request())
    [transmit] = station.transmits
    [commit] = [one for _, one in station.effects if getattr(one, "writes", ()) and type(one.writes[0]) is KeepAirtime]
    assert not commit.at_once
    sent_us = frame_airtime_us(5, len(transmit.phy_payload), False)
    kept = {one.band: one.airtime_us for one in from_text(station.store.airtime[RADIO], 0)}
    assert kept["M"] == sent_us + unkept_us(BANDS["M"])
    station.restart()
    [radio] = station.server._radios._radios.values()
    assert radio.spent_us["M"] == kept["M"]


def test_what_could_not_be_written_is_written_later(device):
    station = Station([device.registration()])
    station.hold = True
    station.hear(device.join_request())
    station.commit()
    assert station.transmits
    station.fail()
    assert station.server._radios.owes
    station.hold = False
    station.run(10_000)
    assert not station.server._radios.owes
    assert RADIO in station.store.airtime


def test_an_orderly_end_keeps_exactly_what_was_sent(device):
    station = Station([device.registration()])
    assert station.server.end(station.now_ms) == []
    station.hear(device.join_request())
    station._do(station.server.end(station.now_ms))
    sent_us = frame_airtime_us(5, len(station.transmits[0].phy_payload), False)
    assert from_text(station.store.airtime[RADIO], 0) == [Sent("M", 0, sent_us)]
    station.run(2 * HOUR_MS)
    station._do(station.server.end(station.now_ms))
    assert station.store.airtime[RADIO] == NOTHING
