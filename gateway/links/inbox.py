"""What a link has heard and nobody has taken yet: a bounded queue for one asyncio loop, without locks."""

import asyncio
from collections import deque

from gateway.links.link import Heard, RadioReport, Received

# A second of the fastest stream this gateway is built for, 8,000 frames/s. Who lags further behind will not catch up
# before the windows of these frames have closed; about 5 MB when full.
INBOX_FRAMES = 8192
# Reports of what radios count may take this much on top, so that a flood of frames does not hide that a radio left.
INBOX_REPORTS = 1024


class Inbox:
    """Take what is heard with `put`, give it out in its order with `get`.

    Frames beyond INBOX_FRAMES and reports beyond INBOX_REPORTS more are dropped, the newest, and counted in
    *overflow*: the nodes say again what was not accepted. Results are never dropped; there is one for each transmit,
    so whoever transmits bounds them.
    """

    def __init__(self, frames: int = INBOX_FRAMES) -> None:
        self.overflow = 0
        self._frames = frames
        self._queue: deque[Heard] = deque()
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, heard: Heard) -> None:
        """Add *heard* at the end and wake who waits."""
        size = len(self._queue)
        if size >= self._frames and (
            isinstance(heard, Received) or (isinstance(heard, RadioReport) and size >= self._frames + INBOX_REPORTS)
        ):
            self.overflow += 1
            return
        self._queue.append(heard)
        self._wake()

    async def get(self) -> Heard:
        """Wait for the next; raises EOFError once closed and drained. For one reader at a time."""
        while not self._queue:
            if self._closed:
                raise EOFError("this link is closed")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._queue.popleft()

    def close(self) -> None:
        """Nothing new is expected; what is here still drains."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
