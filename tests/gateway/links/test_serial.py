"""The serial link on pseudo-terminals: plugged, unplugged, renumbered, held by others, flooded."""

import asyncio
import errno
import fcntl
import gc
import os
import random
import threading
from pathlib import Path

import pytest

from gateway.links.cable import DEAD_MS, MAX_PENDING
from gateway.links.link import Outcome, RadioReport, Received, Transmit, TransmitResult
from gateway.links.retry import Retry
from gateway.links.serial import SerialLink, why_not_open
from protocol import envelope
from protocol.envelope import MAX_ENVELOPE, message, seal
from tests.fakes.ports import Board, Plug

EUI = bytes.fromhex("70B3D57ED0000001")
RADIO = "bridge:70b3d57ed0000001"
TRANSMIT = Transmit(token=70_000, radio=RADIO, phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=14)


def received(payload=b"\x40"):
    return message(
        envelope.RECEIVED,
        counter_us=1,
        freq_hz=868_100_000,
        sf=9,
        bw_hz=125_000,
        rssi_dbm=-90,
        snr_qdb=20,
        crc_ok=True,
        phy_payload=payload,
    )


class AtOnce(Retry):
    """Waits for a thousandth of what it would in the street, and counts: what is tested is not the waiting."""

    def __init__(self):
        super().__init__(random.Random(1), first_s=0.001, last_s=0.002)
        self.tries = self.resets = 0

    def delay_s(self):
        self.tries += 1
        return super().delay_s()

    def reset(self):
        self.resets += 1
        super().reset()


def run(path, claim, plugged=True, limit_s=30, role=envelope.BRIDGE):
    """Run *claim* with a link to a port at *path*, and what is plugged in there."""

    async def world():
        async with asyncio.timeout(limit_s):
            plug, board = Plug(path / "by-id"), Board(role, EUI)
            if plugged:
                board.join(plug.plug())
            link = SerialLink(str(plug.path), "0.1.0", retry=AtOnce())
            try:
                if plugged:
                    assert (await next_of(link, RadioReport)).detail == "is there, firmware 0.1.0"
                await claim(link, plug, board)
            finally:
                await link.close()
                if plug.path.is_symlink():
                    board.leave()
                    plug.unplug()

    asyncio.run(world())


async def next_of(link, kind):
    while not isinstance(found := await link.receive(), kind):
        pass
    return found


def test_frames_come_and_downlinks_go(tmp_path):
    async def claim(link, plug, board):
        board.say(received())
        assert (await link.receive()).phy_payload == b"\x40"
        await link.transmit(TRANSMIT)
        assert await link.receive() == TransmitResult(token=70_000, outcome=Outcome.SENT)
        assert link.radio == RADIO

    run(tmp_path, claim)


def test_a_port_that_is_not_there_is_told_once_and_found_when_it_comes(tmp_path):
    async def claim(link, plug, board):
        report = await link.receive()
        assert (report.radio, report.online) == (f"serial:{plug.path}", False)
        assert report.detail == f"{plug.path} is not there: is it plugged in? `ls /dev/serial/by-id` shows what is"
        assert link.radio == f"serial:{plug.path}"
        await link.transmit(TRANSMIT)
        assert await link.receive() == TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)
        board.join(plug.plug())
        assert (await link.receive()).online

    run(tmp_path, claim, plugged=False)


def test_a_hundred_unplugs_lose_no_result_no_descriptor_and_no_thread(tmp_path):
    """Each time another terminal behind the same name, with a frame before and a downlink under way."""

    async def claim(link, plug, board):
        for cycle in range(100):
            board.say(received(bytes([1, cycle])))
            assert (await link.receive()).phy_payload == bytes([1, cycle])
            board.result = None
            token = 70_000 + cycle
            await link.transmit(Transmit(token=token, radio=RADIO, phy_payload=b"\x60", freq_hz=1, dr=3, power_dbm=0))
            assert await next_of(link, TransmitResult) == TransmitResult(token=token, outcome=Outcome.RADIO_FAULT)
            await link.transmit(TRANSMIT)
            while (await board.told.get()).kind != envelope.TRANSMIT:
                pass
            board.leave()
            plug.unplug()
            assert await next_of(link, TransmitResult) == TransmitResult(token=70_000, outcome=Outcome.NO_ANSWER)
            report = await link.receive()
            assert (report.radio, report.online) == (RADIO, False)
            assert "was lost: unplugged, or read by another program too?" in report.detail
            await link.transmit(TRANSMIT)
            assert await next_of(link, TransmitResult) == TransmitResult(token=70_000, outcome=Outcome.LINK_DOWN)
            board.join(plug.plug())
            while not (await next_of(link, RadioReport)).online:
                pass

    before = threads_and_descriptors()
    run(tmp_path, claim)
    assert threads_and_descriptors() == before


