"""What every link owes the gateway's shell: the fake one, UDP over loopback, a bridge and a node on a terminal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.links.link import Heard, Link, Outcome, RadioReport, Received, Transmit, TransmitResult
from gateway.links.serial import SerialLink
from gateway.links.udp import open_udp
from protocol import envelope
from protocol.envelope import message
from protocol.region import data_rate
from tests.fakes.forwarders import Forwarder, rxpk_of
from tests.fakes.links import ListLink
from tests.fakes.ports import Board, Plug

EUI = bytes.fromhex("AA555A0000000101")
ON_AIR = [
    Received(
        radio="list",
        phy_payload=bytes([n + 1]),
        freq_hz=868_100_000,
        dr=5,
        counter_us=4_294_967_295 - n,
        rssi_dbm=-107,
        snr_db=-11.25,
    )
    for n in range(3)
]
ON_CABLE = [Received(radio=f"cable:{EUI.hex()}", phy_payload=bytes([n + 1]), freq_hz=0, dr=5) for n in range(3)]
TRANSMIT = Transmit(token=70_000, radio="list", phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=27)


@dataclass
class World:
    """A link, what can be heard and sent over it, and how to make the outside world send a frame."""

    link: Link
    hear: Callable[[Received], Awaitable[None]]  # returns once the link has it
    frames: list[Received]
    transmit: Transmit


@asynccontextmanager
async def list_link(_: Path) -> AsyncIterator[World]:
    link = ListLink()

    async def hear(frame: Received) -> None:
        link.hear(frame)

    yield World(link, hear, ON_AIR, TRANSMIT)


@asynccontextmanager
async def udp_link(_: Path) -> AsyncIterator[World]:
    link = await open_udp({EUI: None}, port=0)
    forwarder = Forwarder(EUI)
    await forwarder.connect(link.address)
    await forwarder.pull()

    async def hear(frame: Received) -> None:
        await forwarder.push({"rxpk": [rxpk_of(frame)]})  # acknowledged when it has been heard

    radio = f"udp:{EUI.hex()}"
    try:
        yield World(link, hear, [frame._replace(radio=radio) for frame in ON_AIR], replace(TRANSMIT, radio=radio))
    finally:
        forwarder.close()
        await link.close()


@asynccontextmanager
async def bridge_link(directory: Path) -> AsyncIterator[World]:
    def said(frame: Received) -> envelope.Message:
        sf, bw_hz = data_rate(frame.dr)
        assert frame.snr_db is not None
        return message(
            envelope.RECEIVED,
            counter_us=frame.counter_us,
            freq_hz=frame.freq_hz,
            sf=sf,
            bw_hz=bw_hz,
            rssi_dbm=frame.rssi_dbm,
            snr_qdb=int(frame.snr_db * 4),
            crc_ok=True,
            phy_payload=frame.phy_payload,
        )

    radio = f"bridge:{EUI.hex()}"
    frames = [frame._replace(radio=radio) for frame in ON_AIR]
    async with serial_link(directory, envelope.BRIDGE, said, frames, radio) as world:
        yield world


@asynccontextmanager
async def cable_link(directory: Path) -> AsyncIterator[World]:
    def said(frame: Received) -> envelope.Message:
        return message(envelope.FRAME, phy_payload=frame.phy_payload)

    async with serial_link(directory, envelope.NODE, said, ON_CABLE, ON_CABLE[0].radio) as world:
        yield world


@asynccontextmanager
async def serial_link(
    directory: Path, role: int, said: Callable[[Received], envelope.Message], frames: list[Received], radio: str
) -> AsyncIterator[World]:
    plug, board = Plug(directory / "port"), Board(role, EUI)
    board.join(plug.plug())
    link = SerialLink(str(plug.path), "test")
    assert isinstance(await link.receive(), RadioReport)  # it has said HELLO

    async def hear(frame: Received) -> None:
        before = link.waiting
        board.say(said(frame))
        while link.waiting == before:
            await asyncio.sleep(0)

    try:
        yield World(link, hear, frames, replace(TRANSMIT, radio=radio))
    finally:
        await link.close()
        board.leave()
        plug.unplug()


WORLDS = {"ListLink": list_link, "UdpLink": udp_link, "bridge": bridge_link, "cable": cable_link}


@pytest.fixture(name="run", params=WORLDS.values(), ids=WORLDS.keys())
def _run(request, tmp_path):
    """Runs a claim in a world made for it."""

    async def claim_in_world(claim: Callable[[World], Awaitable[None]]) -> None:
        async with asyncio.timeout(10), request.param(tmp_path) as world:
            await claim(world)

    return lambda claim: asyncio.run(claim_in_world(claim))


async def heard(link: Link) -> Heard:
    """What comes next but reports, which come when they come."""
    while isinstance(found := await link.receive(), RadioReport):
        pass
    return found


def test_frames_come_in_their_order(run):
    async def claim(world: World) -> None:
        for frame in world.frames:
            await world.hear(frame)
        assert [await heard(world.link) for _ in world.frames] == world.frames

    run(claim)


def test_who_receives_waits_until_something_arrives(run):
    async def claim(world: World) -> None:
        waiting = asyncio.create_task(heard(world.link))
        for _ in range(10):
            await asyncio.sleep(0)  # lets others run; no time passes
        assert not waiting.done()
        hearing = asyncio.create_task(world.hear(world.frames[0]))  # on its own: the frame is taken at once
        assert await waiting == world.frames[0]
        hearing.cancel()

    run(claim)


def test_each_downlink_has_exactly_one_result_with_its_token(run):
    async def claim(world: World) -> None:
        await world.link.transmit(world.transmit)
        assert await heard(world.link) == TransmitResult(token=70_000, outcome=Outcome.SENT)
        await world.hear(world.frames[0])
        assert await heard(world.link) == world.frames[0]

    run(claim)


def test_after_closing_what_was_heard_drains_and_then_it_ends_for_good(run):
    async def claim(world: World) -> None:
        await world.hear(world.frames[0])
        await world.hear(world.frames[1])
        await world.link.close()
        assert [await heard(world.link), await heard(world.link)] == world.frames[:2]
        for _ in range(2):
            with pytest.raises(EOFError):
                await heard(world.link)

    run(claim)


def test_closing_wakes_who_waits(run):
    async def claim(world: World) -> None:
        waiting = asyncio.create_task(heard(world.link))
        await asyncio.sleep(0)
        await world.link.close()
        with pytest.raises(EOFError):
            await waiting

    run(claim)


def test_a_downlink_after_closing_is_told_to_have_failed(run):
    async def claim(world: World) -> None:
        await world.link.close()
        await world.link.transmit(world.transmit)
        assert await heard(world.link) == TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)

    run(claim)


def test_a_downlink_for_a_radio_that_is_not_there_is_told_to_have_failed(run):
    async def claim(world: World) -> None:
        if isinstance(world.link, ListLink):
            return  # a list is every radio
        await world.link.transmit(replace(world.transmit, radio="udp:0000000000000000"))
        assert await heard(world.link) == TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)

    run(claim)


@pytest.mark.parametrize(
    ("value", "name"),
    [(ON_AIR[0], "radio"), (TRANSMIT, "token"), (TransmitResult(token=1, outcome=Outcome.SENT), "token")],
)
def test_what_crosses_the_seam_cannot_be_changed(value, name):
    with pytest.raises(AttributeError):
        setattr(value, name, None)
    hash(value)


def test_on_a_cable_there_is_no_signal_strength_and_no_clock():
    assert (ON_CABLE[0].rssi_dbm, ON_CABLE[0].snr_db, ON_CABLE[0].counter_us) == (None, None, None)


def test_a_downlink_without_a_time_goes_at_once():
    assert TRANSMIT.counter_us is None
