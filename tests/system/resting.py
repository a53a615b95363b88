"""Lamps for runs that last: woken when their light may change, when their radio has something, and seldom for the rest.

A year of a lamp is half a million moments at which it measures, and a few thousand at which its light changes.
"""

from typing import TYPE_CHECKING

from firmware.roles.light import Light
from simulator.fleet.births import Firmware

if TYPE_CHECKING:
    from firmware.node import Core


class Resting:
    """A node that measures every *chores_s*. Implements `firmware.node.Core`."""

    def __init__(self, firmware: Firmware, role: Light, chores_s: int) -> None:
        self._node: Core = firmware.core
        self._mac: Core = firmware.mac
        self._role = role
        self._chores_s = chores_s
        self._chores_ms = 0

    def handle(self, event: object, now_ms: int) -> list[object]:
        """All of the node hears it."""
        if now_ms >= self._chores_ms:
            self._chores_ms = now_ms + self._chores_s * 1000
        return self._node.handle(event, now_ms)

    def wake_at(self) -> int | None:
        """The first of these times."""
        times = [self._chores_ms, self._mac.wake_at()]
        light_s = self._role.explain(0)[2]
        times.append(None if light_s is None else light_s * 1000)
        return min([time for time in times if time is not None])


def resting(firmware: Firmware, chores_s: int) -> "Core":
    """A lamp's firmware that is woken little."""
    assert isinstance(firmware.role, Light)
    return Resting(firmware, firmware.role, chores_s)