def threads_and_descriptors():
    gc.collect()
    return threading.active_count(), len(list(Path("/dev/fd").iterdir()))


def test_only_who_said_hello_is_worth_hurrying_for(tmp_path):
    async def claim(link, plug, board):
        retry = link._retry
        for expected in (1, 2):
            board.leave()
            plug.unplug()
            assert not (await next_of(link, RadioReport)).online
            assert retry.resets == expected
            board.join(plug.plug())
            while not (await next_of(link, RadioReport)).online:
                pass
        board.leave()
        plug.unplug()
        for _ in range(20):  # a board that is dead, or another one: the port comes and goes, nobody answers
            plug.plug()
            while link._opening is None:
                await asyncio.sleep(0)
            plug.unplug()
            while link._opening is not None:
                await asyncio.sleep(0)
        assert retry.resets == 3

    run(tmp_path, claim)


def test_renumbering_is_followed_by_the_name_of_the_board(tmp_path):
    async def claim(link, plug, board):
        first = plug.path.readlink()
        other, _ = os.openpty()  # takes the number that the board had
        board.leave()
        plug.unplug()
        another, _ = os.openpty()
        board.join(plug.plug())
        while not (await next_of(link, RadioReport)).online:
            pass
        assert plug.path.readlink() != first
        board.say(received())
        assert (await next_of(link, Received)).phy_payload == b"\x40"
        for descriptor in (other, another):
            os.close(descriptor)

    run(tmp_path, claim)


def test_a_second_reader_is_kept_out_with_a_sentence_and_gets_the_port_afterwards(tmp_path):
    async def claim(link, plug, board):
        retry = AtOnce()
        second = SerialLink(str(plug.path), "0.1.0", retry=retry)
        report = await second.receive()
        assert report.online is False
        assert report.detail == (
            f"{plug.path} is held by another program (ModemManager, mpremote, a second gateway?): "
            f"`fuser -v {plug.path}` names it; stop that one"
        )
        board.say(received())
        assert (await link.receive()).phy_payload == b"\x40"  # the first has lost nothing
        while retry.tries < 10:
            await asyncio.sleep(0)
        assert second.waiting == 0  # told once, tried for ever
        await link.close()
        assert (await second.receive()).online
        await second.close()

    run(tmp_path, claim)


def test_a_port_that_another_program_has_locked_is_waited_for(tmp_path):
    async def claim(link, plug, board):
        board.join(plug.plug())
        with plug.path.open("rb", buffering=0) as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            while "held by another program" not in (await link.receive()).detail:
                pass
        while not (await link.receive()).online:
            pass

    run(tmp_path, claim, plugged=False)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: path.write_bytes(b"no port"), "cannot be opened"),
    ],
)
def test_what_is_no_port_is_told_as_it_is(tmp_path, make, says):
    async def claim(link, plug, board):
        while says not in (await link.receive()).detail:
            pass

    make(tmp_path / "by-id")
    run(tmp_path, claim, plugged=False)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EACCES, "Permission denied"), "add it to the group that owns the port, usually dialout"),
        (OSError(errno.EBUSY, "Device or resource busy"), "is held by another program"),
        (OSError(errno.ENXIO, "No such device or address"), "is not there: is it plugged in?"),
        (ValueError("Invalid baud rate: 7"), "cannot be opened: Invalid baud rate: 7"),
    ],
)
def test_why_a_port_cannot_be_opened_is_a_sentence_that_names_it(error, says):
    sentence = why_not_open("/dev/serial/by-id/usb-1", error)
    assert sentence.startswith("/dev/serial/by-id/usb-1 ")
    assert says in sentence


def test_line_noise_costs_no_good_frame(tmp_path):
    seed = random.randrange(2**32)
    dice = random.Random(seed)

    async def claim(link, plug, board):
        for number in range(300):
            noise = dice.randbytes(dice.randrange(60))
            sealed = seal(received(bytes([1, number & 0xFF])))
            stream = noise + sealed
            cut = dice.randrange(len(stream))
            board.write(stream[:cut])
            board.write(stream[cut:])
            found = await next_of(link, Received)
            assert found.phy_payload == bytes([1, number & 0xFF]), f"seed {seed}"

    run(tmp_path, claim)


def test_ten_megabytes_without_a_delimiter_take_no_memory_and_spoil_nothing_after_them(tmp_path):
    async def claim(link, plug, board):
        left = 10 << 20
        while left:
            try:
                left -= os.write(board._descriptor, b"\xff" * min(left, 4096))
            except BlockingIOError:  # as fast as it is read
                await asyncio.sleep(0)
        assert len(link._core._decoder._buffer) == MAX_ENVELOPE
        sealed = seal(received())
        while sealed:
            try:
                sealed = sealed[os.write(board._descriptor, sealed) :]
            except BlockingIOError:
                await asyncio.sleep(0)
        assert (await next_of(link, Received)).phy_payload == b"\x40"

    run(tmp_path, claim)


