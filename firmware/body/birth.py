"""How a node is made of its settings, its board and what was kept. Loaded for the start."""

from random import getrandbits

from protocol.compat import const
from protocol.quantities import AIR_WITHOUT_PM4
from protocol.region import MAX_EIRP_DBM, PLANS
from protocol.settings import AIR, LIGHT, PARKING

from ..boot import TRIAL, UNDONE, is_safe
from ..glance import Glance, role_part, unpack
from ..version import BUILT_GPS_S, VERSION
from .alive import NodeBody
from .board import BOOT_MS
from .memory import ASLEEP, RESTARTED
from .senses import Senses
from .wiring import Wiring

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from protocol.settings import Settings

    from ..mac import Mac
    from ..mind import Role
    from ..session import Identity
    from .board import Board
    from .hardware import Hardware
    from .kept import Kept
    from .memory import Memory

_FIRST_READING_MS = const(5_000)  # of an air node: its sensors have started
_FEEDER_SPREAD_S = const(600)
_ABP_LEN = const(36)
_CLASS_C = const(1)


class Parts:
    """What a board has for a node, and what that makes possible."""

    def __init__(self, hardware: "Hardware", kept: "Kept", memory: "Memory", settings: "Settings", board: "Board"):
        slept = memory.kind == ASLEEP
        wiring = Wiring(hardware, board, not slept)
        wiring.switch_rail()
        self.lamps = None
        if settings.role == LIGHT:  # first: whatever fails behind this, the street is lit
            from .lamps import Lamps

            self.lamps = Lamps(hardware, wiring.gears(), memory.now_ms)
        self.led = wiring.led()
        self.safe = is_safe(kept.number("boot"))
        stays = settings.role == LIGHT or settings.link or settings.device_class == _CLASS_C or self.safe
        self.deep_from_ms = 0 if stays else board.number("sleep", "deep_from_ms")
        self.decoder = None
        self.radio_pins: "list[Any]" = []
        if settings.link:
            from protocol.envelope import Decoder

            from .line import Line

            self.decoder = Decoder()
            hardware.port.binary(True)
            self.station: "Callable[[NodeBody], Any]" = lambda body: Line(hardware.port, body.console, settings.dev_eui)
        else:
            from .station import ANTENNA_DBI, Station

            self.radio_pins = wiring.radio_pins()
            looks = not (board.number("sleep", "light") and self.radio_pins)
            antenna_dbi = board.number("radio", "antenna_dbi", ANTENNA_DBI)
            radio = wiring.radio()
            self.station = lambda body: Station(hardware, body.clock, radio, slept, antenna_dbi, looks)
        particles = wiring.particles()
        sensors = wiring.sensors()
        if particles is not None:
            sensors.append(wiring.sensor_of(particles))
        fields, lux = wiring.fields(), wiring.photocell()
        self.senses = Senses(hardware, sensors, fields, lux, particles, wiring.battery(), memory.watched)
        self.senses.start_fields()
        self.motion = wiring.alarm("motion")
        self.mains = wiring.alarm("mains")
        self.held = wiring.held


def node_body(hardware: "Hardware", kept: "Kept", memory: "Memory", settings: "Settings", board: "Board") -> NodeBody:
    """The body of a node: after deep sleep with its role alone, if that is enough for now; else with all of it."""
    body = NodeBody(hardware, kept, memory, settings, board, Parts(hardware, kept, memory, settings, board))
    if not body.safe:
        part = memory.image if memory.kind == RESTARTED and settings.role == LIGHT else b""
        if memory.kind == ASLEEP:
            body.images = unpack(memory.image)
            part = role_part(body.images[1])
        memory.image = b""
        body.role = role_of(settings, kept, part)
        if memory.kind == ASLEEP:  # what it woke for may have been due a moment ago: it is heard as it was due
            role_ms = body.role.wake_at()
            body.wake_ms = body.images[0] if role_ms is None else min(role_ms, body.images[0])
        boot_ms = board.number("sleep", "boot_ms", BOOT_MS)
        alone = memory.now_ms + boot_ms < body.images[0]  # else the whole node is loaded before its time
        if part and memory.kind == ASLEEP and alone and not body.boot & TRIAL:
            body.core = body.glance = Glance(body.role, body.images[0])
    if body.glance is None:
        become_whole(body)
    return body


