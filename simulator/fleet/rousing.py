"""A whole node that stays in memory, of which the role alone looks at the sensors until something is to be told.

That is what a board does between two deep sleeps (`firmware/glance.py`), without the images: mind and MAC are roused
when their own time comes, when the radio has something, or when the role wants a record logged.
"""

from typing import TYPE_CHECKING

from firmware.actions import TakeReading, TellEvent
from firmware.events import FieldMoved, FieldSensed, LampFeedback, LuxSensed, Sensed, Transmitted, Woke
from firmware.mac import Mac
from firmware.mind import Mind
from firmware.node import Node

if TYPE_CHECKING:
    from firmware.mind import Role
    from firmware.node import Core

_FOR_ROLE = frozenset((Woke, Sensed, FieldSensed, FieldMoved, LuxSensed, LampFeedback))
_WANTED = (TakeReading, TellEvent)
_WOKE = Woke()
_NEVER_MS = 1 << 62


class Rousing:
    """Implements `firmware.node.Core` for a body."""

    __slots__ = ("_mac", "_mind", "_node", "_own_ms", "_role", "_rouse_ms")

    def __init__(self, node: Node, mind: Mind, mac: Mac, role: "Role | None") -> None:
        self._node = node
        self._mind = mind
        self._mac: Core = mac
        self._role = role
        self._own_ms = 0  # when the mind wants to be roused for its own sake
        self._rouse_ms = 0  # the mind or the MAC

    def handle(self, event: object, now_ms: int) -> list[object]:
        """What the node wants, as its mind, MAC and role decide."""
        kind = type(event)
        role = self._role
        if role is None or now_ms >= self._rouse_ms or kind not in _FOR_ROLE:
            actions = self._node.handle(event, now_ms)
            if kind is not Transmitted:  # of which the mind hears nothing
                self._ask_mind()
            self._ask_mac()
            return actions
        actions = role.handle(event, now_ms)
        for action in actions:
            if isinstance(action, _WANTED):
                break
        else:
            return actions
        done: list[object] = []
        self._mind.carry_out(actions, done, now_ms)
        done += self._node.handle(_WOKE, now_ms)
        self._ask_mind()
        self._ask_mac()
        return done

    def wake_at(self) -> int | None:
        """The earliest time that any of them wants to be woken."""
        role_ms = None if self._role is None else self._role.wake_at()
        if role_ms is not None and role_ms < self._rouse_ms:
            return role_ms
        return self._rouse_ms if self._rouse_ms < _NEVER_MS else None

    def _ask_mind(self) -> None:
        own_ms = self._mind.own_wake_at()
        self._own_ms = _NEVER_MS if own_ms is None else own_ms

    def _ask_mac(self) -> None:
        mac_ms = self._mac.wake_at()
        self._rouse_ms = self._own_ms if mac_ms is None else min(mac_ms, self._own_ms)
