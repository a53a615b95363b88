"""A virtual street before a gateway that runs: nodes and air here, packets by Semtech's UDP protocol there.

Each gateway of the scenario is a packet forwarder with a socket of its own (GWMP v2: PUSH_DATA, PULL_DATA, PULL_RESP,
TX_ACK). Time is the wall clock's, or *speed* times as fast; the gateway's own clock should go as fast, and with the
usual one about ten times is what its 200 ms of waiting for copies leave of a window that opens after five seconds.

Nodes are as new: they join. So the gateway has to know them before; `registrations` says what.
"""

import asyncio
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import orjson

from protocol.region import DATA_RATES, FSK, data_rate, dr_of
from simulator.air.fates import Fate
from simulator.air.interface import OnAir, Reception
from simulator.air.radio import RadioAir
from simulator.chain.radios import model_of, station_of
from simulator.chain.telling import Telling
from simulator.fleet.fleet import Fleet, Registered
from simulator.report.collector import Collector
from simulator.report.district import district_of
from simulator.scenario.model import Role, Scenario
from simulator.stimuli.town import Town
from simulator.timeline import Timeline
from simulator.truths.lamps import Darkness
from simulator.truths.witness import Witness

PULL_S = 10.0  # between two PULL_DATA, as Semtech's forwarder has it
_ANSWER_S = 10.0  # a gateway on the same machine answers in a ms, one that just starts within seconds
_PUSH_DATA, _PUSH_ACK, _PULL_DATA, _PULL_RESP, _PULL_ACK, _TX_ACK = range(6)
_VERSION = 2
_U32 = 0xFFFFFFFF
_FSK_BIT_RATE = 50_000
_LATE_US = 1 << 31  # of a counter that wraps: what lies further ahead has passed
_IDLE_S = 0.5  # the longest nap, so that whoever ends the run is heard


class LiveError(Exception):
    """The gateway is not there; the message says what to look at."""


def gateway_eui(number: int) -> bytes:
    """The EUI of the scenario's gateway with this number, from 1 on; in gateway.toml they are `[udp] gateways`."""
    return bytes((0xAA, 0x55, 0x5A, 0, 0, 0, number >> 8, number & 0xFF))


class Street:
    """The nodes of *scenario* and its air; `run` lets them live before the gateway at *address*.

    The run begins now: the scenario's own start is passed over, as a running gateway tells its nodes the time. speed:
    how much faster than the wall clock. collector: what the street does and what of it is heard; what comes out of the
    gateway is for its own subscribers to see.
    """

    def __init__(self, scenario: Scenario, address: tuple[str, int], speed: float = 1.0) -> None:
        self.scenario = replace(scenario, warm=False, start_s=int(time.time()), faults=(), attacker=None)
        self.timeline = Timeline()
        self.collector = Collector(district_of(self.scenario, ""))
        self._address = address
        self._speed = speed
        self._town = Town(self.scenario)
        witness = Witness(self.scenario.start_s, self.collector.broke)
        self._darkness = Darkness(self.timeline, self.scenario.start_s, lambda time_s: False, witness.breaches)
        self._telling = Telling(self.timeline, witness, self._darkness, self.collector, None)
        seed = self.scenario.seed
        self.air = RadioAir(self.timeline, seed, model_of(self.scenario.radio), self._telling.sent, self._settled)
        self._telling.air = self.air
        self._forwarders = [
            _Forwarder(gateway_eui(number), gateway.name, self)
            for number, gateway in enumerate(self.scenario.gateways, 1)
        ]
        for gateway, forwarder in zip(self.scenario.gateways, self._forwarders, strict=True):
            self.air.attach(gateway.name, forwarder.push, station_of(gateway))
        for node in self.scenario.nodes:
            witness.records.meet(node.name, node.dev_eui)
            if node.role is Role.LIGHT:
                self._darkness.meet(node.name, node.heads)
        self.fleet = Fleet(self.scenario, self.timeline, self.air, self._town.stimulus, self._telling)
        self._news = asyncio.Event()
        self._began_s = 0.0

    def registrations(self) -> list[Registered]:
        """What the gateway has to know of each node."""
        return self.fleet.registrations()

    def devices_csv(self) -> str:
        """The same as a file for `lampyre gateway devices import`."""
        rows = ["dev_eui,role,name,join_eui,app_key,gen_app_key,class_c,place,instance"]
        for node in self.registrations():
            head = [node.dev_eui.hex(), node.role.value, node.name, node.join_eui.hex(), node.app_key.hex()]
            head += [node.gen_app_key.hex(), "yes" if node.class_c else "no"]
            rows.append(",".join((*head, node.places[0] if node.places else "", "0")))
        return "\n".join(rows) + "\n"

    async def run(self, done: Callable[[], bool] = lambda: False) -> None:
        """Live until the scenario's end, or until *done*. Raises LiveError when the gateway does not answer."""
        loop = asyncio.get_running_loop()
        for forwarder in self._forwarders:
            await loop.create_datagram_endpoint(forwarder.there, remote_addr=self._address)
        pulls = [asyncio.ensure_future(forwarder.keep_alive()) for forwarder in self._forwarders]
        try:
            await self._wait_for_gateway()
            self._began_s = loop.time()
            while self.timeline.now_us < self.scenario.end_s * 1e6 and not done():
                await self._go_on(loop)
        finally:
            for pull in pulls:
                pull.cancel()
            await asyncio.gather(*pulls, return_exceptions=True)
            for forwarder in self._forwarders:
                forwarder.close()
            await asyncio.sleep(0)  # a transport lets go of its socket in the loop's next turn

    def wake(self) -> None:
        """Something came from the gateway."""
        self._news.set()

    def catch_up(self) -> None:
        """Let virtual time be what it is by the wall clock."""
        now_us = int((asyncio.get_running_loop().time() - self._began_s) * self._speed * 1e6)
        self.timeline.run(max(self.timeline.now_us, now_us))

    def emit(self, radio: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int, at_us: int) -> None:
        """A radio sends then."""
        self.timeline.at(at_us, lambda: self._telling.emit(radio, phy_payload, freq_hz, dr, power_dbm))

    async def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        self.catch_up()
        next_us = self.timeline.next_us()
        nap_s = _IDLE_S
        if next_us is not None:
            nap_s = min(nap_s, next_us / 1e6 / self._speed - (loop.time() - self._began_s))
        self._news.clear()
        if nap_s > 0:
            try:
                await asyncio.wait_for(self._news.wait(), nap_s)
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)

    async def _wait_for_gateway(self) -> None:
        host, port = self._address
        try:
            async with asyncio.timeout(_ANSWER_S):
                for forwarder in self._forwarders:
                    await forwarder.answered.wait()
        except TimeoutError:
            euis = ", ".join(forwarder.eui.hex() for forwarder in self._forwarders if not forwarder.answered.is_set())
            raise LiveError(
                f"no gateway at {host} port {port} answers {euis} within {_ANSWER_S:.0f} s: does it run, does its "
                "[udp] listen there, and are these EUIs in its list of gateways?"
            ) from None

    def _settled(self, frame: OnAir, fate: Fate) -> None:
        self.collector.landed(frame.sender, fate.value, self.timeline.now_us)


