"""How long a cell feeds a node, or how large its panel must be: a day of each role on virtual time, under the meter.

Mind, MAC and store are the firmware's own, and so is the air role. Of the parking role only the duty is here: `_Bay`
tells what an ordinary bay tells, and `WATCHES` say what its magnetometer asks of the processor, as counted beside
modelled bays (`bay/trial.py`). Every table of a parking node takes dozens of days; the role itself would take minutes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from firmware.actions import TakeReading, TellEvent
from firmware.events import Woke
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.session import Identity
from firmware.store.log import Log
from protocol.events import BAY_LEFT, BAY_TAKEN
from protocol.orders import NOT_HERE, Order
from protocol.quantities import AIR_FULL, PARKING_ONE_BAY
from protocol.region import FULL
from protocol.settings import AIR, PARKING, Settings
from simulator.air.model import plain
from simulator.air.radio import RadioAir
from simulator.energy.currents import AIR_SENSORS, LIS3MDL, MMC5983MA
from simulator.energy.ledger import Board, EnergyMeter, Ledger, Sensors
from simulator.fleet.body import Body
from simulator.fleet.files import MemoryFiles
from simulator.fleet.senses import Stimulus
from simulator.stimuli.alone import air_alone, bay_alone
from simulator.stimuli.cycles import DAY_S
from simulator.streams import Stream
from simulator.timeline import Timeline

CHANGES_A_DAY = 12
_ELAPSED_US = DAY_S * 1_000_000
_START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
_DEV_EUI = bytes(8)
_BUILD_GPS_S = 1_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How a bay's magnetometer is watched.

    sleep_us: from one wake-up by it, or for it, to the next. samples: of each wake-up, sample_gap_us apart.
    """

    name: str
    sensors: Sensors
    sleep_us: int
    samples: int
    sample_gap_us: int


WATCHES = (
    # Each two seconds, and faster while something moves: too often for anything but light sleep.
    Watch(name="polled", sensors=MMC5983MA, sleep_us=1_900_000, samples=1, sample_gap_us=0),
    # The sensor wakes the node when the field moves, and the node samples it until it holds still again.
    Watch(name="threshold", sensors=LIS3MDL, sleep_us=DAY_S * 1_000_000 // 460, samples=6, sample_gap_us=500_000),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a role takes. watch: of a parking node, the name of its `Watch`."""

    ledger: Ledger
    mean_ua: int
    watch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What feeds a node from the sun: watts of panel, watt-hours of battery."""

    watts: float
    battery_wh: float


def air(board: Board, dr: int, interval_s: int) -> Duty:
    """An air node that reads every *interval_s*."""
    settings = Settings({0: AIR, 1: _DEV_EUI})
    role = Air(AIR_FULL, interval_s, settings.fan_warm_up_s, settings.growth_per_mille)
    ledger = _run(role, settings, dr, board, AIR_SENSORS, None, air_alone(Stream(1, "corner")))
    return Duty(ledger=ledger, mean_ua=ledger.mean_ua(_ELAPSED_US))


def parking(board: Board, dr: int, heartbeat_s: int) -> Duty:
    """A parking node of one bay with a reading every *heartbeat_s*, watched in the way that costs least."""
    return min((watched(board, dr, heartbeat_s, watch) for watch in WATCHES), key=lambda duty: duty.mean_ua)


def watched(board: Board, dr: int, heartbeat_s: int, watch: Watch) -> Duty:
    """The same, watched as *watch* says."""
    bay = bay_alone(Stream(1, "bay"), _START_S)
    role = _Bay(heartbeat_s, lambda time_s: bay.values(PARKING_ONE_BAY, time_s))
    settings = Settings({0: PARKING, 1: _DEV_EUI})
    ledger = _run(role, settings, dr, board, watch.sensors, watch.sleep_us, bay)
    # The seconds between samples count twice, as sleep and as part of the episode: half a percent too much.
    samples = _ELAPSED_US // watch.sleep_us * watch.samples
    ledger.awake(samples * watch.sensors.sense_us)
    ledger.doze(samples * watch.sample_gap_us)
    return Duty(ledger=ledger, mean_ua=ledger.mean_ua(_ELAPSED_US), watch=watch.name)


def panel(mean_ua: int) -> Panel:
    """What a node that takes *mean_ua* at 5 V needs to come through December in northern France.

    0.8 hours of full sun a day on a steep panel that looks south, 48° N (PVGIS, recalled); 70 % of it arrive; the
    battery bridges five days without any.
    """
    day_wh = mean_ua * 5 * 24 / 1e6
    return Panel(watts=round(day_wh / (0.8 * 0.7), 1), battery_wh=round(5 * day_wh, 1))


def _run(
    role: "Air | _Bay",
    settings: Settings,
    dr: int,
    board: Board,
    sensors: Sensors,
    sleep_us: int | None,
    stimulus: Stimulus,
) -> Ledger:
    """A day of a node that nobody answers: both windows stay open to their end."""
    log = Log(MemoryFiles(), 1)
    log.epoch_told()
    mind = Mind(role, log, settings, Facts((0, 1, 0), _BUILD_GPS_S, _DEV_EUI))
    mac = Mac(Identity(_DEV_EUI, abp=(0x26000000, bytes(16), bytes(16))), FULL, dr=dr, adr=False)
    meter = EnergyMeter(Node(mind, mac), board, sensors, sleep_us)
    timeline = Timeline()
    air = RadioAir(timeline, 1, plain())
    Body("node", meter, timeline, air, stimulus, _START_S).boot(0)
    timeline.run(_ELAPSED_US)
    meter.settle(_ELAPSED_US // 1000)
    return meter.ledger


class _Bay:
    """Tells what a bay tells: CHANGES_A_DAY events, evenly spread, and a reading every *heartbeat_s*."""

    set_number = PARKING_ONE_BAY

    def __init__(self, heartbeat_s: int, values: Callable[[int], tuple[int | None, ...]]) -> None:
        self._values = values
        self._heartbeat_ms = heartbeat_s * 1000
        self._change_ms = DAY_S * 1000 // CHANGES_A_DAY
        self._next_reading_ms = self._heartbeat_ms
        self._next_change_ms = self._change_ms // 3  # never with a reading
        self._taken = False

    def handle(self, event: object, now_ms: int) -> list[object]:
        if not isinstance(event, Woke):
            return []
        actions: list[object] = []
        if now_ms >= self._next_reading_ms:
            self._next_reading_ms += self._heartbeat_ms
            actions.append(TakeReading(self._values(_START_S + now_ms // 1000)))
        if now_ms >= self._next_change_ms:
            self._next_change_ms += self._change_ms
            self._taken = not self._taken
            actions.append(TellEvent(BAY_TAKEN if self._taken else BAY_LEFT, (0, self._change_ms // 1000)))
        return actions

    def wake_at(self) -> int | None:
        return min(self._next_reading_ms, self._next_change_ms)

    def order(
        self, order: Order, now_ms: int, gps_s: int | None, group: int | None = None
    ) -> tuple[int, int | None, list[object]]:
        return NOT_HERE, None, []

    def configure(self, setting: int, value: int) -> int:
        return NOT_HERE

    def rare(self) -> list[tuple[int, int, int]]:
        return []

    def image(self) -> bytes:
        return b""
