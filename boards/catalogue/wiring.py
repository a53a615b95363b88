"""Who is to be connected with whom: a board's pins and the terminals of what hangs on them, from the board's file."""

import dataclasses
from dataclasses import dataclass

from boards.catalogue.board import Board, Parts
from boards.catalogue.devices import ADDRESS_PIN, DEVICES, FIVE_VOLTS, GROUND, LOW_ADDRESSES, SUPPLY, Device


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """From a terminal of a device to the board. gpio: None for a supply, which *end* names as the print does."""

    terminal: str
    key: str
    end: str
    gpio: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """A device with all its wires. part: its name in /board.json."""

    part: str
    device: Device
    wires: tuple[Wire, ...]


def connected(board: Board, role: str, options: tuple[str, ...] = ()) -> tuple[Connected, ...]:
    """What a technician has to connect for a role, in the order of /board.json's parts."""
    joined, found = board.joined(role, options), []
    for name in (entry.name for entry in dataclasses.fields(Parts) if entry.name in joined):
        section, part = joined[name]
        if section == "node":  # what the board itself has is connected
            continue
        device = DEVICES[getattr(part, "chip", None) or getattr(part, "kind", None) or name]
        wires = [wire for terminal, key in device.terminals if (wire := _wire(board, part, terminal, key))]
        found.append(Connected(part=name, device=device, wires=tuple(wires)))
    return tuple(found)


def _wire(board: Board, part: object, terminal: str, key: str) -> Wire | None:
    """None for a terminal that stays free."""
    if key == SUPPLY:
        return Wire(terminal=terminal, key=key, end=board.supply)
    if key in (FIVE_VOLTS, GROUND):
        return Wire(terminal=terminal, key=key, end=key)
    if key == ADDRESS_PIN:
        low = LOW_ADDRESSES[getattr(part, "chip", "")]
        high = (getattr(part, "address", None) or low) != low
        return Wire(terminal=terminal, key=key, end=board.supply if high else GROUND)
    gpio = getattr(board.node.i2c if key in ("scl", "sda") else part, key)
    return None if gpio is None else Wire(terminal=terminal, key=key, end=f"GPIO{gpio}", gpio=gpio)
