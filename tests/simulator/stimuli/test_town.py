"""A whole town from a scenario: who shares what, what stays when others come, and files dealt to places."""

import builtins
from dataclasses import replace
from pathlib import Path

import pytest

from protocol import quantities as q
from simulator.scenario.model import (
    Column,
    Fault,
    FaultKind,
    Feeder,
    NodeSpec,
    Replay,
    Role,
    Scenario,
    Site,
    StimulusSpec,
    StreetKind,
)
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.lamp import Trouble
from simulator.stimuli.replay.rows import ReplayError
from simulator.stimuli.replay.seen import ReplayedLife
from simulator.stimuli.town import Town
from tests.simulator.stimuli.replay.files import START_S, air, write

ANTONY = Site(insee="92002", name="Antony", latitude_deg=48.7539, longitude_deg=2.2975)


def node(role: Role, number: int, **kind) -> NodeSpec:
    kind.setdefault("watts", 42 if role is Role.LIGHT else 0)
    kind.setdefault("place_ids", (f"92002-{role.value}-{number}",))
    place = {"x_m": number * 5.5, "y_m": 0.0, "street": "rue-du-bac", "zone": "centre", **kind}
    return NodeSpec(name=f"{role.value}-{number:02}", role=role, **place)


def nodes(role: Role, count: int, **kind) -> tuple[NodeSpec, ...]:
    return tuple(node(role, number, **kind) for number in range(count))


def town(*specs: NodeSpec, **kind) -> Town:
    kind.setdefault("start_s", START_S)
    return Town(Scenario(file=Path("town.toml"), name="t", site=ANTONY, gateways=(), nodes=specs, **kind))


MANY = (*nodes(Role.PARKING, 4), *nodes(Role.AIR, 2), *nodes(Role.LIGHT, 3))


def day(of: Town, spec: NodeSpec) -> list[tuple[int | None, ...]]:
    set_number = {Role.PARKING: q.PARKING_ONE_BAY, Role.AIR: q.AIR_FULL, Role.LIGHT: q.LIGHT_ONE_HEAD}[spec.role]
    return [of.stimulus(spec).values(set_number, START_S + step * 1800) for step in range(48)]


def test_one_node_more_and_another_order_change_nothing_for_the_others():
    town_one, town_other = town(*MANY), town(*nodes(Role.AIR, 5), *MANY[:4], *nodes(Role.LIGHT, 3))
    one = {spec.name: day(town_one, spec) for spec in MANY}
    other = {spec.name: day(town_other, spec) for spec in reversed(MANY)}
    assert one == other
    assert len({str(days) for days in one.values()}) == len(MANY)


def test_a_town_is_the_same_on_every_cpython(monkeypatch):
    """Since 3.12 `sum` of floats rounds once, not each time (gh-100425): nothing here may add floats with it."""

    def whole_sum(values, start=0):
        total = start
        for value in values:
            assert not isinstance(value, float), "sum of floats"
            total += value
        return total

    monkeypatch.setattr(builtins, "sum", whole_sum)
    here = town(*MANY, node(Role.PARKING, 8, bays=2), node(Role.LIGHT, 8, heads=2), feeders=(Feeder(name="c"),))
    for spec in here.scenario.nodes:
        day(here, spec)
        if spec.role is Role.PARKING:
            here.stimulus(spec).field(0, START_S)
        if spec.role is Role.LIGHT:
            here.stimulus(spec).lux(START_S + 3600)


def test_another_seed_is_another_town():
    assert day(town(*MANY, seed=2), MANY[0]) != day(town(*MANY), MANY[0])


def test_stimuli_are_made_once():
    here = town(*MANY)
    assert here.stimulus(MANY[0]) is here.stimulus(MANY[0])
    assert here.life(MANY[0], 0) is here.stimulus(MANY[0]).lives[0]


def test_a_zone_is_of_its_kind_and_as_warm_as_told():
    stimuli = (
        StimulusSpec(role=Role.PARKING, zone="gare", street=StreetKind.STATION),
        StimulusSpec(role=Role.PARKING, street=StreetKind.RESIDENTIAL),
        StimulusSpec(role=Role.AIR, temperature_c=20.0),
    )
    gare, rue = (
        nodes(Role.PARKING, 40, zone="gare"),
        tuple(replace(one, name=f"r{one.name}") for one in nodes(Role.PARKING, 40)),
    )
    corners = nodes(Role.AIR, 5)
    here = town(*gare, *rue, *corners, stimuli=stimuli)
    noon_s = START_S + 4 * 3600
    taken = [sum(here.life(spec, 0).occupied(noon_s) for spec in specs) for specs in (gare, rue)]
    assert taken[0] > 34 > 16 > taken[1]
    cool = town(*corners)
    for spec in corners:
        warmer = day(here, spec)[0][5] - day(cool, spec)[0][5]
        assert 79 <= warmer <= 81


