"""A record: one reading of one node as the gateway keeps and publishes it, with its key, its place and its times."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from protocol.lorawan.eui import eui_to_text
from protocol.quantity_table import QUANTITIES, Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A scaled value (None: not known) of a quantity; *instance* tells two bays or heads of one node apart."""

    quantity: int
    instance: int
    value: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A reading with its key, place and times; times are Unix ms, UTC.

    observed_ms: None for a reading that waits to be dated between its neighbours; time_error_s: how far it may be off.
    """

    dev_eui: bytes
    epoch: int
    seq: int
    place: str | None
    observed_ms: int | None
    time_error_s: int | None
    received_ms: int
    measured: tuple[Measured, ...]

    @property
    def key(self) -> tuple[bytes, int, int]:
        """What makes a record the same record, however often and by whichever frame it arrives."""
        return self.dev_eui, self.epoch, self.seq

    def to_message(self) -> dict[str, Any]:
        """The record as it is published: units of the quantities table, ISO 8601 times, instances after a dot.

        A quantity of a firmware newer than this gateway keeps its number and its raw value: `quantity_200`.
        """
        return {
            "dev_eui": eui_to_text(self.dev_eui),
            "epoch": self.epoch,
            "seq": self.seq,
            "place": self.place,
            "observed": _iso(self.observed_ms),
            "time_error_s": self.time_error_s,
            "received": _iso(self.received_ms),
            "values": dict(_shown(measured) for measured in self.measured),
        }


def _shown(measured: Measured) -> tuple[str, float | int | None]:
    value: float | int | None = measured.value
    if measured.quantity < len(QUANTITIES):
        quantity = Quantity(measured.quantity)
        name = quantity.name
        if value is not None and quantity.decimals:
            value /= 10**quantity.decimals
    else:
        name = f"quantity_{measured.quantity}"
    return f"{name}.{measured.instance}" if measured.instance else name, value


def _iso(unix_ms: int | None) -> str | None:
    if unix_ms is None:
        return None
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