class _Forwarder(asyncio.DatagramProtocol):
    """The packet forwarder of one radio. answered: set once the gateway has."""

    def __init__(self, eui: bytes, name: str, street: Street) -> None:
        self.eui = eui
        self.answered = asyncio.Event()
        self._name = name
        self._street = street
        self._token = 0
        self._transport: asyncio.DatagramTransport | None = None

    def there(self) -> "_Forwarder":
        """Itself, as a protocol's maker."""
        return self

    async def keep_alive(self) -> None:
        """Say where downlinks may be sent to, again and again."""
        while True:
            self._send(_PULL_DATA, b"")
            await asyncio.sleep(PULL_S if self.answered.is_set() else 0.5)

    def push(self, frame: OnAir, reception: Reception) -> None:
        """A frame was received, now."""
        rxpk = {
            "tmst": self._street.timeline.now_us & _U32,
            "freq": frame.freq_hz / 1e6,
            "chan": 0,
            "rfch": 0,
            "stat": 1,
            **_modulation(frame.dr),
            "rssi": round(reception.rssi_dbm),
            "lsnr": round(reception.snr_db, 1),
            "size": len(frame.phy_payload),
            "data": b64encode(frame.phy_payload).decode(),
        }
        self._send(_PUSH_DATA, orjson.dumps({"rxpk": [rxpk]}))

    def close(self) -> None:
        """Let go of the socket."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """The gateway says something; what is not GWMP is passed over."""
        if len(data) < 4 or data[0] != _VERSION:
            return
        if data[3] == _PULL_ACK:
            self.answered.set()
        elif data[3] == _PULL_RESP:
            error = self._send_down(data[4:])
            body = b"" if error is None else orjson.dumps({"txpk_ack": {"error": error}})
            self._send(_TX_ACK, body, data[1:3])
            self._street.wake()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there, or not yet: the next PULL_DATA tries again."""

    def _send_down(self, body: bytes) -> str | None:
        """Plan a downlink; None, or why it is refused, as a forwarder's TX_ACK says it (GWMP §5.5)."""
        street = self._street
        street.catch_up()
        txpk: dict[str, Any] = orjson.loads(body)["txpk"]
        now_us = street.timeline.now_us
        wait_us = 0 if txpk.get("imme") else (int(txpk["tmst"]) - now_us) & _U32
        if wait_us >= _LATE_US:
            return "TOO_LATE"
        payload = b64decode(txpk["data"])
        street.emit(self._name, payload, round(txpk["freq"] * 1e6), _dr(txpk), int(txpk["powe"]), now_us + wait_us)
        return None

    def _send(self, kind: int, body: bytes, token: bytes | None = None) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if token is None:
            self._token = (self._token + 1) & 0xFFFF
            token = self._token.to_bytes(2, "big")
        self._transport.sendto(bytes((_VERSION,)) + token + bytes((kind,)) + self.eui + body)


def _modulation(dr: int) -> dict[str, object]:
    """Modulation and data rate as an rxpk names them."""
    sf, bw_hz = data_rate(dr)
    if sf == FSK:
        return {"modu": "FSK", "datr": _FSK_BIT_RATE}
    return {"modu": "LORA", "datr": f"SF{sf}BW{bw_hz // 1000}", "codr": "4/5"}


def _dr(txpk: dict[str, Any]) -> int:
    """The data rate of a txpk."""
    datr = txpk["datr"]
    if isinstance(datr, int):
        return [sf for sf, _ in DATA_RATES].index(FSK)
    sf, bw_khz = datr.removeprefix("SF").split("BW")
    return dr_of(int(sf), int(bw_khz) * 1000)
