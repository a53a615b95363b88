"""Orders to a node and the receipts it gives, as CBOR arrays (`lampyre.cddl`): ids, expiry, verbs, outcomes.

An order is `[order id, expiry, verb, …]`, a receipt `[order id, outcome, ? detail]`. The node answers an order it
can read, whatever it thinks of it: `refusal` says why one must not be obeyed.
"""

from . import cbor
from .cbor import MIN_INT
from .compat import const
from .errors import MessageError
from .items import array, integer, integer_or_none, is_integer

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

F_PORT_ORDERS = const(4)

SET_LEVEL = const(1)
RESUME_PROGRAMME = const(2)
LOAD_PROGRAMME = const(3)
CONFIGURE = const(4)
RESEND = const(5)
JOIN_GROUP = const(6)
IDENTIFY = const(7)
REBOOT = const(8)

DONE = const(0)
EXPIRED = const(1)
UNKNOWN_VERB = const(2)
BAD_ARGUMENT = const(3)
NOT_HERE = const(4)  # a verb for another role, or a head that this node does not have
BELOW_FLOOR = const(5)  # the site's least level forbids it
INCOMPLETE = const(6)  # parts of a programme are missing; detail: bits of the parts that arrived
FAILED = const(7)  # it was tried; detail: the driver's error number
OUTCOMES = tuple("done expired unknown_verb bad_argument not_here below_floor incomplete failed".split())

HOLD_WITHOUT_CLOCK_S = const(900)  # a lamp that cannot judge an expiry holds any order this long at most
MAX_PARTS = const(4)  # frames of a programme
MAX_PART_LEN = const(34)  # bytes of a programme in one order, so that it fits DR0's 51

# In place of a least value: a byte string of at most, or of exactly, so many bytes.
_BYTES = const(-1)
_EXACT_BYTES = const(-2)

# By verb from SET_LEVEL on: its name, then for each argument its name, least and greatest value, and whether null may
# stand for it; `bytes:34` are at most 34 bytes, `all:16` exactly 16. Arguments beyond those present are null; present
# ones beyond the table belong to a newer version. null is a fade at once, a hold until the order's expiry, all heads, a
# setting's own default, and 30 seconds of identifying. Lines of text, as in `quantity_table.py`.
_ROWS = (
    "set_level level_pct:0:100 fade_s:0:3600:null hold_s:0:86400:null head:0:7:null",
    "resume_programme head:0:7:null",
    "load_programme version:0:65535 part:0:3 parts:1:4 bytes:bytes:34",
    "configure setting:0:65535 value:-1073741824:1073741823:null",
    "resend first_seq:0:65535 count:1:32768",
    "join_group group:0:3 mc_addr:0:4294967295 mc_key_encrypted:all:16 mc_f_cnt_min:0:4294967295",
    "identify seconds:1:600:null",
    "reboot",
)


def _verb(text: str) -> tuple[str, tuple[tuple[str, int, int, bool], ...]]:
    words = text.split()
    fields = []
    for word in words[1:]:
        parts = word.split(":")
        low = _BYTES if parts[1] == "bytes" else _EXACT_BYTES if parts[1] == "all" else int(parts[1])
        fields.append((parts[0], low, int(parts[2]), len(parts) > 3))
    return words[0], tuple(fields)


VERBS = {SET_LEVEL + place: _verb(text) for place, text in enumerate(_ROWS)}


class Order:
    """An order: order_id 0..65535, unique per device; expiry_gps_s; verb; arguments in VERBS' order, as they came."""

    def __init__(self, order_id: int, expiry_gps_s: int, verb: int, *arguments: object) -> None:
        self.order_id = order_id
        self.expiry_gps_s = expiry_gps_s
        self.verb = verb
        self.arguments = arguments

    def describe(self) -> str:
        """The order in words for logs and screens, without keys: `set_level level_pct=40 fade_s=2`."""
        name, fields = VERBS.get(self.verb, (f"verb_{self.verb}", ()))
        words = [name]
        for position, argument in enumerate(self.arguments):
            field = fields[position][0] if position < len(fields) else f"argument_{position}"
            if isinstance(argument, bytes):
                words.append(f"{field}=({len(argument)} bytes)")
            elif argument is not None:
                words.append(f"{field}={argument!r}")
        return " ".join(words)


class Receipt:
    """What became of an order: order_id, outcome (a number of OUTCOMES), detail or None."""

    def __init__(self, order_id: int, outcome: int, detail: int | None = None) -> None:
        self.order_id = order_id
        self.outcome = outcome
        self.detail = detail


def encode_order(order: Order) -> bytes:
    """Encode an order. Raises MessageError for an unknown verb or an argument outside its range in VERBS."""
    if order.verb not in VERBS:
        raise MessageError(f"order {order.order_id}: verb {order.verb} is unknown; expected one of {sorted(VERBS)}")
    wrong = _wrong_argument(order)
    if wrong:
        raise MessageError(f"order {order.order_id}: {wrong}")
    arguments = list(order.arguments)
    while arguments and arguments[-1] is None:
        arguments.pop()
    return cbor.encode([_order_id(order.order_id), _expiry(order.expiry_gps_s), order.verb] + arguments)


