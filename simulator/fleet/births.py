"""How a node is made: what it is born with, and how its firmware starts from what is on its flash."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmware.boot import POWER_ON, decide, is_safe
from firmware.glance import MAX_LEN, pack, unpack
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.roles.light import FIRST_UPLINK_S, Light
from firmware.roles.parking import Parking
from firmware.session import Identity
from firmware.store.log import Log, Record
from firmware.telling import REPEATED
from protocol.quantities import AIR_FULL
from protocol.region import Plan
from protocol.settings import Settings
from simulator.fleet.files import MemoryFiles
from simulator.fleet.hardware import Hardware
from simulator.fleet.latency import Latency
from simulator.fleet.rousing import Rousing
from simulator.scenario.model import NodeSpec
from simulator.scenario.model import Role as RoleName

if TYPE_CHECKING:
    from firmware.mind import Role
    from firmware.node import Core

VERSION = (0, 1, 0)  # of the firmware
BUILD_GPS_S = 1_400_000_000  # 2024-05-18: before every run
JOIN_EUI = bytes([0x02, 0, 0, 0, 0, 0, 0xFF, 0xFF])  # locally administered: no vendor's
_SPREAD_S = 60  # of first words, where power does not come to a whole street at once
_JOIN_SPREAD_S = 15
_MAINS, _BATTERY = 0, 254  # of DevStatusAns (TS001-1.0.4 §5.5)
_CELL_MV = 3600

Logged = Callable[[int, Record, bool], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a node is born with. epoch: of its log, when that is formatted. first_ms: of an air node's first reading.

    plan: of its radio. adr: whether the network chooses; None as the plan says. site, programme: a lamp's, as stored.
    repeat: whether its frames carry the last readings again, as Lampyre's do. air_set: what an air node's sensors
    measure. build_gps_s: when its firmware was built. vitals: battery in mV and free heap for the status; None: as
    usual. latency: of its hardware, or None.
    """

    spec: NodeSpec
    app_key: bytes
    gen_app_key: bytes
    epoch: int
    first_ms: int
    plan: Plan
    adr: bool | None = None
    site: bytes = b""
    programme: bytes = b""
    repeat: bool = True
    air_set: int = AIR_FULL
    build_gps_s: int = BUILD_GPS_S
    vitals: Callable[[], tuple[int | None, int | None]] | None = None
    latency: Latency | None = None

    def settings(self) -> Settings:
        """As the flashing tool wrote them. Raises SettingsError for what the scenario should not say."""
        spec = self.spec
        given: dict[str, object] = {
            "role": spec.role.value,
            "dev_eui": spec.dev_eui.hex(),
            "join_eui": JOIN_EUI.hex(),
        }
        if spec.role is RoleName.PARKING:
            given |= {"heartbeat_s": spec.interval_s, "bays": spec.bays, "detector": "watched"}
        else:
            given["reading_interval_s"] = spec.interval_s
        if spec.role is RoleName.LIGHT:
            supply = "switched" if spec.feeder else "permanent"
            given |= {"heads": spec.heads, "rated_dw": 10 * spec.watts, "supply": supply}
        return Settings.from_names(given | dict(spec.settings))


class Firmware:
    """A node's firmware while it runs. core: what its body runs; mind, mac, role and log: its parts."""

    __slots__ = ("core", "log", "mac", "mind", "role")

    def __init__(
        self,
        kit: Kit,
        hardware: Hardware,
        logged: Logged,
        cause: int = POWER_ON,
        spread_s: int | None = None,
        memory: bytes = b"",
    ) -> None:
        """Start as `/boot.py` and the main loop do after a reset of that *cause*.

        spread_s: over which first words are spread, None as its supply demands. memory: what `memory` returned before
        a deep sleep.
        """
        _, role_image, mind_image, mac_image, log_image = unpack(memory)
        if spread_s is None:
            spread_s = FIRST_UPLINK_S if kit.spec.feeder else _SPREAD_S
        persisted = hardware.persisted
        state = decide(_number(persisted, "boot"), cause)
        persisted["boot"] = state
        stored = _blob(persisted, "settings")
        settings = Settings.decode(stored) if stored else kit.settings()
        on_mains = kit.spec.battery_mah == 0
        vitals = (None if on_mains else _CELL_MV, None)
        self.log = _WatchedLog(hardware.files, kit.epoch, logged, log_image)
        self.role = None if is_safe(state) else _role(kit, settings, persisted, role_image)
        facts = Facts(
            VERSION,
            kit.build_gps_s,
            settings.dev_eui,
            _number(persisted, "boots"),
            _number(persisted, "seq"),
            _blob(persisted, "orders"),
            cause,
            spread_s,
            vitals=kit.vitals or (lambda: vitals),
            repeated=REPEATED if kit.repeat else 0,
        )
        self.mind = Mind(self.role, self.log, settings, facts, mind_image)
        identity = Identity(settings.dev_eui, settings.join_eui, kit.app_key, kit.gen_app_key)
        level = _MAINS if on_mains else _BATTERY
        self.mac = Mac(
            identity,
            kit.plan,
            persisted,
            mac_image,
            adr=kit.adr,
            class_c=settings.device_class == 1,
            min_dr=settings.min_dr,
            spread_s=spread_s if kit.spec.feeder else _JOIN_SPREAD_S,
            battery=lambda: level,
        )
        self.core = Rousing(Node(self.mind, self.mac), self.mind, self.mac, self.role)

    def memory(self) -> bytes:
        """What goes into RTC memory for a deep sleep. Raises AssertionError when that is too small for it."""
        role_image = b"" if self.role is None else self.role.image()
        memory = pack(None, role_image, self.mind.image(), self.mac.image(), self.log.image())
        assert len(memory) <= MAX_LEN, f"{len(memory)} bytes for an RTC memory of {MAX_LEN}"
        return memory


def whole_core(firmware: Firmware) -> "Core":
    """What a body runs of a firmware, usually: all of it."""
    return firmware.core


class _WatchedLog(Log):
    """Says what it was given to keep: epoch, record, and whether the flash has it."""

    def __init__(self, files: MemoryFiles, epoch: int, logged: Logged, image: bytes) -> None:
        super().__init__(files, epoch, image)
        self.logged = logged

    def add(self, record: Record) -> bool:
        kept = super().add(record)
        self.logged(self.epoch, record, kept)
        return kept


def _role(kit: Kit, settings: Settings, persisted: dict[str, int | bytes], image: bytes) -> "Role":
    seed = int.from_bytes(settings.dev_eui[4:], "big")
    if kit.spec.role is RoleName.AIR:
        interval_s, growth_per_mille = settings.reading_interval_s, settings.growth_per_mille
        return Air(kit.air_set, interval_s, settings.fan_warm_up_s, growth_per_mille, kit.first_ms, image, seed)
    if kit.spec.role is RoleName.PARKING:
        return Parking(settings, _blob(persisted, "bays"), image, seed)
    programme = _blob(persisted, "programme") or kit.programme
    return Light(settings, seed, kit.site, programme, _blob(persisted, "light"))


def _number(persisted: dict[str, int | bytes], key: str) -> int:
    value = persisted.get(key, 0)
    return value if isinstance(value, int) else 0


def _blob(persisted: dict[str, int | bytes], key: str) -> bytes:
    value = persisted.get(key, b"")
    return value if isinstance(value, bytes) else b""
