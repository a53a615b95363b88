"""A link made of a list."""

import asyncio
from collections.abc import Iterable

from gateway.links.link import Heard, Outcome, Transmit, TransmitResult


class ListLink:
    """Hears what it is given, at the start or by `hear`, and sends into `sent`. Implements gateway.links.link.Link."""

    def __init__(self, heard: Iterable[Heard] = ()) -> None:
        self.sent: list[Transmit] = []
        self._inbox: asyncio.Queue[Heard | None] = asyncio.Queue()  # None: closed
        self._closed = False
        for one in heard:
            self.hear(one)

    def hear(self, heard: Heard) -> None:
        """A frame arrives, or a report."""
        self._inbox.put_nowait(heard)

    async def receive(self) -> Heard:
        """Wait for the next frame, result or report."""
        while True:
            if self._closed and self._inbox.empty():
                raise EOFError("this link is closed")
            heard = await self._inbox.get()
            if heard is not None:
                return heard

    async def transmit(self, transmit: Transmit) -> None:
        """Send at once, or say that nobody is there."""
        if not self._closed:
            self.sent.append(transmit)
        outcome = Outcome.LINK_DOWN if self._closed else Outcome.SENT
        self._inbox.put_nowait(TransmitResult(token=transmit.token, outcome=outcome))

    async def close(self) -> None:
        """Let whoever waits know; what was heard before still drains."""
        self._closed = True
        self._inbox.put_nowait(None)
