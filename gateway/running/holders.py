"""Where each packet forwarder's downlinks went last: a small file beside the database, for after a restart.

A line each: the gateway EUI and an IP address. It is written when one moves, at most once in half a minute, and on the
loop: what an SD card takes for fifty bytes then, every forwarder waits.
"""

import ipaddress
import logging
from pathlib import Path

from gateway.store.files import write_private
from protocol.errors import FrameError
from protocol.lorawan.eui import eui_from_text

_MOST_BYTES = 16_384  # 64 EUIs may be configured, and an IPv6 address with its zone takes 60

_log = logging.getLogger(__name__)


class Holders:
    """The file at *path*. Where it cannot be written the gateway runs without, and says so."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ips = _read(path)

    def load(self) -> dict[bytes, str]:
        """The IP addresses by EUI."""
        return dict(self._ips)

    def keep(self, eui: bytes, ip: str) -> None:
        """The downlinks of *eui* go to *ip* from now on."""
        self._ips[eui] = ip
        lines = "".join(f"{known.hex()} {self._ips[known]}\n" for known in sorted(self._ips))
        try:
            write_private(self._path, lines.encode())
        except OSError as error:
            _log.warning(
                "%s: cannot be written: %s; after a restart the first to ask gets the downlinks", self._path, error
            )


def _read(path: Path) -> dict[bytes, str]:
    """What can be read of it; a line of anything else is left out."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("ascii", "replace")
    except OSError:
        return {}
    ips = {}
    for line in text.splitlines():
        eui, _, ip = line.partition(" ")
        try:
            ipaddress.ip_address(ip)
            ips[eui_from_text(eui, "gateway EUI")] = ip
        except (ValueError, FrameError):
            continue
    return ips
