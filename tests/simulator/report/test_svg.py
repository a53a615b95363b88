"""Plots: what is drawn is where the axes say it is, and labels do not run into each other."""

from datetime import UTC
from itertools import pairwise
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

from simulator.report.saying import Text, same
from simulator.report.svg import WIDTH, Bar, Clock, Line, Scale, Shade, bar_plot, nice_top, time_plot

HOUR_S = 3600
MONDAY_S = 1_772_406_000  # 2026-03-02T00:00:00 in Paris
PERCENT = Scale(title=same("%"), low=0, high=100)


def plot(
    hours: float = 24, scale: Scale = PERCENT, lines=(), shades=(), start_s: int = MONDAY_S, zone=None
) -> ET.Element:
    clock = Clock(
        start_s=start_s,
        lasts_s=hours * HOUR_S,
        bin_s=900 if hours <= 24 else 7200,
        zone=zone or ZoneInfo("Europe/Paris"),
    )
    return ET.fromstring(time_plot(clock, scale, lines, shades, "title"))


def labels(svg: ET.Element, language: str = "en") -> list[tuple[float, float, str]]:
    """x, y and words of each text of a language."""
    return [
        (float(text.get("x")), float(text.get("y")), text.text)
        for text in svg.iter("text")
        if text.get("class") in (None, language)
    ]


def x_labels(svg: ET.Element, language: str = "en") -> list[tuple[float, str]]:
    lowest = max(y for _, y, _ in labels(svg, language))
    return [(x, text) for x, y, text in labels(svg, language) if y == lowest]


def rung_at(svg: ET.Element, text: str) -> float:
    """The height of the rung with that label."""
    return next(y for _, y, label in labels(svg) if label == text) - 5


@pytest.mark.parametrize("hours", [0.5, 1, 3, 6, 24, 48, 72, 168, 720, 8784])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_hours_and_days_do_not_run_into_each_other(hours, language):
    found = x_labels(plot(hours), language)
    assert 1 <= len(found) <= 8
    width = 8.0 * max(len(text) for _, text in found)  # of 14-unit letters
    assert all(right - left >= width for (left, _), (right, _) in pairwise(found))
    assert all(width / 2 <= x <= WIDTH - width / 2 for x, _ in found)


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (24, ["00:00", "04:00", "08:00", "12:00", "16:00", "20:00", "00:00"]),
        (48, ["00:00", "12:00", "00:00", "12:00", "00:00"]),
        (72, ["Mon 2", "Tue 3", "Wed 4", "Thu 5"]),
        (168, ["Mon 2", "Wed 4", "Fri 6", "Sun 8"]),
    ],
)
def test_hours_and_days_are_local_and_round(hours, expected):
    assert [text for _, text in x_labels(plot(hours))] == expected


def test_a_run_may_begin_at_any_time_and_anywhere():
    assert [text for _, text in x_labels(plot(6, start_s=MONDAY_S + 1234, zone=UTC))][:2] == ["00:00", "01:00"]


def test_midnight_stays_midnight_when_the_clock_changes():
    """On 29 March 2026 Paris goes from 02:00 to 03:00."""
    saturday_s = MONDAY_S + 26 * 86_400
    found = x_labels(plot(120, start_s=saturday_s))
    assert [text for _, text in found] == ["Sat 28", "Sun 29", "Mon 30", "Tue 31", "Wed 1", "Thu 2"]
    gaps = [round(right - left, 1) for (left, _), (right, _) in pairwise(found)]
    assert gaps[1] < gaps[0] == gaps[2] == gaps[3] == gaps[4]


def test_a_curve_goes_through_its_values():
    values = [50.0] * 95 + [100.0]
    svg = plot(lines=[Line(label=same("a"), values=values, style=2)])
    [curve] = svg.iter("polyline")
    points = [tuple(map(float, point.split(","))) for point in curve.get("points").split()]
    assert curve.get("class") == "curve s2"
    assert len(points) == 96
    assert points[0][1] == pytest.approx(rung_at(svg, "50"), abs=0.2)
    assert points[-1][1] == pytest.approx(rung_at(svg, "100"), abs=0.2)
    midnight, _ = x_labels(svg)[0]
    assert points[0][0] == pytest.approx(midnight + (WIDTH - 58 - 28) / 96 / 2, abs=0.2)


