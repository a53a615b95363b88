"""A scenario as frozen values: the site, its radio, gateways, nodes one by one, what they see, what goes wrong.

`reading.py` makes it of a TOML file: streets are expanded, targets of faults are names of nodes and gateways, bad weeks
are drawn. So whoever runs a scenario asks nothing else. Places are metres east (x) and north (y) of the site's point
and above its ground; times are seconds from the start of the run. Every random thing in the expansion has a stream of
its own (`simulator/streams.py`), named after what it is for: one node more never reshuffles the others.
"""

import hashlib
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le, Len

from simulator.scenario.bounds import (
    YEAR_S,
    DataRate,
    Decibels,
    Duration,
    Heading,
    Height,
    Insee,
    Label,
    Made,
    Metres,
    Name,
    PlanName,
    Point,
    Seconds,
    Share,
    Target,
    TimeZone,
)

_METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371.0 km; enough for a town
_COSINE_STEPS = 8  # terms of the series, whose error is then below 1e-9 up to 90 degrees


class Role(Enum):
    """What a node does; bridges are no nodes but gateways here."""

    PARKING = "parking"
    AIR = "air"
    LIGHT = "light"


class GatewayKind(Enum):
    """What hears the nodes."""

    CONCENTRATOR = "concentrator"  # eight channels, every spreading factor
    BRIDGE = "bridge"  # one channel, one spreading factor: an ESP32 on a USB cable


class Interference(Enum):
    """The rule by which frames that overlap are lost (facts and sources: `simulator/air/`)."""

    ALOHA = "aloha"  # same channel and spreading factor: both are lost
    CAPTURE = "capture-6db"  # same channel and spreading factor: the stronger survives by 6 dB
    CROCE = "croce"  # energy of all that overlaps, against the matrix of Croce et al. 2018
    GOURSAUD = "goursaud"  # the same, against the matrix of Goursaud and Gorce 2015


class FaultKind(Enum):
    """What can go wrong. Which of `Fault`'s parameters a kind has is in `simulator/scenario/faults.py`."""

    # Of the radio.
    LOSS = "loss"  # frames lost by chance: share, up or down or both; of the nodes and gateways named
    JAMMING = "jamming"  # a gateway hears nothing on freq_hz (None: on no channel)
    ANTENNA = "antenna"  # water in a plug: loss_db at nodes or gateways, both ways
    # Of gateways.
    GATEWAY_REBOOT = "gateway_reboot"  # the radio and its forwarder are away
    GATEWAY_POWER_CUT = "gateway_power_cut"  # kill -9 of the process, what was not synced is gone; back after for_s
    BACKHAUL = "backhaul"  # the radio runs, but the forwarder does not reach the network server
    CLOCK_JUMP = "clock_jump"  # the gateway's clock is off by by_s from now on, until for_s is over
    CLOCK_UNTRUSTED = "clock_untrusted"  # the gateway does not know the time
    DISK_FULL = "disk_full"  # nothing can be written
    # Of the broker.
    BROKER_AWAY = "broker_away"  # no connection
    BROKER_RESTART = "broker_restart"  # connections drop, some acknowledgements are lost on the way
    DUPLICATES = "duplicates"  # share of messages delivered twice
    # Of the mains and of nodes.
    POWER_CUT = "power_cut"  # everything named that hangs on the mains is dark, nodes and gateways
    NODE_REBOOT = "node_reboot"  # as after a brown-out: memory is lost, flash stays
    NODE_DEAD = "node_dead"  # silent until for_s is over
    BATTERY_EMPTY = "battery_empty"  # silent to the end of the run
    CLOCK_DRIFT = "clock_drift"  # the sleep clock is off by drift_ppm
    FLASH_WORN = "flash_worn"  # share of writes to the log that fail
    FLASH_TORN = "flash_torn"  # a reboot in the middle of a write: the newest record is cut short
    SENSOR_DEAD = "sensor_dead"  # all values are null
    SENSOR_STUCK = "sensor_stuck"  # all values stay what they are
    LAMP_FAILED = "lamp_failed"  # takes no power whatever is set
    LAMP_BURNS = "lamp_burns"  # takes full power whatever is set