def test_a_loop_that_is_busy_makes_the_thread_wait_and_not_the_memory_grow(tmp_path):
    async def claim(link, plug, board):
        written = 0
        full = 0
        while full < 1_000:  # the loop takes nothing meanwhile
            try:
                written += os.write(board._descriptor, b"\xff" * 4096)
                full = 0
            except BlockingIOError:
                full += 1
                threading.Event().wait(0.0001)  # lets the thread run; it is the one that has to stop
        assert written < 1 << 20
        for _ in range(100):
            await asyncio.sleep(0)

    run(tmp_path, claim)


def test_a_board_that_takes_nothing_more_is_given_up_and_every_downlink_has_its_result(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.links.serial._WRITE_S", 0.05)

    async def claim(link, plug, board):
        board.leave()  # hangs
        outcomes = []
        for token in range(300):
            await link.transmit(
                Transmit(token=token, radio=RADIO, phy_payload=bytes(255), freq_hz=869_525_000, dr=3, power_dbm=14)
            )
        while len(outcomes) < 300:
            heard = await link.receive()
            if isinstance(heard, TransmitResult):
                outcomes.append(heard)
        assert sorted(result.token for result in outcomes) == list(range(300))
        kinds = {result.outcome for result in outcomes}
        assert kinds == {Outcome.COLLISION, Outcome.NO_ANSWER}  # more than is kept; and what was under way
        assert len(link._opening.outbox if link._opening else ()) <= MAX_PENDING

    run(tmp_path, claim)


def test_what_waits_for_a_node_that_takes_nothing_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.links.serial._WRITE_S", 0.2)

    async def claim(link, plug, board):
        board.leave()  # hangs
        frame = Transmit(token=1, radio=f"cable:{EUI.hex()}", phy_payload=bytes(255), freq_hz=0, dr=5, power_dbm=0)
        outcomes = []
        for _ in range(500):
            await link.transmit(frame)
            assert len(link._opening.outbox) <= 128
            outcomes.append((await link.receive()).outcome)
        assert set(outcomes) == {Outcome.SENT, Outcome.COLLISION}

    run(tmp_path, claim, role=envelope.NODE)


def test_one_link_that_fails_disturbs_no_other(tmp_path):
    (tmp_path / "other").mkdir()

    async def claim(link, plug, board):
        other_plug, other_board = Plug(tmp_path / "other" / "by-id"), Board(envelope.NODE, bytes(8))
        other_board.join(other_plug.plug())
        other = SerialLink(str(other_plug.path), "0.1.0", retry=AtOnce())
        assert (await other.receive()).radio == "cable:0000000000000000"
        board.leave()
        plug.unplug()
        assert not (await next_of(link, RadioReport)).online
        other_board.say(message(envelope.FRAME, phy_payload=b"\x40"))
        assert (await other.receive()).phy_payload == b"\x40"
        await other.close()
        other_board.leave()
        other_plug.unplug()

    run(tmp_path, claim)


def test_a_bridge_that_goes_silent_is_told(tmp_path):
    async def claim(link, plug, board):
        board.leave()  # hangs: hears nothing, says nothing
        loop = asyncio.get_running_loop()
        time, ahead_s = loop.time, 0
        loop.time = lambda: time() + ahead_s
        while link.waiting == 0:
            ahead_s += 1  # a second for each turn of the loop
            await asyncio.sleep(0)
        report = await link.receive()
        assert report.detail == f"has said nothing for {DEAD_MS // 1000} s: has its program stopped?"
        assert 180 <= ahead_s < 200

    run(tmp_path, claim, limit_s=600)


def test_closing_before_the_port_was_ever_there(tmp_path):
    async def world():
        link = SerialLink(str(tmp_path / "never"), "0.1.0")
        await link.close()
        await link.close()
        with pytest.raises(EOFError):
            await next_of(link, Received)

    asyncio.run(asyncio.wait_for(world(), 10))


def test_a_thread_that_a_driver_keeps_does_not_keep_the_gateway(tmp_path, monkeypatch, caplog):
    """Here it is the pause between two tries that never ends."""
    monkeypatch.setattr("gateway.links.serial._CLOSE_S", 0.05)
    over = threading.Event()

    class Stuck(Retry):
        def delay_s(self):
            over.wait()
            return 0.0

    async def world():
        link = SerialLink(str(tmp_path / "never"), "0.1.0", retry=Stuck(random.Random(1)))
        assert not (await link.receive()).online
        await link.close()
        with pytest.raises(EOFError):
            await link.receive()
        over.set()

    asyncio.run(asyncio.wait_for(world(), 10))
    assert f"{tmp_path}/never: its driver hangs, the port is left as it is" in caplog.text
