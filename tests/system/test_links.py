"""Slow disks, slow and doubled ways to the gateway, boards that are pulled out, and floods."""

import asyncio
import itertools
import os
import random
import signal
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import settings

import gateway.store.opening
from firmware.cable import CableMac
from firmware.events import FrameHeard
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.session import Identity
from firmware.store.log import Log
from gateway.api.station import OrderForm
from gateway.links.link import Received
from gateway.network.registration import Registration, Role
from gateway.store.database import open_database
from protocol import envelope
from protocol.envelope import message
from protocol.quantities import AIR_FULL
from protocol.settings import AIR, Settings
from protocol.telemetry import F_PORT_READINGS
from simulator.air.interface import OnAir, Reception
from simulator.fleet.body import Body
from simulator.fleet.files import MemoryFiles
from tests.fakes.broker import Mosquitto
from tests.fakes.forwarders import rxpk_of
from tests.fakes.ports import Board, Plug
from tests.fakes.talkers import Talker
from tests.system.street import GATEWAY_EUI, JOIN_EUI, START_S, Radio, Street, air_eui, lamp_eui
from tests.system.test_day import Subscriber, windows
from tests.system.test_kill import Cabinet

LATE_US = 700_000
AIRS, LAMPS = 4, 2
APART_S = 60
CONFIRMED, JOIN = 4, 0  # MType
JOINS, FORGED = 100_000, 10_000
PER_DATAGRAM = 250
_PUSH_ACK = 1


