"""The links at work: what each hears goes to the engine, what is to be sent goes to the radio that shall send it."""

import asyncio
import importlib.metadata
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from gateway.config.values import Config
from gateway.links.capture import Capture
from gateway.links.link import Heard, Link, RadioReport, Received, Transmit, TransmitResult
from gateway.links.serial import SerialLink
from gateway.links.udp import open_udp
from gateway.running.holders import Holders
from gateway.timekeeping import Clock

CAPTURE_MS = 10_000  # how long a frame of a quiet street may be missing from the capture's file

_log = logging.getLogger(__name__)


class Radios:
    """heard: told of everything any link hears. failed: told, once, why the gateway must not go on.

    offset_ms: what makes Unix ms of the clock's, None while nobody knows. Call `transmit` from the loop only.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        heard: Callable[[Heard], None],
        failed: Callable[[str], None],
        offset_ms: Callable[[], int | None],
    ) -> None:
        self.udp_address: tuple[str, int] | None = None
        self._config = config
        self._clock = clock
        self._heard = heard
        self._failed = failed
        self._offset_ms = offset_ms
        self._links: list[Link] = []
        self._link_of: dict[str, Link] = {}  # by radio; as many as are allowed
        self._tasks: set[asyncio.Task[None]] = set()  # one listening for each link, and frames on their way to radios
        self._capture: Capture | None = None
        self._capture_told = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._links)

    async def open(self, capture: Path | None) -> None:
        """Open every link and listen. capture: a file for all frames. Raises OSError for what cannot be opened."""
        config = self._config
        if capture is not None:
            self._capture = Capture(capture, config.site.insee)
        if config.udp is not None:
            holders = Holders(config.store.database.with_name("forwarders"))
            euis = dict.fromkeys(config.udp.gateway_euis)
            udp = await open_udp(euis, *config.udp.address, holders.load(), holders.keep)
            self.udp_address = udp.address
            self._links.append(udp)
        version = importlib.metadata.version("lampyre")
        for port in config.serial:
            self._links.append(SerialLink(str(port.port), f"gateway {version}", port.baud))
        for link in self._links:
            self._begin(self._listen(link))

    def transmit(self, transmit: Transmit) -> None:
        """Hand a downlink to its radio's link; a TransmitResult tells later what became of it."""
        if self._closed:
            return
        self._keep(transmit)
        link = self._link_of[transmit.radio]  # the server knows radios by what they said
        self._begin(link.transmit(transmit))

    @property
    def waiting(self) -> bool:
        """Whether something was heard and not handed on yet."""
        return any(getattr(link, "waiting", 0) for link in self._links)

    def flush(self) -> str | None:
        """Bring the capture to its file; a sentence, once, when nothing more is captured."""
        if self._capture is None or self._capture_told:
            return None
        self._capture.flush()
        self._capture_told = bool(self._capture.error)
        return self._capture.error or None

    async def close(self) -> None:
        """Hear and send nothing more; what was heard has been handed on when it returns."""
        for link in self._links:
            await link.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._closed = True
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    async def _listen(self, link: Link) -> None:
        """Hand on what one link hears until it is closed."""
        while True:
            try:
                heard = await link.receive()
            except EOFError:
                return
            if isinstance(heard, Received | RadioReport):
                self._link_of[heard.radio] = link
            if isinstance(heard, Received | TransmitResult):
                self._keep(heard)
            self._heard(heard)

    def _keep(self, captured: Received | Transmit | TransmitResult) -> None:
        if self._capture is not None:
            self._capture.write(captured, self._clock.now_ms(), self._offset_ms())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: "asyncio.Task[None]") -> None:
        """A task that ends by an error takes the process with it: half a gateway would look like a whole one."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a task ended", exc_info=error)
            self._failed(f"{type(error).__name__}: {error}")
