"""Prometheus' door: GET /metrics on a loopback port, and nothing else."""

import asyncio
import socket
from collections.abc import Callable

from gateway.api.http import HttpServer
from gateway.api.routes import Answer, Request


class MetricsServer:
    """Answers with *text* from `start` to `close`, on the loop's own thread. address: a loopback address and a port."""

    def __init__(self, text: Callable[[], bytes], address: tuple[str, int]) -> None:
        self._text = text
        self._address = address
        self._http = HttpServer(self._answer)

    async def start(self) -> int:
        """Bind; returns the port. Raises OSError with a sentence when it cannot be had."""
        host, port = self._address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            raise OSError(
                f"[metrics] listen {host} port {port} cannot be had: {error.strerror}; choose another"
            ) from None
        listening.setblocking(False)
        bound: int = listening.getsockname()[1]
        await self._http.start(listening)
        return bound

    async def close(self) -> None:
        """Answer no more."""
        await self._http.close()

    async def _answer(self, request: Request) -> Answer:
        await asyncio.sleep(0)  # rendering takes a few ms: what is ready goes first
        if request.path != "/metrics":
            return Answer(404, {"error": "there is only /metrics"})
        if request.method != "GET":
            return Answer(405, {"error": "/metrics knows GET"})
        return Answer(200, self._text())
