"""A node: one mind and one MAC, and the way between them. Itself a core with the same two calls."""

from .actions import AskLink, AskTime, JoinGroup, Transmit, UsePlan
from .events import (
    Downlink,
    FrameHeard,
    Joined,
    LinkAnswered,
    Sent,
    TimeAnswered,
    Transmitted,
    WindowClosed,
    Woke,
)

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    class Core(Protocol):
        """What minds, MACs and nodes have in common (`firmware/events.py`)."""

        def handle(self, event: object, now_ms: int) -> list[object]:
            """Decide what *event* means and return what should happen."""

        def wake_at(self) -> int | None:
            """When to send `Woke`, in ms (in the past: at once); None to be left alone until something happens."""


_OF_RADIO = (Transmitted, FrameHeard, WindowClosed)
_FOR_BOTH_OR_MAC = (Woke, Transmitted, FrameHeard, WindowClosed)
_FOR_MAC = (Transmit, AskTime, AskLink, JoinGroup, UsePlan)
_FOR_MIND = (Downlink, Joined, Sent, TimeAnswered, LinkAnswered)


class Node:
    """Hands what the mind asks to the MAC and what the MAC tells to the mind; the body does the rest."""

    def __init__(self, mind: "Core", mac: "Core") -> None:
        self._mind = mind
        self._mac = mac

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Let mind and MAC decide, in this order; returns the body's actions in the order they were decided.

        Both hear `Woke`, the MAC alone its radio, the mind alone the rest.
        """
        done: list[object] = []
        # Then each hears what the other made of it, until neither has anything for the other.
        todo: list[tuple[Core, object]] = []
        if not isinstance(event, _OF_RADIO):
            todo.append((self._mind, event))
        if isinstance(event, _FOR_BOTH_OR_MAC):
            todo.append((self._mac, event))
        while todo:
            core, what = todo.pop(0)
            for action in core.handle(what, now_ms):
                if isinstance(action, _FOR_MAC):
                    todo.append((self._mac, action))
                elif isinstance(action, _FOR_MIND):
                    todo.append((self._mind, action))
                else:
                    done.append(action)
        return done

    def wake_at(self) -> int | None:
        """The earlier of the two times at which mind and MAC want to be woken."""
        mind = self._mind.wake_at()
        mac = self._mac.wake_at()
        if mind is None or mac is None:
            return mac if mind is None else mind
        return min(mind, mac)