class StallingDisk:
    """A disk whose every sync waits until `let_go`, while it is *slow*."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.slow = False
        self.waiting = False
        self.stalls = 0
        self._gate = threading.Semaphore(0)
        self._vfs = _Vfs(self)

    def sync(self) -> None:
        if self.slow:
            self.stalls += 1
            self.waiting = True
            assert self._gate.acquire(timeout=60)

    def let_go(self) -> None:
        self.waiting = False
        self._gate.release()


class _Vfs(apsw.VFS):
    def __init__(self, disk: StallingDisk) -> None:
        self._disk = disk
        super().__init__(disk.name, "unix")

    def xOpen(self, name: Any, flags: Any) -> "_File":
        return _File(self._disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: StallingDisk, name: Any, flags: Any) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xSync(self, flags: int) -> None:
        self._disk.sync()


class FarRadio(Radio):
    """A forwarder whose TX_ACKs take their time: the street sends them."""

    @property
    def verdict(self) -> object:  # type: ignore[override]
        return self.SILENT

    @verdict.setter
    def verdict(self, value: object) -> None:
        """It is always silent."""


class SlowStreet(Street):
    """What the forwarder says comes 700 ms later, and so does what it is told; a sync takes *stall_ms* (virtual).

    behind: a sync begins whenever a frame comes in, so that what waits to be written for it waits for two of them.
    """

    def __init__(self, folder: Path, mqtt_port: int, disk: StallingDisk, stall_ms: int, behind: bool) -> None:
        super().__init__(folder, mqtt_port, 1)
        self.radio = FarRadio(GATEWAY_EUI)
        self.too_late = 0
        self._disk = disk
        self._stall_ms = stall_ms
        self._behind = behind
        self._stalled = False
        self._tx_acks: list[bytes] = []

    def _hear(self, frame: OnAir, reception: Reception) -> None:
        self.timeline.at(self.timeline.now_us + LATE_US, lambda: self._heard.append(frame))

    def _emit(self, txpk: dict[str, Any]) -> None:
        [token] = [token for token, told in self.radio.txpks if told is txpk]
        self.timeline.at(self.timeline.now_us + LATE_US, lambda: self._arrived(token, txpk))

    def _arrived(self, token: bytes, txpk: dict[str, Any]) -> None:
        late = not txpk.get("imme") and (txpk["tmst"] - self.timeline.now_us) & 0xFFFFFFFF >= 1 << 31
        self.too_late += late
        tx_ack = self.radio.datagrams.tx_ack(token, {"txpk_ack": {"error": "TOO_LATE"}} if late else None)
        self.timeline.at(self.timeline.now_us + LATE_US, lambda: self._tx_acks.append(tx_ack))
        if not late:
            super()._emit(txpk)

    def _news(self) -> bool:
        return super()._news() or bool(self._tx_acks)

    def _busy(self) -> bool:
        return super()._busy() and not self._disk.waiting

    async def _settle(self) -> None:
        for tx_ack in self._tx_acks:
            self.radio.send(tx_ack)
        self._tx_acks.clear()
        if self._heard and self._behind and self._disk.slow and not self._disk.waiting:
            self.gateway._cabinet.writer.call(lambda database: database.execute("UPDATE boot SET floor_ms=floor_ms+1"))
            await self.until(lambda: self._disk.waiting)
        await super()._settle()
        if self._disk.waiting and not self._stalled:
            self._stalled = True
            self.clock.call_at(self.clock.now_ms() + self._stall_ms, self._go_on)

    def _go_on(self) -> None:
        self._stalled = False
        self._disk.let_go()


async def slow_life(street: SlowStreet, disk: StallingDisk) -> None:
    """Some nodes join and live an hour with the disk and the link as slow as they are.

    The first one joins before, which is when the gateway finds out how far its radio is. They come one after the other:
    two that wait for RX2 at once are one too many for one radio.
    """
    street.register([air(number) for number in range(1, AIRS + 1)] + [lamp(number) for number in range(1, LAMPS + 1)])
    await street.begin()
    await street.until(lambda: street.gateway.quiet())
    street.lamp(1, *lamp_keys(1))
    await street.live(APART_S)
    disk.slow = True
    for number in range(2, LAMPS + 1):
        street.lamp(number, *lamp_keys(number))
        await street.live(APART_S)
    for number in range(1, AIRS + 1):
        street.air_node(number, bytes([number]) * 16)
        await street.live(APART_S)
    await street.live(3600)
    disk.slow = False
    if disk.waiting:
        disk.let_go()
    await street.end()


def air(number: int) -> Registration:
    return Registration(
        device=0, dev_eui=air_eui(number), role=Role.AIR, join_eui=JOIN_EUI, app_key=bytes([number]) * 16
    )


def lamp(number: int) -> Registration:
    app_key, gen_app_key = lamp_keys(number)
    return Registration(
        device=0,
        dev_eui=lamp_eui(number),
        role=Role.LIGHT,
        join_eui=JOIN_EUI,
        app_key=app_key,
        gen_app_key=gen_app_key,
        class_c=True,
    )


def lamp_keys(number: int) -> tuple[bytes, bytes]:
    return bytes([0x40 + number]) * 16, bytes([0x80 + number]) * 16


def lived(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stall_ms: int = 2_000, behind: bool = False
) -> tuple[SlowStreet, StallingDisk]:
    disk = StallingDisk(f"stalling-{folder.name}")

    def stalling(path: Path, **options: Any) -> apsw.Connection:
        return open_database(path, vfs=disk.name, **options)

    monkeypatch.setattr(gateway.store.opening, "open_database", stalling)
    with Mosquitto(folder) as broker:
        street = SlowStreet(folder, broker.port, disk, stall_ms, behind)
        asyncio.run(asyncio.wait_for(slow_life(street, disk), timeout=100))
    return street, disk


def asked_again(street: Street) -> tuple[int, int]:
    """Join requests beyond one for each node, and confirmed frames that were sent more than once."""
    frames = [frame for frame in street.uplinks if frame.sender in street.bodies]
    joins = sum(frame.phy_payload[0] >> 5 == JOIN for frame in frames) - len(street.bodies)
    confirmed = [frame.phy_payload for frame in frames if frame.phy_payload[0] >> 5 == CONFIRMED]
    return joins, len(confirmed) - len(set(confirmed))


@pytest.mark.parametrize("behind", [False, True], ids=["", "behind another"])
def test_with_a_sync_of_two_seconds_and_a_link_late_by_700_ms_every_window_is_met(tmp_path, monkeypatch, behind):
    """At the default RxDelay of 5 s; nodes that were answered in time have no reason to ask again.

    What is written behind another sync takes two of them: too long for RX1, so it must go in RX2 at once.
    """
    street, disk = lived(tmp_path, monkeypatch, behind=behind)
    assert any(frame.phy_payload[0] >> 5 == CONFIRMED for frame in street.uplinks)
    assert asked_again(street) == (0, 0)
    assert street.too_late == 0
    assert disk.stalls > AIRS + LAMPS
    assert windows(street)["rx1"] + windows(street)["rx2"] > AIRS + LAMPS


def test_with_a_sync_of_six_seconds_joins_are_not_answered_in_time(tmp_path, monkeypatch):
    """Which shows that disk and link of this street are as slow as is said, and that nodes notice."""
    street, _ = lived(tmp_path, monkeypatch, stall_ms=6_000)
    assert asked_again(street)[0] > 0


class Flooded(Cabinet):
    """A cabinet whose forwarder hands on many frames at once, each datagram after the last was acknowledged."""

    def flood(self, frames: Iterator[bytes]) -> None:
        while batch := list(itertools.islice(frames, PER_DATAGRAM)):
            rxpks = [
                '{"tmst":1,"freq":868.1,"stat":1,"modu":"LORA","datr":"SF7BW125","codr":"4/5","lsnr":7.5,"rssi":-80,'
                f'"size":{len(frame)},"data":"{b64encode(frame).decode()}"}}'
                for frame in batch
            ]
            self._acked = False
            self._send(0, b'{"rxpk":[' + ",".join(rxpks).encode() + b"]}")
            self._talk(lambda: self._acked, 30)
            assert self._acked

    def _take(self, data: bytes) -> None:
        self._acked = self._acked or data[3] == _PUSH_ACK
        super()._take(data)

    _acked = False


def resident_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def strangers(dice: random.Random, count: int) -> Iterator[bytes]:
    """Join requests of DevEUIs that nobody registered."""
    return (b"\x00" + dice.randbytes(22) for _ in range(count))


def forgeries(dice: random.Random, dev_addr: int, count: int) -> Iterator[bytes]:
    """Uplinks of a known DevAddr with a MIC that is wrong."""
    for number in range(count):
        head = b"\x40" + dev_addr.to_bytes(4, "little") + b"\x00" + (number & 0xFFFF).to_bytes(2, "little") + b"\x01"
        yield head + dice.randbytes(14)


def test_floods_of_strangers_and_of_forgeries_cost_no_memory_and_few_lines(tmp_path, request):
    dice = random.Random(f"{request.config.getoption('hypothesis_seed')}/floods")
    with Mosquitto(tmp_path) as broker:
        street = Street(tmp_path, broker.port, 1)
        cabinet = Flooded(street, dice)
        try:
            street.register([talker.registration() for talker in cabinet.talkers])
            pid = cabinet.start()
            dev_addr = cabinet.talkers[0].dev_addr
            # The ring of the last uplinks, and what a process needs to begin with, are there before it is measured.
            cabinet.flood(strangers(dice, 5_000))
            cabinet.flood(forgeries(dice, dev_addr, 50))
            before_kb = resident_kb(pid)
            cabinet.flood(strangers(dice, JOINS))
            cabinet.flood(forgeries(dice, dev_addr, FORGED))
            cabinet.flood(strangers(dice, 1))
            after_kb = resident_kb(pid)
            time.sleep(0.3)  # the window in which copies of the last forgery are waited for, in another process
            os.kill(pid, signal.SIGTERM)
            assert cabinet.reap(pid) == 0
        finally:
            cabinet.close()
    log = (tmp_path / "gateway.log").read_text(encoding="utf-8")
    assert after_kb - before_kb < 5_000
    assert log.count(f"frames of DevAddr {dev_addr:08x} with wrong MICs within an hour") == 1
    assert len(log.splitlines()) < 150


UNPLUGS = 1000 if settings.get_current_profile_name() == "soak" else 100
BRIDGE_EUI = bytes.fromhex("0200000000000b01")


def received(phy_payload: bytes, counter_us: int, snr_db: float) -> envelope.Message:
    """What a bridge says of a frame."""
    return message(
        envelope.RECEIVED,
        counter_us=counter_us,
        freq_hz=868_100_000,
        sf=7,
        bw_hz=125_000,
        rssi_dbm=-90,
        snr_qdb=round(snr_db * 4),
        crc_ok=True,
        phy_payload=phy_payload,
    )


async def unplugged(street: Street, talkers: list[Talker]) -> tuple[set[tuple[str, int]], list[tuple[int, int]]]:
    """What was accepted meanwhile, and (descriptors, threads) after each time it was pulled out."""
    plug = Plug(street.folder / "port")
    resources = []
    street.register([talker.registration() for talker in talkers])
    await street.begin()
    counts = street.gateway.engine.counts
    accepted: dict[int, tuple[str, int]] = {}
    for turn in range(UNPLUGS):
        board = Board(envelope.BRIDGE, BRIDGE_EUI)
        board.join(plug.plug())
        while (await board.told.get()).kind != envelope.HELLO:
            pass
        heard = counts["heard"]
        for talker in talkers:
            board.say(received(talker.status() if turn == 0 else talker.speak(), turn * 1_000_000, 7.5))
        least = len(talkers) if turn == 0 else 1
        await street.until(lambda: counts["heard"] >= heard + least)  # noqa: B023
        board.leave()
        plug.unplug()
        await street.live(1)
        resources.append((len(list(Path("/proc/self/fd").iterdir())), threading.active_count()))
        for entry in await street.gateway.station.uplinks(max(accepted, default=0), 1000, 0):
            if entry.get("f_port") == F_PORT_READINGS:
                accepted[entry["number"]] = (entry["dev_eui"], entry["f_cnt"] - 1)
    await street.end()
    return set(accepted.values()), resources


def test_a_bridge_that_is_pulled_out_100_times_loses_nothing_that_was_accepted_and_leaks_nothing(tmp_path):
    talkers = [Talker(number) for number in range(3)]
    with Mosquitto(tmp_path) as broker:
        subscriber = Subscriber(broker.port)
        street = Street(tmp_path, broker.port, 1, lines=f'[[serial]]\nport = "{tmp_path}/port"\n')
        accepted, resources = asyncio.run(asyncio.wait_for(unplugged(street, talkers), timeout=10 * UNPLUGS))
        told = {(entry["key"]["dev_eui"], entry["key"]["seq"]) for entry in subscriber.of("reading")}
        subscriber.close()
    assert len(accepted) >= UNPLUGS - 1
    assert accepted <= told
    # One that is about to be closed may be counted; what leaks stays, and raises what there is at least.
    descriptors, threads = zip(*resources, strict=True)
    assert min(descriptors[50:]) <= min(descriptors[:50])
    assert min(threads[50:]) <= min(threads[:50])


SECOND_EUI = bytes.fromhex("aa555a0000000102")


class Wire:
    """What a wired node's body takes for the air."""

    def __init__(self, board: Board) -> None:
        self.said = 0
        self._board = board

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        self.said += 1
        self._board.say(message(envelope.FRAME, phy_payload=phy_payload))
        return 0

    def listen(self, listener: object, freq_hz: int, dr: int) -> None:
        """A wire is always heard."""

    def deafen(self, listener: object) -> None:
        """Nor is it ever not heard."""


