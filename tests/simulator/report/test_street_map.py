"""The map in characters: where things stand, how they fare, and that colour is never all that tells it."""

import pytest

from simulator.report.collector import READING, RECEIVED, Collector
from simulator.report.district import District, Spot
from simulator.report.street_map import StreetMap, mark_of
from tests.simulator.report.days import HOUR_US, MODEL, district


def town(*nodes: Spot, gateways: tuple[Spot, ...] = (), streets=()) -> Collector:
    return Collector(
        District(
            name="a town",
            seed=1,
            hours=24,
            start_s=0,
            time_zone="UTC",
            model=MODEL,
            replay="",
            nodes=nodes,
            gateways=gateways,
            streets=streets,
        )
    )


def node(role: str, x_m: float = 0, y_m: float = 0) -> Spot:
    return Spot(name=f"{role} {x_m:g} {y_m:g}", role=role, x_m=x_m, y_m=y_m)


def rows(collector: Collector, width: int = 21, height: int = 6, now_us: int = 0, plain: bool = False) -> list[str]:
    drawn, _ = StreetMap(collector, width, height, "en", plain).draw(now_us)
    return [row.rstrip() for row in drawn.plain.splitlines()]


def test_north_is_above_and_east_to_the_right_and_distances_are_even():
    found = rows(town(node("air", -100, 50), node("light", 100, 50), node("parking", 0, -50)))
    assert found == ["a                   ○", "", "", "", "", "          □"]


def test_a_long_town_keeps_its_shape():
    drawn = StreetMap(town(node("air"), node("air", 1000, 100)), 40, 20, "en", False)
    assert (drawn.width, drawn.height) == (40, 2)


def test_one_spot_is_a_map():
    assert rows(town(node("air"))) == ["a"]


def test_streets_lie_beneath_what_stands_in_them():
    collector = town(node("air", 50), streets=(((0.0, 0.0), (100.0, 0.0)),))
    assert rows(collector, width=11) == ["·····a·····"]


@pytest.mark.parametrize(
    ("role", "told", "mark"),
    [
        ("air", [], "air"),
        ("parking", [("bay", 0, True)], "taken"),
        ("parking", [("bay", 0, False)], "free"),
        ("parking", [("bay", 0, True), ("bay", 1, False)], "free"),
        ("light", [("lamp", 0, 40)], "lit"),
        ("light", [("lamp", 0, 40), ("lamp", 0, 0)], "dark"),
    ],
)
def test_a_mark_tells_what_the_node_sees_or_does(role, told, mark):
    collector = town(node(role))
    [name] = collector.tallies
    for method, which, value in told:
        getattr(collector, method)(name, which, value, 0)
    assert mark_of(collector.tallies[name], 0) == mark


def test_trouble_goes_before_it():
    collector = town(node("light"))
    [(name, tally)] = collector.tallies.items()
    collector.lamp(name, 0, 100, 0)
    for _ in range(4):
        collector.took(name, READING, 0)
    assert mark_of(tally, HOUR_US) == "waiting"
    collector.uplink(name, 5, 868_100_000, 1, 0)
    assert mark_of(tally, HOUR_US) == "waiting"
    assert mark_of(tally, 2 * HOUR_US + 1) == "silent"
    collector.landed(name, RECEIVED, 2 * HOUR_US)
    assert mark_of(tally, 3 * HOUR_US) == "waiting"
    collector.power(name, False)
    assert mark_of(tally, 9 * HOUR_US) == "off"


def test_of_many_in_one_place_the_worst_is_seen_and_gateways_always():
    collector = town(node("light"), node("air"), node("parking"), node("air", 1000))
    assert rows(collector)[0][0] == "a"
    for _ in range(4):
        collector.took("light 0 0", READING, 0)
    assert rows(collector)[0][0] == "?"
    with_gateway = town(node("air"), node("air", 1000), gateways=(Spot(name="gw", role="gateway"),))
    assert rows(with_gateway)[0][0] == "▲"
    with_gateway.gateway("gw", False, 0)
    assert rows(with_gateway)[0][0] == "x"


def test_every_mark_on_the_map_is_in_its_legend_and_no_other():
    drawn = StreetMap(Collector(district()), 60, 20, "en", False)
    marks, legend = drawn.draw(0)
    shown = set(marks.plain.replace("\n", "").replace(" ", ""))
    assert shown == {"·", "○", "□", "a", "▲"}
    assert legend.plain.replace("\n", "").split("  ") == [
        "· street", "○ lamp off", "□ bay free", "a air", "▲ gateway", ""
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_legend_keeps_to_the_width(language):
    _, legend = StreetMap(Collector(district()), 30, 12, language, False).draw(0)
    assert all(len(line.rstrip()) <= 30 for line in legend.plain.splitlines())


def test_a_terminal_without_unicode_sees_letters():
    assert "".join(rows(Collector(district()), 60, 20, plain=True)).isascii()
    drawn = "".join(rows(Collector(district()), 60, 20, plain=True))
    assert {"p", "l", "a", "A"} <= set(drawn)
