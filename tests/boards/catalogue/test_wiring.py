"""Wiring pages show what the node is told, nothing else, and need nothing but themselves."""

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from boards.catalogue.cli import app
from boards.catalogue.drawing import drawing
from boards.catalogue.known import boards, load
from boards.catalogue.page import LANGUAGES, wiring_page
from boards.catalogue.wiring import connected

WIRED = [
    (board, role, options)
    for board in boards()
    for role in board.roles
    for options in ((), *((option,) for option in board.options_for(role)))
]
IDS = [f"{board.id}-{role}-{''.join(options)}" for board, role, options in WIRED]
PINS = {"scl", "sda", "pin", "relay", "tx", "rx", "int"}


@pytest.mark.parametrize(("board", "role", "options"), WIRED, ids=IDS)
def test_what_a_technician_connects_is_what_the_node_reads(board, role, options):
    """From /board.json, not by way of the catalogue's types: the pins of all parts that the board has not by itself."""
    table = board.table(role, options)
    own = board.raw["node"]
    told = {
        (name, key, value)
        for name, part in table.items()
        if name not in own and name != "name"
        for key, value in part.items()
        if key in PINS
    }
    shown = {(one.part, wire.key, wire.gpio) for one in connected(board, role, options) for wire in one.wires}
    assert {(part, key, gpio) for part, key, gpio in shown if gpio is not None and key not in ("scl", "sda")} == told
    bus = {(key, gpio) for _, key, gpio in shown if key in ("scl", "sda")}
    assert bus <= {(key, table["i2c"][key]) for key in ("scl", "sda")}


@pytest.mark.parametrize(("board", "role", "options"), WIRED, ids=IDS)
def test_a_drawing_has_a_line_for_each_wire_and_no_text_outside(board, role, options):
    devices = connected(board, role, options)
    svg = ElementTree.fromstring(drawing(board, devices, "fr"))
    width, height = int(svg.get("width")), int(svg.get("height"))
    of = "{http://www.w3.org/2000/svg}"
    titles = sorted(title.text for title in svg.iter(of + "title"))
    assert titles == sorted(
        f"GPIO{wire.gpio} - {wire.terminal}" for one in devices for wire in one.wires if wire.gpio is not None
    )
    for text in svg.iter(of + "text"):
        letters = 8.5 * len(text.text)  # of 13 px, bold: on the safe side
        x = int(text.get("x"))
        left = x - letters if text.get("text-anchor") == "end" else x
        assert left >= 20
        assert left + letters <= (235 if x < 300 else width - 10), text.text
        assert 0 < int(text.get("y")) <= height


def test_two_of_a_kind_are_told_apart_by_their_address_and_their_number():
    board = load("heltec-v3")
    first, second = connected(board, "parking", ("two-bays",))
    ends = [{wire.terminal: wire.end for wire in one.wires}["SDO/SA1"] for one in (first, second)]
    assert ends == ["GND", "Ve"]  # DocID024204 table 14: 1C with it low, 1E with it high
    picture = drawing(board, (first, second), "en")
    assert ">magnetometer LIS3MDL</text>" in picture
    assert ">magnetometer LIS3MDL 2</text>" in picture


class Checker(HTMLParser):
    """Notes what a page would fetch, and whether its tags are closed."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.fetched = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta",):
            self.open.append(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_one_file_with_all_warnings_and_pins(language):
    board = load("heltec-v3")
    page = wiring_page(board, "parking", ("two-bays",), language)
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.fetched == []
    assert f'<html lang="{language}">' in page
    for warning in board.warnings_fr if language == "fr" else board.warnings:
        assert warning.replace("'", "&#x27;") in page
    cells = re.findall(r"<tr><td>GPIO(\d+)</td>", page)
    assert [int(cell) for cell in cells] == [1, 4, 5, 8, 9, 10, 11, 12, 13, 14, 35, 36, 37, 41, 42]


def test_the_command_writes_a_page(tmp_path):
    output = tmp_path / "page.html"
    arguments = ["wiring", "t3-s3", "--role", "air", "--output", str(output), "--language", "fr"]
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.output.strip()) == (0, str(output))
    assert "nœud de qualité de l&#x27;air" in output.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["wiring", "heltec-v9", "--role", "air"], "heltec-v3"),
        (["wiring", "heltec-v3", "--role", "tram"], "--role is 'tram'; heltec-v3 has parking, air, light and bridge"),
        (
            ["wiring", "heltec-v3", "--role", "light", "--option", "lis3mdl"],
            "--option is 'lis3mdl'; for light, heltec-v3 offers dali, two-heads, motion, mains",
        ),
    ],
)
def test_what_there_is_not_is_told(arguments, says):
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_file_is_checked_before_it_joins_the_others(tmp_path):
    good, bad = tmp_path / "mine.toml", tmp_path / "wrong.toml"
    good.write_text((Path(__file__).parents[3] / "boards/t3-s3.toml").read_text(encoding="utf-8"), encoding="utf-8")
    bad.write_text(good.read_text(encoding="utf-8").replace("cs = 7", "cs = 19"), encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(good)])
    assert (result.exit_code, result.output.splitlines()[0][:20]) == (0, "LilyGO T3-S3 SX1262:")
    result = CliRunner().invoke(app, ["check", str(bad)])
    assert result.exit_code == 1
    assert "boards/wrong.toml: [node.radio] cs = 19: GPIO19 is the USB socket's; take another" in result.stderr


def test_all_boards_are_listed():
    result = CliRunner().invoke(app, ["list"])
    assert [line.split()[0] for line in result.output.splitlines()] == [board.id for board in boards()]
