"""How a node becomes whole: mind, MAC and log of their images, around its role. Loaded for the start, or in a wake."""

from random import getrandbits

from protocol.compat import const
from protocol.region import PLANS
from protocol.settings import LIGHT

from ..boot import UNDONE
from ..version import BUILT_GPS_S, VERSION

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from protocol.settings import Settings

    from ..mac import Mac
    from ..session import Identity
    from .alive import NodeBody
    from .kept import Kept

_FEEDER_SPREAD_S = const(600)
_ABP_LEN = const(36)


def become_whole(body: "NodeBody") -> None:
    """Make mind and MAC of their images, around the role as it is now."""
    from protocol.settings import Settings

    from ..mind import Facts, Mind
    from ..node import Node
    from ..store.files import Files
    from ..store.log import Log

    settings = Settings.decode(body.settings)
    _, _, mind_image, mac_image, log_image = body.images
    body.images = (0, b"", b"", b"", b"")
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


def identity_of(settings: "Settings", kept: "Kept") -> "Identity":
    """Who the node is; what it has no keys for, it does not do."""
    from ..session import Identity

    abp = None
    wire = kept.blob("abp")
    if settings.activation and len(wire) == _ABP_LEN:
        abp = int.from_bytes(wire[:4], "little"), wire[4:20], wire[20:]
    return Identity(settings.dev_eui, settings.join_eui, kept.blob("app_key"), kept.blob("gen_app_key"), abp)


def mac_of(settings: "Settings", body: "NodeBody", image: bytes) -> "Mac":
    """The MAC of a radio or of a cable."""
    kept = body.kept
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
        class_c=body.is_class_c,
        max_eirp_dbm=body.max_eirp_dbm,
        min_dr=settings.min_dr,
        windows_at=(settings.rx_delay_s, settings.rx2_dr),
        spread_s=_FEEDER_SPREAD_S if settings.role == LIGHT and settings.supply else 15,
        battery=body.senses.battery_level,
    )
