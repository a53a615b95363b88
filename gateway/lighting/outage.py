"""A feeder without power: what is told of it, kept and published."""

from dataclasses import dataclass
from enum import Enum


class Cause(Enum):
    """Why a feeder has no power, as far as can be told."""

    OUTAGE = "outage"
    SWITCHED_OFF = "switched_off"  # by the cabinet, as each morning
    NOT_SWITCHED_ON = "not_switched_on"  # it is night, and the cabinet did not


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A feeder without power, since_ms until over_ms (Unix ms; None: still), told by last gasps or by silence.

    lamps: how many of *known* are without; others_heard: whether anybody else was heard meanwhile, else it may be the
    gateway's radio.
    """

    feeder: str
    cause: Cause
    since_ms: int
    over_ms: int | None
    lamps: int
    known: int
    gasps: int
    others_heard: bool
