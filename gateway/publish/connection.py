"""Whether there is a connection to the broker, and when to try for the next one."""

from enum import Enum

from gateway.publish.back_off import BackOff
from gateway.publish.events import Connect, Connected, Disconnect, Note, PublisherEffect

CONNECT_MS = 60_000  # name look-up, TCP, TLS and CONNACK; the shell gives up sooner, this is for when it does not
_STEADY_MS = 30_000  # a connection that lasted so long was a good one: the next attempt comes soon


class _State(Enum):
    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    STOPPED = "stopped"


class Connection:
    """One at a time. number: of the last attempt. down_since_ms: when the last one that was up ended, None before."""

    def __init__(self, back_off: BackOff, now_ms: int) -> None:
        self.number = 0
        self.down_since_ms: int | None = None
        self._back_off = back_off
        self._state = _State.DOWN
        self._since_ms = now_ms
        self._attempts = 0
        self._connect_at_ms = now_ms
        self._told_down = False

    @property
    def up(self) -> bool:
        """Whether messages can go."""
        return self._state is _State.UP

    def is_now(self, number: int) -> bool:
        """Whether news of connection *number* mean anything."""
        return number == self.number and self._state is not _State.STOPPED

    def wake_at(self) -> int | None:
        """When `try_again` or `overdue` will be true."""
        if self._state is _State.DOWN:
            return self._connect_at_ms
        return self._since_ms + CONNECT_MS if self._state is _State.CONNECTING else None

    def overdue(self, now_ms: int) -> bool:
        """Whether the broker does not answer an attempt."""
        return self._state is _State.CONNECTING and now_ms >= self._since_ms + CONNECT_MS

    def try_again(self, now_ms: int, effects: list[PublisherEffect]) -> None:
        """Make the next attempt, if it is time."""
        if self._state is _State.DOWN and now_ms >= self._connect_at_ms:
            self.number += 1
            self._state = _State.CONNECTING
            self._since_ms = now_ms
            effects.append(Connect(self.number))

    def connected(self, event: Connected, now_ms: int, effects: list[PublisherEffect]) -> bool:
        """The broker took an attempt; whether it is one that is still wanted."""
        if event.number != self.number or self._state is not _State.CONNECTING:
            effects.append(Disconnect(event.number))
            return False
        self._state = _State.UP
        self._since_ms = now_ms
        if self._told_down or self.number == 1:
            effects.append(Note("broker_connected", f"connected to the broker, attempt {self.number}"))
        self._told_down = False
        return True

    def lost(self, detail: str, proved: bool, now_ms: int, effects: list[PublisherEffect]) -> None:
        """It ended or did not come to be. proved: it was up, and the broker acknowledged something."""
        if self._state is _State.UP:
            self.down_since_ms = now_ms
            if proved or now_ms - self._since_ms >= _STEADY_MS:
                self._attempts = 0
        self._state = _State.DOWN
        self._since_ms = now_ms
        self._connect_at_ms = now_ms + self._back_off.after_ms(self._attempts)
        self._attempts += 1
        if not self._told_down:
            self._told_down = True
            effects.append(Note("broker_lost", f"no connection to the broker: {detail}; records wait in the store"))

    def stop(self, effects: list[PublisherEffect]) -> None:
        """End it; no other follows."""
        if self._state is not _State.DOWN:
            effects.append(Disconnect(self.number, clean=True))
        self._state = _State.STOPPED