class WiredBody(Body):
    """A node's body at the end of a cable."""

    def take(self, phy_payload: bytes) -> None:
        self._hear(FrameHeard(phy_payload, 0, 0))


class CabledStreet(Street):
    """A street with one air node on a cable."""

    def __init__(self, folder: Path, mqtt_port: int) -> None:
        super().__init__(folder, mqtt_port, 1, lines=f'[[serial]]\nport = "{folder}/port"\n')
        self.dev_eui = bytes([2, 0, 0, 0, 0, 4, 0, 1])
        self.board = Board(envelope.NODE, self.dev_eui)
        self.plug = Plug(folder / "port")
        self.wire = Wire(self.board)
        self._settled = 0
        self._delivered = 0

    def switch_on(self, app_key: bytes) -> None:
        settings = Settings({0: AIR, 1: self.dev_eui})
        role = Air(AIR_FULL, 900, settings.fan_warm_up_s, settings.growth_per_mille, 30_000)
        mind = Mind(role, Log(MemoryFiles(), 1), settings, Facts((0, 1, 0), 1_400_000_000, self.dev_eui))
        node = Node(mind, CableMac(Identity(self.dev_eui, JOIN_EUI, app_key, b"")))
        self.body = WiredBody("wired", node, self.timeline, self.wire, Weather(), START_S)
        self.body.boot(self.timeline.now_us + 1_000_000)

    def _news(self) -> bool:
        return super()._news() or self.wire.said > self._settled

    async def _settle(self) -> None:
        counts = self.gateway.engine.counts
        while True:
            await self.until(lambda: counts["heard"] >= self.wire.said)
            self._settled = self.wire.said
            await super()._settle()
            while self._delivered < counts["downlinks"]:
                content = await self.board.told.get()
                if content.kind == envelope.FRAME:
                    self._delivered += 1
                    self.body.take(content.phy_payload)
            if self._settled == self.wire.said and not self._busy():
                return


