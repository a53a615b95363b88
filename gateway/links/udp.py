"""The link to Semtech packet forwarders: a UDP socket around `forwarders.Forwarders`, which decides everything."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from gateway.links.forwarders import Address, Effect, Forwarders, Holds, Network, Send
from gateway.links.inbox import Inbox
from gateway.links.link import Heard, Outcome, RadioReport, Transmit, TransmitResult

LOOPBACK = "127.0.0.1"
PORT = 1700  # what forwarders are configured for
# What the kernel keeps while the loop is busy; it grants less where `net.core.rmem_max` says so (208 KiB by default).
_RECEIVE_BUFFER = 1 << 20
_REBIND_S = 1.0
_NOBODY: Mapping[bytes, str] = MappingProxyType({})


def _forget(eui: bytes, ip: str) -> None:
    """Keep nothing."""


class UdpLink:
    """Implements gateway.links.link.Link; made by `open_udp`. *counts* and *strangers* as `Forwarders` has them."""

    def __init__(
        self,
        allowed: Mapping[bytes, Network | None],
        host: str,
        port: int,
        held: Mapping[bytes, str],
        keep: Callable[[bytes, str], None],
    ) -> None:
        self._core = Forwarders(allowed, lambda: secrets.randbits(16), held)
        self._keep = keep
        self._inbox = Inbox()
        self._host = host
        self._port = port
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._rebinding: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket has; the port is told here when 0 was asked for."""
        return self._host, self._port

    @property
    def counts(self) -> Mapping[str, int]:
        """As `Forwarders.counts`; *overflow* is what the inbox had no room for."""
        self._core.overflowed(self._inbox.overflow)
        return self._core.counts

    @property
    def strangers(self) -> Mapping[bytes, int]:
        """How often each EUI that is not allowed was heard, for whoever asks why a gateway does not appear."""
        return self._core.strangers

    @property
    def waiting(self) -> int:
        """How much was heard and not yet taken."""
        return len(self._inbox)

    async def receive(self) -> Heard:
        """As `Link.receive`."""
        return await self._inbox.get()

    async def transmit(self, transmit: Transmit) -> None:
        """As `Link.transmit`. SENT means that the forwarder queued it. A GWMP 1 forwarder never tells: NO_ANSWER."""
        if self._transport is None:
            self._inbox.put(TransmitResult(token=transmit.token, outcome=Outcome.LINK_DOWN))
            return
        self._do(self._core.transmit(transmit, self._now_ms()))
        self._plan()

    async def close(self) -> None:
        """As `Link.close`."""
        if self._closed:
            return
        self._closed = True
        self._do(self._core.close())
        if self._timer is not None:
            self._timer.cancel()
        if self._rebinding is not None:
            self._rebinding.cancel()
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._inbox.close()

    async def bind(self) -> None:
        """Open the socket; raises OSError with a sentence when it cannot be had."""
        try:
            await self._loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=(self._host, self._port))
        except OSError as error:
            raise OSError(
                error.errno,
                f"UDP {self._host} port {self._port} cannot be had ({error.strerror or error}): does another program "
                "listen there, or is this not an address of this machine?",
            ) from error

    def bound(self, transport: asyncio.DatagramTransport) -> None:
        """Called when the socket is there, before its first datagram."""
        if self._closed:  # meanwhile
            transport.close()
            return
        self._transport = transport
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self._host, self._port = sock.getsockname()[:2]

    def datagram(self, datagram: bytes, address: Address) -> None:
        """Called by the socket."""
        self._do(self._core.handle(datagram, address, self._now_ms()))
        if self._timer is None:
            self._plan()

    def lost(self, error: Exception | None) -> None:
        """Called when the socket is gone: take it up again, unless it was closed."""
        self._transport = None
        if self._closed:
            return
        self._inbox.put(RadioReport(radio="udp", online=False, detail=f"the UDP socket was lost: {error}"))
        self._rebinding = self._loop.create_task(self._rebind())

    async def _rebind(self) -> None:
        while not self._closed:
            try:
                await self.bind()
            except OSError:
                await asyncio.sleep(_REBIND_S)
            else:
                self._inbox.put(RadioReport(radio="udp", online=True, detail="the UDP socket is back"))
                return

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Holds):
                self._keep(effect.eui, effect.ip)
            elif not isinstance(effect, Send):
                self._inbox.put(effect)
            elif self._transport is not None:
                self._transport.sendto(effect.datagram, effect.address)

    def _plan(self) -> None:
        """Set the timer anew; whatever moves the core's next time later is met by one idle wake."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        wake_ms = self._core.wake_at()
        if wake_ms is not None and not self._closed:
            self._timer = self._loop.call_later(max(0, wake_ms - self._now_ms()) / 1000, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._core.overflowed(self._inbox.overflow)
        self._do(self._core.wake(self._now_ms()))
        self._plan()

    def _now_ms(self) -> int:
        return int(self._loop.time() * 1000)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, link: UdpLink) -> None:
        self._link = link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._link.bound(cast(asyncio.DatagramTransport, transport))

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self._link.datagram(data, addr)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.lost(exc)


async def open_udp(
    allowed: Mapping[bytes, Network | None],
    host: str = LOOPBACK,
    port: int = PORT,
    held: Mapping[bytes, str] = _NOBODY,
    keep: Callable[[bytes, str], None] = _forget,
) -> UdpLink:
    """A link for the forwarders whose EUIs (8 bytes as printed) are *allowed*, each from a network or from anywhere.

    held: the IP address that each EUI's downlinks went to before the start; keep: told when that changes, rarely.
    Raises ValueError when none is allowed, OSError when the socket cannot be had; both say what to do.
    """
    link = UdpLink(allowed, host, port, held, keep)
    await link.bind()
    return link
