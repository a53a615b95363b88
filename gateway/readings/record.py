"""A record: one thing a node told, as the gateway keeps it: its key, its times, and what it says."""

from enum import IntEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What a record is, as a number in the store; append only."""

    READING = 1  # content: [set, value, …], or {"<quantity | instance << 8>": value, …} of rare ones; null: not known
    EVENT = 2  # [event, detail, …]
    STATUS = 3  # {"version": "0.1.0", "reset_cause": 1, …}
    RAW = 4  # of a foreign device: {"f_port": 1, "payload": "<hex>"}; epoch is its session's number, seq its FCntUp
    ORDER = 5  # what became of an order: {"order": 1, "verb": …, "state": …, …}; no epoch, no seq
    NOTICE = 6  # the gateway's own: {"notice": "silent", …}; no epoch, no seq
    FAULT = (
        7  # what is wrong with a lamp, or is no more: {"fault": "lamp_failed", "state": "there", …}; no epoch, no seq
    )
    OUTAGE = 8  # a feeder without power: {"feeder": "centre", "state": "there", …}; of no device, no epoch, no seq
    NIGHT = 9  # what a lamp post or a group took in a night: {"night": 20778, "energy_wh": …}; no epoch, no seq


class Record(NamedTuple):
    """One record. device: its row in the store, None for what is of no device.

    With (DevEUI, epoch, seq) a record heard twice is one record. received_ms, observed_ms: Unix ms if *boot* is None;
    else ms on the monotonic clock of that boot of the gateway, from before anybody knew the time, and they are dated
    when it is known. observed_ms: None when the node does not know, and no neighbour tells; time_error_s: how far it
    may be off. content: JSON, as `Kind` says, scaled integers as they came: it can always be read again better.
    """

    kind: Kind
    device: int | None
    epoch: int | None
    seq: int | None
    received_ms: int
    boot: int | None
    observed_ms: int | None
    time_error_s: int | None
    content: bytes


def own_record(kind: Kind, content: bytes, at_ms: int, boot: int | None, device: int | None = None) -> Record:
    """A record of the gateway's own, an ORDER or a NOTICE: it has no number, and was observed as it was made."""
    return Record(
        kind=kind,
        device=device,
        epoch=None,
        seq=None,
        received_ms=at_ms,
        boot=boot,
        observed_ms=at_ms,
        time_error_s=0,
        content=content,
    )
