"""Nodes one by one of what the file says by the dozen: where each stands, what it is called, how its clocks run.

A node's place depends on its street and its number there, or on its name alone: a town is the same town under every
seed, and one node more moves no other. Its clocks and its first boot are luck and come of the seed and its name.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from protocol.errors import SettingsError
from protocol.settings import ROLES, SETTINGS, Settings, expected, number_of
from simulator.scenario.model import Feeder, NodeSpec, Role, Street, Zone
from simulator.scenario.tables import NodesTable, RunTable
from simulator.streams import Stream

KINDS = {Role.PARKING: "bay", Role.AIR: "station", Role.LIGHT: "lamp"}  # as place ids say it
_EVERY_M = {Role.PARKING: 6.0, Role.AIR: 200.0, Role.LIGHT: 30.0}
_HEIGHT_M = {Role.PARKING: 0.0, Role.AIR: 3.0, Role.LIGHT: 8.0}
_BATTERY_MAH = {Role.PARKING: 19_000, Role.AIR: 0, Role.LIGHT: 0}
_INTERVAL = {Role.PARKING: "heartbeat_s", Role.AIR: "reading_interval_s", Role.LIGHT: "reading_interval_s"}
_ONLY = {"bays": Role.PARKING, "heads": Role.LIGHT, "watts": Role.LIGHT, "group": Role.LIGHT, "feeder": Role.LIGHT}
# What the scenario says in other words, or what the radio's section says for all.
_ELSEWHERE = {
    "role": "role",
    "reading_interval_s": "interval_s",
    "heartbeat_s": "interval_s",
    "bays": "bays",
    "heads": "heads",
    "supply": "feeder",
    "rated_dw": "watts",
    "plan": "plan in [radio]",
    "rx_delay_s": "rx_delay_s in [radio]",
    "rx2_dr": "rx2_dr in [radio]",
}
_FIXED = ("dev_eui", "join_eui", "link", "activation", "device_class")


class ExpansionError(Exception):
    """What is wrong with one `[[nodes]]` table: the key at fault ("": the whole table) and a sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key
        self.sentence = sentence


class Town:
    """What nodes can refer to: zones, streets and feeders by their names."""

    def __init__(self, zones: Sequence[Zone], streets: Sequence[Street], feeders: Sequence[Feeder]) -> None:
        self.zones = {zone.name: zone for zone in zones}
        self.streets = {street.name: street for street in streets}
        self.feeders = {feeder.name: feeder for feeder in feeders}


def expand(table: NodesTable, given: Sequence[str], run: RunTable, insee: str, town: Town) -> tuple[NodeSpec, ...]:
    """The nodes of one table. given: the keys that stand in it. Raises ExpansionError."""
    _check(table, given, town)
    prefix = table.name or "-".join(part for part in (table.role.value, table.street or table.zone) if part)
    zone = town.streets[table.street].zone if table.street else table.zone
    settings = _settings(table)
    role = table.role
    nodes = []
    for number, (x_m, y_m) in enumerate(_positions(table, prefix, town), 1):
        name = f"{prefix}-{number:03}"
        dice = Stream(run.seed, f"clock/{name}")
        clock_ppm, sleep_ppm = _within(dice, table.clock_ppm_max), _within(dice, table.sleep_ppm_max)
        nodes.append(
            NodeSpec(
                name=name,
                role=role,
                x_m=x_m,
                y_m=y_m,
                height_m=_HEIGHT_M[role] if table.height_m is None else table.height_m,
                zone=zone,
                street=table.street,
                place_ids=_place_ids(insee, role, name, table.bays if role is Role.PARKING else table.heads),
                interval_s=table.interval_s or _default_s(role),
                bays=table.bays,
                heads=table.heads,
                watts=table.watts if role is Role.LIGHT else 0,
                group=table.group,
                feeder=table.feeder,
                battery_mah=_BATTERY_MAH[role] if table.battery_mah is None else table.battery_mah,
                board=table.board,
                settings=settings,
                clock_ppm=clock_ppm,
                sleep_ppm=sleep_ppm,
                boots_s=0.0 if run.warm else round(dice.uniform(0, run.boot_within_s), 3),
                excess_loss_db=table.excess_loss_db,
            )
        )
    return tuple(nodes)


