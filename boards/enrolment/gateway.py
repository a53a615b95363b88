"""The gateway, as far as registering needs it: its local API over HTTP, on a Unix socket or at an https address."""

import http.client
import json
import socket
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from boards.causes import BoardError, Cause
from boards.enrolment.registry import Row

_TIMEOUT_S = 30
_MAX_ANSWER = 1 << 20
_NOT_FOUND = 404
_GOOD = 200


class _Unix(http.client.HTTPConnection):
    """HTTP on a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the path instead of the host."""
        self.sock = socket.socket(getattr(socket, "AF_UNIX"), socket.SOCK_STREAM)  # noqa: B009 - Windows has none
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Gateway:
    """address: the path of a Unix socket, or https://HOST[:PORT]; http:// is taken for this computer alone.

    token: for an address, as the gateway issued it. Methods raise BoardError: GATEWAY_ABSENT, GATEWAY_REFUSED.
    """

    address: str
    token: str = field(default="", repr=False)

    def knows(self, dev_eui: str) -> bool:
        """Whether a device of that DevEUI is registered."""
        status, told = self._ask("GET", f"/v1/devices/{dev_eui}", None)
        if status == _NOT_FOUND:
            return False
        if status != _GOOD:
            raise self._refused(status, told)
        return True

    def has_keys_of(self, row: Row) -> bool | None:
        """Whether the gateway's keys of a device are these; None if it shows them not to this user."""
        status, told = self._ask("GET", f"/v1/devices/{row['dev_eui']}?keys=show", None)
        if status != _GOOD or not isinstance(told, dict) or "app_key" not in told:
            return None
        return all(told.get(name) == row[name] for name in ("app_key", "gen_app_key"))

    def add(self, row: Row) -> None:
        """Register a device."""
        status, told = self._ask("POST", "/v1/devices", {"devices": [row]})
        if status != _GOOD:
            raise self._refused(status, told)

    def _ask(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = self._connection()
        try:
            connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            response = connection.getresponse()
            raw = response.read(_MAX_ANSWER)
        except (OSError, http.client.HTTPException, AttributeError) as error:
            detail = getattr(error, "strerror", None) or type(error).__name__
            raise BoardError(Cause.GATEWAY_ABSENT, gateway=self.address, detail=detail) from error
        finally:
            connection.close()
        try:
            return response.status, json.loads(raw)
        except ValueError:
            return response.status, None

    def _connection(self) -> http.client.HTTPConnection:
        if "://" not in self.address:
            return _Unix(self.address)
        parts = urllib.parse.urlsplit(self.address)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if host and parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S)
        if parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"):  # such as the end of an SSH tunnel
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        detail = "write a socket's path or https://HOST; keys do not go over http"
        raise BoardError(Cause.GATEWAY_REFUSED, gateway=self.address, detail=detail)

    def _refused(self, status: int, told: Any) -> BoardError:
        said = told.get("error") if isinstance(told, dict) else None
        return BoardError(Cause.GATEWAY_REFUSED, gateway=self.address, detail=str(said or f"HTTP {status}")[:300])
