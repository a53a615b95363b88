"""What every link owes the gateway's shell; so far there is a fake one only, the real ones join here."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from gateway.links.link import Link, Outcome, Received, Transmit, TransmitResult
from tests.fakes.links import ListLink

FRAMES = [Received(radio="list", phy_payload=bytes([n]), freq_hz=868_100_000, dr=5) for n in range(3)]
TRANSMIT = Transmit(token=7, radio="list", phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=27)

Hear = Callable[[Received], None]  # makes the outside world send a frame
LINKS: dict[str, Callable[[], tuple[Link, Hear]]] = {}


def _list_link() -> tuple[Link, Hear]:
    link = ListLink()
    return link, link.hear


LINKS["ListLink"] = _list_link


@pytest.fixture(name="make", params=LINKS.values(), ids=LINKS.keys())
def _make(request: pytest.FixtureRequest) -> Callable[[], tuple[Link, Hear]]:
    return request.param


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, timeout=10))


def test_frames_come_in_their_order(make):
    async def work() -> None:
        link, hear = make()
        for frame in FRAMES:
            hear(frame)
        assert [await link.receive() for _ in FRAMES] == FRAMES

    run(work())


def test_who_receives_waits_until_something_arrives(make):
    async def work() -> None:
        link, hear = make()
        waiting = asyncio.create_task(link.receive())
        for _ in range(10):
            await asyncio.sleep(0)  # lets others run; no time passes
        assert not waiting.done()
        hear(FRAMES[0])
        assert await waiting == FRAMES[0]

    run(work())


def test_each_downlink_has_exactly_one_result_with_its_token(make):
    async def work() -> None:
        link, hear = make()
        await link.transmit(TRANSMIT)
        result = await link.receive()
        assert result == TransmitResult(token=7, outcome=Outcome.SENT)
        hear(FRAMES[0])
        assert await link.receive() == FRAMES[0]

    run(work())


def test_after_closing_what_was_heard_drains_and_then_it_ends_for_good(make):
    async def work() -> None:
        link, hear = make()
        hear(FRAMES[0])
        hear(FRAMES[1])
        await link.close()
        assert [await link.receive(), await link.receive()] == FRAMES[:2]
        for _ in range(2):
            with pytest.raises(EOFError):
                await link.receive()

    run(work())


def test_closing_wakes_who_waits(make):
    async def work() -> None:
        link, _ = make()
        waiting = asyncio.create_task(link.receive())
        await asyncio.sleep(0)
        await link.close()
        with pytest.raises(EOFError):
            await waiting

    run(work())


def test_a_downlink_after_closing_is_told_to_have_failed(make):
    async def work() -> None:
        link, _ = make()
        await link.close()
        await link.transmit(TRANSMIT)
        assert await link.receive() == TransmitResult(token=7, outcome=Outcome.LINK_DOWN)

    run(work())


@pytest.mark.parametrize("value", [FRAMES[0], TRANSMIT, TransmitResult(token=1, outcome=Outcome.SENT)])
def test_what_crosses_the_seam_cannot_be_changed(value):
    with pytest.raises(FrozenInstanceError):
        setattr(value, next(iter(value.__dataclass_fields__)), None)
    hash(value)


def test_on_a_cable_there_is_no_signal_strength_and_no_clock():
    assert (FRAMES[0].rssi_dbm, FRAMES[0].snr_db, FRAMES[0].counter_us) == (None, None, None)


def test_a_downlink_without_a_time_goes_at_once():
    assert TRANSMIT.counter_us is None
