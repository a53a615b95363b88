"""The tables of the file that are not yet what a run needs: the run itself, and nodes by the dozen."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from annotated_types import Ge, Le, Len

from simulator.scenario.bounds import (
    BoardName,
    Decibels,
    Duration,
    Height,
    Label,
    Metres,
    Name,
    Point,
    Seconds,
    Text,
    Wants,
)
from simulator.scenario.model import Role

START = datetime(2026, 3, 2, 7, tzinfo=UTC)  # a Monday
MAX_NODES = 50_000  # more need 4 GB

_Expected = Annotated[str, Len(1, 100), Wants('a list such as ["delivered >= 0.999", "latency_p99_s <= 3600"]')]
_Area = Annotated[tuple[Point, Point], Wants("two opposite corners, [[x_m, y_m], [x_m, y_m]]")]
_Points = Annotated[tuple[Point, ...], Len(0, MAX_NODES), Wants("positions, [[x_m, y_m], [x_m, y_m]]")]
_Settings = Annotated[dict[str, int | str], Wants("settings of a node in braces, such as { floor_pct = 40 }")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTable:
    """What stands above the first table. start: without an offset it is the site's local time."""

    name: Label
    about: Text = ""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 1
    start: datetime = START
    hours: Annotated[float, Ge(0.01), Le(8784)] = 24.0
    warm: bool = True
    boot_within_s: Seconds = 60.0
    final_quiet_s: Seconds = 0.0
    expect: tuple[_Expected, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesTable:
    """Nodes alike: along a street, scattered over an area, or where *at* says.

    name: their names begin with it; "" for role and street or zone. On a street the first stands first_m from its
    beginning, the next every_m further (None: as is usual for the role), side_m to the right of its line; count None:
    as many as there is room for. None elsewhere: what is usual for the role. clock_ppm_max, sleep_ppm_max: each node's
    clock is off by something up to this, either way.
    """

    role: Role
    name: Name = ""
    street: Name = ""
    zone: Name = ""
    area: _Area | None = None
    at: _Points = ()
    count: Annotated[int, Ge(1), Le(MAX_NODES)] | None = None
    every_m: Annotated[float, Ge(0.1), Le(10_000)] | None = None
    first_m: Annotated[float, Ge(0), Le(100_000)] = 0.0
    side_m: Metres = 0.0
    height_m: Height | None = None
    interval_s: Annotated[int, Ge(60), Le(86_400), Duration()] | None = None
    bays: Annotated[int, Ge(1), Le(2)] = 1
    heads: Annotated[int, Ge(1), Le(2)] = 1
    watts: Annotated[int, Ge(1), Le(1000)] = 42
    group: Name = ""
    feeder: Name = ""
    battery_mah: Annotated[int, Ge(0), Le(1_000_000)] | None = None
    board: BoardName = "heltec-v3"
    clock_ppm_max: Annotated[int, Ge(0), Le(1000)] = 20
    sleep_ppm_max: Annotated[int, Ge(0), Le(30_000)] = 10_000
    excess_loss_db: Decibels = 0.0
    settings: _Settings = field(default_factory=dict)