class StreetKind(Enum):
    """Who parks where: hours and lengths of stay as `simulator/stimuli/demand.py` has them."""

    PLAIN = "plain"  # as arrivals_per_day, stay_min, open_h and close_h say
    RESIDENTIAL = "residential"
    SHOPS = "shops"
    OFFICES = "offices"
    STATION = "station"


class AttackKind(Enum):
    """What somebody without keys tries, with every frame of the run at hand."""

    REPLAY = "replay"  # each uplink heard so far again, in order
    REPLAY_SHUFFLED = "replay_shuffled"  # the same in any order
    REPLAY_DOWNLINKS = "replay_downlinks"  # each downlink again, class C and multicast too
    REPLAY_JOINS = "replay_joins"  # each join request again
    DELAY = "delay"  # uplinks are jammed as they come and replayed delay_s later
    BIT_FLIPS = "bit_flips"  # frames heard, with one bit changed
    TRUNCATED = "truncated"  # frames heard, cut short
    FORGE_CLASS_C = "forge_class_c"  # downlinks to lamps under keys that are guessed
    FORGE_MULTICAST = "forge_multicast"  # the same to groups
    FLOOD_JOINS = "flood_joins"  # join requests of known DevEUIs under keys that are guessed
    PULL_DATA = "pull_data"  # GWMP PULL_DATA with a gateway's EUI, to have its downlinks sent elsewhere


