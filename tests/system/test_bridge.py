"""Nodes behind a bridge: its whole core on a serial port, on the air with them, and the gateway at the other end."""

import asyncio
import os
from pathlib import Path
from typing import Any

from firmware.events import Woke
from firmware.roles.bridge import Bridge, Emit, Emitted, FrameReceived, Tell
from gateway.api.station import OrderForm
from gateway.network.registration import Registration, Role
from protocol import envelope
from protocol.envelope import Decoder, Message, seal
from protocol.region import SINGLE_CHANNEL, dr_of
from simulator.air.interface import OnAir, Reception
from tests.fakes.broker import Mosquitto
from tests.fakes.ports import Plug
from tests.system.street import JOIN_EUI, Street
from tests.system.test_day import Subscriber

NODES = 3
_EUI = bytes.fromhex("0200000000000b02")


class BridgedStreet(Street):
    """A street that only a bridge hears. sent: (virtual µs, TRANSMIT) of what it put on the air."""

    def __init__(self, folder: Path, mqtt_port: int) -> None:
        super().__init__(folder, mqtt_port, 1, lines=f'[[serial]]\nport = "{folder}/port"\n')
        self.sent: list[tuple[int, Message]] = []
        self.met = asyncio.Event()
        self._bridge = Bridge(_EUI, "0.1.0", SINGLE_CHANNEL)
        self._plug = Plug(folder / "port")
        self._decoder = Decoder()
        self._told = self._settled = self._orders = 0
        self._air.attach("bridge", self._bridge_hears)

    def plug_in(self) -> None:
        self._port = self._plug.plug()
        asyncio.get_running_loop().add_reader(self._port, self._readable)
        self._tell(Woke())

    def unplug(self) -> None:
        asyncio.get_running_loop().remove_reader(self._port)
        self._plug.unplug()

    def _hear(self, frame: OnAir, reception: Reception) -> None:
        """There is no other gateway."""

    def _bridge_hears(self, frame: OnAir, reception: Reception) -> None:
        if (frame.freq_hz, frame.dr) == (SINGLE_CHANNEL.channels[0], SINGLE_CHANNEL.max_dr):
            self._tell(FrameReceived(frame.end_us, -90, 28, True, frame.phy_payload))

    def _readable(self) -> None:
        for content in self._decoder.feed(os.read(self._port, 4096)):
            if content.kind == envelope.HELLO:
                self.met.set()
            self._orders += content.kind == envelope.TRANSMIT
            self._tell(content)

    def _tell(self, event: object) -> None:
        for action in self._bridge.handle(event, self.timeline.now_us):
            if isinstance(action, Emit):
                order = action.order
                self.timeline.at(action.start_us, lambda: self._bridge_sends(order))  # noqa: B023
            elif isinstance(action, Tell):
                self._told += action.content.kind == envelope.RECEIVED
                os.write(self._port, seal(action.content))
        wake_us = self._bridge.wake_at()
        if wake_us is not None:
            self.timeline.at(max(wake_us, self.timeline.now_us + 1), self._ring)

    def _ring(self) -> None:
        wake_us = self._bridge.wake_at()
        if wake_us is not None and wake_us <= self.timeline.now_us:
            self._tell(Woke())

    def _bridge_sends(self, order: Message) -> None:
        now_us = self.timeline.now_us
        self.sent.append((now_us, order))
        assert order.iq_inverted
        dr = dr_of(order.sf, order.bw_hz)
        airtime_us = self._air.emit("bridge", order.phy_payload, order.freq_hz, dr, order.power_dbm)
        self.timeline.at(now_us + airtime_us, lambda: self._tell(Emitted(now_us, order.power_dbm)))

    def _news(self) -> bool:
        return self._told > self._settled

    async def _settle(self) -> None:
        counts = self.gateway.engine.counts
        while True:
            await self.until(lambda: counts["heard"] >= self._told)
            self._settled = self._told
            await super()._settle()
            await self.until(lambda: self._orders >= counts["downlinks"])
            if self._settled == self._told and not self._busy():
                return


async def bridged(folder: Path, port: int) -> tuple[BridgedStreet, list[dict[str, Any]]]:
    """Some nodes join through the bridge and live three hours; the first is given an order."""
    subscriber = Subscriber(port)
    street = BridgedStreet(folder, port)
    keys = {street.air_node(n, bytes([n]) * 16, SINGLE_CHANNEL): bytes([n]) * 16 for n in range(1, NODES + 1)}
    street.register(
        [
            Registration(device=0, dev_eui=eui, role=Role.AIR, join_eui=JOIN_EUI, app_key=key, plan=1)
            for eui, key in keys.items()
        ]
    )
    await street.begin()
    street.plug_in()
    await street.met.wait()
    await street.live(2 * 3600)
    form = OrderForm(target=next(iter(keys)), verb="identify", arguments={"seconds": 5}, expires_in_s=3600)
    giving = asyncio.ensure_future(street.gateway.station.give_order(form))
    await street.until(giving.done)
    giving.result()
    await street.live(3600)
    await street.end()
    street.unplug()
    told = subscriber.of("reading") + subscriber.of("order")
    subscriber.close()
    return street, told


def test_nodes_behind_a_bridge_join_tell_all_they_read_and_obey(tmp_path):
    with Mosquitto(tmp_path) as broker:
        street, told = asyncio.run(asyncio.wait_for(bridged(tmp_path, broker.port), timeout=300))
    for eui, taken in street.readings.items():
        seqs = [entry["key"]["seq"] for entry in told if entry["kind"] == "reading" and entry["key"]["dev_eui"] == eui]
        assert sorted(seqs) == list(range(len(seqs)))
        assert len(taken) - 1 <= len(seqs) <= len(taken), "two nodes may have spoken at once just before the end"
    assert [entry["order"]["state"] for entry in told if entry["kind"] == "order"] == ["done"]
    ends_us = [frame.end_us for frame in street.uplinks]
    for at_us, order in street.sent:
        assert any(at_us - end_us in (5_000_000, 6_000_000) for end_us in ends_us), order
