"""What became of an order, from what nodes answered: its state, a sentence, and the record that the city reads."""

from gateway.readings import content
from gateway.readings.record import Kind, Record, own_record
from protocol.orders import DONE, INCOMPLETE, LOAD_PROGRAMME, Receipt

from . import states
from .under_way import OpenOrder


def verdict(receipt: Receipt) -> tuple[str, str]:
    """State and detail of an order that its device has answered."""
    detail = "" if receipt.detail is None else f"detail {receipt.detail}"
    return (states.DONE if receipt.outcome == DONE else states.refused(receipt.outcome)), detail


def group_verdict(order: OpenOrder) -> tuple[str, str]:
    """The state of a group order: done if all did it, else what the first said that refused, else expired."""
    refusals = [outcome for outcome, _ in order.answers.values() if not _obeyed(order, outcome)]
    if refusals:
        return states.refused(refusals[0]), tally(order)
    return (states.DONE if len(order.answers) == len(order.members) else states.EXPIRED), tally(order)


def unanswered(order: OpenOrder) -> tuple[str, str]:
    """State and detail of an order whose time is over."""
    if order.answers:
        return group_verdict(order)
    if order.kept.tries:
        return states.EXPIRED, f"sent {order.kept.tries} times, no receipt came: it may have been obeyed"
    return states.EXPIRED, "it could not be sent in time"


def tally(order: OpenOrder) -> str:
    """How many members of a group have answered."""
    refused = sum(not _obeyed(order, outcome) for outcome, _ in order.answers.values())
    return f"{len(order.answers)} of {len(order.members)} answered, {refused} refused"


def result(order: OpenOrder, at_ms: int, boot: int | None) -> Record:
    """What is published of an order that is over. boot: of the gateway; None: *at_ms* is Unix time."""
    kept = order.kept
    said: dict[str, object] = {
        "order": kept.id,
        "verb": kept.verb,
        "description": kept.description,
        "source": kept.source,
        "state": kept.state,
        "detail": kept.detail,
        "tries": kept.tries,
    }
    if isinstance(order.target, int):
        said["group"] = order.target
        said["members"] = len(order.members)
        said["answered"] = len(order.answers)
        said["unanswered"] = [member.hex() for member in order.members if member not in order.answers]
        said["refused"] = {
            dev_eui.hex(): states.refused(outcome)
            for dev_eui, (outcome, detail) in order.answers.items()
            if not _obeyed(order, outcome)
        }
    return own_record(Kind.ORDER, content.order(said), at_ms, boot, kept.target_device)


def _obeyed(order: OpenOrder, outcome: int) -> bool:
    """Whether a member of a group did what it could: a part that waits for others has arrived."""
    return outcome == DONE or (outcome == INCOMPLETE and order.wire.verb == LOAD_PROGRAMME)
