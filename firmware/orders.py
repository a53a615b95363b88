"""Orders a node has judged, and the receipts it still owes: the last eight, so that a repeat is answered, not obeyed.

An order's id is unique per device and per group; the book is written before an order is obeyed, so that a power cut
between obeying and answering does not make the repeat an order again. A receipt for a group waits up to 10 minutes:
a street that answers in chorus would hear nothing of itself.
"""

from protocol import cbor
from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.items import array, integer, integer_or_none
from protocol.orders import F_PORT_ORDERS, OUTCOMES, Receipt, encode_receipt

from .dice import Dice

KEPT = const(8)  # the gateway has at most this many orders to one node under way
GROUP_SPREAD_S = const(600)
_ALONE = const(4)  # stands where a group 0..3 would


class OrderBook:
    """Outcomes of the last KEPT orders, and a teller (`firmware/telling.py`) of receipts.

    stored: what `to_bytes` returned before the power cut; owed: what `image` returned before the deep sleep.
    """

    f_port = F_PORT_ORDERS
    confirmed = False

    def __init__(self, dice: Dice, stored: bytes = b"", owed: list[object] | tuple[()] = ()) -> None:
        self._dice = dice
        self._judged: list[tuple[int, Receipt]] = (
            _from_bytes(stored) if stored else []
        )  # (group or _ALONE, …), oldest first
        self._owed: list[tuple[int, Receipt]] = []  # (due_ms, …)
        for row in owed:
            order_id, outcome, detail, due_s = array(row, "owed receipt", 4)
            self._owed.append((integer(due_s, "due") * 1000, _receipt(order_id, outcome, detail)))

    def known(self, group: int | None, order_id: int) -> Receipt | None:
        """What became of this order, if it is one of the last KEPT."""
        key = _ALONE if group is None else group
        for judged_group, receipt in self._judged:
            if judged_group == key and receipt.order_id == order_id:
                return receipt
        return None

    def note(self, group: int | None, receipt: Receipt) -> None:
        """Keep an outcome; the oldest makes room."""
        self._judged.append((_ALONE if group is None else group, receipt))
        del self._judged[:-KEPT]

    def owe(self, group: int | None, receipt: Receipt, now_ms: int) -> None:
        """Answer soon: at once when asked alone, spread over GROUP_SPREAD_S as one of a group."""
        for _, waiting in self._owed:
            if waiting.order_id == receipt.order_id:
                return  # the order was repeated before its receipt went
        due_ms = now_ms if group is None else now_ms + self._dice.between_ms(0, GROUP_SPREAD_S)
        self._owed.append((due_ms, receipt))
        del self._owed[:-KEPT]

    def due_ms(self) -> int | None:
        """When the next receipt is to go."""
        return min([due_ms for due_ms, _ in self._owed]) if self._owed else None

    def compose(self, room: int, now_ms: int) -> bytes:
        """The receipt that is due first."""
        first = 0
        for position in range(1, len(self._owed)):
            if self._owed[position][0] < self._owed[first][0]:
                first = position
        return encode_receipt(self._owed.pop(first)[1])

    def sent(self, acked: bool | None, now_ms: int) -> None:
        """A receipt that is lost is asked for again: the gateway repeats the order."""

    def to_bytes(self) -> bytes:
        """The outcomes for `Persist`: at most 100 bytes."""
        return cbor.encode([[group, order.order_id, order.outcome, order.detail] for group, order in self._judged])

    def image(self) -> list[object]:
        """The receipts still owed, for the deep sleep."""
        return [[owed.order_id, owed.outcome, owed.detail, (due_ms + 999) // 1000] for due_ms, owed in self._owed]


def _from_bytes(stored: bytes) -> list[tuple[int, Receipt]]:
    """Undo `to_bytes`: (group or _ALONE, outcome), oldest first. What cannot be read, after an update, is forgotten."""
    judged = []
    try:
        for row in array(cbor.decode(stored), "order book"):
            group, order_id, outcome, detail = array(row, "order", 4)
            judged.append((integer(group, "group", 0, _ALONE), _receipt(order_id, outcome, detail)))
    except ProtocolError:
        return []
    return judged[-KEPT:]


def _receipt(order_id: object, outcome: object, detail: object) -> Receipt:
    return Receipt(
        integer(order_id, "order id", 0, 0xFFFF),
        integer(outcome, "outcome", 0, len(OUTCOMES) - 1),
        integer_or_none(detail, "detail", cbor.MIN_INT),
    )
