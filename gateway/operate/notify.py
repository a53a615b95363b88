"""Telling systemd: ready, alive, what we do, stopping (sd_notify(3)), in a datagram and without a dependency."""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Tells the service manager, or nobody when there is none.

    It never raises and never blocks: a full or vanished socket of the manager's must not disturb the gateway.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._watchdog_us = _number(environment.get("WATCHDOG_USEC", ""))
        owner = environment.get("WATCHDOG_PID", "")
        if owner and _number(owner) != os.getpid():
            self._watchdog_us = 0  # meant for another process

    @property
    def watchdog_interval_s(self) -> float | None:
        """How often `alive` must be called: half of what the manager waits; None: it does not watch."""
        return self._watchdog_us / 2e6 if self._watchdog_us else None

    def ready(self, status: str) -> None:
        """The gateway listens and stores."""
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def alive(self) -> None:
        """Feed the watchdog; only a healthy loop may call it."""
        self._tell("WATCHDOG=1")

    def status(self, status: str) -> None:
        """A line that `systemctl status` shows."""
        self._tell(f"STATUS={_line(status)}")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        if self._address is None:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagrams,
        ):
            datagrams.setblocking(False)
            datagrams.sendto(message.encode(), self._address)


def _address(text: str) -> bytes | None:
    """A path, or `@name` of the abstract name space, whose first byte is zero."""
    if text.startswith("@"):
        return b"\0" + os.fsencode(text[1:])
    return os.fsencode(text) if text.startswith("/") else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _line(text: str) -> str:
    return " ".join(text.split())
