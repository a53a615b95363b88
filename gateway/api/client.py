"""The other end of the local API: HTTP over a Unix socket with the standard library."""

import http.client
import json
import socket
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.api.routes import MAX_WAIT_S, Answer

TIMEOUT_S = MAX_WAIT_S + 30  # a long poll, and a disk that stalls


class _UnixConnection(http.client.HTTPConnection):
    """HTTP as the standard library speaks it, on a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the path instead of the host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.close()
            raise


class Client:
    """One connection to a running gateway."""

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        """Raises OSError when nobody answers there: FileNotFoundError, ConnectionRefusedError, PermissionError."""
        self._connection = _UnixConnection(path, timeout_s)
        self._connection.connect()

    def ask(self, method: str, path: str, query: Mapping[str, str | int] | None = None, body: Any = None) -> Answer:
        """Ask once. body: anything JSON. Raises OSError or http.client.HTTPException when the connection fails."""
        target = urllib.parse.quote(path) + ("?" + urllib.parse.urlencode(query) if query else "")
        data = None if body is None else json.dumps(body).encode()
        self._connection.request(method, target, data, {} if data is None else {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        told = response.read()
        if response.getheader("Content-Type", "").startswith("application/json"):
            return Answer(response.status, json.loads(told))
        return Answer(response.status, told)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
