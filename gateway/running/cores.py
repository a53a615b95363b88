"""The cores as they were when the last run ended: made anew of what the store kept."""

import random
from collections.abc import Iterable
from dataclasses import replace

import apsw

from gateway.application import TownApplication
from gateway.config.values import Network
from gateway.lighting.lighting import Lighting
from gateway.lighting.stored import hanging_now, load_lighting
from gateway.lighting.town import TownLamps
from gateway.lighting.truth import Kept, LampTruth
from gateway.network.joining import Dice
from gateway.network.registration import Registration, Role
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.orders.desk import MAX_ORDERS
from gateway.places.directory import Directory
from gateway.store import airtime, groups, lamps, orders, sessions
from gateway.store.writes import KeepOrder

DEDUP_MS = 200  # from the first copy of a frame to the last: what backhauls of one town differ by
_PAGE = 1000


def make_cores(
    read: apsw.Connection,
    network: Network,
    registrations: Iterable[Registration],
    boot: int,
    now_ms: int,
    dice: Dice | None = None,
    resend: bool = True,
    almanac: bytes | None = None,
    directory: Directory | None = None,
) -> tuple[Server, TownApplication]:
    """The network server and the application behind it. dice: None: the system's. Raises apsw.Error.

    resend: whether nodes are asked for what is missing; without it a simulation shows what that is worth. almanac: the
    site's, as it is encoded for lamps; None: it is not worked out yet. directory: of places, kept up to date; None:
    nobody judges what lamps do.
    """
    known = list(registrations)
    kept = sessions.load_devices(read)
    # Nodes are told when [network] has another rx2_dr than before; what was made before that speaks as they listen now.
    known_groups = [replace(group, dr=network.rx2_dr) for group in groups.load_groups(read)]
    heard = [device for device, state in kept.items() if state.log is not None]
    application = TownApplication(
        boot,
        known,
        known_groups,
        heard,
        reversed(_orders(read)),
        orders.next_order_id(read),
        now_ms,
        resend,
        Lighting(known, known_groups, load_lighting(read, almanac)),
    )
    application.lighting.set_places(hanging_now(read))
    if directory is not None:
        lights = {each.device for each in known if each.role is Role.LIGHT}
        heard_lamps = tuple(device for device in heard if device in lights)
        application.judge_lamps(_truth(read, application, directory, boot, now_ms, heard_lamps))
    settings = NetworkSettings(
        dedup_ms=DEDUP_MS,
        net_id=network.net_id_number,
        rx_delay_s=network.rx_delay_s,
        rx1_dr_offset=network.rx1_dr_offset,
        rx2_dr=network.rx2_dr,
    )
    sent = airtime.load_airtime(read)
    drawn = dice or random.SystemRandom()
    return Server(settings, known, kept.values(), known_groups, application, drawn, sent, now_ms), application


def _truth(
    read: apsw.Connection,
    application: TownApplication,
    directory: Directory,
    boot: int,
    now_ms: int,
    heard: tuple[int, ...],
) -> LampTruth:
    """Who judges what lamps really do, with what is known of the run before."""
    door = application.lighting.door
    town = TownLamps(directory, lambda: door.site, application.lighting.light_groups, door.expected)
    nights = lamps.last_nights(read)
    faults, outages = tuple(lamps.load_faults(read)), tuple(lamps.load_outages(read))
    kept = Kept(lamps.load_states(read), faults, outages, nights, heard)
    return LampTruth(town, kept, boot, now_ms)


def _orders(read: apsw.Connection) -> list[KeepOrder]:
    """The newest orders, newest first, over or not: the desk takes no more than that up, and the store keeps fewer."""
    found: list[KeepOrder] = []
    before: int | None = None
    while len(found) < MAX_ORDERS and (page := orders.list_orders(read, before, _PAGE)):
        found += page
        before = page[-1].id
    return found
