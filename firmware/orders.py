"""Orders: judged, obeyed once, remembered and answered. Loaded when one comes; nothing but plain data stays of it.

An order's id is unique per device and per group. The mind keeps the outcomes of the last eight as the CBOR that is
persisted, so that a repeat is answered, not obeyed; it is written before an order is obeyed, so that a power cut
between obeying and answering does not make the repeat an order again. A receipt for a group waits up to 10 minutes: a
street that answers in chorus would hear nothing of itself.
"""

from protocol import cbor
from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.items import array, integer, integer_or_none
from protocol.orders import (
    BAD_ARGUMENT,
    CONFIGURE,
    DONE,
    IDENTIFY,
    JOIN_GROUP,
    LOAD_PROGRAMME,
    NOT_HERE,
    OUTCOMES,
    REBOOT,
    RESEND,
    RESUME_PROGRAMME,
    SET_LEVEL,
    Order,
    Receipt,
    decode_order,
    encode_receipt,
    refusal,
)
from protocol.settings import SETTINGS, Settings, number_of

from .actions import Identify, JoinGroup, Persist, Restart, UsePlan

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .events import Downlink
    from .mind import Mind

    Obeyed = tuple[int, int | None, list[object]]  # outcome, detail, actions

KEPT = const(8)  # the gateway has at most this many orders to one node under way
GROUP_SPREAD_S = const(600)
NIGHT_S = const(16 * 3600)  # the longest one north of the Alps; no group order lasts longer
WITH_NEXT_START = const(1)  # detail of a CONFIGURE that is done: when it takes effect
_ALONE = const(4)  # stands where a group 0..3 would
_IDENTIFY_S = const(30)
_GROUP_VERBS = (SET_LEVEL, RESUME_PROGRAMME, LOAD_PROGRAMME)  # all that one lost lamp's key can do to a street
_HOLD_S = const(2)  # place of hold_s among the arguments of SET_LEVEL


def hear_order(mind: "Mind", downlink: "Downlink", actions: list[object], now_ms: int) -> None:
    """Obey, refuse or recognise an order, and owe its receipt: at once if to this node alone, else spread."""
    try:
        order = decode_order(downlink.payload)
    except ProtocolError:
        return  # there is not even an id to answer to
    group = downlink.group
    outcomes = _outcomes(mind.outcomes)
    receipt = _known(outcomes, group, order.order_id)
    if receipt is None:
        gps_s = mind.clock.gps_s(now_ms)
        outcome = refusal(order, gps_s)
        if outcome is None and group is not None:
            outcome = _group_refusal(order, gps_s)
        obeyed: Obeyed = (outcome, None, []) if outcome is not None else _obey(mind, order, group, now_ms, gps_s)
        receipt = Receipt(order.order_id, obeyed[0], obeyed[1])
        outcomes.append([_ALONE if group is None else group, order.order_id, obeyed[0], obeyed[1]])
        mind.outcomes = cbor.encode(outcomes[-KEPT:])  # at most 100 bytes
        if outcome is None:
            actions.append(Persist("orders", mind.outcomes))
            mind.carry_out(obeyed[2], actions, now_ms)
    spread_ms = 0 if group is None else mind.dice.between_ms(0, GROUP_SPREAD_S)
    mind.receipts.owe(encode_receipt(receipt), now_ms + spread_ms)


def _obey(mind: "Mind", order: Order, group: int | None, now_ms: int, gps_s: int | None) -> "Obeyed":
    """Obey an order whose arguments are good."""
    verb = order.verb
    arguments = order.arguments
    if verb == IDENTIFY:
        return DONE, None, [Identify(_number(arguments, 0) or _IDENTIFY_S)]
    if verb == REBOOT:
        return DONE, None, [Restart()]
    if verb == JOIN_GROUP:
        return DONE, None, [JoinGroup(*arguments)]  # type: ignore[arg-type]  # `refusal` has checked them
    if verb == CONFIGURE:
        return _configure(mind, _number(arguments, 0) or 0, _number(arguments, 1))
    if mind.role is None:
        return NOT_HERE, None, []
    if verb == RESEND:
        oldest = mind.resends.add(_number(arguments, 0) or 0, _number(arguments, 1) or 0)
        if oldest is not None:
            mind.status.tell()  # who asks for what no log has any more does not know this one
        return DONE, oldest, []
    return mind.role.order(order, now_ms, gps_s, group)


def _configure(mind: "Mind", setting: int, value: int | None) -> "Obeyed":
    """Change one setting, for good: at once what the mind or the role can, with the next start what is built in."""
    try:
        before = Settings.decode(mind.settings)
        changed = before.changed(setting, value)
    except ProtocolError:
        return BAD_ARGUMENT, None, []
    if not SETTINGS[setting][1] >> before.role & 1:  # another role's, and its default would change nothing here
        return BAD_ARGUMENT, None, []
    mind.settings = changed.encode()
    wanted: list[object] = [Persist("settings", mind.settings)]
    detail = None
    role = mind.role
    if setting == number_of("plan"):
        if changed.plan != before.plan:
            wanted.append(UsePlan(changed.plan))
    elif setting == number_of("status_interval_s") and role is not None:
        mind.status.period_ms = changed.status_interval_s * 1000
    elif role is None or role.configure(setting, getattr(changed, SETTINGS[setting][0])) != DONE:
        detail = WITH_NEXT_START
    return DONE, detail, wanted


def _group_refusal(order: Order, gps_s: int | None) -> int | None:
    """Why an order to a group must not be obeyed: its key is in every lamp of the street, and one of them gets lost."""
    if order.verb not in _GROUP_VERBS:
        return NOT_HERE
    hold_s = _number(order.arguments, _HOLD_S) if order.verb == SET_LEVEL else None
    if (gps_s is not None and order.expiry_gps_s - gps_s > NIGHT_S) or (hold_s is not None and hold_s > NIGHT_S):
        return BAD_ARGUMENT
    return None


def _number(arguments: tuple[object, ...], position: int) -> int | None:
    """An argument that `refusal` has checked; null and left out are the same."""
    argument = arguments[position] if position < len(arguments) else None
    return argument if isinstance(argument, int) else None


def _known(outcomes: list[list[int | None]], group: int | None, order_id: int) -> Receipt | None:
    """What became of this order, if it is one of the last KEPT."""
    for judged_group, judged_id, outcome, detail in outcomes:
        if judged_group == (_ALONE if group is None else group) and judged_id == order_id and outcome is not None:
            return Receipt(order_id, outcome, detail)
    return None


def _outcomes(stored: bytes) -> list[list[int | None]]:
    """[group or _ALONE, order id, outcome, detail], oldest first; what cannot be read, after an update, is let go."""
    outcomes = []
    try:
        for row in array(cbor.decode(stored), "outcomes") if stored else ():
            group, order_id, outcome, detail = array(row, "outcome", 4)
            outcomes.append(
                [
                    integer(group, "group", 0, _ALONE),
                    integer(order_id, "order id", 0, 0xFFFF),
                    integer(outcome, "outcome", 0, len(OUTCOMES) - 1),
                    integer_or_none(detail, "detail", cbor.MIN_INT),
                ]
            )
    except ProtocolError:
        return []
    return outcomes