class Weather:
    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        return 100, 110, 120, 140, 450, 180, 60, 10_132


def test_a_wired_node_joins_tells_its_readings_and_obeys(tmp_path):
    app_key = bytes(range(16))

    async def live(port: int) -> list[dict[str, Any]]:
        subscriber = Subscriber(port)
        street = CabledStreet(tmp_path, port)
        street.register(
            [Registration(device=0, dev_eui=street.dev_eui, role=Role.AIR, join_eui=JOIN_EUI, app_key=app_key)]
        )
        await street.begin()
        street.board.join(street.plug.plug())
        while (await street.board.told.get()).kind != envelope.HELLO:
            pass
        street.switch_on(app_key)
        await street.live(3600)
        form = OrderForm(target=street.dev_eui, verb="identify", arguments={"seconds": 5}, expires_in_s=3600)
        giving = asyncio.ensure_future(street.gateway.station.give_order(form))
        await street.until(giving.done)
        await street.live(1800)
        await street.end()
        street.board.leave()
        street.plug.unplug()
        told = subscriber.of("reading") + subscriber.of("order")
        subscriber.close()
        return told

    with Mosquitto(tmp_path) as broker:
        told = asyncio.run(asyncio.wait_for(live(broker.port), timeout=300))
    readings = [entry for entry in told if entry["kind"] == "reading"]
    assert len({entry["key"]["seq"] for entry in readings}) == len(readings) >= 5
    assert [entry["order"]["state"] for entry in told if entry["kind"] == "order"][-1] == "done"


