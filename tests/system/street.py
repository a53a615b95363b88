"""A virtual street before a gateway that is real: real sockets, a real broker, a real disk, and a clock moved by hand.

Nodes are whole firmware nodes on virtual time; what their radios send goes through a packet forwarder to the gateway's
UDP port, and what the gateway tells the forwarder to send comes back into their windows.
"""

import asyncio
import base64
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from firmware.actions import TakeReading, TellEvent
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.roles.light import Light
from firmware.session import Identity
from firmware.store.log import Log
from gateway.config.load import parse_config
from gateway.links.link import Received
from gateway.network.registration import Registration
from gateway.process import Gateway, Look
from gateway.store.devices import add_devices
from gateway.store.opening import Store
from protocol.dimming import DEFAULT_PROGRAMME
from protocol.quantities import AIR_FULL, LIGHT_ONE_HEAD
from protocol.region import FULL, Plan, dr_of
from protocol.settings import AIR, LIGHT, Settings
from simulator.air.interface import OnAir, Reception
from simulator.air.model import plain
from simulator.air.radio import RadioAir
from simulator.air.station import Station
from simulator.fleet.body import Body
from simulator.fleet.files import MemoryFiles
from simulator.streams import Stream
from simulator.timeline import Timeline
from tests.fakes.clocks import HandClock
from tests.fakes.forwarders import DATR, Forwarder, rxpk_of
from tests.firmware.roles.street import antony, stored

GATEWAY_EUI = bytes.fromhex("aa555a0000000101")
JOIN_EUI = bytes.fromhex("02000000000000ff")
START_S = 1_767_261_600  # 2026-01-01T10:00:00Z, virtual time 0
INTERVAL_S = 900
LAMP = (100, 400, 2300, 174, 0, 250, 20)  # what a lamp's meter says, in the order of its set

Judge = Callable[[dict[str, Any]], object]


class Radio(Forwarder):
    """A forwarder whose verdict on each txpk is *judge*'s: None for sent, else the JSON of its TX_ACK."""

    def __init__(self, eui: bytes) -> None:
        super().__init__(eui)
        self.judge: Judge = lambda txpk: None

    @property
    def verdict(self) -> object:  # type: ignore[override]
        return self.judge(self.txpks[-1][1])

    @verdict.setter
    def verdict(self, value: object) -> None:
        """Decided for each by itself."""