def test_a_curve_breaks_where_nothing_is_known_and_a_lone_value_is_a_dot():
    values = [1.0, 2.0, None, 3.0, None, 4.0, 5.0] + [None] * 89
    svg = plot(lines=[Line(label=same("a"), values=values)])
    assert len(list(svg.iter("polyline"))) == 2
    assert len(list(svg.iter("circle"))) == 1


def test_a_curve_passes_over_as_many_unknown_values_as_it_may():
    values = [1.0, None, 2.0, None, None, 3.0] + [None] * 90
    svg = plot(lines=[Line(label=same("a"), values=values, band=(values, values), bridges=1)])
    [curve] = svg.iter("polyline")
    assert len(curve.get("points").split()) == 2
    assert len(list(svg.iter("circle"))) == 1
    assert [len(band.get("points").split()) for band in svg.iter("polygon")] == [4, 2]


def test_a_band_lies_between_the_least_and_the_most():
    low, high = [20.0] * 96, [80.0] * 96
    svg = plot(lines=[Line(label=same("a"), values=[50.0] * 96, band=(low, high))])
    [band] = svg.iter("polygon")
    heights = [float(point.split(",")[1]) for point in band.get("points").split()]
    full = rung_at(svg, "0") - rung_at(svg, "100")
    assert rung_at(svg, "0") - max(heights) == pytest.approx(0.2 * full, abs=0.3)
    assert rung_at(svg, "0") - min(heights) == pytest.approx(0.8 * full, abs=0.3)


def test_powers_are_even_steps():
    powers = [(1.0, same("1 s")), (10.0, same("10 s")), (100.0, same("100 s"))]
    svg = plot(scale=Scale(title=same("time"), low=1, high=100, powers=powers))
    assert rung_at(svg, "1 s") - rung_at(svg, "10 s") == pytest.approx(
        rung_at(svg, "10 s") - rung_at(svg, "100 s"), abs=0.2
    )


def test_a_shade_is_seen_however_short():
    svg = plot(shades=[Shade(from_s=6 * HOUR_S, to_s=12 * HOUR_S), Shade(from_s=20 * HOUR_S, to_s=20 * HOUR_S + 1)])
    long, short = [float(each.get("width")) for each in svg.iter("rect")]
    assert long == pytest.approx((WIDTH - 58 - 28) / 4, abs=0.2)
    assert short == 1.5


def test_bars_are_as_long_as_they_say_and_labelled_in_both_languages():
    bars = [
        Bar(label=Text("half", "moitié"), value=50, figure=same("50")),
        Bar(label=same("all"), value=100, figure=same("100"), style=1),
    ]
    svg = ET.fromstring(bar_plot(bars, Text("frames", "trames"), "title", (200, Text("limit", "limite"))))
    half, whole = [float(each.get("width")) for each in svg.iter("rect")]
    assert whole == pytest.approx(2 * half)
    [limit] = [each for each in svg.iter("line") if each.get("class") == "limit"]
    assert float(limit.get("x1")) == pytest.approx(200 + 2 * whole, abs=0.2)
    assert [text for _, _, text in labels(svg, "fr")] == ["moitié", "50", "all", "100", "limite", "trames"]


def test_bars_of_nothing_are_drawn_without_dividing_by_it():
    svg = ET.fromstring(bar_plot([Bar(label=same("a"), value=0, figure=same("0"))], same(""), "title"))
    assert len(list(svg.iter("rect"))) == 1


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.1, 2), (23, 25), (26, 50), (999, 1000)])
def test_the_top_of_an_axis_is_round(value, top):
    assert nice_top(value) == pytest.approx(top)


@pytest.mark.parametrize(("low", "high"), [(0, 100), (-10, 20), (80, 100), (0, 1), (0, 0.05), (0, 50_000)])
def test_rungs_are_few_and_round(low, high):
    svg = plot(scale=Scale(title=same("unit"), low=low, high=high))
    assert 3 <= len([line for line in svg.iter("line") if line.get("class") == "rung"]) <= 9


def test_names_cannot_break_out_of_the_drawing():
    bars = [Bar(label=same('<script>alert("x")</script>&'), value=1, figure=same("1"))]
    svg = ET.fromstring(bar_plot(bars, same(""), "title"))
    assert not list(svg.iter("script"))