class Doubled:
    """A talker that is heard by two forwarders and a bridge, whatever the test says of how well."""

    def __init__(self, folder: Path, mqtt_port: int) -> None:
        self.street = Street(folder, mqtt_port, 1, lines=f'[[serial]]\nport = "{folder}/port"\n')
        self.street.allowed.append(SECOND_EUI)
        self.talker = Talker(1)
        self.second = Radio(SECOND_EUI)
        self.board = Board(envelope.BRIDGE, BRIDGE_EUI)
        self.plug = Plug(folder / "port")
        self._counter_us = 0

    async def begin(self) -> None:
        street = self.street
        street.register([self.talker.registration()])
        await street.begin()
        assert street.gateway.udp_address is not None
        await self.second.connect(street.gateway.udp_address)
        await self.second.pull()
        self.board.join(self.plug.plug())
        while (await self.board.told.get()).kind != envelope.HELLO:
            pass

    async def hear(self, phy_payload: bytes, ways: dict[str, float], apart_s: float = 0.0) -> list[str]:
        """Have a frame heard, with an SNR by each of these ways, and say by which ways it was answered."""
        street = self.street
        counts = street.gateway.engine.counts
        self._counter_us += 60_000_000
        for way, snr_db in ways.items():
            heard = counts["heard"]
            if way == "bridge":
                self.board.say(received(phy_payload, self._counter_us, snr_db))
            else:
                frame = Received(
                    radio="",
                    phy_payload=phy_payload,
                    freq_hz=868_100_000,
                    dr=5,
                    counter_us=self._counter_us,
                    rssi_dbm=-90,
                    snr_db=snr_db,
                )
                await self._radio(way).push({"rxpk": [rxpk_of(frame)]})
            await street.until(lambda: counts["heard"] > heard)  # noqa: B023
            await street.live(apart_s)
        downs = counts["downlinks"]
        before = {way: len(self._radio(way).txpks) for way in ("first", "second")}
        await street.live(1 if not apart_s else 0)
        return await self._answers(counts["downlinks"] - downs, before)

    async def _answers(self, count: int, before: dict[str, int]) -> list[str]:
        """The ways that *count* downlinks went."""
        answers: list[str] = []
        while len(answers) < count:
            for way, seen in before.items():
                for _, txpk in self._radio(way).txpks[seen:]:
                    self.talker.hear(txpk)
                    answers.append(way)
                before[way] = len(self._radio(way).txpks)
            while not self.board.told.empty():
                content = self.board.told.get_nowait()
                if content.kind == envelope.TRANSMIT:
                    self.talker.hear({"data": b64encode(content.phy_payload)})
                    answers.append("bridge")
            await asyncio.sleep(0.005)
        return answers

    async def order(self) -> None:
        form = OrderForm(target=self.talker.dev_eui, verb="identify", arguments={"seconds": 5}, expires_in_s=60)
        giving = asyncio.ensure_future(self.street.gateway.station.give_order(form))
        await self.street.until(giving.done)
        giving.result()

    async def end(self) -> None:
        await self.street.end()
        self.second.close()
        self.board.leave()
        self.plug.unplug()

    def _radio(self, way: str) -> Radio:
        return self.street.radio if way == "first" else self.second


