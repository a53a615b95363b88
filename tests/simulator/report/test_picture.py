"""The live picture: what is on it in a terminal of any size, in both languages."""

import io

import pytest
from rich.console import Console

from simulator.report.collector import Collector
from simulator.report.picture import Pace, Picture, is_plain, progress_line
from tests.simulator.report.days import HOUR_US, district, live


def lived() -> Collector:
    collector = Collector(district())
    live(collector)
    return collector


def drawn(collector: Collector, width: int = 110, height: int = 34, language: str = "en", plain: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, height=height)
    pace = Pace(10.0, 24 * HOUR_US)
    console.print(Picture(collector, language, plain).draw(pace, width, height))
    return console.file.getvalue()


def test_it_tells_how_far_the_run_is_and_how_fast():
    text = drawn(lived())
    assert text.splitlines()[0].rstrip() == "Antony  Tue 3 08:00  8,640 times real time, 288 frames/s, seed 7"
    assert "100 %" in text.splitlines()[1]


def test_it_tells_what_arrives_and_how_things_stand():
    collector = lived()
    text = drawn(collector)
    assert "2,875 of 2,880" in text
    assert "chance" in text
    assert "SF7 16." in text
    assert "▲ gw-1" in text
    assert "connected" in text
    assert "node rebooted  parking-001" in text
    collector.broker(False, 24 * HOUR_US)
    collector.gateway("gw-2", False, 24 * HOUR_US)
    collector.waiting(77, 24 * HOUR_US)
    collector.broke("no frame counter was used twice", 24 * HOUR_US)
    text = drawn(collector)
    assert "away, 77 wait" in text
    assert "x gw-2" in text
    assert "broken" in text


def test_before_anything_happened_there_is_a_picture_already():
    text = drawn(Collector(district()))
    assert "○ lamp off" in text
    assert "readings" in text


@pytest.mark.parametrize("size", [(200, 60), (110, 34), (80, 24), (60, 20), (40, 15), (20, 10)])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_it_fits_whatever_the_terminal(size, language):
    width, height = size
    lines = drawn(lived(), width, height, language).splitlines()
    assert all(len(line) <= width for line in lines)
    if size >= (80, 24):
        assert len(lines) <= height


def test_it_keeps_its_height_while_things_happen():
    before, after = drawn(Collector(district())), drawn(lived())
    assert abs(len(before.splitlines()) - len(after.splitlines())) <= 6  # the figures' column grows


def test_the_map_is_laid_out_again_when_the_terminal_changes():
    picture, console = Picture(lived(), "en", False), Console(file=io.StringIO(), width=200)
    for width in (100, 180):
        console.print(picture.draw(Pace(1.0, HOUR_US), width, 40))
    small, large = console.file.getvalue().split("Antony")[1:]
    assert max(map(len, large.rstrip().splitlines())) > max(map(len, small.rstrip().splitlines())) + 20


def test_without_unicode_it_is_ascii():
    plain = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert is_plain(plain)
    assert not is_plain(Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8")))
    text = drawn(lived(), plain=True)
    assert text.replace("³", "").replace("µ", "").replace("\u202f", "").isascii()


def test_progress_is_one_line_in_either_language():
    collector = lived()
    pace = Pace(10.0, 12 * HOUR_US)
    assert progress_line(collector, pace, "en") == (
        "50 % in 10\u00a0s: 2,875 of 2,880 readings delivered, 2,880 frames, 4,320 times real time"
    )
    assert progress_line(collector, pace, "fr").startswith("50 % en 10\u00a0s\u00a0: 2\u202f875 relevés livrés")
