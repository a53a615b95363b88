"""The socket of the local API: HTTP/1.1 through h11, with a bound on everything a client can make large or slow.

Whoever may open the socket may command the gateway. Keys are told to root and to the gateway's own user alone, whom
the kernel names (SO_PEERCRED).
"""

import asyncio
import contextlib
import grp
import json
import logging
import os
import socket
import struct
import time
from pathlib import Path

import h11

from gateway.api.routes import Answer, Request, answer, parse_target
from gateway.api.station import Station

MAX_BODY = 4 << 20  # bytes; 5,000 devices with places and all their keys are 2.5 MB
MAX_HEAD = 16 << 10  # bytes of a request's line and headers
MAX_CONNECTIONS = 16  # CLI, tool, console, a collector or two; each costs some 40 kB
REQUEST_S = 10.0  # within which a request that began must be there
IDLE_S = 60.0  # after which a connection that asks nothing is closed
_READ_LEN = 1 << 14  # as much as a head may have, so that a longer one is never whole at once
_BACKLOG = 8

_log = logging.getLogger(__name__)


class ApiServer:
    """Answers on a Unix socket from `start` to `close`."""

    def __init__(self, station: Station, path: Path, permissions: int = 0o660, group: str | None = None) -> None:
        self._station = station
        self._path = path
        self._permissions = permissions
        self._group = group
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind. Raises OSError with a sentence when the path cannot be used or another gateway answers there."""
        listening = _bind(self._path, self._permissions, self._group)
        self._server = await asyncio.start_unix_server(self._connected, sock=listening, limit=_READ_LEN)

    async def close(self) -> None:
        """Answer no more, and remove the socket."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            connection = _Connection(reader, writer)
            if len(self._tasks) > MAX_CONNECTIONS:
                await connection.send(_sentence(503, f"{MAX_CONNECTIONS} connections are open already; try again"))
                return
            await connection.serve(self._station)
        except (OSError, TimeoutError, asyncio.CancelledError, h11.LocalProtocolError):
            pass  # the client went, was too slow, or we are closing
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


class _Connection:
    """One client's requests, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        self._sees_keys = _peer_uid(writer.get_extra_info("socket")) in (0, os.geteuid())

    async def serve(self, station: Station) -> None:
        """Answer until the client closes, is wrong, or is idle."""
        while True:
            try:
                asked = await self._request()
            except h11.RemoteProtocolError as error:
                await self.send(
                    _sentence(error.error_status_hint or 400, f"this is not HTTP/1.1 as we speak it: {error}")
                )
                return
            if asked is None:
                return
            await self.send(asked if isinstance(asked, Answer) else await self._answer(station, asked))
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()

    async def send(self, told: Answer) -> None:
        """Write one response."""
        text = isinstance(told.body, bytes)
        body = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode() + b"\n"
        headers = [
            ("Content-Type", "text/plain; version=0.0.4; charset=utf-8" if text else "application/json"),
            ("Content-Length", str(len(body))),
        ]
        for event in (h11.Response(status_code=told.status, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self._writer.write(self._http.send(event) or b"")
        async with asyncio.timeout(REQUEST_S):
            await self._writer.drain()

    async def _answer(self, station: Station, request: Request) -> Answer:
        try:
            return await answer(station, request)
        except Exception:  # a mistake of ours must not end the gateway, and the sentence must not hold what was sent
            _log.exception("local API: %s %s failed", request.method, request.path[:80])
            return _sentence(500, "the gateway failed to answer; its log says why")

    async def _request(self) -> Request | Answer | None:
        """The next one; None: the client closed. Raises TimeoutError for one that comes too slowly."""
        async with asyncio.timeout(IDLE_S) as deadline:
            head: h11.Request | None = None
            body = bytearray()
            while True:
                event = self._http.next_event()
                if event is h11.NEED_DATA:
                    if self._http.they_are_waiting_for_100_continue:
                        self._writer.write(
                            self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""
                        )
                    data = await self._reader.read(_READ_LEN)
                    deadline.reschedule(min(deadline.when() or 0, asyncio.get_running_loop().time() + REQUEST_S))
                    self._http.receive_data(data)
                elif isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > MAX_BODY:
                        return _sentence(413, f"the body has more than {MAX_BODY} bytes; send it in parts")
                elif isinstance(event, h11.EndOfMessage):
                    assert head is not None
                    return self._asked(head, bytes(body))
                else:
                    return None

    def _asked(self, head: h11.Request, body: bytes) -> Request | Answer:
        try:
            path, query = parse_target(head.target.decode("ascii"))
        except ValueError:
            return _sentence(400, "the request's target cannot be read")
        return Request(
            method=head.method.decode("ascii"),
            path=path,
            query=query,
            body=body,
            sees_keys=self._sees_keys,
            now_ms=time.time_ns() // 1_000_000,
        )


def _sentence(status: int, sentence: str) -> Answer:
    return Answer(status, {"error": sentence})


def _peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end; None where the kernel does not say (no Linux): then nobody sees keys."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)


def _bind(path: Path, permissions: int, group: str | None) -> socket.socket:
    if len(os.fsencode(path)) > 107:
        raise OSError(f"{path} is longer than a Unix socket's name may be (107 bytes); choose a shorter [api] socket")
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # nobody else may connect before the group is set
    try:
        listening.bind(os.fspath(path))
        if group is not None:
            os.chown(path, -1, grp.getgrnam(group).gr_gid)
        path.chmod(permissions)
        listening.listen(_BACKLOG)
    except KeyError:
        listening.close()
        raise OSError(f"there is no group {group}; create it (`groupadd {group}`) or change [api] group") from None
    except OSError as error:
        listening.close()
        raise OSError(
            f"{path}: {error.strerror}; does its folder exist, and may the gateway's user write there?"
        ) from None
    finally:
        os.umask(before)
    listening.setblocking(False)
    return listening


def _remove_stale(path: Path) -> None:
    """Remove the socket that a gateway left behind when it was killed."""
    if not path.is_socket():
        if path.exists():
            raise OSError(f"{path} exists and is no socket; choose another [api] socket")
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise OSError(f"{path}: {error.strerror}; remove it if no gateway runs") from None
    raise OSError(f"another gateway answers on {path}; stop it, or give this one its own [api] socket")
