"""How a node is made of its settings and of what was kept: role, mind, MAC and log. Loaded for the start."""

from random import getrandbits

from protocol.quantities import AIR_WITHOUT_PM4
from protocol.region import MAX_EIRP_DBM, PLANS
from protocol.settings import AIR, LIGHT, PARKING

from ..mind import Facts, Mind
from ..node import Node
from ..session import Identity
from ..store.files import Files
from ..store.log import Log
from ..version import BUILT_GPS_S, VERSION

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from protocol.settings import Settings

    from ..mac import Mac
    from ..mind import Role
    from .kept import Kept

_FIRST_READING_MS = 5_000  # of an air node: its sensors have started
_FEEDER_SPREAD_S = 600
_ABP_LEN = 36


def role_of(settings: "Settings", kept: "Kept", part: bytes) -> "Role":
    """The role; part: its image, b"" after anything but deep sleep."""
    if settings.role == PARKING:
        from ..roles.parking import Parking

        return Parking(settings, kept.blob("bays"), part)
    if settings.role == LIGHT:
        from ..roles.light import Light

        seed = int.from_bytes(settings.dev_eui[4:], "big")
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
    )


def identity_of(settings: "Settings", kept: "Kept") -> Identity:
    """Who the node is; what it has no keys for, it does not do."""
    abp = None
    wire = kept.blob("abp")
    if settings.activation and len(wire) == _ABP_LEN:
        abp = int.from_bytes(wire[:4], "little"), wire[4:20], wire[20:]
    return Identity(settings.dev_eui, settings.join_eui, kept.blob("app_key"), kept.blob("gen_app_key"), abp)


def log_of(folder: str, image: bytes) -> Log:
    """The node's log, formatted if there is none."""
    return Log(Files(folder), getrandbits(16), image)


def mind_of(
    role: "Role | None",
    log: Log,
    settings: "Settings",
    kept: "Kept",
    image: bytes,
    reset_cause: int,
    last_error: str,
    vitals: "Callable[[], tuple[int | None, int | None]]",
) -> tuple[Mind, Facts]:
    """The mind, and what it is told of its node: `last_error` of it may change while it lives."""
    spread_s = _FEEDER_SPREAD_S if settings.role == LIGHT and settings.supply else 60
    facts = Facts(
        VERSION,
        BUILT_GPS_S,
        settings.dev_eui,
        kept.number("boots"),
        kept.number("seq"),
        kept.blob("orders"),
        reset_cause,
        spread_s,
        last_error or None,
        vitals,
    )
    return Mind(role, log, settings, facts, image), facts


def mac_of(settings: "Settings", kept: "Kept", image: bytes, most_dbm: int, battery: "Callable[[], int]") -> "Mac":
    """The MAC; most_dbm: what radio and antenna give, as EIRP."""
    identity = identity_of(settings, kept)
    if settings.link:
        from ..cable import CableMac

        return CableMac(identity, kept.of_mac(), image)
    from ..mac import Mac

    return Mac(
        identity,
        PLANS[settings.plan],
        kept.of_mac(),
        image,
        class_c=settings.device_class == 1,
        max_eirp_dbm=min(MAX_EIRP_DBM, most_dbm),
        min_dr=settings.min_dr,
        windows_at=(settings.rx_delay_s, settings.rx2_dr),
        spread_s=_FEEDER_SPREAD_S if settings.role == LIGHT and settings.supply else 15,
        battery=battery,
    )


def node_of(mind: "Any", mac: "Mac") -> Node:
    """The two as one core."""
    return Node(mind, mac)
