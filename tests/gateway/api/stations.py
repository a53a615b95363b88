"""A gateway that runs for tests: the real desk on a real store, a server on a real socket, in a thread of its own."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.api.server import ApiServer
from gateway.api.station import Json, OrderForm, RefusedError
from gateway.api.stopped import StoppedStation
from gateway.config.load import parse_config
from gateway.config.values import Config

SITE = '[site]\ninsee = "92002"\nname = "Antony"\nlatitude_deg = 48.7\nlongitude_deg = 2.3\n'
TIMEOUT_S = 30


def config_in(folder: Path, more: str = "") -> Config:
    """A gateway whose files are all in *folder*; the configuration is written there, too."""
    (folder / "store").mkdir(exist_ok=True)
    text = f'{SITE}[store]\nfolder = "{folder / "store"}"\n[api]\nsocket = "{folder / "api.sock"}"\n{more}'
    path = folder / "gateway.toml"
    path.write_text(text, encoding="utf-8")
    return parse_config(text.encode(), path)


class RunningStation(StoppedStation):
    """What a process adds to the desk, as plain as can be."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.given: list[OrderForm] = []
        self.heard = asyncio.Event()

    async def uplinks(self, after: int, limit: int, wait_s: float) -> Sequence[Json]:
        if after >= 2 and wait_s:
            await asyncio.wait_for(self.heard.wait(), TIMEOUT_S)
            return [{"number": 3, "dev_addr": "26011bda", "refused": "wrong_mic", "detail": "its MIC is wrong"}]
        radio = {"radio": "udp:aa555a0000000101", "rssi_dbm": -97, "snr_db": 7.5}
        row = {"dev_eui": "70b3d57ed0050001", "f_cnt": 7, "f_port": 1, "dr": 5, "records": 1, "radios": [radio]}
        return [row | {"number": number} for number in (1, 2) if number > after][:limit]

    async def give_order(self, form: OrderForm) -> Sequence[int]:
        if form.verb != "set_level":
            raise RefusedError(f"there is no order '{form.verb}'; did you mean set_level?")
        self.given.append(form)
        return [len(self.given)]

    async def cancel_order(self, order_id: int) -> None:
        if not 1 <= order_id <= len(self.given):
            raise RefusedError(f"order {order_id} is not under way")
        self.given.pop()

    async def health(self) -> Json:
        return {"healthy": False, "findings": ["the disk is full"], "disk": {"free_bytes": 0}, "version": "0.1.0"}

    async def metrics(self) -> bytes:
        return b"lampyre_records_total 5\n"

    async def counters(self) -> Mapping[str, int]:
        raise ZeroDivisionError("hunter2")  # a mistake of ours


class Running:
    """The station behind a socket, from `with` to its end."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.station: RunningStation
        self.error: BaseException | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._started.wait(TIMEOUT_S)
        if self.error is not None:
            self._thread.join(TIMEOUT_S)
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()

    def hear(self) -> None:
        """Let the next long poll end."""
        self._loop.call_soon_threadsafe(self.station.heard.set)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        self.station = RunningStation(self.config)
        server = ApiServer(self.station, self.config.api.socket, self.config.api.permissions, self.config.api.group)
        try:
            await server.start()
        except OSError as error:
            self.error = error
            await server.close()
            self.station.close()
            self._started.set()
            return
        self._started.set()
        await self._end.wait()
        await server.close()
        self.station.close()