def become_whole(body: NodeBody) -> None:
    """Make mind and MAC of their images, around the role as it is now."""
    from protocol.settings import Settings

    from ..mind import Facts, Mind
    from ..node import Node
    from ..store.files import Files
    from ..store.log import Log

    settings = Settings.decode(body.settings)
    _, mind_image, mac_image, log_image = body.images
    body.images = (0, b"", b"", b"")
    body.glance = None
    kept = body.kept
    body.log = Log(Files(body.hardware.root + "/log"), getrandbits(16), log_image)
    last_error = "update undone" if body.boot & UNDONE else body.last_error()
    body.facts = Facts(
        VERSION,
        BUILT_GPS_S,
        settings.dev_eui,
        kept.number("boots"),
        kept.number("seq"),
        kept.blob("orders"),
        body.memory.cause,
        _FEEDER_SPREAD_S if settings.role == LIGHT and settings.supply else 60,
        last_error or None,
        body.vitals,
    )
    body.mind = Mind(body.role, body.log, settings, body.facts, mind_image)
    body.mac = mac_of(settings, body, mac_image)
    seen: "Any" = body.mind
    if body.boot & UNDONE:
        from .trial import Witness

        seen = Witness(body.mind, body)
    body.core = Node(seen, body.mac)


def role_of(settings: "Settings", kept: "Kept", part: bytes) -> "Role":
    """The role; part: its image, b"" after anything but deep sleep."""
    seed = int.from_bytes(settings.dev_eui[4:], "big")
    if settings.role == PARKING:
        from ..roles.parking import Parking

        return Parking(settings, kept.blob("bays"), part, seed)
    if settings.role == LIGHT:
        from ..roles.light import Light

        return Light(settings, seed, kept.blob("site"), kept.blob("programme"), kept.blob("light"), part)
    assert settings.role == AIR
    from ..roles.air import Air

    return Air(
        AIR_WITHOUT_PM4,
        settings.reading_interval_s,
        settings.fan_warm_up_s,
        settings.growth_per_mille,
        _FIRST_READING_MS,
        part,
        seed,
    )


def identity_of(settings: "Settings", kept: "Kept") -> "Identity":
    """Who the node is; what it has no keys for, it does not do."""
    from ..session import Identity

    abp = None
    wire = kept.blob("abp")
    if settings.activation and len(wire) == _ABP_LEN:
        abp = int.from_bytes(wire[:4], "little"), wire[4:20], wire[20:]
    return Identity(settings.dev_eui, settings.join_eui, kept.blob("app_key"), kept.blob("gen_app_key"), abp)


def mac_of(settings: "Settings", body: NodeBody, image: bytes) -> "Mac":
    """The MAC of a radio or of a cable."""
    kept = body.kept
    identity = identity_of(settings, kept)
    if settings.link:
        from ..cable import CableMac

        return CableMac(identity, kept.of_mac(), image)
    from ..mac import Mac

    board = body.board
    assert board is not None
    most_dbm = board.number("radio", "max_dbm", 20) + board.number("radio", "gain_db")
    return Mac(
        identity,
        PLANS[settings.plan],
        kept.of_mac(),
        image,
        class_c=body.is_class_c,
        max_eirp_dbm=min(MAX_EIRP_DBM, most_dbm + board.number("radio", "antenna_dbi", 2)),
        min_dr=settings.min_dr,
        windows_at=(settings.rx_delay_s, settings.rx2_dr),
        spread_s=_FEEDER_SPREAD_S if settings.role == LIGHT and settings.supply else 15,
        battery=body.senses.battery_level,
    )