def _check(table: NodesTable, given: Sequence[str], town: Town) -> None:
    for key, role in _ONLY.items():
        if key in given and table.role is not role:
            raise ExpansionError(key, f'{key} is for role = "{role.value}"; leave it out')
    ways = [key for key in ("street", "area", "at") if getattr(table, key)]
    if len(ways) != 1:
        found = " and ".join(ways) if ways else "none of them"
        raise ExpansionError(ways[-1] if ways else "", f"says where by {found}; write one of street, area and at")
    for key in ("every_m", "first_m", "side_m"):
        if key in given and not table.street:
            raise ExpansionError(key, f"{key} is for nodes along a street; leave it out or name the street")
    if table.area and table.count is None:
        raise ExpansionError("", "scatters nodes over an area and needs their count, a whole number without quotes")
    if table.at and "count" in given:
        raise ExpansionError("count", f"count is told by at, which has {len(table.at)} positions; leave it out")
    if table.street and table.zone:
        raise ExpansionError("zone", "zone is told by the street; leave it out")


def _positions(table: NodesTable, prefix: str, town: Town) -> Iterator[tuple[float, float]]:
    if table.street:
        yield from _along(table, town.streets[table.street])
    elif table.area:
        assert table.count is not None
        (x1, y1), (x2, y2) = table.area
        for number in range(1, table.count + 1):
            dice = Stream(0, f"place/{prefix}-{number:03}")
            yield round(dice.uniform(min(x1, x2), max(x1, x2)), 1), round(dice.uniform(min(y1, y2), max(y1, y2)), 1)
    else:
        yield from table.at


def _along(table: NodesTable, street: Street) -> Iterator[tuple[float, float]]:
    every_m = table.every_m or _EVERY_M[table.role]
    length_m = 0.0
    for begin, end in pairwise(street.points):
        length_m += _length(begin, end)  # `sum` adds floats in another way from CPython 3.12 on
    room = math.floor((length_m - table.first_m) / every_m + 1e-9) + 1 if length_m >= table.first_m else 0
    count = room if table.count is None else table.count
    if count > room or not count:
        raise ExpansionError(
            "count" if table.count else "first_m",
            f"street {street.name} is {length_m:.0f} m long and has room for {room} nodes, one every {every_m:g} m "
            f"from {table.first_m:g} m on; write a smaller count or every_m",
        )
    for number in range(count):
        yield _at(street, table.first_m + number * every_m, table.side_m)


def _at(street: Street, way_m: float, side_m: float) -> tuple[float, float]:
    """The point *way_m* from the beginning of a street and *side_m* to the right of its line, to 0.1 m."""
    for (x1, y1), (x2, y2) in pairwise(street.points):
        length_m = _length((x1, y1), (x2, y2))
        if length_m and (way_m <= length_m or (x2, y2) == street.points[-1]):
            along_x, along_y = (x2 - x1) / length_m, (y2 - y1) / length_m
            return (
                round(x1 + along_x * way_m + along_y * side_m, 1),
                round(y1 + along_y * way_m - along_x * side_m, 1),
            )
        way_m -= length_m
    return street.points[-1]


def _length(begin: tuple[float, float], end: tuple[float, float]) -> float:
    return math.sqrt((end[0] - begin[0]) * (end[0] - begin[0]) + (end[1] - begin[1]) * (end[1] - begin[1]))


def _within(dice: Stream, limit: int) -> int:
    return dice.below(2 * limit + 1) - limit


def _place_ids(insee: str, role: Role, name: str, instances: int) -> tuple[str, ...]:
    rest = name.removeprefix(f"{role.value}-")
    place_id = f"{insee.lower()}-{KINDS[role]}-{rest}"
    return (place_id,) if instances == 1 else tuple(f"{place_id}-{'ab'[instance]}" for instance in range(instances))


def _default_s(role: Role) -> int:
    """The interval of a node that was told no other."""
    default = SETTINGS[number_of(_INTERVAL[role]) or 0][2]
    found: int = default[ROLES.index(role.value)] if isinstance(default, tuple) else default
    return found


def _settings(table: NodesTable) -> tuple[tuple[str, int | str], ...]:
    """Further settings, checked as the node itself would; the interval among them."""
    for name in table.settings:
        if name in _ELSEWHERE:
            raise ExpansionError("settings", f"settings has {name}, which a scenario says by {_ELSEWHERE[name]}")
        if name in _FIXED:
            raise ExpansionError("settings", f"settings has {name}, which is the same for every simulated node")
    told: dict[str, object] = {"role": table.role.value, "dev_eui": "02000000000000ff", **table.settings}
    if table.interval_s is not None:
        told[_INTERVAL[table.role]] = table.interval_s
    if table.role is Role.PARKING:
        told["bays"] = table.bays
    try:
        Settings.from_names(told)
    except SettingsError as error:
        sentence = str(error).replace("\n", "; ")
        if not sentence.startswith(f"settings: {_INTERVAL[table.role]} "):
            raise ExpansionError("settings", sentence) from None
        range_s = expected(number_of(_INTERVAL[table.role]) or 0)
        raise ExpansionError(
            "interval_s", f"interval_s is {table.interval_s}; a {table.role.value} node's is {range_s}"
        ) from None
    return tuple(table.settings.items())