def decode_order(payload: bytes | memoryview) -> Order:
    """Decode a downlink of FPort 4, with the arguments that this version knows; `refusal` judges them.

    Raises CborError or MessageError when not even an id, an expiry and a verb can be read.
    """
    items = array(cbor.decode(payload), "order", 3)
    verb = integer(items[2], "order: verb")
    known = len(VERBS[verb][1]) if verb in VERBS else 0
    return Order(_order_id(items[0]), _expiry(items[1]), verb, *items[3 : 3 + known])


def refusal(order: Order, now_gps_s: int | None) -> int | None:
    """The outcome with which *order* must be refused, or None when it may be obeyed.

    now_gps_s: the node's trusted time or None; a node without clock cannot judge the expiry and obeys for at most
    HOLD_WITHOUT_CLOCK_S.
    """
    if order.verb not in VERBS:
        return UNKNOWN_VERB
    if now_gps_s is not None and now_gps_s >= order.expiry_gps_s:
        return EXPIRED
    if _wrong_argument(order):
        return BAD_ARGUMENT
    return None


def encode_receipt(receipt: Receipt) -> bytes:
    """Encode a receipt. Raises MessageError for an outcome that OUTCOMES does not list, or a detail beyond 32 bits."""
    outcome = integer(receipt.outcome, "receipt: outcome", 0, len(OUTCOMES) - 1)
    items: list[object] = [_order_id(receipt.order_id), outcome]
    if receipt.detail is not None:
        items.append(_detail(receipt.detail))
    return cbor.encode(items)


def decode_receipt(
    payload: bytes | memoryview, decode: "Callable[[bytes | memoryview], object]" = cbor.decode
) -> Receipt:
    """Decode an uplink of FPort 4. An unknown outcome keeps its number. Raises CborError or MessageError.

    decode: what turns the payload into items; a gateway hands in its own.
    """
    items = array(decode(payload), "receipt", 2)
    detail = _detail(items[2]) if len(items) > 2 else None
    return Receipt(_order_id(items[0]), integer(items[1], "receipt: outcome"), detail)


def programme_orders(order_id: int, expiry_gps_s: int, version: int, programme: bytes) -> list[Order]:
    """Cut an encoded programme into the orders that load it, one frame each; ids count up from *order_id*.

    Raises MessageError for a programme of more than MAX_PARTS * MAX_PART_LEN bytes.
    """
    parts = (len(programme) + MAX_PART_LEN - 1) // MAX_PART_LEN
    if not 1 <= parts <= MAX_PARTS:
        raise MessageError(f"a programme of {len(programme)} bytes; expected 1..{MAX_PARTS * MAX_PART_LEN}")
    orders = []
    for part in range(parts):
        chunk = programme[part * MAX_PART_LEN : (part + 1) * MAX_PART_LEN]
        orders.append(Order((order_id + part) & 0xFFFF, expiry_gps_s, LOAD_PROGRAMME, version, part, parts, chunk))
    return orders


def _order_id(item: object) -> int:
    return integer(item, "order id", 0, 0xFFFF)


def _expiry(item: object) -> int:
    return integer(item, "order: expiry")


def _detail(item: object) -> int | None:
    return integer_or_none(item, "receipt: detail", MIN_INT)


def _wrong_argument(order: Order) -> str | None:
    """What is wrong with the first argument that cannot be obeyed, or None."""
    name, fields = VERBS[order.verb]
    if len(order.arguments) > len(fields):
        return f"{name} has {len(order.arguments)} arguments; expected at most {len(fields)}"
    for position, (field, low, high, nullable) in enumerate(fields):
        argument = order.arguments[position] if position < len(order.arguments) else None
        if argument is None and nullable:
            continue
        if low in (_BYTES, _EXACT_BYTES):
            least = high if low == _EXACT_BYTES else 0
            if not isinstance(argument, bytes) or not least <= len(argument) <= high:
                return f"{name}: {field} {_found(argument)}; expected {least}..{high} bytes"
        elif not is_integer(argument, low, high):
            return f"{name}: {field} {_found(argument)}; expected an integer {low}..{high}"
    if order.verb == LOAD_PROGRAMME:
        part, parts = integer(order.arguments[1], "part"), integer(order.arguments[2], "parts")
        if part >= parts:
            return f"{name}: part is {part} of {parts}; expected 0..{parts - 1}"
    return None


def _found(argument: object) -> str:
    """An argument in the words of a refusal, without the bytes, which may be a key."""
    return f"has {len(argument)} bytes" if isinstance(argument, bytes) else f"is {argument!r}"
