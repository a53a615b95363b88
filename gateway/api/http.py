"""A small HTTP/1.1 server through h11, with a bound on everything a client can make large or slow."""

import asyncio
import json
import logging
import os
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import h11

from gateway.api.routes import Answer, Request, parse_target

if TYPE_CHECKING:  # most gateways never speak TLS themselves
    import ssl

MAX_BODY = 4 << 20  # bytes; 5,000 devices with places and all their keys are 2.5 MB
MAX_HEAD = 16 << 10  # bytes of a request's line and headers
MAX_CONNECTIONS = 16  # CLI, tool, console, a collector or two; each costs some 40 kB
REQUEST_S = 10.0  # within which a request that began must be there
IDLE_S = 60.0  # after which a connection that asks nothing is closed
CLOSE_S = 1.0  # that a client has to read what it was told and to take its leave
_READ_LEN = 1 << 14  # as much as a head may have, so that a longer one is never whole at once
_ACCEPT_AGAIN_S = 1.0  # after the system had no room for a connection

_log = logging.getLogger(__name__)

Answering = Callable[[Request], Awaitable[Answer]]
Admitting = Callable[[h11.Request, str], Answer | None]


class HttpServer:
    """Answers on a listening socket, which it owns, from `start` to `close`.

    admitting: is asked about each request's head and its sender's address, before any of the body is kept; what it
    returns is the answer, None lets the request in.
    """

    def __init__(self, answering: Answering, admitting: Admitting | None = None) -> None:
        self._answering = answering
        self._admitting = admitting
        self._server: asyncio.Server | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._listening: socket.socket | None = None  # while we accept ourselves
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, listening: socket.socket, tls: "ssl.SSLContext | None" = None) -> None:
        """Answer whoever connects; with *tls*, whoever speaks it."""
        if tls is None:
            self._server = await asyncio.start_server(self._connected, sock=listening, limit=_READ_LEN)
        else:
            self._listening = listening
            self._accepting = asyncio.get_running_loop().create_task(self._accept(listening, tls))

    async def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = self._accepting = self._listening = None

    async def _accept(self, listening: socket.socket, tls: "ssl.SSLContext") -> None:
        """Accept one by one: `start_server` would have any number of handshakes under way."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_ACCEPT_AGAIN_S)
                continue
            if len(self._tasks) >= MAX_CONNECTIONS:
                connection.close()
                continue
            task = loop.create_task(self._greet(connection, tls))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _greet(self, connection: socket.socket, tls: "ssl.SSLContext") -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_READ_LEN)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=tls,
                ssl_handshake_timeout=REQUEST_S,
                ssl_shutdown_timeout=CLOSE_S,
            )
        except (OSError, asyncio.CancelledError):
            connection.close()  # no TLS, one too old, or too slow
            return
        await self._connected(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            connection = _Connection(reader, writer, self._admitting)
            if len(self._tasks) > MAX_CONNECTIONS:
                await connection.send(_sentence(503, f"{MAX_CONNECTIONS} connections are open already; try again"))
                return
            await connection.serve(self._answering)
        except (OSError, TimeoutError, asyncio.CancelledError, h11.LocalProtocolError):
            pass  # the client went, was too slow, or we are closing
        finally:
            self._tasks.discard(task)
            writer.close()
            try:
                async with asyncio.timeout(CLOSE_S):  # it waits until all was read, and there are who read nothing
                    await writer.wait_closed()
            except (OSError, TimeoutError, asyncio.CancelledError):
                writer.transport.abort()


class _Connection:
    """One client's requests, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, admitting: Admitting | None) -> None:
        self._reader = reader
        self._writer = writer
        self._admitting = admitting
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
        # Strangers may not keep a place by asking nothing.
        async with asyncio.timeout(IDLE_S if self._admitting is None else REQUEST_S) as deadline:
            head: h11.Request | None = None
            refused: Answer | None = None
            body_len = 0
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
                    refused = self._refusal(head)
                elif isinstance(event, h11.Data):
                    body_len += len(event.data)
                    if body_len > MAX_BODY:
                        return _sentence(413, f"the body has more than {MAX_BODY} bytes; send it in parts")
                    if refused is None:  # else it is read to its end, so that the client reads why, and not kept
                        body += event.data
                elif isinstance(event, h11.EndOfMessage):
                    assert head is not None
                    return refused or self._asked(head, bytes(body))
                else:
                    return None

    def _refusal(self, head: h11.Request) -> Answer | None:
        if self._admitting is None:
            return None
        name = self._writer.get_extra_info("peername")
        return self._admitting(head, str(name[0]) if name else "")

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