def test_a_node_that_several_links_hear_tells_each_reading_once_and_is_answered_by_the_best(tmp_path):
    async def live(port: int) -> tuple[list[dict[str, Any]], Doubled]:
        subscriber = Subscriber(port)
        doubled = Doubled(tmp_path, port)
        talker = doubled.talker
        await doubled.begin()
        await doubled.hear(talker.status(), {"first": 5})
        for ways, best in (
            ({"first": 2.0, "bridge": 9.0}, "bridge"),
            ({"bridge": 2.0, "first": 9.0}, "first"),
            ({"first": -3.0, "second": 4.0}, "second"),
            ({"second": 1.0, "bridge": -5.0, "first": 0.5}, "second"),
        ):
            await doubled.order()
            assert await doubled.hear(talker.speak(), ways) == [best], ways
            await doubled.street.live(3600)  # until the order is over
        for ways in ({"first": 5.0, "bridge": 6.0}, {"first": 5.0, "second": 6.0}, {"bridge": 5.0, "second": 6.0}):
            await doubled.hear(talker.speak(), ways, apart_s=0.3)  # the second copy is a frame of its own
            await doubled.street.live(60)
        await doubled.end()
        told = subscriber.of("reading")
        subscriber.close()
        return told, doubled

    with Mosquitto(tmp_path) as broker:
        told, doubled = asyncio.run(asyncio.wait_for(live(broker.port), timeout=300))
    assert sorted(entry["key"]["seq"] for entry in told) == list(range(7))
    assert doubled.street.gateway.engine.counts["refused:replayed"] == 3
