"""The map of the page: metres to scale, roles by shape, and trouble that is seen without colour."""

from xml.etree import ElementTree as ET

import pytest

from simulator.report.report import NodeFigures
from simulator.report.svg import WIDTH
from simulator.report.town import SILENT, class_of, town_map
from tests.simulator.report.days import made_report


def node(due: int = 1000, due_delivered: int = 1000, **changes) -> NodeFigures:
    values = {
        "name": "n",
        "role": "air",
        "zone": "",
        "x_m": 0.0,
        "y_m": 0.0,
        "sent": 0,
        "received": 0,
        "taken": due,
        "delivered": due_delivered,
        "due": due,
        "due_delivered": due_delivered,
        "sf": 7,
        "years": None,
    }
    return NodeFigures(**(values | changes))


def drawn(*nodes: NodeFigures) -> ET.Element:
    report = made_report()
    report.spots, report.gateways, report.streets = list(nodes), [], []
    return ET.fromstring(town_map(report, "map-title"))


@pytest.mark.parametrize(
    ("due", "delivered", "number"),
    [(1000, 1000, 0), (1000, 999, 0), (1000, 998, 1), (1000, 980, 2), (10, 8, 3), (0, 0, SILENT)],
)
def test_a_node_is_as_good_as_what_arrived_of_it(due, delivered, number):
    assert class_of(node(due, delivered)) == number


def test_distances_are_to_scale_and_north_is_above():
    svg = drawn(node(x_m=-300), node(x_m=100), node(x_m=-300, y_m=200))
    places = [(float(each.get("cx")), float(each.get("cy"))) for each in svg.iter("circle")]
    (left, south), (right, _), (_, north) = places
    assert right - left == pytest.approx(2 * (south - north), abs=0.3)
    assert 0 < left < right < WIDTH


@pytest.mark.parametrize(
    ("role", "tag"), [("air", "circle"), ("parking", "rect"), ("light", "polygon"), ("bridge", "polygon")]
)
def test_a_role_has_its_shape(role, tag):
    [shape] = [each for each in drawn(node(role=role)).iter(tag) if "node" in each.get("class", "")]
    assert shape.get("class") == "node k0"


def test_who_lost_something_is_larger_and_drawn_last():
    circles = list(drawn(node(1000, 10), node(x_m=9)).iter("circle"))
    assert [each.get("class") for each in circles] == ["node k0", "node k3"]
    assert float(circles[1].get("r")) > 1.4 * float(circles[0].get("r"))


def test_a_few_nodes_say_who_they_are_and_thousands_do_not():
    assert drawn(node(10, 9, name="air <1>")).find(".//title").text == "air <1>: 9/10"
    assert drawn(*[node(x_m=float(number)) for number in range(2000)]).find(".//title") is None


def test_one_node_alone_has_a_map():
    assert len(list(drawn(node()).iter("circle"))) == 1


def test_the_ruler_is_a_round_number_of_metres_as_long_as_it_says():
    svg = drawn(node(x_m=0), node(x_m=1000))
    left, right = [float(each.get("cx")) for each in svg.iter("circle")]
    [ruler] = [each for each in svg.iter("line") if each.get("class") == "axis"]
    assert [each.text for each in svg.iter("text")] == ["500 m"]
    assert float(ruler.get("x2")) - float(ruler.get("x1")) == pytest.approx((right - left) / 2, abs=0.2)
