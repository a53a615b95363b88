"""Times as files write them; the expected Unix times were reckoned with GNU date."""

import pytest

from simulator.stimuli.replay.moments import Moments


@pytest.mark.parametrize(
    ("text", "time_format", "zone", "expected"),
    [
        ("2004-03-10T18:00", "iso", "UTC", 1_078_941_600),
        ("2004-03-10T18:00:00Z", "iso", "Europe/Paris", 1_078_941_600),
        ("2004-03-10T18:00:00+01:00", "iso", "UTC", 1_078_938_000),
        ("2004-03-10 18:00", "iso", "Europe/Paris", 1_078_938_000),
        ("20040310T180000Z", "iso", "UTC", 1_078_941_600),
        ("2004-07-10T18:00", "iso", "Europe/Paris", 1_089_475_200),
        ("10/03/2004 18.00.00", "%d/%m/%Y %H.%M.%S", "Etc/GMT-1", 1_078_938_000),
        ("10 mars 2004".replace("mars", "Mar"), "%d %b %Y", "UTC", 1_078_876_800),
        ("2004-03-10 18:00:00 -0500", "%Y-%m-%d %H:%M:%S %z", "Europe/Paris", 1_078_959_600),
        ("1078941600", "unix", "UTC", 1_078_941_600),
        ("1078941600.75", "unix", "UTC", 1_078_941_600),
        ("1078941600123", "unix", "Europe/Paris", 1_078_941_600),
        ("1969-12-31T23:59:59", "iso", "UTC", -1),
    ],
)
def test_times_are_read_in_their_format_and_zone(text, time_format, zone, expected):
    assert Moments(time_format, zone).read(text, None) == expected


def test_the_hour_that_clocks_show_twice_is_told_by_what_comes_before():
    """On 2026-10-25 in Paris 02:30 is 00:30 UTC, and 01:30 UTC again."""
    moments = Moments("iso", "Europe/Paris")
    before = None
    read = []
    for text in ("01:30", "02:00", "02:30", "02:00", "02:30", "03:00"):
        before = moments.read(f"2026-10-25T{text}", before)
        read.append(before - 1_792_886_400)  # 2026-10-25T00:00:00Z
    assert read == [-1800, 0, 1800, 3600, 5400, 7200]


def test_without_a_row_before_the_first_showing_is_meant():
    assert Moments("iso", "Europe/Paris").read("2026-10-25T02:30", None) == 1_792_886_400 + 1800


@pytest.mark.parametrize(
    ("zone", "text", "instead"),
    [
        ("Europe/Paris", "2026-03-29T02:30", "Etc/GMT-1"),
        ("America/New_York", "2026-03-08T02:00", "Etc/GMT+5"),
    ],
)
def test_an_hour_that_was_left_out_says_what_to_write(zone, text, instead):
    with pytest.raises(ValueError, match="went forward") as caught:
        Moments("iso", zone).read(text, None)
    assert str(caught.value) == (
        f"was never shown by clocks in {zone}, which went forward then; if the file keeps the same time all year, "
        f'write time_zone = "{instead}"'
    )
    Moments("iso", instead).read(text, None)


@pytest.mark.parametrize(
    ("time_format", "text", "expected"),
    [
        ("iso", "10/03/2004", "is no ISO 8601 time such as 2026-03-29T14:05:00; write time_format"),
        ("iso", "", "is no ISO 8601 time"),
        ("%d/%m/%Y", "2004-03-10", "is no time of the format %d/%m/%Y; write time_format"),
        ("%d/%m/%Y", "10/03/2004 ", "is no time of the format"),
        ("unix", "yesterday", "is no Unix time in seconds or milliseconds"),
        ("unix", "nan", "is no Unix time"),
        ("unix", "inf", "is no Unix time"),
    ],
)
def test_what_is_no_time_is_told(time_format, text, expected):
    with pytest.raises(ValueError, match=expected):
        Moments(time_format, "Europe/Paris").read(text, None)
