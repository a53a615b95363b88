"""A small HTTP/1.1 server through h11, with a bound on everything a client can make large or slow."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable

import h11

from gateway.api.routes import Answer, Request, parse_target

MAX_BODY = 4 << 20  # bytes; 5,000 devices with places and all their keys are 2.5 MB
MAX_HEAD = 16 << 10  # bytes of a request's line and headers
MAX_CONNECTIONS = 16  # CLI, tool, console, a collector or two; each costs some 40 kB
REQUEST_S = 10.0  # within which a request that began must be there
IDLE_S = 60.0  # after which a connection that asks nothing is closed
_READ_LEN = 1 << 14  # as much as a head may have, so that a longer one is never whole at once

_log = logging.getLogger(__name__)

Answering = Callable[[Request], Awaitable[Answer]]


class HttpServer:
    """Answers on a listening socket, which it owns, from `start` to `close`."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, listening: socket.socket) -> None:
        """Answer whoever connects."""
        self._server = await asyncio.start_server(self._connected, sock=listening, limit=_READ_LEN)

    async def close(self) -> None:
        """Answer no more."""
        if self._server is None:
            return
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
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
            await connection.serve(self._answering)
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

    async def serve(self, answering: Answering) -> None:
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
            await self.send(asked if isinstance(asked, Answer) else await self._answer(answering, asked))
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

    async def _answer(self, answering: Answering, request: Request) -> Answer:
        try:
            return await answering(request)
        except Exception:  # a mistake of ours must not end the gateway, and the sentence must not hold what was sent
            _log.exception("%s %s failed", request.method, request.path[:80])
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
    """The user at the other end; None where the kernel does not say (TCP, no Linux): then nobody sees keys."""
    if connection.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)