class Operator(Enum):
    """How an expectation compares."""

    AT_LEAST = ">="
    AT_MOST = "<="
    EQUAL = "=="


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The town. insee: of its commune. Degrees WGS 84 of the point where x and y are 0. time_zone: an IANA name."""

    insee: Insee
    name: Label
    latitude_deg: Annotated[float, Ge(-90), Le(90)]
    longitude_deg: Annotated[float, Ge(-180), Le(180)]
    time_zone: TimeZone = "Europe/Paris"

    def degrees(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Latitude and longitude of a position, rounded to a millionth of a degree (0.1 m)."""
        latitude = self.latitude_deg + y_m / _METRES_PER_DEGREE
        longitude = self.longitude_deg + x_m / (_METRES_PER_DEGREE * _cosine(self.latitude_deg))
        return round(latitude, 6), round(longitude, 6)

    def metres(self, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
        """The x and y of a point, rounded to 0.1 m."""
        y_m = (latitude_deg - self.latitude_deg) * _METRES_PER_DEGREE
        x_m = (longitude_deg - self.longitude_deg) * _METRES_PER_DEGREE * _cosine(self.latitude_deg)
        return round(x_m, 1), round(y_m, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursts:
    """A channel that is good and bad by turns (Gilbert and Elliott), on each link for itself.

    good_s, bad_s: how long each state lasts on average, exponentially. loss: share of frames lost in the bad state.
    """

    good_s: Seconds
    bad_s: Seconds
    loss: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """The plan of the region and the air itself.

    plan: as `protocol.region.PLANS` names it ("full", "single-channel"). dr: a data rate all nodes keep; None: the
    fastest their link bears, and whatever ADR makes of it. path_loss: a preset of `simulator/air/`. shadowing_db:
    standard deviation of what is frozen per link; fading_db: of what changes from frame to frame. loss_up, loss_down:
    share of frames lost by chance on top, 0..1. repeat: frames carry the last readings again; resend: the gateway asks
    for what is missing. Both are what Lampyre does; without them a run shows what they are good for.
    """

    plan: PlanName = "full"
    rx_delay_s: Annotated[int, Ge(1), Le(15), Duration()] = 5
    rx2_dr: DataRate = 3
    adr: bool = True
    dr: DataRate | None = None
    path_loss: Name = "urban"
    shadowing_db: Annotated[float, Ge(0), Le(30)] = 7.0
    fading_db: Annotated[float, Ge(0), Le(30)] = 1.5
    interference: Interference = Interference.CROCE
    loss_up: Share = 0.0
    loss_down: Share = 0.0
    bursts: Bursts | None = None
    repeat: bool = True
    resend: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySpec:
    """A gateway. channels: how many frames it can demodulate at once; 1 for a bridge."""

    name: Name
    x_m: Metres
    y_m: Metres
    height_m: Height = 20.0
    kind: GatewayKind = GatewayKind.CONCENTRATOR
    channels: Annotated[int, Ge(1), Le(64)] = 8
    antenna_dbi: Annotated[float, Ge(-10), Le(20)] = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A part of the town that figures are told for. label: as people say it."""

    name: Name
    label: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """A line of the map with its nodes. points: (x_m, y_m), at least two."""

    name: Name
    zone: Name
    points: Annotated[tuple[Point, ...], Len(2, 100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeder:
    """A supply that the cabinet switches: lamps have power from sunset to sunrise, shifted by so many minutes.

    spread_s: so long it takes at random until a lamp's electronics run; two hundred boot within it.
    """

    name: Name
    on_after_sunset_min: Annotated[int, Ge(-240), Le(240)] = 0
    off_after_sunrise_min: Annotated[int, Ge(-240), Le(240)] = 0
    spread_s: Annotated[float, Ge(0), Le(600), Duration()] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """One node.

    name: unique, also the name of its random streams and of its keys. zone, street: names; "" for none. place_ids: of
    its bays, heads or station (`92002-bay-gare-014`), one for each instance. interval_s: of readings; a parking node's
    heartbeat. watts: of each lamp, 0 if it is none. group: of multicast, "" for none. feeder: name of the switched
    feeder, "" for permanent supply. battery_mah: 0 on the mains. board: as `simulator/energy/currents.py` names it.
    settings: further ones by the names of `protocol.settings`, as a settings file has them. Its clocks: clock_ppm
    awake, sleep_ppm asleep, positive is fast. boots_s: when it is first switched on; 0 if the scenario is warm.
    excess_loss_db: of walls and car parks, on every link.
    """

    name: str
    role: Role
    x_m: float
    y_m: float
    height_m: float = 3.0
    zone: str = ""
    street: str = ""
    place_ids: tuple[str, ...] = ()
    interval_s: int = 900
    bays: int = 1
    heads: int = 1
    watts: int = 0
    group: str = ""
    feeder: str = ""
    battery_mah: int = 0
    board: str = "heltec-v3"
    settings: tuple[tuple[str, int | str], ...] = ()
    clock_ppm: int = 0
    sleep_ppm: int = 0
    boots_s: float = 0.0
    excess_loss_db: float = 0.0

    @property
    def dev_eui(self) -> bytes:
        """Made of its name, so that it stays when others come; locally administered, so it is no vendor's."""
        return bytes([0x02]) + hashlib.sha256(self.name.encode()).digest()[:7]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where a quantity stands in a CSV file: quantity by its name in `protocol.quantities`, in its own unit there.

    The sensor sees scale × what is written + offset.
    """

    quantity: Name
    column: Heading
    scale: Annotated[float, Ge(-1_000_000), Le(1_000_000)] = 1.0
    offset: Annotated[float, Ge(-1_000_000), Le(1_000_000)] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A CSV file as what the sensors see.

    file: absolute. delimiter, decimal: one character each. time_column with time_format: "iso", "unix" or a
    `strptime` format; time_zone: of times that do not name theirs. align: the first row is at the start of the run,
    whatever its time is; else times are what they say. columns: of air and light. state_column, taken: of parking,
    with the text that says a car is there. place_column: which series a row belongs to ("": there is one); series are
    dealt to nodes in the order of their first rows, from the first again if there are more nodes. missing: what stands
    where nothing was measured, besides nothing. max_gap_s: so long a value holds, after that it is not known; a bay's
    state holds until it changes. line: values change evenly between two rows. whole_weeks: align by whole weeks only,
    so that a Monday's morning stays one; the run begins within the first week of the file. snapshot: of parking; rows
    say how a bay was when the file was written, and since when; chance takes it from there.
    """

    file: Path
    time_column: Heading
    delimiter: Annotated[str, Len(1, 1)] = ","
    decimal: Annotated[str, Len(1, 1)] = "."
    time_format: Heading = "iso"
    time_zone: TimeZone = "UTC"
    align: bool = True
    place_column: Heading = ""
    columns: tuple[Column, ...] = ()
    state_column: Heading = ""
    taken: Heading = ""
    missing: tuple[Heading, ...] = ()
    max_gap_s: Annotated[int, Ge(1), Le(YEAR_S), Duration()] = 7200
    line: bool = False
    whole_weeks: bool = False
    snapshot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StimulusSpec:
    """What the nodes of a role see in a zone; zone "" is wherever no other says it.

    parking: arrivals_per_day at a bay, stay_min on average, open_h, close_h: local hours between which most come;
    street: another kind than plain has all of these by itself.
    air: pm2_5_ug_m3 and temperature_c on average over the year; traffic: 0 in a park, 1 in a street, 2 at a crossing.
    light: motions_per_hour at the busiest, failures_per_year of a lamp, mains_v, mains_cuts_per_year.
    weekend: how busy Saturday and Sunday are compared with a weekday.
    """

    role: Role
    zone: Name = ""
    replay: Replay | None = None
    street: StreetKind = StreetKind.PLAIN
    arrivals_per_day: Annotated[float, Ge(0), Le(200)] = 8.0
    stay_min: Annotated[float, Ge(1), Le(10080)] = 45.0
    open_h: Annotated[float, Ge(0), Le(24)] = 8.0
    close_h: Annotated[float, Ge(0), Le(24)] = 20.0
    pm2_5_ug_m3: Annotated[float, Ge(0), Le(500)] = 11.0
    temperature_c: Annotated[float, Ge(-30), Le(40)] = 12.0
    traffic: Annotated[float, Ge(0), Le(10)] = 1.0
    motions_per_hour: Annotated[float, Ge(0), Le(3600)] = 20.0
    failures_per_year: Annotated[float, Ge(0), Le(365)] = 0.02
    mains_v: Annotated[float, Ge(100), Le(260)] = 231.0
    mains_cuts_per_year: Annotated[float, Ge(0), Le(3650)] = 1.0
    weekend: Annotated[float, Ge(0), Le(5)] = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureSpec:
    """Frames that a gateway recorded (`lampyre gateway run --capture`), heard again at *gateway* from *from_s* on.

    file: absolute. speed: 2.0 is twice as fast as they came. registry: devices file with the keys of who sent them, or
    None: the gateway refuses them all as unknown, which is a test, too.
    """

    file: Path
    gateway: Name
    from_s: Seconds = 0.0
    speed: Annotated[float, Ge(0.01), Le(1000)] = 1.0
    registry: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something goes wrong from *from_s* on for *for_s*; targets: names of nodes and gateways, sorted by the file.

    Of the parameters those that the kind has are given (`simulator/scenario/faults.py`), the others are None; up and
    down: which way frames are lost. drawn: by a bad week and not written by hand.
    """

    kind: FaultKind
    from_s: Seconds
    targets: tuple[Target, ...] = ()
    for_s: Seconds = 0.0
    share: Share | None = None
    loss_db: Decibels | None = None
    freq_hz: Annotated[int, Ge(863_000_000), Le(870_000_000)] | None = None
    by_s: Annotated[float, Ge(-1_000_000_000), Le(1_000_000_000), Duration()] | None = None
    drift_ppm: Annotated[int, Ge(-100_000), Le(100_000)] | None = None
    up: bool = True
    down: bool = True
    drawn: Annotated[bool, Made()] = False

    @property
    def until_s(self) -> float:
        """When it is over."""
        return self.from_s + self.for_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Somebody dims: at *at_s*, target a group, a node, or "" for all lamps. level_pct None: resume the programme."""

    at_s: Seconds
    target: Name = ""
    level_pct: Annotated[int, Ge(0), Le(100)] | None = None
    fade_s: Annotated[int, Ge(0), Le(3600), Duration()] = 2
    hold_s: Annotated[int, Ge(1), Le(86_400), Duration()] = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One kind of attack, a frame each *every_s* from *from_s* on for *for_s*. delay_s: of DELAY and of replays."""

    kind: AttackKind
    from_s: Seconds
    for_s: Seconds
    every_s: Annotated[float, Ge(0.01), Le(86_400), Duration()] = 1.0
    delay_s: Seconds = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacker:
    """Where somebody stands with a radio that hears everything and sends with *power_dbm*."""

    x_m: Metres
    y_m: Metres
    height_m: Height = 2.0
    power_dbm: Annotated[int, Ge(-20), Le(30)] = 14
    attacks: tuple[Attack, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BadWeek:
    """Trouble from *from_s* to *until_s* as the seed has it; kept to be told of, its faults are in `Scenario.faults`.

    severity: 0..1, of a quiet week and of the worst. kinds: those it may draw.
    """

    from_s: Seconds
    until_s: Seconds
    severity: Share = 0.5
    kinds: tuple[FaultKind, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the run must reach: metric, one of `simulator/scenario/metrics.py`."""

    metric: str
    operator: Operator
    value: float

    @property
    def text(self) -> str:
        """As the file says it: `delivered >= 0.999`."""
        return f"{self.metric} {self.operator.value} {self.value:g}"

    def held(self, value: float) -> bool:
        """Whether *value* is what was expected."""
        if self.operator is Operator.AT_LEAST:
            return value >= self.value
        return value <= self.value if self.operator is Operator.AT_MOST else value == self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A run from its beginning to its end.

    file: where it was read from, as the command to repeat it must name it. start_s: Unix time of virtual time 0.
    warm: nodes joined long ago and have the time; else they boot for the first time at their `boots_s`, drawn
    within boot_within_s. faults: by their begin, those of bad weeks among them; where there is a final quiet none
    lasts into it, so that at the end everything stored must have arrived exactly once. stimuli: `stimulus` finds a
    node's.
    """

    file: Path
    name: str
    site: Site
    gateways: tuple[GatewaySpec, ...]
    nodes: tuple[NodeSpec, ...]
    about: str = ""
    seed: int = 1
    start_s: int = 1_772_434_800  # 2026-03-02T07:00:00Z, a Monday
    hours: float = 24.0
    warm: bool = True
    boot_within_s: float = 60.0
    final_quiet_s: float = 0.0
    radio: Radio = Radio()
    zones: tuple[Zone, ...] = ()
    streets: tuple[Street, ...] = ()
    feeders: tuple[Feeder, ...] = ()
    stimuli: tuple[StimulusSpec, ...] = ()
    captures: tuple[CaptureSpec, ...] = ()
    faults: tuple[Fault, ...] = ()
    bad_weeks: tuple[BadWeek, ...] = ()
    orders: tuple[Order, ...] = ()
    attacker: Attacker | None = None
    expectations: tuple[Expectation, ...] = ()

    @property
    def end_s(self) -> float:
        """When the run is over."""
        return self.hours * 3600

    def stimulus(self, node: NodeSpec) -> StimulusSpec:
        """What *node* sees: what is said for its role in its zone, else for its role, else what is usual."""
        for zone in (node.zone, ""):
            for stimulus in self.stimuli:
                if stimulus.role is node.role and stimulus.zone == zone:
                    return stimulus
        return StimulusSpec(role=node.role)


def _cosine(degrees: float) -> float:
    """By its series, so that every machine rounds alike."""
    angle = degrees * 3.141592653589793 / 180
    term = total = 1.0
    for step in range(1, _COSINE_STEPS + 1):
        term *= -angle * angle / ((2 * step - 1) * (2 * step))
        total += term
    return total
