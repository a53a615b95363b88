"""The UDP link over loopback: a real socket, a real loop, a forwarder that shares no code with it."""

import asyncio
import random
import socket

import pytest

from gateway.links.forwarders import SILENT_MS, TX_ACK_MS
from gateway.links.inbox import INBOX_FRAMES
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
from gateway.links.udp import open_udp
from tests.fakes.forwarders import Forwarder

EUI = bytes.fromhex("AA555A0000000101")
RADIO = "udp:aa555a0000000101"
RXPK = {"tmst": 1, "freq": 868.1, "stat": 1, "modu": "LORA", "datr": "SF7BW125", "rssi": -90, "lsnr": 7, "data": "QA"}
TRANSMIT = Transmit(token=70_000, radio=RADIO, phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=27)


def run(claim, limit_s=20):
    """Run *claim* with a link and a forwarder that has said PULL_DATA, the report of which was taken."""

    async def world():
        async with asyncio.timeout(limit_s):
            link = await open_udp({EUI: None}, port=0)
            forwarder = Forwarder(EUI)
            await forwarder.connect(link.address)
            try:
                await forwarder.pull()
                assert (await link.receive()).online
                await claim(link, forwarder)
            finally:
                forwarder.close()
                await link.close()

    asyncio.run(world())


def forward(ms):
    """Put the loop's clock forward, by which all timers go."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + ms / 1000


async def next_of(link, kind):
    while not isinstance(found := await link.receive(), kind):
        pass
    return found


def test_it_listens_on_loopback_unless_told_otherwise():
    async def claim(link, forwarder):
        assert link.address[0] == "127.0.0.1"

    run(claim)


def test_nobody_allowed_opens_nothing():
    with pytest.raises(ValueError, match="no gateway EUI is allowed"):
        asyncio.run(open_udp({}, port=0))


def test_a_port_that_is_taken_is_named():
    async def claim(link, forwarder):
        with pytest.raises(
            OSError, match=r"UDP 127.0.0.1 port \d+ cannot be had .*: does another program listen there"
        ):
            await open_udp({EUI: None}, port=link.address[1])

    run(claim)


def test_a_whole_conversation():
    async def claim(link, forwarder):
        await forwarder.push({"rxpk": [RXPK, RXPK | {"data": "QAE"}], "stat": {"rxnb": 2}})
        assert [(await link.receive()).phy_payload for _ in range(2)] == [b"\x40", b"\x40\x01"]
        assert await link.receive() == RadioReport(radio=RADIO, online=True, detail="", figures=(("rxnb", 2.0),))
        forwarder.verdict = {"txpk_ack": {"error": "COLLISION_PACKET"}}
        await link.transmit(TRANSMIT)
        assert await link.receive() == TransmitResult(token=70_000, outcome=Outcome.COLLISION)
        assert [txpk["data"] for _, txpk in forwarder.txpks] == ["YA=="]

    run(claim)


def test_opened_again_it_keeps_the_downlinks_for_the_address_that_had_them():
    async def start(held, source):
        link = await open_udp({EUI: None}, port=0, held=held, keep=held.__setitem__)
        forwarder = Forwarder(EUI)
        await forwarder.connect(link.address, source)
        await forwarder.pull()
        online = (await link.receive()).online
        forwarder.close()
        await link.close()
        return online

    async def claim():
        async with asyncio.timeout(20):
            held = {}
            assert await start(held, "127.0.0.1")
            assert not await start(held, "127.0.0.2")  # who asks first this time
            assert await start(held, "127.0.0.1")
            assert held == {EUI: "127.0.0.1"}

    asyncio.run(claim())


def test_a_forwarder_that_does_not_answer_leaves_no_result_out():
    async def claim(link, forwarder):
        forwarder.verdict = Forwarder.SILENT
        await link.transmit(TRANSMIT)
        forward(TX_ACK_MS)
        assert await next_of(link, TransmitResult) == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)

    run(claim)


def test_a_forwarder_that_falls_silent_is_told():
    async def claim(link, forwarder):
        forward(SILENT_MS)
        report = await link.receive()
        assert (report.radio, report.online) == (RADIO, False)

    run(claim, limit_s=60)


def test_closing_gives_the_downlinks_under_way_their_result():
    async def claim(link, forwarder):
        forwarder.verdict = Forwarder.SILENT
        await link.transmit(TRANSMIT)
        await link.close()
        assert await link.receive() == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)
        with pytest.raises(EOFError):
            await link.receive()

    run(claim)


def test_a_socket_that_is_lost_is_taken_up_again():
    async def claim(link, forwarder):
        link._transport.abort()  # as asyncio does after an error it cannot mend
        assert not (await link.receive()).online
        assert (await link.receive()).detail == "the UDP socket is back"
        await forwarder.pull()
        await link.transmit(TRANSMIT)
        assert (await next_of(link, TransmitResult)).outcome is Outcome.SENT

    run(claim)


def test_more_than_anybody_takes_is_dropped_counted_and_told():
    async def claim(link, forwarder):
        for _ in range(INBOX_FRAMES // 250 + 2):
            await forwarder.push({"rxpk": [RXPK] * 250})
        assert link.waiting == INBOX_FRAMES
        lost = 250 * (INBOX_FRAMES // 250 + 2) - INBOX_FRAMES
        assert link.counts["overflow"] == lost
        await link.transmit(TRANSMIT)  # results are never dropped
        heard = [await link.receive()]
        while not isinstance(heard[-1], TransmitResult):
            heard.append(await link.receive())
        (report,) = (one for one in heard if isinstance(one, RadioReport))
        assert dict(report.figures)["overflow"] == lost

    run(claim)


@pytest.mark.parametrize("count", [20_000])
def test_hostile_datagrams_cost_nothing_but_their_count(count):
    """Random bytes, mutated frames, strangers, big and deep JSON, all from one socket that does not wait."""
    seed = random.randrange(2**32)
    dice = random.Random(seed)

    async def claim(link, forwarder):
        good = forwarder.datagrams.push_data({"rxpk": [RXPK] * 4})
        hostile = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        hostile.bind(("127.0.0.2", 0))
        hostile.connect(link.address)
        big = good[:12] + b"[" * 60_000
        sent = link.counts["datagrams"]
        for number in range(count):
            if number % 1_000 == 0:
                hostile.send(big)
                await forwarder.pull()  # a soak lasts longer than the true one may be silent
                sent += 2
            mutated = bytearray(good)
            for _ in range(dice.randrange(1, 4)):
                mutated[dice.randrange(len(mutated))] = dice.randrange(256)
            hostile.send(dice.choice([bytes(mutated), dice.randbytes(dice.randrange(40)), good[: dice.randrange(99)]]))
            hostile.send(b"\x02\x00\x00\x02" + (EUI if number % 2 else dice.randbytes(8)))  # PULL_DATA of both sorts
            sent += 2
            while link.counts["datagrams"] < sent:  # as fast as the link takes them: loopback drops nothing
                await asyncio.sleep(0)
            while link.waiting:
                assert isinstance(await link.receive(), Received | RadioReport), f"seed {seed}"
        hostile.close()
        await forwarder.push({"rxpk": [RXPK]})
        assert (await next_of(link, Received)).phy_payload == b"\x40"
        await link.transmit(TRANSMIT)
        await next_of(link, TransmitResult)
        assert len(forwarder.txpks) == 1, f"a downlink was stolen; seed {seed}"
        assert link.counts["conflicts"] >= count // 2
        assert len(link.strangers) == 64

    run(claim)
