"""A board of each role beside a scenario's nodes: in the same air, before the same gateway, under the same truths."""

import pytest

from simulator.board.process import Host
from simulator.chain.chain import Chain
from simulator.chain.guests import BOARDS, Guests
from simulator.commands.quick import quick_street
from simulator.commands.visiting import visited
from simulator.report.boards import section, told
from simulator.report.saying import EN, FR
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import scenario_path

HOURS = 0.75


def scenario():
    return load_scenario(scenario_path("demo"), seed=3)


def a_while(firmware):
    chain = Chain(scenario())
    with Host(BOARDS, heap=True) as host:
        guests = Guests(chain, host, firmware)
        chain.run(HOURS * 3600)
        return chain.finish(), guests.visits()


@pytest.fixture(name="stay", scope="module")
def _stay(firmware):
    return a_while(firmware)


def test_each_role_lives_and_is_served_and_every_truth_holds(stay):
    report, visits = stay
    assert [visit.role for visit in visits] == ["parking", "air", "light", "bridge"]
    assert all(visit.failures == () for visit in visits), visits
    assert all(visit.frames >= 3 for visit in visits), visits
    assert {visit.role: visit.boots > 1 for visit in visits} == {
        "parking": True,
        "air": True,
        "light": False,
        "bridge": False,
    }
    assert [truth.name for truth in report.truths if not truth.held] == []


def test_the_same_seed_gives_the_same_digest_and_heaps_with_boards_as_well(stay, firmware):
    again = a_while(firmware)
    assert again[0].digest == stay[0].digest
    heaps = [[(visit.heap_alive_b, visit.heap_most_b) for visit in visits] for _, visits in (again, stay)]
    assert heaps[0] == heaps[1]


def test_each_tells_of_its_heap(stay):
    for visit in stay[1]:
        assert 30_000 < visit.heap_alive_b <= visit.heap_most_b < 200_000, visit


def test_guests_are_no_part_of_the_districts_figures(stay):
    assert stay[0].nodes == len(scenario().nodes)


def test_what_they_did_is_said_in_both_languages(stay):
    visits = stay[1]
    english, french = ([line.to(language) for line in told(visits)] for language in (EN, FR))
    assert len(english) == len(french) == 1 + BOARDS
    assert english[1].startswith("  parking: ")
    assert french[-1].startswith("  pont, dix minutes")


def test_the_page_has_a_row_for_each_with_its_neighbours_frames_beside_its_own(stay):
    report, visits = stay
    sent = {spot.name: spot.sent for spot in report.spots}
    assert [visit.neighbour in sent for visit in visits] == [True, True, True, False]
    assert all(visit.wakes > visit.boots and visit.took_s > 0 for visit in visits[:3]), visits
    text = section(visits, report)
    for visit in visits[:3]:
        assert f"<td>{visit.frames}</td><td>{sent[visit.neighbour]}</td>" in text


def test_a_street_of_one_role_gets_that_board_and_the_bridge(firmware):
    chain = Chain(quick_street(seed=1, nodes=2, hours=1.0, loss=0.0))
    with Host(BOARDS) as host:
        guests = Guests(chain, host, firmware)
        chain.run(900)
        chain.finish()
        assert [visit.role for visit in guests.visits()] == ["air", "bridge"]
        assert all(visit.frames and not visit.failures for visit in guests.visits()), guests.visits()


def test_without_node_or_firmware_a_sentence_says_so_and_the_run_goes_on(monkeypatch, tmp_path):
    chain = Chain(scenario())
    with visited(chain, None) as stay:
        chain.run(60)
    assert [line.to(EN).partition(":")[0] for line in stay.lines] == ["no virtual boards beside them"]
    (tmp_path / "boot.py").touch()
    monkeypatch.setenv("LAMPYRE_MICROPYTHON", str(tmp_path))
    with visited(chain, tmp_path) as stay:
        chain.run(120)
    assert "npm install" in stay.lines[0].to(EN)
    assert stay.visits == []
    chain.finish()
