"""The developer's page says of every key, fault and figure what is true, and its examples are what they say."""

import re
from pathlib import Path

import pytest

from simulator.air.path_loss import PATH_LOSSES
from simulator.scenario.model import AttackKind, Interference
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import shipped
from tests.simulator.scenario.keys import SECTIONS, fault_rows, metric_rows, rows

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "simulator" / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its two head lines."""
    _, _, below = PAGE.partition(f"# {heading}\n")
    lines = [line for line in below.partition("\n#")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_there_with_what_it_holds_and_what_it_is_when_left_out(heading):
    found = table(heading)
    assert [tuple(cells[:3]) for cells in found] == rows(SECTIONS[heading])
    assert all(cells[3] for cells in found)


def test_every_kind_of_fault_and_every_figure_is_there():
    assert [tuple(cells) for cells in table("Kinds of faults")] == fault_rows()
    assert [tuple(cells) for cells in table("Figures to expect something of")] == metric_rows()


def test_every_model_attack_and_scenario_is_named():
    models = {
        name for cells in table("The models, and how far to trust them") for name in re.findall("`(.*?)`", cells[1])
    }
    assert models == {*PATH_LOSSES, *(rule.value for rule in Interference)}
    _, _, attacks = PAGE.partition("### Kinds of attacks")
    assert {kind.value for kind in AttackKind} <= set(re.findall("`(.*?)`", attacks.partition("\n## ")[0]))
    assert {name for name in shipped() if f"| `{name}` |" in PAGE} == set(shipped())


def test_the_demo_has_as_many_nodes_as_the_page_says():
    assert f"a district of {len(load_scenario(shipped()['demo']).nodes)} nodes of all roles" in PAGE


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[a-z_]+/)+[a-z_.]*|[a-z_]+\.py)`", PAGE))))
def test_every_file_and_folder_named_is_there(path):
    assert (REPOSITORY / "simulator" / path).exists() or (REPOSITORY / path).exists()


def test_no_example_fetches_from_a_place_of_its_own():
    assert not re.findall(r"https?://|index-url|--extra-index", PAGE)
