"""Adaptive data rate: faster and quieter as the link allows, and no quarrel with a device that refuses.

The margins are ChirpStack's and The Things Network's: steps of 3 dB of what is above the required SNR and 10 dB.
"""

import pytest

from gateway.network.adr import HISTORY, Adr
from gateway.network.events import Commit
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.mac_commands import encode_command, parse_commands
from tests.fakes.devices import Device
from tests.fakes.stations import Station

LINK_ADR = 0x03


def after(adr, dr, snr_db, uplinks=HISTORY, first=0, step=1, min_dr=0):
    """The wish after so many uplinks, of which the best has this SNR."""
    for number in range(uplinks):
        adr.heard(first + number * step, dr, snr_db if number == 7 else snr_db - 9, min_dr, 10)
    return adr.wish


@pytest.mark.parametrize(
    ("dr", "snr_db", "wish"),
    [
        (0, -20.0, None),  # nothing to give, nothing to take
        (0, -7.1, None),  # 12.9 dB above: 2.9 over the margin
        (0, -7.0, (1, 0, 1)),
        (0, 5.0, (5, 0, 1)),  # 15 dB over: five steps
        (0, 8.0, (5, 1, 1)),
        (5, 5.5, (5, 1, 1)),
        (5, 30.0, (5, 7, 1)),  # no more than the last power
        (3, -30.0, None),  # slower is the device's own decision
    ],
)
def test_the_margin_decides_first_the_data_rate_then_the_power(dr, snr_db, wish):
    assert after(Adr(5), dr, snr_db) == wish


def test_it_needs_twenty_uplinks_at_one_data_rate():
    adr = Adr(5)
    assert after(adr, 0, 5.0, HISTORY - 1) is None
    assert after(adr, 1, 5.0, HISTORY - 1, HISTORY) is None
    assert after(adr, 1, 5.0, 1, 2 * HISTORY - 1) is not None


def test_power_goes_up_again_when_the_margin_is_gone():
    adr = Adr(5)
    after(adr, 5, 14.5)
    assert adr.wish == (5, 4, 1)
    adr.answered(1, 1, 1)
    assert after(adr, 5, 2.6, first=20) is None
    assert after(adr, 5, -4.0, first=40) == (5, 2, 1)


def test_uplinks_from_before_a_change_of_power_say_nothing_of_it():
    adr = Adr(5)
    after(adr, 5, 14.5)
    adr.heard(20, 5, 14.5, 0, 10)
    adr.answered(1, 1, 1)
    assert after(adr, 5, 6.5, first=21) == (5, 5, 1)


def test_nb_trans_follows_the_loss_and_an_outage_is_none():
    adr = Adr(5)
    after(adr, 5, 0.0, step=2)
    assert adr.wish == (5, 0, 3)  # half of all frames lost
    adr.answered(1, 1, 1)
    assert after(adr, 5, 0.0, first=2 * HISTORY) == (5, 0, 2)  # none lost now: ChirpStack's table goes down by one
    adr = Adr(5)
    after(adr, 5, 0.0)
    assert after(adr, 5, 0.0, first=1000) is None


def test_a_little_loss_adds_a_transmission_only_to_those_that_have_two():
    adr = Adr(5)
    for number in range(HISTORY):
        adr.heard(number + (number > 10), 5, 0.0, 0, 10)
    assert adr.wish is None  # 1 of 21 lost: below 5 %
    adr = Adr(5)
    for number in range(HISTORY):
        adr.heard(number + 2 * (number > 10), 5, 0.0, 0, 10)
    assert adr.wish is None  # 2 of 22: 9 %, and one transmission is still enough
    adr = Adr(5)
    for number in range(HISTORY):
        adr.heard(number + 4 * (number > 10), 5, 0.0, 0, 10)
    assert adr.wish == (5, 0, 2)  # 4 of 24: 16 %


def test_a_request_without_answer_goes_again_ever_more_rarely():
    adr = Adr(5)
    after(adr, 0, 5.0)
    sent = []
    for f_cnt in range(20, 400):
        if adr.due(f_cnt) is not None:
            sent.append(f_cnt)
            adr.asked(f_cnt)
    assert sent == [20, 24, 32, 48, 80, 144, 272]


def test_what_was_refused_is_not_asked_for_again_and_nothing_else_for_a_while():
    adr = Adr(5)
    assert after(adr, 0, 30.0) == (5, 7, 1)
    adr.answered(0, 1, 1)  # no such low power
    assert after(adr, 0, 30.0, first=100) is None
    assert after(adr, 0, 30.0, first=200) == (5, 6, 1)
    adr.answered(1, 0, 1)
    for history in range(2):
        assert after(adr, 0, 30.0, first=1000 * (history + 1)) is None
    assert after(adr, 0, 30.0, first=5000) == (4, 6, 1)
    adr.answered(1, 1, 1)
    assert adr.tx_power == 6
    adr.answered(1, 1, 1)  # said again


def test_a_device_that_backed_off_is_at_full_power_again():
    adr = Adr(5)
    after(adr, 5, 14.5)
    adr.answered(1, 1, 1)
    assert adr.tx_power == 4
    assert after(adr, 4, -30.0, first=100) is None
    assert adr.tx_power == 0


# With a server around it.


def live(station, device, uplinks, first=0, **fields):
    """So many uplinks; the LinkADRReqs they were answered with."""
    asked = []
    for f_cnt in range(first, first + uplinks):
        sent = len(station.transmits)
        station.hear(device.frame(f_cnt, adr=True), **fields)
        station.run(10_000)
        for transmit in station.transmits[sent:]:
            asked += parse_commands(device.hear(transmit.phy_payload)[0].f_opts, 1)
    return asked


def test_a_device_that_is_heard_well_is_told_to_be_fast_on_eight_channels():
    device = Device(1)
    station = Station([device.registration()])
    assert live(station, device, 20, dr=0, snr_db=8.0) == [(LINK_ADR, (5, 1, 0xFF, 0, 1))]
    station.hear(device.frame(20, f_opts=encode_command(UPLINK, LINK_ADR, 1, 1, 1), adr=True), dr=5, snr_db=2.0)
    assert live(station, device, 40, 21, dr=5, snr_db=4.0) == []


def test_it_never_goes_below_what_the_technician_allowed():
    device = Device(1, min_dr=3)
    station = Station([device.registration()])
    assert live(station, device, 20, dr=2, snr_db=-30.0) == [(LINK_ADR, (3, 0, 0xFF, 0, 1))]


@pytest.mark.parametrize("kind", ["single-channel", "no ADR bit", "cable"])
def test_data_rates_are_left_alone_where_nobody_asked(kind):
    device = Device(1, plan=1 if kind == "single-channel" else 0)
    station = Station([device.registration()])
    cable = {"freq_hz": 0, "counter_us": None, "snr_db": None} if kind == "cable" else {"snr_db": 20.0}
    for f_cnt in range(60):
        station.hear(device.frame(f_cnt, adr=kind != "no ADR bit"), dr=3, **cable)
    assert station.transmits == []
    assert len(station.of(Commit)) == 60
