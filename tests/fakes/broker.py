"""Brokers for tests: a real Mosquitto on loopback, one of our own that answers as it is told, and a bad line."""

import asyncio
import os
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")  # Debian's place for it
_PORT = "@port@"  # in the lines of a configuration

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14


def free_port() -> int:
    """A port of loopback that nobody has just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A real broker with its files in *folder*; its end is this object's, by its process alone.

    lines: of its configuration; without any it listens on loopback for everybody. One that writes before it
    acknowledges (README of gateway/publish) is hundreds of times slower than these tests want.
    """

    def __init__(self, folder: Path, lines: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._lines = lines or (f"listener {_PORT} 127.0.0.1", "allow_anonymous true", *NO_LIMITS)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: threading.Thread | None = None
        self.said: list[str] = []

    def start(self) -> "Mosquitto":
        """Begin, also after an end; returns once it listens. Without a Mosquitto the test is skipped."""
        if MOSQUITTO is None:
            pytest.skip("there is no Mosquitto here; on Debian: sudo apt-get install mosquitto")
        config = self._folder / "mosquitto.conf"
        own = ("user root", "log_dest stderr", "log_type all", f"persistence_location {self._folder}/", "")
        text = "\n".join((*self._lines, *own))  # user: else root gives up the right to read our folder
        config.write_text(text.replace(_PORT, str(self.port)))
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.PIPE)
        running = threading.Event()
        self._log = threading.Thread(target=self._listen, args=(self._process.stderr, running), daemon=True)
        self._log.start()
        if not running.wait(20) or self._process.poll() is not None:
            self.kill()
            raise RuntimeError("mosquitto did not start:\n" + "\n".join(self.said[-20:]))
        return self

    def _listen(self, log, running):  # type: ignore[no-untyped-def]
        for line in log:
            self.said.append(line.decode(errors="replace").rstrip())
            if "running" in self.said[-1]:
                running.set()
        running.set()

    def stop(self) -> None:
        """SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._ended()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._ended()

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait(20)
        assert self._log is not None
        self._log.join(20)
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None

    def __enter__(self) -> "Mosquitto":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


NO_LIMITS = ("max_queued_messages 0", "max_inflight_messages 0")  # for a subscriber that is slower than we are


class StubBroker:
    """A broker that answers every PUBLISH as *answer* says: a reason code, None for silence, "drop" for an end.

    refuse: reason code of every CONNACK, None for none at all. versions: of the protocol that it speaks.
    """

    def __init__(
        self,
        answer: Callable[[str, bytes], int | str | None] = lambda topic, payload: 0,
        *,
        refuse: int | None = 0,
        versions: tuple[int, ...] = (4, 5),
        properties: bytes = b"",
        tls: ssl.SSLContext | None = None,
        suback: int = 1,
    ) -> None:
        self.answer = answer
        self.refuse = refuse
        self.port = 0
        self.accepted: list[tuple[str, bytes]] = []
        self.connects: list[int] = []
        self.unacked = 0
        self.most_unacked = 0
        self._versions = versions
        self._properties = properties
        self._tls = tls
        self._suback = suback
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.changed = asyncio.Event()

    async def __aenter__(self) -> "StubBroker":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        five = True
        while True:
            first, body = await read_packet(reader)
            kind = first >> 4
            if kind == CONNECT:
                version = body[6]
                self.connects.append(version)
                self.changed.set()
                if version not in self._versions:  # as a server of MQTT 3.1.1 says it (§3.1.2.2)
                    writer.write(b"\x20\x02\x00\x01")
                    return
                five = version == 5
                if self.refuse is None:
                    return
                properties = bytes((len(self._properties),)) + self._properties if five else b""
                writer.write(bytes((0x20, 2 + len(properties), 0, self.refuse)) + properties)
                if self.refuse:
                    return
            elif kind == PUBLISH:
                topic, mid, payload = publish_of(first, body, five)
                if mid is None:
                    continue
                answer = self.answer(topic, payload)
                if answer == "drop":
                    return
                if answer is None:
                    continue
                assert isinstance(answer, int)
                if answer < 0x80:
                    self.accepted.append((topic, payload))
                    self.changed.set()
                body = struct.pack(">H", mid) + (bytes((answer, 0)) if answer else b"")
                writer.write(bytes((0x40, len(body))) + body)
            elif kind == SUBSCRIBE:
                said = body[:2] + (b"\x00" if five else b"") + bytes((self._suback,))
                writer.write(packet_of(0x90, said))
            elif kind == PINGREQ:
                writer.write(b"\xd0\x00")
            elif kind == DISCONNECT:
                return


class Line:
    """A TCP line to *port* that can be cut, can fall silent, and can lose packets on the way back.

    lose: asked for each packet from the broker, by its kind; True: the gateway never gets it.
    """

    def __init__(self, port: int, lose: Callable[[int], bool] = lambda kind: False) -> None:
        self._to = port
        self._lose = lose
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> "Line":
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Every connection ends now, without a goodbye."""
        for writer in list(self._writers):
            writer.transport.abort()

    def stall(self) -> None:
        """Nothing passes any more, and nobody is told."""
        self._flowing.clear()

    def flow(self) -> None:
        """It passes again."""
        self._flowing.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            there_reader, there = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        ends = {writer, there}
        self._writers |= ends
        up = asyncio.create_task(self._pass(reader, there))
        down = asyncio.create_task(self._pass_packets(there_reader, writer))
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.transport.abort()
        await asyncio.gather(up, down, return_exceptions=True)
        self._writers -= ends

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()

    async def _pass_packets(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                first, body = await read_packet(reader)
                await self._flowing.wait()
                if not self._lose(first >> 4):
                    writer.write(packet_of(first, body))


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The first byte and the rest of an MQTT control packet (MQTT 5 §2.1)."""
    first = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if digit < 0x80:
            break
    return first, await reader.readexactly(length)


def packet_of(first: int, body: bytes) -> bytes:
    """The bytes of a control packet."""
    length = len(body)
    digits = bytearray()
    while True:
        digits.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes((first,)) + bytes(digits) + body


def publish_of(first: int, body: bytes, five: bool) -> tuple[str, int | None, bytes]:
    """Topic, packet identifier (None with QoS 0) and payload of a PUBLISH (MQTT 5 §3.3) without properties."""
    (size,) = struct.unpack_from(">H", body)
    topic = body[2 : 2 + size].decode()
    at = 2 + size
    mid = None
    if first & 0x06:
        (mid,) = struct.unpack_from(">H", body, at)
        at += 2
    return topic, mid, body[at + 1 :] if five else body[at:]