def test_bays_side_by_side_feel_each_other_and_others_do_not():
    """5.5 m apart: each has one neighbour to each side; those across the street have another name."""
    bays = (*nodes(Role.PARKING, 4), replace(node(Role.PARKING, 9, x_m=5.5), street="rue-de-la-gare"))
    here = town(*bays)
    lives = [here.life(spec, 0) for spec in bays]
    assert [_beside(here, spec, lives) for spec in bays] == [[1], [0, 2], [1, 3], [2], []]


def test_two_bays_of_a_node_feel_each_other():
    spec = node(Role.PARKING, 0, bays=2)
    here = town(spec)
    both = [here.life(spec, 0), here.life(spec, 1)]
    assert both[0] is not both[1]
    assert _beside(here, spec, both, 0) == [1]
    assert _beside(here, spec, both, 1) == [0]


def _beside(here: Town, spec: NodeSpec, lives: list, bay: int = 0) -> list[int]:
    """Whose changes the sensor of a bay is told, besides its own."""
    ground = here.stimulus(spec).grounds[bay]
    told = set()
    time_s: float = START_S
    while (next_s := ground.next_change_s(time_s)) is not None and next_s < START_S + 2 * DAY_S:
        told.add(next_s)
        time_s = next_s
    own = here.life(spec, bay)
    return [
        place
        for place, life in enumerate(lives)
        if life is not own and {change.time_s for change in life.changes(START_S, START_S + DAY_S)} <= told
    ]


