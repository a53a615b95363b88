"""How both languages write numbers, shares, durations and times; the French as the Imprimerie nationale has it."""

from datetime import UTC

import pytest

from simulator.report.saying import Text, date, day, joined, lasting, number, percent, same, short, time_of_day, zone_of

THIN, FIRM = "\u202f", "\u00a0"
MONDAY_S = 1_772_434_800  # 2026-03-02T07:00:00Z


@pytest.mark.parametrize(
    ("value", "decimals", "english", "french"),
    [(0, 0, "0", "0"), (1234567, 0, "1,234,567", "1 234 567"), (1234.5, 1, "1,234.5", "1 234,5")],
)
def test_numbers(value, decimals, english, french):
    assert number(value, decimals) == Text(english, french.replace(" ", THIN))


@pytest.mark.parametrize(
    ("value", "english"),
    [(0, "0"), (0.001, "0.001"), (0.25, "0.25"), (2.5, "2.5"), (12.34, "12.3"), (100.6, "101"), (3.0, "3")],
)
def test_labels_have_the_digits_they_need(value, english):
    assert short(value) == Text(english, english.replace(".", ","))


@pytest.mark.parametrize(
    ("part", "whole", "english"),
    [
        (1, 2, f"50.0{THIN}%"),
        (3, 3, f"100{THIN}%"),
        (99_999, 100_000, f"> 99.99{THIN}%"),
        (9_994, 10_000, f"99.94{THIN}%"),
        (1, 1000, f"0.10{THIN}%"),
        (0, 0, "–"),
    ],
)
def test_a_share_is_never_rounded_up_to_all(part, whole, english):
    assert percent(part, whole).en == english


@pytest.mark.parametrize(
    ("seconds", "english"),
    [(0.25, "250 ms"), (2.4, "2.4 s"), (119, "119 s"), (600, "10 min"), (7200, "2 h"), (9000, "2.5 h"), (None, "–")],
)
def test_durations_have_the_unit_that_suits_them(seconds, english):
    assert lasting(seconds).en == english.replace(" ", FIRM)


def test_days_are_said():
    assert lasting(5 * 86_400) == Text(f"5{FIRM}days", f"5{FIRM}jours")


def test_times_are_local_and_as_people_write_them():
    paris = zone_of("Europe/Paris")
    assert time_of_day(MONDAY_S, paris) == Text("08:00", f"08{FIRM}h{FIRM}00")
    assert day(MONDAY_S, paris) == Text("Mon 2", "lun. 2")
    assert date(MONDAY_S, paris) == Text("2 March 2026", "2 mars 2026")
    assert date(MONDAY_S - 86_400, paris).fr == "1er mars 2026"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../secret"])
def test_an_unknown_time_zone_is_utc(name):
    assert zone_of(name) is UTC


def test_texts_are_filled_each_in_its_language():
    whole = Text("{count} lamps {state}", "{count} lampes {state}")
    filled = whole.filled(count=number(1200), state=Text("lit", "allumées"))
    assert filled == Text("1,200 lamps lit", f"1{THIN}200 lampes allumées")
    assert joined([same("a"), Text("b", "c")]) == Text("a, b", "a, c")
    assert (filled.to("en"), filled.to("fr")) == tuple(filled)