class Street:
    """loss: of frames, each way.

    readings: by DevEUI, in the order of their numbers, the values of each reading, None for an event. emitted: (virtual
    µs, txpk) of what the forwarder put on the air; uplinks: what nodes did. lines: of the configuration, more of them.
    look: how the gateway finds out whether it knows the time.
    """

    def __init__(self, folder: Path, mqtt_port: int, seed: int, loss: float = 0.0, lines: str = "") -> None:
        self.clock = HandClock(unix_offset_ms=START_S * 1000)
        self.look: Look = lambda: (START_S * 1000, "by hand")
        self.timeline = Timeline()
        self.radio = Radio(GATEWAY_EUI)
        self.readings: dict[str, list[tuple[int | None, ...] | None]] = {}
        self.bodies: dict[str, Body] = {}
        self.emitted: list[tuple[int, dict[str, Any]]] = []
        self.uplinks: list[OnAir] = []
        self.folder = folder
        self.udp_port = _free_udp_port()
        self.open = True  # whether a gateway runs, or will before the first frame
        self.allowed = [GATEWAY_EUI]  # forwarders that are allowed
        self.mqtt_port = mqtt_port
        self._lines = lines
        self._seed = seed
        self._heard: list[OnAir] = []
        self._seen = 0  # txpks taken
        self._air = RadioAir(self.timeline, seed, plain(loss), self.uplinks.append)
        self._air.attach("gateway", self._hear, Station(half_duplex=False))  # so that only *loss* loses frames

    def write_config(self) -> Path:
        """The gateway's configuration as a file, for a process of its own, which trusts the machine's clock."""
        path = self.folder / "gateway.toml"
        path.write_text(self._toml() + '[clock]\ntrust = "always"\n', encoding="utf-8")
        return path

    def register(self, registrations: list[Registration]) -> None:
        """Enter devices while no gateway runs."""
        (self.folder / "store").mkdir(mode=0o700)
        store = Store(self.folder / "store" / "gateway.sqlite")
        database = store.connect()
        with database:
            add_devices(database, registrations)
        database.close()
        store.close()

    async def begin(self) -> None:
        """Start the gateway, and the forwarder beside it."""
        config = parse_config(self._toml().encode(), self.folder / "gateway.toml")
        self.gateway = Gateway(
            config, clock=self.clock, look=lambda: self.look(), capture=self.folder / "capture.jsonl"
        )
        await self.gateway.start()
        assert self.gateway.udp_address is not None
        await self.radio.connect(self.gateway.udp_address)
        await self.radio.pull()
        self.open = True

    async def end(self) -> None:
        """Let what was accepted be written and delivered, and stop."""
        await self.until(lambda: self.gateway.quiet())
        self.open = False
        await self.gateway.stop()
        self.radio.close()

    def air_node(self, number: int, app_key: bytes, plan: Plan = FULL) -> bytes:
        """Switch an air node on; returns its DevEUI."""
        dev_eui = air_eui(number)
        dice = Stream(self._seed, f"air/{number}")
        settings = Settings({0: AIR, 1: dev_eui})
        role = Air(AIR_FULL, INTERVAL_S, settings.fan_warm_up_s, settings.growth_per_mille, 5_000 + dice.below(60_000))
        self._switch_on(dev_eui, role, settings, app_key, b"", _Air(dice), False, plan)
        return dev_eui

    def lamp(self, number: int, app_key: bytes, gen_app_key: bytes) -> bytes:
        """Switch a lamp on; returns its DevEUI."""
        dev_eui = lamp_eui(number)
        settings = Settings({0: LIGHT, 1: dev_eui})
        role = Light(settings, number, antony().encode(), stored(DEFAULT_PROGRAMME))
        self._switch_on(dev_eui, role, settings, app_key, gen_app_key, _Lamp(), True)
        return dev_eui

    def _switch_on(
        self,
        dev_eui: bytes,
        role: Any,
        settings: Settings,
        app_key: bytes,
        gen_app_key: bytes,
        senses: Any,
        c: bool,
        plan: Plan = FULL,
    ) -> None:
        _watch(role, self.readings.setdefault(dev_eui.hex(), []))
        mind = Mind(role, Log(MemoryFiles(), dev_eui[-1]), settings, Facts((0, 1, 0), 1_400_000_000, dev_eui))
        mac = Mac(Identity(dev_eui, JOIN_EUI, app_key, gen_app_key), plan, class_c=c)
        body = Body(dev_eui.hex(), Node(mind, mac), self.timeline, self._air, senses, START_S)
        body.boot(self.timeline.now_us + 1_000_000 * dev_eui[-1])
        self.bodies[dev_eui.hex()] = body

    def say(self, phy_payload: bytes, freq_hz: int = 868_100_000, dr: int = 5) -> None:
        """Somebody who is none of these nodes sends a frame now."""
        self._air.transmit("stranger", phy_payload, freq_hz, dr, 14)

    async def live(self, span_s: float) -> None:
        """Let virtual time pass, for nodes and gateway alike."""
        until_ms = self.clock.now_ms() + int(span_s * 1000)
        while True:
            next_us = self.timeline.next_us()
            next_ms = self.clock.next_ms()
            times = [until_ms]
            times += [] if next_us is None else [-(-next_us // 1000)]
            times += [] if next_ms is None else [next_ms]
            now_ms = max(min(times), self.clock.now_ms())
            self.timeline.run(now_ms * 1000)
            rang = next_ms is not None and next_ms <= now_ms
            self.clock.move_to(now_ms)
            if not self.open:
                self._heard.clear()
            elif self._news():
                await self._settle()
            elif rang:
                await self._rang()
            if now_ms >= until_ms:
                return

    async def until(self, done: Callable[[], bool]) -> None:
        """Let real time pass until *done*; the test's own time-out ends a wait in vain."""
        while not done():
            await asyncio.sleep(0.01)

    def _hear(self, frame: OnAir, reception: Reception) -> None:
        """The forwarder has heard a frame, which it hands on next."""
        self._heard.append(frame)

    async def _rang(self) -> None:
        """An alarm of the gateway rang."""
        await self._settle()

    async def _settle(self) -> None:
        """Hand on what was heard, and wait until the gateway has made of it all that does not take (virtual) time."""
        if self._heard:
            await self.radio.push({"rxpk": [rxpk_of(self._received(frame)) for frame in self._heard]})
            self._heard.clear()
        while True:
            idle = not self._busy()
            await self.radio.pull()  # what the gateway sent before its answer has come, too
            new, self._seen = self.radio.txpks[self._seen :], len(self.radio.txpks)
            for _, txpk in new:
                if self.radio.judge(txpk) is None:
                    self._emit(txpk)
            if idle and not new and not self._busy():
                return

    def _news(self) -> bool:
        """Whether something was heard that the gateway has not been told."""
        return bool(self._heard)

    def _busy(self) -> bool:
        """Whether the gateway is at something that takes no virtual time."""
        return self.gateway.hurried()

    def _received(self, frame: OnAir) -> Received:
        return Received(
            radio="",
            phy_payload=frame.phy_payload,
            freq_hz=frame.freq_hz,
            dr=frame.dr,
            counter_us=frame.end_us & 0xFFFFFFFF,
            rssi_dbm=-80,
            snr_db=7.5,
        )

    def _emit(self, txpk: dict[str, Any]) -> None:
        now_us = self.timeline.now_us
        wait_us = 0 if txpk.get("imme") else (txpk["tmst"] - now_us) & 0xFFFFFFFF
        assert wait_us < 1 << 31, f"{txpk} comes too late: it is {now_us & 0xFFFFFFFF}"
        self.timeline.at(now_us + wait_us, lambda: self._on_air(txpk))

    def _on_air(self, txpk: dict[str, Any]) -> None:
        assert txpk["ipol"] is True
        assert txpk["ncrc"] is True
        self.emitted.append((self.timeline.now_us, txpk))
        sf, bw = txpk["datr"][2:].split("BW")
        dr = dr_of(int(sf), int(bw) * 1000)
        assert DATR[dr] == txpk["datr"]
        payload = base64.b64decode(txpk["data"])
        self._air.emit("gateway", payload, round(txpk["freq"] * 1e6), dr, txpk["powe"])

    def _toml(self) -> str:
        return f"""
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
[store]
folder = "{self.folder}/store"
[udp]
gateways = {[eui.hex() for eui in self.allowed]}
listen = "127.0.0.1:{self.udp_port}"
[mqtt]
host = "127.0.0.1"
port = {self.mqtt_port}
audience = "internal"
tls = false
[api]
socket = "{self.folder}/api.sock"
{self._lines}"""


def air_eui(number: int) -> bytes:
    """The DevEUI of that air node."""
    return bytes([2, 0, 0, 0, 0, 1, 0, number])


def lamp_eui(number: int) -> bytes:
    """The DevEUI of that lamp."""
    return bytes([2, 0, 0, 0, 0, 2, 0, number])


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _watch(role: Any, told: list[tuple[int | None, ...] | None]) -> None:
    """Write down what the role wants logged: the values of each reading, None for each event."""
    handle = role.handle

    def watched(event: object, now_ms: int) -> list[object]:
        actions: list[object] = handle(event, now_ms)
        for action in actions:
            if isinstance(action, TakeReading):
                told.append(action.values)
            elif isinstance(action, TellEvent):
                told.append(None)
        return actions

    role.handle = watched


class _Air:
    """Air that differs from one sample to the next."""

    def __init__(self, dice: Stream) -> None:
        self._dice = dice

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        pm = 100 + self._dice.below(5)
        return pm, pm + 10, pm + 20, pm + 40, 450 + self._dice.below(30), 180 + self._dice.below(5), 60, 10_132


class _Lamp:
    """A lamp's meter, which sees what is right for full light."""

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        assert set_number == LIGHT_ONE_HEAD
        return LAMP