def test_lamps_of_a_feeder_are_switched_by_the_sun_of_the_place_and_fail_together():
    spec = StimulusSpec(role=Role.LIGHT, mains_cuts_per_year=365)
    feeder = Feeder(name="cabinet-1", on_after_sunset_min=15)
    switched = nodes(Role.LIGHT, 3, feeder="cabinet-1")
    permanent = node(Role.LIGHT, 7)
    here = town(*switched, permanent, feeders=(feeder,), stimuli=(spec,), hours=240)
    assert len({id(here.mains(one)) for one in switched}) == 1
    assert here.mains(switched[0]) is not here.mains(permanent)
    assert here.stimulus(switched[0]).mains is here.mains(switched[0])
    noon_s = START_S + 5 * 3600
    assert not here.mains(switched[0]).on(noon_s)
    assert here.mains(permanent).on(noon_s)
    dusk_s = here.daylight.sunset_s(START_S // DAY_S)
    assert dusk_s == pytest.approx(1_772_434_800 + 10.6 * 3600, abs=600)  # 18:36 local time, timeanddate.com


def test_faults_of_the_scenario_reach_whom_they_name():
    lamps = nodes(Role.LIGHT, 3)
    faults = (
        Fault(kind=FaultKind.LAMP_FAILED, targets=("light-00",), from_s=600, for_s=3600),
        Fault(kind=FaultKind.LAMP_BURNS, targets=("light-01", "light-00"), from_s=7200, for_s=600),
        Fault(kind=FaultKind.POWER_CUT, targets=("light-02",), from_s=60, for_s=60),
    )
    quiet = StimulusSpec(role=Role.LIGHT, failures_per_year=0, mains_cuts_per_year=0)
    here = town(*lamps, faults=faults, stimuli=(quiet,))
    first, second, third = (here.stimulus(spec) for spec in lamps)
    assert first.heads[0].has(Trouble.FAILED, START_S + 600)
    assert not first.heads[0].has(Trouble.FAILED, START_S + 4200)
    assert first.heads[0].has(Trouble.BURNS, START_S + 7200)
    assert not second.heads[0].has(Trouble.FAILED, START_S + 600)
    assert [second.light_pct(0, START_S + second_s) for second_s in (0, 7200, 7800)] == [0, 100, 0]
    assert third.mains.next_change_s(START_S) == START_S + 60
    assert third.mains.next_change_s(START_S + 60) == START_S + 120
    assert first.mains.on(START_S + 60)


# Files.


def stations(folder: Path, *specs: NodeSpec, replay: Replay | None = None) -> Town:
    return town(*specs, stimuli=(StimulusSpec(role=Role.AIR, replay=replay or air(folder)),))


def test_series_go_to_the_places_of_their_names_and_the_others_in_turn(tmp_path):
    named = node(Role.AIR, 2, place_ids=("south",))
    here = stations(tmp_path, *nodes(Role.AIR, 2), named)
    seen = [here.stimulus(spec).measure(q.PM2_5, START_S) for spec in (*nodes(Role.AIR, 2), named)]
    assert seen == [125, 125, 80]  # the north for all that are not called so


def test_without_names_series_are_dealt_in_order_and_from_the_first_again(tmp_path):
    specs = nodes(Role.AIR, 3)
    here = stations(tmp_path, *specs)
    assert [here.stimulus(spec).measure(q.PM2_5, START_S) for spec in specs] == [125, 80, 125]


def test_a_file_with_one_series_is_seen_by_all(tmp_path):
    text = "at,no2\n2004-03-08T08:00,41\n"
    replay = Replay(file=write(tmp_path, text), time_column="at", columns=(Column(quantity="no2", column="no2"),))
    specs = nodes(Role.AIR, 2)
    here = stations(tmp_path, *specs, replay=replay)
    assert [here.stimulus(spec).measure(q.NO2, START_S) for spec in specs] == [410, 410]


def bays(folder: Path, text: str, count: int = 3, **kind) -> tuple[Town, tuple[NodeSpec, ...]]:
    replay = Replay(
        file=write(folder, text),
        time_column="time",
        place_column="bay",
        state_column="state",
        taken="Present",
        **kind,
    )
    specs = nodes(Role.PARKING, count)
    return town(*specs, stimuli=(StimulusSpec(role=Role.PARKING, replay=replay),)), specs


EVENTS = """time,bay,state
2004-03-08T08:00:00Z,P1,Unoccupied
2004-03-08T08:00:00Z,P2,Present
2004-03-08T08:10:00Z,P1,Present
2004-03-08T08:25:30Z,P2,Unoccupied
2004-03-08T09:00:00Z,P1,Unoccupied
"""


def test_an_event_log_is_what_happens_to_the_bays(tmp_path):
    here, specs = bays(tmp_path, EVENTS, 2)
    first, second = (here.life(spec, 0) for spec in specs)
    assert isinstance(first, ReplayedLife)
    assert [(change.time_s - START_S, change.taken) for change in first.changes(START_S, START_S + DAY_S)] == [
        (600, True),
        (3600, False),
    ]
    assert [(change.time_s - START_S, change.taken) for change in second.changes(START_S, START_S + DAY_S)] == [
        (1530, False)
    ]
    stimulus = here.stimulus(specs[0])
    assert stimulus.next_change_s(0, START_S) == START_S + 600
    assert stimulus.values(q.PARKING_ONE_BAY, START_S + 660)[:2] == (1, 1)
    field, empty = stimulus.field(0, START_S + 700), stimulus.field(0, START_S + 500)
    assert sum((a - b) ** 2 for a, b in zip(field, empty, strict=True)) > 100**2  # a car, 10 µT and more


def test_from_a_snapshot_chance_goes_on(tmp_path):
    here, specs = bays(tmp_path, EVENTS, 2, snapshot=True)
    first, second = (here.life(spec, 0) for spec in specs)
    assert (first.occupied(START_S), first.changed_s(START_S)) == (False, START_S)
    assert (second.occupied(START_S), second.changed_s(START_S)) == (False, START_S - 2070)
    assert START_S < second.next_change_s(START_S) < START_S + 7 * DAY_S


@pytest.mark.parametrize(
    ("role", "changed", "expected"),
    [
        (
            Role.AIR,
            {"columns": (Column(quantity="level", column="PM 2,5"),)},
            "column 'PM 2,5' is to be level, which the sensors of air nodes do not see; write one of temperature, ",
        ),
        (Role.LIGHT, {"columns": (Column(quantity="lamp_status", column="PM 2,5"),)}, "write one of power, voltage"),
        (Role.AIR, {"state_column": "comment"}, "state_column is for parking; write columns for air nodes"),
        (Role.AIR, {"snapshot": True}, "a snapshot needs state_column"),
    ],
)
def test_what_a_role_cannot_see_is_refused(tmp_path, role, changed, expected):
    replay = air(tmp_path, **changed)
    with pytest.raises(ReplayError, match=r"^.*series\.csv: ") as caught:
        town(*nodes(role, 1), stimuli=(StimulusSpec(role=role, replay=replay),))
    assert expected in str(caught.value)


def test_lamps_and_bays_replay_what_their_sensors_measure(tmp_path):
    text = "at,lx,v,t\n2004-03-08T08:00,17,229.5,-3.2\n"
    path = write(tmp_path, text)
    light = Replay(
        file=path,
        time_column="at",
        columns=(Column(quantity="illuminance", column="lx"), Column(quantity="voltage", column="v")),
    )
    parking = Replay(file=path, time_column="at", columns=(Column(quantity="temperature", column="t"),))
    specs = (node(Role.LIGHT, 0), node(Role.PARKING, 0))
    stimuli = (StimulusSpec(role=Role.LIGHT, replay=light), StimulusSpec(role=Role.PARKING, replay=parking))
    here = town(*specs, stimuli=stimuli)
    assert here.stimulus(specs[0]).lux(START_S) == 17
    assert here.stimulus(specs[0]).values(q.LIGHT_ONE_HEAD, START_S)[2] == 2295
    assert here.stimulus(specs[1]).values(q.PARKING_ONE_BAY, START_S)[3] == -32
