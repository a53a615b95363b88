"""What virtual boards did, on the page and for the terminal, in both languages."""

from simulator.report.boards import Visit, section, told
from simulator.report.page import page
from simulator.report.saying import EN, FR
from tests.simulator.report.days import made_report
from tests.simulator.report.test_page import Reader


def visit(role="parking", neighbour="", failures=(), **more):
    given = {"boots": 33, "wakes": 290, "took_s": 1.74, "frames": 41} | more
    given = {"heap_alive_b": 107_408, "heap_most_b": 1_136_576} | given
    return Visit(role=role, board="heltec-v3", neighbour=neighbour, failures=failures, **given)


def said(visits, language, report=None):
    return Reader(section(visits, report or made_report())).said(language)


def test_each_board_has_a_row_with_what_it_cost_and_its_neighbours_frames_and_battery():
    report = made_report()
    spot = next(spot for spot in report.spots if spot.years is not None)
    row = f"parking 33 290 6 107 1,137 41 {spot.sent}"
    text = " ".join(section([visit(neighbour=spot.name)], report).replace("<td", " <td").split())
    assert row in " ".join(Reader(text).said("en").split())


def test_what_is_not_known_is_a_dash():
    text = section([visit("bridge", wakes=0, heap_alive_b=None, heap_most_b=None)], made_report())
    assert text.count("<td>–</td>") == 6


def test_the_files_of_their_boards_are_named_once():
    assert said([visit(), visit("air")], "fr").count("(de heltec-v3.toml)") == 1


def test_the_json_report_tells_the_same_with_units_in_the_names():
    assert visit(failures=("watchdog",)).to_json() == {
        "role": "parking",
        "board": "heltec-v3",
        "neighbour": "",
        "boots": 33,
        "wakes": 290,
        "ms_per_wake": 6.0,
        "frames": 41,
        "heap_alive_b": 107_408,
        "heap_most_b": 1_136_576,
        "failures": ("watchdog",),
    }
    assert visit(wakes=0).to_json()["ms_per_wake"] is None


def test_the_title_says_whether_something_broke_and_what():
    well, ill = [visit()], [visit(), visit("air", failures=("watchdog <bit>",))]
    assert "1 board ran the firmware itself, and nothing broke." in said(well, "en")
    assert "2 boards ran the firmware itself, and something broke." in said(ill, "en")
    assert "watchdog <bit>" in said(ill, "en")
    assert "le micrologiciel lui-même, et rien n’a cassé." in said(well, "fr")
    assert "ten minutes" in said([visit("bridge")], "en")
    assert "ten minutes" not in said(well, "en")


def test_the_page_has_it_and_stays_well_formed():
    report = made_report()
    Reader(page(report, FR, [section([visit()], report)]))
    assert section([], report) == ""


def test_the_terminal_counts_with_the_right_noun():
    [_, one] = told([visit(boots=1, frames=1)])
    assert (one.to(EN), one.to(FR)) == ("  parking: 1 boot, 1 frame", "  stationnement\u00a0: 1 démarrage, 1 trame")
