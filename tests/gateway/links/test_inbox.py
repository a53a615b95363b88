"""What waits is bounded, frames first; results never get lost."""

import asyncio

import pytest

from gateway.links.inbox import INBOX_REPORTS, Inbox
from gateway.links.link import Outcome, RadioReport, Received, TransmitResult

FRAME = Received(radio="r", phy_payload=b"\x40", freq_hz=868_100_000, dr=5)
REPORT = RadioReport(radio="r", online=True, detail="")
RESULT = TransmitResult(token=1, outcome=Outcome.SENT)


def test_the_newest_frames_then_reports_are_dropped_and_counted_and_no_result():
    inbox = Inbox(frames=3)
    for one in [FRAME] * 5 + [REPORT] * (INBOX_REPORTS + 7) + [RESULT] * 5_000:
        inbox.put(one)
    assert len(inbox) == 3 + INBOX_REPORTS + 5_000
    assert inbox.overflow == 2 + 7


def test_a_reader_that_was_cancelled_takes_nothing_with_it():
    async def claim():
        inbox = Inbox()
        waiting = asyncio.create_task(inbox.get())
        await asyncio.sleep(0)
        inbox.put(FRAME)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await inbox.get() == FRAME

    asyncio.run(claim())
