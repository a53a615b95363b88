"""The remote door: the API by TLS over TCP, shut unless a pass lies in the store's folder, and shut again at its end.

Whoever shows the token may read, and may register devices; nobody is told keys. All else needs the socket.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

import h11

from gateway.api.http import Answering, HttpServer
from gateway.api.remote_pass import CERTIFICATE_NAME, PASS_NAME, PassError, RemotePass, boot_s, read_pass, withdraw
from gateway.api.routes import Answer

LOOK_S = 1.0  # between two looks for a pass; a stat(2) each
TRIES = 10  # wrong tokens from one address in a minute, after which it is not listened to for the rest of it
MAX_ADDRESSES = 64  # counted in a minute; those beyond share one budget, so that the table stays small
_WINDOW_S = 60.0
_BACKLOG = 8
_REGISTERING = b"/v1/devices"

_log = logging.getLogger(__name__)

_Seen = tuple[int, ...] | None


class RemoteDoor:
    """Opens and shuts as the pass in *folder* says, from `start` to `close`.

    tell: takes the name and the sentence of an alarm. now_s: seconds since the machine started.
    """

    def __init__(
        self, folder: Path, answering: Answering, tell: Callable[[str, str], None], now_s: Callable[[], float] = boot_s
    ) -> None:
        self.address: tuple[str, int] | None = None  # while it is open
        self._folder = folder
        self._answering = answering
        self._told = tell
        self._now_s = now_s
        self._seen: _Seen = None
        self._pass: RemotePass | None = None
        self._http: HttpServer | None = None
        self._tries = _Tries(now_s)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look for a pass now and again."""
        self._task = asyncio.get_running_loop().create_task(self._look_again())

    async def close(self) -> None:
        """Shut it. The pass stays, for a gateway that is only started anew."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._shut()

    async def look(self) -> None:
        """Do what the pass says; what is wrong with it is told, and keeps the door shut."""
        if self._pass is not None and self._now_s() >= self._pass.expires_s:
            await self._shut()
            with contextlib.suppress(OSError):
                withdraw(self._folder)
            _log.info("the remote door is shut: its pass has expired")
        if (seen := self._look_at_files()) == self._seen:
            return
        self._seen = seen
        was_open = self._http is not None
        await self._shut()
        try:
            found = read_pass(self._folder, self._now_s())
            if found is not None:
                await self._open(found)
            elif was_open:
                _log.info("the remote door is shut: its pass was withdrawn")
        except (PassError, OSError) as error:
            self._told("remote_shut", f"the remote door stays shut: {error}")

    async def _look_again(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # the gateway goes on; the door must not
                _log.exception("the remote door is shut by a mistake of ours")
                await self._shut()
            await asyncio.sleep(LOOK_S)

    def _look_at_files(self) -> _Seen:
        found: list[int] = []
        for name in (PASS_NAME, CERTIFICATE_NAME):
            try:
                state = (self._folder / name).lstat()
            except FileNotFoundError:
                continue
            # The time of change: also a file that is only made readable to others shuts the door.
            found += (state.st_ino, state.st_size, state.st_ctime_ns)
        return tuple(found) or None

    async def _open(self, found: RemotePass) -> None:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._folder / CERTIFICATE_NAME)
        family = socket.AF_INET6 if ":" in found.host else socket.AF_INET
        try:
            listening = socket.create_server((found.host, found.port), family=family, backlog=_BACKLOG)
        except OSError as error:
            raise OSError(
                f"{found.host} port {found.port} cannot be had: {os.strerror(error.errno or 0)}; "
                "choose another: lampyre gateway api open --listen"
            ) from None
        listening.setblocking(False)
        host, port = listening.getsockname()[:2]
        self._pass = found
        self._http = HttpServer(self._answering, self._admit)
        await self._http.start(listening, context)
        self.address = host, port
        hours = (found.expires_s - self._now_s()) / 3600
        _log.info("the remote door is open on %s port %d for %.1f hours", host, port, hours)

    async def _shut(self) -> None:
        self._pass = self.address = None  # first: what is under way is not let in any more
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    def _admit(self, head: h11.Request, peer: str) -> Answer | None:
        """None for whoever shows the token and asks what it is for; else the refusal."""
        if self._tries.used_up(peer):
            return _sentence(429, "too many wrong tokens came from this address; wait a minute")
        found = self._pass
        if found is None or self._now_s() >= found.expires_s:
            return _sentence(401, "the pass has expired; ask for another: lampyre gateway api open")
        if not found.admits(_bearer(head)):
            self._count(peer)
            return _sentence(
                401, "this needs the token that `lampyre gateway api open` showed, as Authorization: Bearer"
            )
        path = head.target.partition(b"?")[0]
        if head.method != b"GET" and (head.method, path) != (b"POST", _REGISTERING):
            return _sentence(403, "by this door devices are registered, and all is read; the rest needs the socket")
        return None

    def _count(self, peer: str) -> None:
        """One more wrong token; an alarm tells the first of each minute, and that an address is not heard any more."""
        count, first = self._tries.count(peer)
        if count == TRIES:
            self._told("remote_refused", f"{TRIES} wrong tokens from {peer}: it is not listened to for a minute")
        elif first:
            self._told("remote_refused", f"a wrong token, or none, from {peer}")


class _Tries:
    """Wrong tokens by address, within the running minute."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._began_s = 0.0
        self._counts: dict[str, int] = {}

    def used_up(self, peer: str) -> bool:
        """Whether that address is not listened to."""
        self._turn()
        return self._counts.get(self._key(peer), 0) >= TRIES

    def count(self, peer: str) -> tuple[int, bool]:
        """(how many from there, whether it is the first of all) in this minute, with this one."""
        self._turn()
        first = not self._counts
        key = self._key(peer)
        self._counts[key] = self._counts.get(key, 0) + 1
        return self._counts[key], first

    def _turn(self) -> None:
        if self._now_s() - self._began_s >= _WINDOW_S:
            self._began_s = self._now_s()
            self._counts.clear()

    def _key(self, peer: str) -> str:
        return peer if peer in self._counts or len(self._counts) < MAX_ADDRESSES else "others"


def _bearer(head: h11.Request) -> str:
    """The token of an Authorization header (RFC 6750 §2.1); "" unless there is exactly one."""
    values = [value for name, value in head.headers if name == b"authorization"]
    scheme, _, token = (values[0] if len(values) == 1 else b"").partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else ""


def _sentence(status: int, sentence: str) -> Answer:
    return Answer(status, {"error": sentence})
