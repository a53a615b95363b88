"""An order as people and other machines give it, in words, and the orders on the air that it becomes.

Verbs and their arguments go by the names in `protocol.orders.VERBS`; values may be numbers or text, because they come
from command lines, MQTT and the local API alike. Two verbs are given in other words than they travel in: a programme
as a whole (`version`, `programme`), and the joining of a group by its number here (`group`, `place`), so that nobody
has to handle a key.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.network.registration import Group, Registration
from protocol.errors import ProtocolError
from protocol.lorawan.multicast import encrypt_mc_key, mc_ke_key, mc_root_key
from protocol.orders import (
    CONFIGURE,
    JOIN_GROUP,
    LOAD_PROGRAMME,
    RESUME_PROGRAMME,
    SET_LEVEL,
    VERBS,
    Order,
    encode_order,
    programme_orders,
)
from protocol.settings import SETTINGS, expected, number_of

from .targets import Targets

GATEWAY = "gateway"  # the source of orders that the gateway gives of itself; their results are not published
MIN_EXPIRY_S = 10
MAX_EXPIRY_S = 7 * 86_400  # longer, and nobody remembers why
GROUP_MAX_S = 16 * 3600  # nodes refuse a group order beyond the longest night (firmware/orders.py)
GROUP_VERBS = (SET_LEVEL, RESUME_PROGRAMME, LOAD_PROGRAMME)  # all that nodes obey from a group
_NUMBERS = {name: number for number, (name, _) in VERBS.items()}
_HOLD = "hold_s"


class OrderError(ValueError):
    """An order that cannot be given; the message says why and what to write instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order for a device or a group. expires_in_s: after that nobody obeys it. source: who gives it, for the record.

    arguments: by name; numbers may be text, bytes are hexadecimal. They may hold what is secret, and are not shown.
    """

    target: Registration | Group
    verb: str
    arguments: Mapping[str, object] = field(default_factory=dict, repr=False)
    expires_in_s: int = 3600
    source: str = "operator"


def orders_of(request: OrderRequest, targets: Targets, order_id: int, expiry_gps_s: int) -> list[Order]:
    """The orders on the air that *request* becomes: one, or one for each part of a programme, ids from *order_id* up.

    Raises OrderError for what cannot be given.
    """
    verb = _verb(request.verb)
    if not MIN_EXPIRY_S <= request.expires_in_s <= MAX_EXPIRY_S:
        raise OrderError(
            f"{request.verb}: expires_in_s is {request.expires_in_s}; expected {MIN_EXPIRY_S}..{MAX_EXPIRY_S}"
        )
    try:
        if verb == LOAD_PROGRAMME:
            orders = _programme(request, order_id, expiry_gps_s)
        elif verb == JOIN_GROUP:
            orders = [_join(request, targets, order_id, expiry_gps_s)]
        else:
            orders = [Order(order_id, expiry_gps_s, verb, *_arguments(request, verb))]
        for order in orders:
            encode_order(order)  # says what is wrong with an argument
    except ProtocolError as error:
        raise OrderError(str(error).removeprefix(f"order {order_id}: ")) from None  # it is not yet anybody's order
    if isinstance(request.target, Group):
        _check_group(request, verb)
    return orders


def _verb(name: str) -> int:
    verb = _NUMBERS.get(name)
    if verb is None:
        raise OrderError(f"there is no order '{name}'; {_did_you_mean(name, list(_NUMBERS))}")
    return verb


def _arguments(request: OrderRequest, verb: int) -> list[object]:
    fields = VERBS[verb][1]
    _check_names(request, [name for name, *_ in fields], [name for name, _, _, nullable in fields if not nullable])
    given = dict(request.arguments)
    if verb == CONFIGURE:
        given["setting"] = _setting(given["setting"])
        given["value"] = _setting_value(given["setting"], given.get("value"))
    return [_value(request.verb, name, given.get(name), low < 0 and high < 256) for name, low, high, _ in fields]


def _programme(request: OrderRequest, order_id: int, expiry_gps_s: int) -> list[Order]:
    _check_names(request, ["version", "programme", "parts"], ["version", "programme"])
    version = _value(request.verb, "version", request.arguments["version"], False)
    programme = _value(request.verb, "programme", request.arguments["programme"], True)
    if not isinstance(version, int) or not isinstance(programme, bytes):
        raise OrderError(f"{request.verb}: version must be a number, programme bytes in hexadecimal")
    orders = programme_orders(order_id, expiry_gps_s, version, programme)
    parts = _value(request.verb, "parts", request.arguments.get("parts"), False)
    if parts is None:
        return orders
    if not isinstance(parts, int) or not 0 < parts < 1 << len(orders):
        raise OrderError(f"{request.verb}: parts is {parts!r}; expected bits of the {len(orders)} parts to send")
    return [order for part, order in enumerate(orders) if parts >> part & 1]


def _join(request: OrderRequest, targets: Targets, order_id: int, expiry_gps_s: int) -> Order:
    _check_names(request, ["group", "place"], ["group"])
    number = _value(request.verb, "group", request.arguments["group"], False)
    group = targets.group(number) if isinstance(number, int) else None
    if group is None:
        raise OrderError(f"join_group: there is no group {number}")
    device = request.target
    if isinstance(device, Group) or device.gen_app_key is None:
        raise OrderError(
            "join_group needs one device that was registered with a GenAppKey, under which the key travels"
        )
    place = _value(request.verb, "place", request.arguments.get("place", 0), False)
    mc_key = encrypt_mc_key(mc_ke_key(mc_root_key(device.gen_app_key)), group.mc_key)
    return Order(order_id, expiry_gps_s, JOIN_GROUP, place, group.mc_addr, mc_key, group.f_cnt_down)


def _check_names(request: OrderRequest, known: list[str], needed: list[str]) -> None:
    for name in request.arguments:
        if name not in known:
            raise OrderError(f"{request.verb} has no argument '{name}'; {_did_you_mean(name, known)}")
    for name in needed:
        if request.arguments.get(name) is None:
            raise OrderError(f"{request.verb} needs {name}; its arguments are {', '.join(known)}")


def _value(verb: str, name: str, given: object, is_bytes: bool) -> object:
    """A value for the wire: an int, bytes or None. Its range is checked where it is encoded."""
    if is_bytes:
        if isinstance(given, bytes):
            return given
        try:
            return bytes.fromhex(given) if isinstance(given, str) else None
        except ValueError:
            raise OrderError(f"{verb}: {name} is not hexadecimal; write bytes as pairs of digits 0-9a-f") from None
    if given is None or (isinstance(given, int) and not isinstance(given, bool)):
        return given
    if isinstance(given, str) and given.strip().lstrip("-").isdecimal():
        return int(given)
    raise OrderError(f"{verb}: {name} is {given!r}; expected a whole number")


def _setting(given: object) -> int:
    """The number of a setting that is given by name or number."""
    if isinstance(given, str) and not given.isdecimal():
        number = number_of(given)
        if number is None:
            raise OrderError(
                f"configure: there is no setting '{given}'; {_did_you_mean(given, [row[0] for row in SETTINGS])}"
            )
        return number
    number_given = _value("configure", "setting", given, False)
    if not isinstance(number_given, int):
        raise OrderError("configure needs setting; write its name, for example reading_interval_s")
    return number_given


def _setting_value(setting: object, given: object) -> object:
    """The value for a setting, which may be a choice's name; None: its default. One of a newer node is not judged."""
    if not isinstance(setting, int) or not 0 <= setting < len(SETTINGS) or given is None:
        return given
    name, _, _, low, high, _ = SETTINGS[setting]
    if isinstance(high, tuple) and given in high:
        return high.index(given)
    value = _value("configure", name, given, False)
    highest = high if isinstance(high, int) else len(high) - 1 if isinstance(high, tuple) else low - 1
    if not isinstance(value, int) or not low <= value <= highest:
        raise OrderError(f"configure: {name} is {given!r}; write {expected(setting)}")
    return value


def _check_group(request: OrderRequest, verb: int) -> None:
    """OrderError for what every node of the group would refuse anyway."""
    if verb not in GROUP_VERBS:
        known = ", ".join(VERBS[number][0] for number in GROUP_VERBS)
        raise OrderError(f"nodes do not obey {request.verb} from a group, only {known}; give it to each device")
    hold_s = _value(request.verb, _HOLD, request.arguments.get(_HOLD), False)
    if request.expires_in_s > GROUP_MAX_S or (isinstance(hold_s, int) and hold_s > GROUP_MAX_S):
        raise OrderError(f"an order to a group lasts a night at most; write {GROUP_MAX_S} seconds or fewer")


def _did_you_mean(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
