"""Nodes of streets, areas and positions: where they stand, and that they stay when others come."""

import pytest

from simulator.scenario.model import NodeSpec, Role
from tests.simulator.scenario.towns import BAYS, GATEWAY, LAMPS, SITE, STATION, STREET, WHOLE, read


def nodes(*tables: str, top: str = "", **instead: float) -> dict[str, NodeSpec]:
    found = read(SITE + GATEWAY + STREET + "".join(tables), top, **instead).nodes
    return {node.name: node for node in found}


def places(*tables: str) -> list[tuple[float, float]]:
    return [(node.x_m, node.y_m) for node in nodes(*tables).values()]


def row(keys: str) -> str:
    return f'[[nodes]]\nrole = "parking"\nstreet = "rue"\n{keys}\n'


def test_nodes_stand_along_a_street_and_round_its_corner():
    """The street goes 100 m east and 50 m north."""
    assert places(row("count = 4\nevery_m = 40\nfirst_m = 10")) == [(10, 0), (50, 0), (90, 0), (100, 30)]


def test_the_right_of_a_street_is_south_when_it_goes_east_and_east_when_it_goes_north():
    assert places(row("count = 2\nevery_m = 120\nside_m = 5")) == [(0, -5), (105, 20)]
    assert places(row("count = 2\nevery_m = 120\nside_m = -5")) == [(0, 5), (95, 20)]


def test_a_slanting_street_is_measured_along_itself():
    """Of a triangle with sides 3, 4 and 5."""
    street = STREET.replace("[[0, 0], [100, 0], [100, 50]]", "[[0, 0], [30, 40]]")
    table = row("every_m = 25\nside_m = 10")
    found = read(SITE + GATEWAY + street + table).nodes
    assert [(node.x_m, node.y_m) for node in found] == [(8, -6), (23, 14), (38, 34)]


def test_without_a_count_a_street_is_filled_to_its_very_end():
    assert len(places(row("every_m = 50"))) == 4
    assert len(places(row("every_m = 50.1"))) == 3
    assert len(places(row("every_m = 0.1"))) == 1501


def test_one_node_more_moves_and_changes_no_other():
    before = nodes(BAYS, LAMPS, STATION)
    scattered = '[[nodes]]\nrole = "air"\nname = "far"\nzone = "centre"\narea = [[0, 0], [900, 900]]\ncount = 5\n'
    after = nodes(BAYS.replace("count = 4", "count = 5"), scattered.replace("count = 5", "count = 6"), LAMPS, STATION)
    assert {name: after[name] for name in before} == before
    fewer = nodes(scattered, BAYS)
    assert {name: after[name] for name in fewer} == fewer
    assert len(after) == len(before) + 7


def test_a_town_is_the_same_under_every_seed_and_its_clocks_are_not():
    one, other = nodes(BAYS), nodes(BAYS, seed=2)
    assert [(n.x_m, n.y_m, n.dev_eui) for n in one.values()] == [(n.x_m, n.y_m, n.dev_eui) for n in other.values()]
    assert [node.sleep_ppm for node in one.values()] != [node.sleep_ppm for node in other.values()]


def test_scattered_nodes_fill_their_area():
    """Of a thousand uniform numbers the mean is within five standard errors of the middle."""
    table = '[[nodes]]\nrole = "air"\nzone = "centre"\narea = [[900, -300], [-100, 300]]\ncount = 1000\n'
    found = places(table)
    assert all(-100 <= x <= 900 and -300 <= y <= 300 for x, y in found)
    assert abs(sum(x for x, _ in found) / 1000 - 400) < 5 * 1000 / 12**0.5 / 1000**0.5
    assert abs(sum(y for _, y in found) / 1000) < 5 * 600 / 12**0.5 / 1000**0.5
    assert len(set(found)) == 1000


def test_clocks_are_off_by_no_more_than_told_both_ways():
    table = row("every_m = 0.2\nsleep_ppm_max = 30000\nclock_ppm_max = 3")
    sleep = [node.sleep_ppm for node in nodes(table).values()]
    assert -30_000 <= min(sleep) < -29_000
    assert 29_000 < max(sleep) <= 30_000
    assert {node.clock_ppm for node in nodes(table).values()} == set(range(-3, 4))


def test_nodes_of_a_cold_start_boot_within_the_time_told():
    cold = nodes(row("every_m = 0.2"), top='warm = false\nboot_within_s = "2m"\n').values()
    assert 0 <= min(node.boots_s for node in cold) < 1
    assert 119 < max(node.boots_s for node in cold) <= 120
    assert {node.boots_s for node in nodes(BAYS).values()} == {0}


def test_places_have_ids_of_their_commune_kind_and_street():
    ids = [place for node in nodes(BAYS, LAMPS, STATION).values() for place in node.place_ids]
    assert ids[0] == "92002-bay-rue-001"
    assert ids[4] == "92002-lamp-rue-001"
    assert ids[7:] == ["92002-station-001"]
    [(first, second)] = [node.place_ids for node in nodes(row("count = 1\nbays = 2")).values()]
    assert (first, second) == ("92002-bay-rue-001-a", "92002-bay-rue-001-b")
    corsican = WHOLE.replace("92002", "2A004")
    assert read(corsican).nodes[0].place_ids == ("2a004-bay-rue-001",)


def test_dev_euis_are_nobodys_and_differ():
    """The second bit of the first byte says locally administered, the first that it is no group's (IEEE 802)."""
    euis = [node.dev_eui for node in nodes(row("every_m = 0.1")).values()]
    assert len(set(euis)) == len(euis) == 1501
    assert {eui[0] for eui in euis} == {2}
    assert {len(eui) for eui in euis} == {8}


@pytest.mark.parametrize(
    ("role", "height_m", "interval_s", "battery_mah", "watts"),
    [(Role.PARKING, 0, 3600, 19_000, 0), (Role.LIGHT, 8, 3600, 0, 42), (Role.AIR, 3, 900, 0, 0)],
)
def test_what_is_left_out_is_usual_for_the_role(role, height_m, interval_s, battery_mah, watts):
    [node] = nodes(f'[[nodes]]\nrole = "{role.value}"\nat = [[1, 2]]\n').values()
    found = (node.role, node.height_m, node.interval_s, node.battery_mah, node.watts)
    assert found == (role, height_m, interval_s, battery_mah, watts)


def test_what_is_given_is_taken():
    table = """
[[nodes]]
role = "light"
name = "mast"
street = "rue"
count = 1
height_m = 11.5
interval_s = "10m"
heads = 2
watts = 70
group = "masts"
feeder = "cabinet"
battery_mah = 5
board = "esp32-rfm95"
excess_loss_db = 6
settings = { floor_pct = 40, dimming_curve = "logarithmic" }
"""
    [node] = nodes('[[feeders]]\nname = "cabinet"\n', table).values()
    assert (node.name, node.zone, node.street, node.height_m, node.interval_s) == (
        "mast-001",
        "centre",
        "rue",
        11.5,
        600,
    )
    assert (node.heads, node.watts, node.group, node.feeder) == (2, 70, "masts", "cabinet")
    assert (node.battery_mah, node.board, node.excess_loss_db) == (5, "esp32-rfm95", 6)
    assert node.settings == (("floor_pct", 40), ("dimming_curve", "logarithmic"))
