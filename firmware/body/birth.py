"""How a node is made of its settings, its board and what was kept. Loaded for the start."""

from protocol.compat import const
from protocol.quantities import AIR_WITHOUT_PM4
from protocol.region import MAX_EIRP_DBM
from protocol.settings import AIR, LIGHT, PARKING

from ..boot import TRIAL, is_safe
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

    from ..mind import Role
    from .board import Board
    from .hardware import Hardware
    from .kept import Kept
    from .memory import Memory

_FIRST_READING_MS = const(5_000)  # of an air node: its sensors have started
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
        self.boot_ms = board.number("sleep", "boot_ms", BOOT_MS)
        most_dbm = board.number("radio", "max_dbm", 20) + board.number("radio", "gain_db")
        self.max_eirp_dbm = min(MAX_EIRP_DBM, most_dbm + board.number("radio", "antenna_dbi", 2))


def node_body(hardware: "Hardware", kept: "Kept", memory: "Memory", settings: "Settings", board: "Board") -> NodeBody:
    """The body of a node: after deep sleep with its role alone, if that is enough for now; else with all of it."""
    body = NodeBody(hardware, kept, memory, settings, board, Parts(hardware, kept, memory, settings, board))
    if not body.safe:
        part = memory.image if memory.kind == RESTARTED and settings.role == LIGHT else b""
        if memory.kind == ASLEEP:
            from ..glance import unpack

            body.images = unpack(memory.image)
            part = body.images[1]
        memory.image = b""
        body.role = role_of(settings, kept, part)
        if memory.kind == ASLEEP:  # what it woke for may have been due a moment ago: it is heard as it was due
            role_ms = body.role.wake_at()
            body.wake_ms = body.images[0] if role_ms is None else min(role_ms, body.images[0])
        alone = memory.now_ms + body.boot_ms < body.images[0]  # else the whole node is loaded before its time
        if part and memory.kind == ASLEEP and alone and not body.boot & TRIAL:
            from ..glance import Glance

            body.core = body.glance = Glance(body.role, body.images[0])
    if body.glance is None:
        from .whole import become_whole

        become_whole(body)
    return body


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
