"""How long a node lasts: the demand made of a parking node, and the way each figure must lean."""

from dataclasses import replace

import pytest

from protocol.region import frame_airtime_us
from simulator.energy.currents import BOARDS, LISOCL2_D, board_named
from simulator.energy.endurance import WATCHES, air, panel, parking, watched
from simulator.energy.ledger import State

S3 = board_named("heltec-v3")
POLLED, THRESHOLD = WATCHES


def test_a_parking_node_lasts_four_years_at_sf9():
    assert S3.light_ua == 240  # an ESP32-S3
    assert LISOCL2_D.capacity_mah == 19_000
    assert LISOCL2_D.years(parking(S3, 3, 3600).mean_ua) >= 4


def test_the_bay_says_what_was_agreed():
    """Twelve changes told three times, 24 readings and a status are 61 frames a day."""
    sent_us = parking(S3, 3, 3600).ledger.uas(State.TRANSMIT) * 1e6 / S3.radio.transmit_ua(14)
    event_us, most_us = frame_airtime_us(3, 13 + 14), frame_airtime_us(3, 13 + 51)
    assert 36 * frame_airtime_us(3, 13 + 8) + 25 * frame_airtime_us(3, 13 + 22) < sent_us < 36 * event_us + 25 * most_us


def test_faster_and_rarer_frames_make_a_longer_life():
    means = [parking(S3, dr, 3600).mean_ua for dr in range(6)]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) == 6
    assert parking(S3, 3, 900).mean_ua > parking(S3, 3, 3600).mean_ua
    assert air(S3, 3, 900).mean_ua > air(S3, 3, 3600).mean_ua


def test_the_break_even_of_the_board_chooses_how_the_field_is_watched():
    chosen = parking(S3, 3, 3600)
    assert chosen.watch == THRESHOLD.name
    assert chosen.ledger.uas(State.BOOT) >= 460 * S3.boot_uas
    assert chosen.ledger.uas(State.LIGHT_SLEEP) >= 460 * 3 * (240 + 8)  # three seconds of samples
    assert chosen.ledger.uas(State.AWAKE) >= 460 * 6 * (S3.active_ua + 8) * 5 // 1000
    assert chosen.mean_ua < watched(S3, 3, 3600, POLLED).mean_ua
    assert watched(S3, 3, 3600, POLLED).ledger.uas(State.BOOT) == 0
    slow = replace(S3, boot_uas=60_000)  # 258 s: nothing wakes it so rarely
    for watch in WATCHES:
        assert watched(slow, 3, 3600, watch).ledger.uas(State.BOOT) == 0


def test_an_air_node_is_no_matter_for_cells():
    """Its fan runs 34 s of each 900: by hand 3.8 mA of 100, and 3.4 mA for the other sensors."""
    duty = air(S3, 3, 900)
    assert duty.ledger.uas(State.SENSORS) / 86_400 == pytest.approx(99_800 * 34 / 900 + 3_405, rel=0.01)
    assert LISOCL2_D.years(duty.mean_ua) < 0.5


def test_a_panel_is_reckoned_from_the_day():
    # 10 mA at 5 V are 1.2 Wh a day; 0.56 hours of them; five days of battery
    assert (panel(10_000).watts, panel(10_000).battery_wh) == (2.1, 6.0)


def test_boards_go_by_their_names():
    assert [board_named(board.name) for board in BOARDS] == list(BOARDS)
    with pytest.raises(ValueError, match=r"no board is called 'esp8266'; expected one of heltec-v3, esp32-rfm95"):
        board_named("esp8266")
