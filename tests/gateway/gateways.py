"""A whole gateway on a real disk without broker and links, its clock moved by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gateway.config.load import parse_config
from gateway.config.values import Config
from gateway.process import Gateway
from tests.fakes.clocks import HandClock

START_MS = 1_767_261_600_000
PATIENCE_S = 30
Value = TypeVar("Value")


def config_of(folder: Path, more: str = "") -> Config:
    text = f"""
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
[store]
folder = "{folder}/store"
[api]
socket = "{folder}/api.sock"
{more}
"""
    return parse_config(text.encode(), folder / "gateway.toml")


async def until(what: Callable[[], object]) -> None:
    """Let real time pass until *what* is so."""

    async def watch() -> None:
        while not what():
            await asyncio.sleep(0.005)

    await asyncio.wait_for(watch(), PATIENCE_S)


def running(
    folder: Path, act: Callable[[Gateway, HandClock], Awaitable[Value]], more: str = "", *, trusted: bool = True
) -> Value:
    """Start a gateway, let *act* happen, and stop it."""

    async def live() -> Value:
        clock = HandClock(1_000_000)
        offset_ms = START_MS if trusted else None
        gateway = Gateway(config_of(folder, more), clock=clock, look=lambda: (offset_ms, "by hand"))
        await gateway.start()
        try:
            await asyncio.sleep(0)  # the first turn of every chore
            return await act(gateway, clock)
        finally:
            await gateway.stop()

    return asyncio.run(live())
