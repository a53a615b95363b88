"""Small scenarios as text, and what reading makes of them."""

from pathlib import Path

import pytest

from simulator.scenario.document import ScenarioError
from simulator.scenario.model import Scenario
from simulator.scenario.reading import parse_scenario

SITE = """\
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
"""
GATEWAY = """\
[[gateways]]
name = "mairie"
x_m = 0
y_m = 60
"""
STREET = """\
[[zones]]
name = "centre"
label = "Centre"
[[streets]]
name = "rue"
zone = "centre"
points = [[0, 0], [100, 0], [100, 50]]
"""
BAYS = """\
[[nodes]]
role = "parking"
street = "rue"
count = 4
"""
LAMPS = """\
[[nodes]]
role = "light"
street = "rue"
count = 3
group = "rue"
"""
STATION = """\
[[nodes]]
role = "air"
at = [[10, 20]]
"""
WHOLE = SITE + GATEWAY + STREET + BAYS + LAMPS + STATION


def read(tables: str = WHOLE, top: str = "", folder: Path = Path(), **instead: float) -> Scenario:
    """The scenario of these tables."""
    text = f'name = "Test"\n{top}{tables}'
    return parse_scenario(text.encode(), folder / "town.toml", **instead)  # type: ignore[arg-type]


def faults(tables: str, top: str = "", folder: Path = Path()) -> list[str]:
    """What is wrong with it, without the folder."""
    with pytest.raises(ScenarioError) as caught:
        read(tables, top, folder)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]
