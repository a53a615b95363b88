"""What a run showed, as the JSON report that CI reads, and the digest that says two runs were the same."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any


class Digest:
    """SHA-256 over everything that happened, in order: frames, messages, and at last the report."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, kind: str, time_us: int, data: bytes) -> None:
        """Take in one thing that happened."""
        self._hash.update(f"{kind} {time_us} {len(data)} ".encode() + data)

    def hex(self) -> str:
        """The digest so far, 64 hex digits."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Truth:
    """Something that must hold in every run, and whether it did; event: the first that broke it, when, whose, what."""

    name: str
    held: bool
    event: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something this run was expected to reach, with the value reached; None: there was nothing to measure."""

    name: str
    value: float | None
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SubBandUse:
    """Airtime in one sub-band of EN 300 220-2, in percent of an hour.

    limit_pct: what a sender may take. mean_pct: what a node took on average. busiest_pct, busiest: the most that one
    node took in a clock hour, and its name; gateway_pct, gateway: the same of the gateways ("" where none sent).
    """

    name: str
    limit_pct: float
    mean_pct: float
    busiest_pct: float
    busiest: str
    gateway_pct: float
    gateway: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The figures of a role or a zone. Latencies of readings in s, None where none came; years of a tenth and a half.

    Of zones no latencies are kept.
    """

    name: str
    nodes: int
    sent: int
    received: int
    taken: int
    delivered: int
    events_taken: int
    events_delivered: int
    latency_p50_s: float | None = None
    latency_p99_s: float | None = None
    battery_p10_years: float | None = None
    battery_p50_years: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFigures:
    """One gateway: where it stands, what became of nodes' frames at it, how many frames it sent."""

    name: str
    x_m: float
    y_m: float
    fates: dict[str, int]
    downlinks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    """One node. due: records that the radio has had time for, of those due_delivered came.

    sf: spreading factor of its last frame, 0 for FSK. years: that its cell would last.
    """

    name: str
    role: str
    zone: str
    x_m: float
    y_m: float
    sent: int
    received: int
    taken: int
    delivered: int
    due: int
    due_delivered: int
    sf: int | None
    years: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A quantity over time, a value for each bin; None where there was none."""

    mean: list[float | None]
    least: list[float | None]
    most: list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """What a run showed over time, in bins of bin_s; a list has one entry for each bin.

    sent, lost: frames. taken, delivered: readings by when they were taken; arrived: by when they came. p50_s, p90_s,
    p99_s: latency of the readings taken then. joined: nodes let in. backlog: the most messages that waited for the
    broker. values: what the city was told, by quantity. bays, told: share of taken bays by zone, as they were and as
    the city knew them. lamps: mean level in percent by zone.
    """

    bin_s: int
    sent: list[int]
    lost: list[int]
    taken: list[int]
    delivered: list[int]
    arrived: list[int]
    p50_s: list[float | None]
    p90_s: list[float | None]
    p99_s: list[float | None]
    joined: list[int]
    backlog: list[int]
    values: dict[str, Curve]
    bays: dict[str, list[float | None]]
    told: dict[str, list[float | None]]
    lamps: dict[str, list[float | None]]


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that happened at a second of the run; what: a key of `simulator.report.words`. count: to how many."""

    time_s: float
    what: str
    subject: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Away:
    """Something that was away or wrong from a second of the run to another one. count: how many at once."""

    what: str
    subject: str
    from_s: float
    to_s: float
    count: int = 1


@dataclass(slots=True, kw_only=True)
class Report:
    """The outcome of a run; `to_json` is what `--json` writes.

    model, model_fr: the radio model in words. replay: the command that repeats the run. start_s: Unix time of its
    begin. grace_s: records younger than that at the end may still have been on their way. lost: uplinks by cause.
    refused: frames by the gateway's reason. attacks: the attacker's frames by kind. figures: by metric
    (`simulator.scenario.metrics`); None: there was nothing to measure. unnoted: happenings beyond those kept. complete:
    whether it ran to its end.
    """

    seed: int
    hours: float
    nodes: int
    uplinks: dict[str, int]
    readings: dict[str, int]
    lost: dict[str, int]
    refused: dict[str, int]
    airtime_s: float
    loss: float | None = None
    name: str = ""
    model: str = ""
    model_fr: str = ""
    replay: str = ""
    start_s: int = 0
    time_zone: str = "UTC"
    grace_s: float = 0.0
    events: dict[str, int] = field(default_factory=dict)
    downlinks: dict[str, int] = field(default_factory=dict)
    attacks: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    message_bytes: int = 0
    sub_bands: list[SubBandUse] = field(default_factory=list)
    spreading: dict[str, int] = field(default_factory=dict)
    latency_s: dict[str, float | None] = field(default_factory=dict)
    event_latency_s: dict[str, float | None] = field(default_factory=dict)
    roles: list[Group] = field(default_factory=list)
    zones: list[Group] = field(default_factory=list)
    gateways: list[GatewayFigures] = field(default_factory=list)
    spots: list[NodeFigures] = field(default_factory=list)
    streets: list[list[tuple[float, float]]] = field(default_factory=list)
    over: Over | None = None
    happenings: list[Noted] = field(default_factory=list)
    unnoted: int = 0
    outages: list[Away] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    truths: list[Truth] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    complete: bool = True
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values only, ready for `json.dump`."""
        return asdict(self)

    def seal(self, digest: Digest) -> None:
        """Take the rest of the report into *digest* and keep its value; where the scenario's file lies is no part."""
        told = self.to_json() | {"replay": "", "digest": ""}
        digest.add("report", 0, json.dumps(told, sort_keys=True).encode())
        self.digest = digest.hex()

    @property
    def failures(self) -> list[str]:
        """The names of the truths and expectations that did not hold."""
        claims: list[Truth | Expectation] = [*self.truths, *self.expectations]
        return [claim.name for claim in claims if not claim.held]
