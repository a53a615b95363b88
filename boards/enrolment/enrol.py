"""A node into the registry, or to the gateway: once, whatever became of the answer."""

from collections.abc import Callable

from boards.causes import BoardError, Cause
from boards.enrolment.gateway import Gateway
from boards.enrolment.registry import Registry, Row
from boards.flashing.record import Record

Keep = Callable[[], None]  # writes the record


def enrol(record: Record, row: Row, target: Registry | Gateway, keep: Keep) -> None:
    """Register the device of *row*, which is the record's. Raises BoardError; the same again goes on."""
    if isinstance(target, Registry):
        target.add(row, instead_of=record.replaces)
        record.registered = str(target.path.resolve())
    else:
        _ask(record, row, target, keep)
        record.registered = target.address
    record.asked = False
    keep()


def _ask(record: Record, row: Row, gateway: Gateway, keep: Keep) -> None:
    """Ask once, and be sure of it: an answer that was lost is looked up, not asked for again."""
    if gateway.knows(record.dev_eui):
        # Unless the gateway shows its keys: it had none of this DevEUI when we asked, or they are its own list's.
        ours = gateway.has_keys_of(row)
        if ours is False or (ours is None and not record.asked and not record.keys_from):
            raise BoardError(Cause.KEYS_DIFFER, dev_eui=record.dev_eui, where=gateway.address)
        return
    record.asked = True
    keep()
    gateway.add(row)
