"""What a commit may write: one class for each table that cores change, and no SQL."""

from dataclasses import dataclass
from typing import NamedTuple

from gateway.lighting.consumption import LampNight
from gateway.lighting.faults import Fault
from gateway.lighting.outage import Outage
from gateway.network.session import SessionRow
from gateway.readings.record import Record


@dataclass(frozen=True, slots=True)
class KeepSession:
    """A join was answered: this session waits beside the current one until it is heard. Its nonces are used up."""

    session: SessionRow


@dataclass(frozen=True, slots=True)
class StartSession:
    """The session with this number was heard: it is the current one now, and those before it are over."""

    device: int
    number: int


class KeepCounters(NamedTuple):
    """Counters of the device's current session, and the text of its log (None: as before).

    f_cnt_down: the first counter that is not reserved.
    """

    device: int
    f_cnt_up: int
    f_cnt_down: int
    log: str | None


@dataclass(frozen=True, slots=True)
class KeepGroupCounter:
    """The first FCntDown of a multicast group that is not reserved."""

    group: int
    f_cnt_down: int


@dataclass(frozen=True, slots=True)
class KeepAirtime:
    """What a radio has sent within the last hour, as the text of `gateway.network.airtime`."""

    radio: str
    sent: str


@dataclass(frozen=True, slots=True)
class KeepLamp:
    """What is known of a lamp's keys and programme, as the text of `gateway.lighting.lamps`."""

    dev_eui: bytes
    state: str


class AddRecord(NamedTuple):
    """A new record; the store gives it its place in the order of acceptance."""

    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class AddQuarantine:
    """A payload that could not be read, with the reason: at most 10 per device and 1,000 in all are kept."""

    device: int
    received_ms: int
    boot: int | None
    session: int
    f_cnt: int
    f_port: int
    payload: bytes
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepOrder:
    """An order as it stands now, under its id; what it was before is replaced.

    target_device, target_group: one of them. wire_id: the 16-bit id on the air. payload: the encoded order (it may
    hold a key: never shown). state: a name of `gateway.orders.states`. tries: how often it went out.
    """

    id: int
    target_device: int | None
    target_group: int | None
    wire_id: int
    verb: str
    description: str
    payload: bytes
    source: str
    made_ms: int
    expiry_gps_s: int
    state: str
    detail: str
    tries: int
    changed_ms: int


@dataclass(frozen=True, slots=True)
class KeepLampState:
    """What lighting knows of a lamp, as its own text."""

    device: int
    state: str


@dataclass(frozen=True, slots=True)
class KeepFault:
    """A fault of a lamp as it stands now."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class KeepOutage:
    """An outage of a feeder as it stands now."""

    outage: Outage


@dataclass(frozen=True, slots=True)
class AddLampNight:
    """A lamp post's night that is over; operating_h, switch_count: its own counters then, None: it had not told."""

    night: LampNight
    operating_h: int | None
    switch_count: int | None


Write = (
    KeepSession
    | StartSession
    | KeepCounters
    | KeepGroupCounter
    | KeepAirtime
    | KeepLamp
    | AddRecord
    | AddQuarantine
    | KeepOrder
    | KeepLampState
    | KeepFault
    | KeepOutage
    | AddLampNight
)
