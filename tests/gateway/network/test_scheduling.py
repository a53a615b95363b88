"""Which radio may send when: its timetable, and an exact ledger of its hour in each sub-band of EN 300 220-2."""

import random

import pytest

from gateway.links.link import Outcome
from gateway.network.scheduling import MAX_RADIOS, Radios, Turn, Window
from gateway.network.settings import NetworkSettings
from protocol.region import SUB_BANDS, frame_airtime_us
from tests.fakes.devices import heard

HOUR_MS = 3_600_000
RADIO = "udp:01"


def radios_with(*names):
    radios = Radios(NetworkSettings())
    for name in names or (RADIO,):
        radios.heard(name)
    return radios


def window(start_ms=None, freq_hz=869_525_000, dr=3, radio=RADIO):
    return Window(radio, start_ms, None if start_ms is None else 0, freq_hz, dr)


def test_the_windows_of_an_uplink_are_rx1_and_rx2_of_the_best_radios():
    copies = [(heard(b"", radio=f"udp:{n}", counter_us=1000 * n, freq_hz=868_300_000), 50 + n) for n in range(6)]
    turn = Turn(copies, 5, 2, 3)
    found = [(w.radio, w.start_ms, w.counter_us, w.freq_hz, w.dr) for w in turn.windows()]
    assert found[:3] == [
        ("udp:0", 5_050, 5_000_000, 868_300_000, 2),
        ("udp:0", 6_050, 6_000_000, 869_525_000, 3),
        ("udp:1", 5_051, 5_001_000, 868_300_000, 2),
    ]
    assert len(found) == 8
    assert turn.closes_ms == 6_050


def test_a_radio_without_a_counter_has_no_windows():
    assert Turn([(heard(b"", counter_us=None), 0)], 5, 5, 3).windows() == []


@pytest.mark.parametrize("dr", range(8))
@pytest.mark.parametrize("freq_hz", [864_000_000, 867_100_000, 868_300_000, 868_950_000, 869_525_000, 869_850_000])
def test_no_hour_ever_holds_more_than_the_sub_band_allows(freq_hz, dr):
    """Whenever there was room for one more, it was used: the sum of every hour is just below the limit."""
    radios = radios_with()
    [band] = [band for band in SUB_BANDS if band.low_hz < freq_hz < band.high_hz]
    dice = random.Random(f"{freq_hz} {dr}")
    sent, now_ms = [], 0
    while now_ms < 3 * HOUR_MS:
        phy_len = dice.randrange(12, 60)
        booking = radios.book(window(None, freq_hz, dr), phy_len, now_ms)
        if booking is not None:
            radios.kept(radios.to_keep(now_ms)[0])
            sent.append((now_ms, now_ms + frame_airtime_us(dr, phy_len, False) / 1000))
        now_ms += dice.randrange(1, 20_000)
    assert sent
    sums = [sum(end - start for start, end in sent if until - HOUR_MS < start and end <= until) for _, until in sent]
    assert max(sums) <= band.airtime_ms_per_hour


@pytest.mark.parametrize(("freq_hz", "erp_dbm"), [(868_100_000, 14), (869_525_000, 27), (867_900_000, 14)])
def test_power_is_what_the_sub_band_and_the_operator_allow(freq_hz, erp_dbm):
    assert radios_with().book(window(None, freq_hz), 20, 0).power_dbm == erp_dbm
    modest = Radios(NetworkSettings(max_erp_dbm=10))
    modest.heard(RADIO)
    assert modest.book(window(None, freq_hz), 20, 0).power_dbm == 10


def test_one_radio_sends_one_frame_at_a_time_and_two_radios_two():
    radios = radios_with(RADIO, "udp:02")
    first = radios.book(window(5_000), 50, 0)
    assert radios.book(window(first.end_ms - 1), 50, 0) is None
    assert radios.book(window(5_000 - 100), 50, 0) is None
    assert radios.book(window(5_000, radio="udp:02"), 50, 0) is not None
    assert radios.book(window(first.end_ms + 11), 50, 0) is not None
    assert radios.book(window(4_000), 50, 0) is not None


def test_what_was_refused_gives_back_its_place_and_its_airtime():
    radios = radios_with()
    for _ in range(100_000):
        booking = radios.book(window(5_000, 868_100_000, 0), 60, 0)
        assert booking is not None
        radios.refused(RADIO, booking, Outcome.COLLISION)
    assert radios.book(window(5_000, 868_100_000, 0), 60, 0) is not None


