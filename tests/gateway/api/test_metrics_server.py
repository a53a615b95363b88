"""Prometheus' door, asked with the standard library's own client."""

import asyncio
import socket
import urllib.error
import urllib.request

import pytest

from gateway.api.metrics_server import MetricsServer


def fetch(url: str) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.status, response.read(), response.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers["Content-Type"]


async def asked(host: str, *paths: str) -> list[tuple[int, bytes, str]]:
    server = MetricsServer(lambda: b"lampyre_records_total 5\n", (host, 0))
    port = await server.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        return [await asyncio.to_thread(fetch, f"http://{shown}:{port}{path}") for path in paths]
    finally:
        await server.close()


def test_the_figures_are_there_and_nothing_else():
    figures, devices = asyncio.run(asked("127.0.0.1", "/metrics", "/v1/devices"))
    assert figures == (200, b"lampyre_records_total 5\n", "text/plain; version=0.0.4; charset=utf-8")
    assert devices[0] == 404


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = MetricsServer(lambda: b"", other.getsockname())
        with pytest.raises(OSError, match=r"\[metrics\] listen 127.0.0.1 port \d+ cannot be had"):
            asyncio.run(server.start())
