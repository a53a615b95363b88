"""The states of an order, as the store and the city read them: queued → sent → one of the ends.

queued: it waits for a window or for duty cycle. sent: it was on the air at least once, and its receipt is awaited.
done: the node says so. refused:<outcome>: the node says why not (`protocol.orders.OUTCOMES`). expired: nobody answered
in time. failed: it could not be sent at all. cancelled: by whoever gave it.
"""

from protocol.orders import OUTCOMES

QUEUED = "queued"
SENT = "sent"
DONE = "done"
EXPIRED = "expired"
FAILED = "failed"
CANCELLED = "cancelled"
_REFUSED = "refused:"


def refused(outcome: int) -> str:
    """The state of an order that a node answered with *outcome*, a number of a newer version included."""
    return _REFUSED + (OUTCOMES[outcome] if outcome < len(OUTCOMES) else f"outcome_{outcome}")


def is_over(state: str) -> bool:
    """Whether nothing more will become of an order in this state."""
    return state not in (QUEUED, SENT)
