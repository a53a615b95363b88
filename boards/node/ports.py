"""Serial ports: which there are, what board is likely at each, and why one cannot be opened.

pyserial is imported where a port is touched, so that planning works without one.
"""

import errno
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boards.causes import BoardError, Cause

_MODEM_MANAGER = "ModemManager"
_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)
_PROC = Path("/proc")
WRITE_S = 10  # until a port has taken what it was given: one whose board never reads is full for ever


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A serial port on USB. path: as the system calls it. location: the hub's sockets on the way, such as 1-2.4.

    Several boards may have the same serial_number: bridges are sold with 0001 in all of them. A location is unique.
    """

    path: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str = ""
    location: str = ""
    what: str = ""


def find() -> list[Port]:
    """The ports on USB, in the order of their places on hubs; what has no USB numbers is no board of ours."""
    from serial.tools import list_ports

    found = [
        Port(
            path=each.device,
            vid=each.vid,
            pid=each.pid,
            serial_number=each.serial_number or "",
            location=each.location or "",
            what=each.product or each.description or "",
        )
        for each in list_ports.comports()
        if each.vid is not None
    ]
    return sorted(found, key=lambda port: (port.location, port.path))


def choose(ports: Sequence[Port], asked: str) -> Port:
    """The port that was asked for by path, location or serial number; without, the only one. Raises BoardError."""
    if not asked:
        if not ports:
            raise BoardError(Cause.NO_PORTS)
        if len(ports) > 1:
            raise BoardError(Cause.SEVERAL_PORTS, ports=_listed(ports))
        return ports[0]
    for port in ports:
        if asked in (port.path, port.location):
            return port
    alike = [port for port in ports if port.serial_number.lower() == asked.lower()]
    if len(alike) > 1:
        raise BoardError(Cause.SAME_SERIAL, serial_number=asked, ports=_listed(alike))
    # A port that is not on USB, such as a pseudo-terminal or a socket, is believed.
    return alike[0] if alike else Port(path=asked)


def shared_serial_numbers(ports: Iterable[Port]) -> set[str]:
    """Serial numbers that say nothing, for more than one port has them."""
    counts = Counter(port.serial_number for port in ports if port.serial_number)
    return {number for number, count in counts.items() if count > 1}


def open_serial(path: str, baud: int = 115_200, timeout_s: float = 0.1) -> Any:
    """Open a port for this process alone, as a pyserial object. Raises BoardError."""
    import serial

    try:
        return serial.serial_for_url(path, baudrate=baud, timeout=timeout_s, write_timeout=WRITE_S, exclusive=True)
    except (OSError, ValueError) as error:
        raise closed(path, error) from error


def closed(path: str, error: Exception) -> BoardError:
    """Why a port cannot be opened: pyserial's error, or the system's."""
    number = getattr(error, "errno", None)
    text = str(error).lower()
    if number in (errno.EACCES, errno.EPERM) and os.name != "nt":
        return BoardError(Cause.PORT_DENIED, port=path)
    # Windows says "access is denied" for a port that another program has.
    if number in _BUSY or "exclusively lock" in text or "access is denied" in text or "permissionerror" in text:
        busy = Cause.MODEM_MANAGER if _MODEM_MANAGER in holders(path) else Cause.PORT_BUSY
        return BoardError(busy, port=path)
    return BoardError(Cause.PORT_ABSENT, port=path)


def holders(path: str, proc: Path = _PROC) -> set[str]:
    """The names of programs that have *path* open, as far as Linux tells this user.

    ModemManager runs as root, which hides its files: it counts as soon as it runs and nobody else is seen.
    """
    names, running = set(), set()
    for process in proc.glob("[0-9]*"):
        try:
            name = (process / "comm").read_text(encoding="utf-8").strip()
            running.add(name)
            if any(str(link.readlink()) == path for link in (process / "fd").iterdir()):
                names.add(name)
        except OSError:
            continue
    if not names and _MODEM_MANAGER in running:
        names.add(_MODEM_MANAGER)
    return names


def _listed(ports: Iterable[Port]) -> str:
    return ", ".join(f"{port.path} ({port.location})" if port.location else port.path for port in ports)