def test_too_late_is_before_what_handing_over_takes():
    radios = radios_with()
    assert radios.book(window(1_059), 20, 1_000) is None
    assert radios.book(window(1_060), 20, 1_000) is not None


def lead_ms(radios, now_ms):
    """How long before its start a transmission must be handed over."""
    return next(lead for lead in range(4_000) if radios.book(window(now_ms + lead), 20, now_ms) is not None)


def answer(radios, took_ms, outcome=Outcome.SENT, at_ms=0, start_ms=5_000):
    booking = radios.book(window(at_ms + start_ms), 20, at_ms)
    radios.answered(RADIO, booking, outcome, at_ms + took_ms)
    radios.refused(RADIO, booking, Outcome.COLLISION)


@pytest.mark.parametrize("outcome", [Outcome.SENT, Outcome.TOO_LATE])
def test_too_late_is_also_what_the_way_to_the_radio_and_back_takes(outcome):
    radios = radios_with()
    answer(radios, 1_400, outcome)
    assert lead_ms(radios, 2_000) == 60 + 1_400


def test_a_radio_that_refuses_after_the_window_tells_how_far_it_is():
    radios = radios_with()
    answer(radios, 900, Outcome.TOO_LATE, start_ms=100)
    assert lead_ms(radios, 2_000) == 60 + 900


@pytest.mark.parametrize(
    ("took_ms", "outcome"),
    [(5_001, Outcome.SENT), (2_000, Outcome.NO_ANSWER), (0, Outcome.LINK_DOWN)],
    ids=["told once it was on the air", "nobody said anything", "the link did"],
)
def test_what_is_no_answer_to_the_request_tells_nothing_of_the_way(took_ms, outcome):
    radios = radios_with()
    answer(radios, took_ms, outcome)
    assert lead_ms(radios, 10_000) == 60


def test_a_way_that_became_longer_is_believed_at_once_and_a_shorter_one_by_and_by():
    radios = radios_with()
    answer(radios, 100)
    answer(radios, 900, at_ms=10_000)
    assert lead_ms(radios, 20_000) == 60 + 900
    answer(radios, 100, at_ms=30_000)
    assert lead_ms(radios, 40_000) == 60 + 800
    for turn in range(100):
        answer(radios, 100, at_ms=50_000 + turn)
    assert lead_ms(radios, 60_000) == 60 + 100


def test_a_way_is_forgotten_in_time_and_never_longer_than_an_answer_takes():
    radios = radios_with()
    answer(radios, 60_000, Outcome.COLLISION)
    assert lead_ms(radios, 60_000 + 599_999) == 60 + 2_000
    assert lead_ms(radios, 60_000 + 600_000) == 60


def test_nothing_goes_by_a_radio_that_is_away_or_unknown():
    radios = radios_with()
    assert radios.book(window(None, radio="udp:99"), 20, 0) is None
    booking = radios.book(window(), 20, 0)
    radios.refused(RADIO, booking, Outcome.LINK_DOWN)
    assert not radios.is_online(RADIO)
    assert radios.book(window(), 20, 0) is None
    assert radios.heard(RADIO), "it came back"
    assert not radios.heard(RADIO)
    assert radios.book(window(), 20, 10_000) is not None
    radios.heard(RADIO, False)
    assert radios.online() == []


@pytest.mark.parametrize("freq_hz", [868_650_000, 869_300_000, 433_000_000])
def test_frequencies_outside_the_band_are_never_sent_on(freq_hz):
    assert radios_with().book(window(None, freq_hz), 20, 0) is None


def test_cables_have_no_hour_and_are_not_among_the_radios_that_reach_everybody():
    radios = radios_with("cable:02")
    for _ in range(10_000):
        assert radios.book(Window("cable:02", None, None, 0, 5), 235, 0) is not None
    assert radios.online() == []


def test_tables_are_bounded():
    radios = Radios(NetworkSettings())
    for number in range(MAX_RADIOS + 10):
        radios.heard(f"udp:{number}")
    assert len(radios.online()) == MAX_RADIOS
    for number in range(3 * MAX_RADIOS):
        radios.book(window(None, 400_000_000 + number, radio="udp:1"), 20, 0)
    assert len(radios._bands) <= MAX_RADIOS
