"""All that the nodes of a scenario see, made up or replayed: one sky, one sun, and a stimulus for each node.

Each thing draws from a stream of its own, named after its place. So one node more reshuffles nothing, and neither does
the order in which stimuli are asked for. All of them are made when they are first asked for.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import cycle

from protocol.quantity_table import Quantity
from simulator.scenario.model import FaultKind, NodeSpec, Replay, Role, Scenario, StimulusSpec
from simulator.stimuli.air import AirStimulus
from simulator.stimuli.bay import BayLife, Life
from simulator.stimuli.calendar import Calendar
from simulator.stimuli.cycles import DAY_S
from simulator.stimuli.daylight import Daylight
from simulator.stimuli.demand import Demand, demand_of
from simulator.stimuli.lamp import Failure, Trouble, drawn_failures
from simulator.stimuli.lighting import LightStimulus
from simulator.stimuli.mains import Feeder, Mains
from simulator.stimuli.parking import ParkingStimulus
from simulator.stimuli.replay.reading import File
from simulator.stimuli.replay.roles import REPLAYABLE
from simulator.stimuli.replay.rows import ReplayError
from simulator.stimuli.replay.seen import ReplayedLife, Seen
from simulator.stimuli.replay.series import Series
from simulator.stimuli.weather import Corner, Weather
from simulator.streams import Stream

AnyStimulus = AirStimulus | ParkingStimulus | LightStimulus

NEIGHBOUR_M = 7.0  # bays whose nodes are as near feel each other's cars
_NEIGHBOURS = 2  # one on each side
_LAST_S = 3 * 3600  # a replay is kept so long beyond the end of the run
_TROUBLES = {FaultKind.LAMP_FAILED: Trouble.FAILED, FaultKind.LAMP_BURNS: Trouble.BURNS}


class Town:
    """What there is to be seen in *scenario*. Raises ReplayError for a file that cannot be replayed."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._seed = scenario.seed
        self._start_s = scenario.start_s
        self._until_s = scenario.start_s + scenario.end_s
        self.calendar = Calendar(scenario.site.time_zone)
        self.weather = Weather(Stream(self._seed, "weather"), self.calendar)
        self._stimuli: dict[str, AnyStimulus] = {}
        self._lives: dict[tuple[str, int], Life] = {}
        self._demands: dict[StimulusSpec, Demand] = {}
        self._mains: dict[tuple[str, tuple[tuple[float, float], ...]], Mains] = {}
        self._files = {id(spec.replay): self._read(spec) for spec in scenario.stimuli if spec.replay is not None}
        self._cells: dict[tuple[int, int], list[tuple[NodeSpec, int]]] = {}
        for node in scenario.nodes:
            if node.role is Role.PARKING:
                for bay in range(node.bays):
                    self._cells.setdefault(_cell(node), []).append((node, bay))

    @cached_property
    def daylight(self) -> Daylight:
        """The sun over the site."""
        site = self.scenario.site
        offset_min = self.standard_offset_min
        return Daylight(site.latitude_deg, site.longitude_deg, offset_min, self._start_s // DAY_S)

    @cached_property
    def standard_offset_min(self) -> int:
        """Minutes by which the town's clocks are ahead of UTC in winter."""
        offsets = [self.calendar.offset_s(self._start_s + month * 30 * DAY_S) for month in range(12)]
        return min(offsets) // 60

    def stimulus(self, node: NodeSpec) -> AnyStimulus:
        """What a node sees; the same object each time."""
        found = self._stimuli.get(node.name)
        if found is None:
            spec = self.scenario.stimulus(node)
            stream = Stream(self._seed, f"stimulus/{node.name}")
            corner = Corner(stream, self.weather, spec.temperature_c)
            if node.role is Role.AIR:
                found = AirStimulus(stream, corner, spec.pm2_5_ug_m3, spec.traffic, self._seen(node, spec))
            elif node.role is Role.PARKING:
                found = self._parking(node, spec, stream, corner)
            else:
                found = self._light(node, spec, stream, corner)
            self._stimuli[node.name] = found
        return found

    def life(self, node: NodeSpec, bay: int) -> Life:
        """What really happens at a bay: the truth that its node has to find out."""
        found = self._lives.get((node.name, bay))
        if found is None:
            found = self._lives[node.name, bay] = self._live(node, bay)
        return found

    def mains(self, node: NodeSpec) -> Mains:
        """The supply of a node that hangs on it; nodes of one feeder, or of one zone without, fail together."""
        spec = self.scenario.stimulus(node)
        cuts = tuple(self._faults(node, FaultKind.POWER_CUT))
        supply = f"feeder/{node.feeder}" if node.feeder else f"zone/{node.zone}"
        found = self._mains.get((supply, cuts))
        if found is None:
            feeders = [feeder for feeder in self.scenario.feeders if feeder.name == node.feeder]
            switched = [
                Feeder(self.daylight, feeder.on_after_sunset_min, feeder.off_after_sunrise_min) for feeder in feeders
            ]
            found = self._mains[supply, cuts] = Mains(
                Stream(self._seed, f"mains/{supply}"),
                self.weather.noise,
                self.calendar,
                self._start_s,
                self.scenario.end_s,
                volts=spec.mains_v,
                cuts_per_year=spec.mains_cuts_per_year,
                cuts=cuts,
                feeder=switched[0] if switched else None,
            )
        return found

    # One node.

    def _parking(self, node: NodeSpec, spec: StimulusSpec, stream: Stream, corner: Corner) -> ParkingStimulus:
        lives = tuple(self.life(node, bay) for bay in range(node.bays))
        near = tuple(tuple(self.life(*place) for place in self._beside(node, bay)) for bay in range(node.bays))
        has_columns = spec.replay is not None and spec.replay.columns and not spec.replay.state_column
        return ParkingStimulus(stream, lives, corner, near, self._seen(node, spec) if has_columns else None)

    def _light(self, node: NodeSpec, spec: StimulusSpec, stream: Stream, corner: Corner) -> LightStimulus:
        failures = []
        for head in range(node.heads):
            dice = Stream(self._seed, f"failures/{node.name}/{head}")
            drawn = drawn_failures(dice, self._start_s, self.scenario.end_s, spec.failures_per_year)
            told = [
                Failure(trouble, *span)
                for kind, trouble in _TROUBLES.items()
                for span in (self._faults(node, kind) if head == 0 else ())
            ]
            failures.append((*told, *drawn))
        return LightStimulus(
            stream,
            corner,
            self.daylight,
            self.mains(node),
            start_s=self._start_s,
            watts=node.watts,
            heads=node.heads,
            failures=tuple(failures),
            motions_per_hour=spec.motions_per_hour,
            weekend=spec.weekend,
            seen=self._seen(node, spec),
        )

    def _live(self, node: NodeSpec, bay: int) -> Life:
        spec = self.scenario.stimulus(node)
        stream = Stream(self._seed, f"bay/{node.name}/{bay}")
        dealt = self._files.get(id(spec.replay))
        seen: tuple[bool, int] | None = None
        if dealt is not None and dealt.replay.state_column:
            key = dealt.key(node, bay)
            if not dealt.replay.snapshot:
                return ReplayedLife(dealt.series[key], stream.below(1 << 40))
            seen = dealt.snapshot[key]
        demand = self._demands.get(spec)
        if demand is None:
            demand = self._demands[spec] = demand_of(spec)
        return BayLife(stream, demand, self.calendar, self._start_s, seen)

    def _beside(self, node: NodeSpec, bay: int) -> list[tuple[NodeSpec, int]]:
        """The nearest bays of the same street."""
        column, row = _cell(node)
        near = []
        for cell in [(column + right, row + up) for right in (-1, 0, 1) for up in (-1, 0, 1)]:
            for other, other_bay in self._cells.get(cell, ()):
                away_m = max(abs(other.x_m - node.x_m), abs(other.y_m - node.y_m))
                if (other is not node or other_bay != bay) and other.street == node.street and away_m <= NEIGHBOUR_M:
                    near.append((away_m, other.name, other_bay, other))
        near.sort(key=lambda found: found[:3])
        return [(other, other_bay) for _, _, other_bay, other in near[:_NEIGHBOURS]]

    def _faults(self, node: NodeSpec, kind: FaultKind) -> list[tuple[float, float]]:
        return [
            (self._start_s + fault.from_s, self._start_s + fault.until_s)
            for fault in self.scenario.faults
            if fault.kind is kind and node.name in fault.targets
        ]

    # Files.

    def _read(self, spec: StimulusSpec) -> "_Dealt":
        assert spec.replay is not None
        scenario = self.scenario
        nodes = [node for node in scenario.nodes if scenario.stimulus(node) is spec]
        return _Dealt(spec.replay, spec.role, nodes, self._start_s, self._until_s + _LAST_S)

    def _seen(self, node: NodeSpec, spec: StimulusSpec) -> Seen | None:
        dealt = self._files.get(id(spec.replay))
        return None if dealt is None else Seen(dealt.series[dealt.key(node, 0)], dealt.quantities)


class _Dealt:
    """A file, and which of its series each node has: the one called as its place, else the next of the others.

    They are dealt in the order of their first rows, and from the first again when there are more nodes than series.
    """

    def __init__(self, replay: Replay, role: Role, nodes: Sequence[NodeSpec], start_s: float, until_s: float) -> None:
        self.replay = replay
        names = [
            _place_id(node, instance) for node in nodes for instance in range(node.bays if replay.state_column else 1)
        ]
        places = frozenset(names)
        file = File(replay, start_s, until_s, places, len(names))
        self.quantities = file.quantities
        self._check(role)
        self.series: dict[str, Series] = {}
        self.snapshot: dict[str, tuple[bool, int]] = {}
        if replay.snapshot:
            self.snapshot = file.snapshot()
        else:
            self.series = file.series()
        known = self.snapshot or self.series
        dealable = [key for key in file.keys if key in known]
        others = cycle([key for key in dealable if key not in places] or dealable)
        self._keys = {name: name if name in known else next(others) for name in names}

    def key(self, node: NodeSpec, instance: int) -> str:
        """Of the series that a node's bay or station has."""
        return self._keys[_place_id(node, instance)]

    def _check(self, role: Role) -> None:
        replay = self.replay
        for column, number in zip(replay.columns, self.quantities, strict=True):
            if number not in REPLAYABLE[role]:
                names = ", ".join(Quantity(replayable).name for replayable in REPLAYABLE[role])
                raise ReplayError(
                    f"{replay.file}: column '{column.column}' is to be {column.quantity}, which the sensors of "
                    f"{role.value} nodes do not see; write one of {names}"
                )
        if replay.state_column and role is not Role.PARKING:
            raise ReplayError(f"{replay.file}: state_column is for parking; write columns for {role.value} nodes")
        if replay.snapshot and not replay.state_column:
            raise ReplayError(f"{replay.file}: a snapshot needs state_column")


def _place_id(node: NodeSpec, instance: int) -> str:
    return node.place_ids[instance] if instance < len(node.place_ids) else f"{node.name}/{instance}"


def _cell(node: NodeSpec) -> tuple[int, int]:
    """Of a grid as wide as neighbours are apart."""
    return int(node.x_m // NEIGHBOUR_M), int(node.y_m // NEIGHBOUR_M)
