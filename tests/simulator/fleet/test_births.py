"""A fleet's node is born as a board is: the same settings, MAC, mind and role, but for what is named with a reason.

Both run the same firmware; what they are made of is compared value by value before the first of them does anything.
"""

from dataclasses import replace

import pytest

from firmware.version import BUILT_GPS_S
from protocol.region import FULL
from protocol.settings import SETTINGS, Settings
from simulator.fleet.births import JOIN_EUI, Firmware, Kit
from simulator.fleet.hardware import Hardware
from simulator.scenario.expansion import Town, expand
from simulator.scenario.model import Role
from simulator.scenario.tables import NodesTable, RunTable
from tests.firmware.body.boards import APP_KEY, GEN_APP_KEY, BenchBoard, folder, with_parts

PARTS = {
    Role.PARKING: {"field0": {"chip": "lis3mdl", "int": 7}},
    Role.AIR: {},
    Role.LIGHT: {"lamp0": {"kind": "pwm", "pin": 21}},
}
# Settings in which a scenario's node differs from a board that was flashed without a word, and why.
SETTINGS_DIFFER = {
    "join_eui": "tests and simulations have one of their own, so that no frame of theirs is a town's",
    "detector": "a battery wants a magnetometer that wakes its node; what a board has is for its technician to say",
    "rated_dw": "a scenario says what its lamps take; a flashed node learns it",
}
# The same of everything else.
PARTS_DIFFER = {
    "mind._facts.build_gps_s": "a fleet's firmware is older than every run, as runs may lie in the past",
    "mind.clock._build_gps_s": "the same",
    "mind._log": "a board's is on its flash, a fleet's in memory",
}
AIR_DIFFERS = (  # all follow from the set: a fleet's stations measure PM4 as well, which no PMS5003 of a board does
    "role.set_number",
    "role._quantities",
    "role._last",
    "role._same",
    "role._silent",
    "mind._tellers[2]._set_number",
)


def kit(role, **more):
    """Of a node that a scenario describes by its role alone."""
    where = {"at": ((0.0, 0.0),), "zone": "centre"}
    [spec] = expand(NodesTable(role=role, **where), (), RunTable(name="one", hours=1), "92002", Town((), (), ()))
    spec = replace(spec, **more)
    return Kit(spec=spec, app_key=APP_KEY, gen_app_key=GEN_APP_KEY, epoch=1, first_ms=5_000, plan=FULL)


def leaves(thing, path, seen):
    """All numbers, texts and the like that the firmware's objects hold, by where they are; each object's once."""
    if isinstance(thing, (int, str, bytes, type(None))):
        return {path: thing}
    if isinstance(thing, (tuple, list)):
        inner = {f"{path}[{place}]": item for place, item in enumerate(thing)}
    elif isinstance(thing, dict):
        inner = {f"{path}[{key}]": item for key, item in thing.items()}
    elif type(thing).__module__.startswith(("firmware", "protocol")) and thing not in seen:
        seen.append(thing)
        inner = {f"{path}.{name}": item for name, item in vars(thing).items()}
    else:
        inner = {}
    return {where: leaf for name, item in inner.items() for where, leaf in leaves(item, name, seen).items()}


@pytest.mark.parametrize("role", Role)
def test_a_scenario_that_says_nothing_leaves_each_setting_as_the_flashing_tool_does(role):
    mine = kit(role).settings()
    flashed = Settings.from_names({"role": role.value, "dev_eui": mine.dev_eui.hex()})
    names = [row[0] for row in SETTINGS]
    differ = {name for name in names if getattr(mine, name) != getattr(flashed, name)}
    assert differ - set(SETTINGS_DIFFER) == set()
    assert mine.join_eui == JOIN_EUI


@pytest.mark.parametrize(("role", "more"), [*((role, {}) for role in Role), (Role.LIGHT, {"feeder": "north"})])
def test_mac_mind_and_role_begin_as_on_a_board(role, more):
    born = kit(role, **more)
    fleets = Firmware(born, Hardware(), lambda *record: None)
    nvs = {"settings": born.settings().encode(), "app_key": APP_KEY, "gen_app_key": GEN_APP_KEY}
    board = BenchBoard(folder("births"), nvs, with_parts(**PARTS[role]))
    board.boot()
    found = []
    for whole in (board.body(), fleets):
        seen = []
        found.append({})
        for part in ("role", "mac", "mind"):
            found[-1] |= leaves(getattr(whole, part), part, seen)
    one, other = found
    differ = {where for where in one.keys() | other.keys() if one.get(where, leaves) != other.get(where, leaves)}
    named = (*PARTS_DIFFER, *(AIR_DIFFERS if role is Role.AIR else ()))
    assert sorted(where for where in differ if not where.startswith(named)) == []
    assert board.body().facts.build_gps_s == BUILT_GPS_S
