"""The gateway, as far as registering needs it: its local API over HTTP, on a Unix socket or at an https address."""

import hashlib
import hmac
import http.client
import json
import re
import socket
import ssl
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


class _Pinned(http.client.HTTPSConnection):
    """TLS with whoever shows the certificate of that SHA-256, in hex, and nobody else: no authority is asked."""

    def __init__(self, host: str, port: int | None, sha256: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # `connect` verifies more strictly, before anything is sent
        super().__init__(host, port, timeout=_TIMEOUT_S, context=context)
        self._sha256 = sha256

    def connect(self) -> None:
        """Connect, and leave if it is another."""
        super().connect()
        shown = self.sock.getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(hashlib.sha256(shown).hexdigest(), self._sha256):
            self.close()
            raise _StrangerError


class _StrangerError(Exception):
    """Somebody else answers at the gateway's address, or the gateway has a new certificate."""


def read_token_file(text: str) -> tuple[str, str]:
    """(token, SHA-256 of the certificate in hex or "") of what `lampyre gateway api open` printed.

    A file with the token alone is for a gateway whose certificate an authority signed. Raises ValueError.
    """
    lines = text.split()
    token, named = lines[0] if lines else "", lines[1] if len(lines) == 2 else ""
    if not re.fullmatch(r"[!-~]{1,500}", token) or len(lines) > 2:
        raise ValueError("has no token in its first line, or more than two lines; copy what `api open` printed")
    if named and not re.fullmatch(r"sha256:[0-9a-f]{64}", named):
        raise ValueError("its second line is not sha256: and 64 hex digits; copy what `api open` printed")
    return token, named.removeprefix("sha256:")


@dataclass(frozen=True, slots=True)
class Gateway:
    """address: the path of a Unix socket, or https://HOST[:PORT]; http:// is taken for this computer alone.

    token: for an address, as the gateway issued it. sha256: of the certificate to be shown there, in hex; "": one
    that an authority signed. Methods raise BoardError: GATEWAY_ABSENT, GATEWAY_REFUSED.
    """

    address: str
    token: str = field(default="", repr=False)
    sha256: str = ""

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
        except _StrangerError:
            detail = "its certificate is not the one that the token file names; nothing was sent to it"
            raise BoardError(Cause.GATEWAY_REFUSED, gateway=self.address, detail=detail) from None
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
        if host and parts.scheme == "https" and self.sha256:
            return _Pinned(host, port, self.sha256)
        if host and parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S)
        if parts.scheme == "http" and host in ("localhost", "127.0.0.1", "::1"):  # such as the end of an SSH tunnel
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
        detail = "write a socket's path or https://HOST; keys do not go over http"
        raise BoardError(Cause.GATEWAY_REFUSED, gateway=self.address, detail=detail)

    def _refused(self, status: int, told: Any) -> BoardError:
        said = told.get("error") if isinstance(told, dict) else None
        return BoardError(Cause.GATEWAY_REFUSED, gateway=self.address, detail=str(said or f"HTTP {status}")[:300])
