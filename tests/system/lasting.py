"""A street that outlives its gateway's store: every record a node ever took, every FCntDown ever used, nodes reborn."""

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.session import Identity
from firmware.store.log import READING, Log, Record
from gateway.api.station import OrderForm
from gateway.network.registration import Registration, Role
from gateway.operate.importing import Batch
from gateway.places.place import Installed, Place, PlaceKind
from gateway.process import Gateway
from protocol.lorawan.frames import JOIN_ACCEPT, JOIN_REQUEST, frame_mtype, parse_frame
from protocol.quantities import AIR_FULL
from protocol.region import FULL
from protocol.settings import AIR, Settings
from simulator.fleet.body import Body
from simulator.fleet.files import MemoryFiles
from tests.system.street import INTERVAL_S, JOIN_EUI, Street
from tests.system.test_day import Subscriber

Value = TypeVar("Value")
Key = tuple[str, int, int]  # DevEUI, epoch, full number
_LIVELY_MS = 2_000  # from an uplink to its answer's way to the forwarder, and then some
_NAMES = ("pm1", "pm2_5", "pm4", "pm10", "co2", "temperature", "relative_humidity", "pressure")
_DECIMALS = (1, 1, 1, 1, 0, 1, 0, 1)


class LastingStreet(Street):
    """taken: the readings of air nodes by key. downs: every data downlink's bytes by DevAddr and FCnt16."""

    def __init__(self, folder: Path, mqtt_port: int, seed: int, loss: float = 0.0) -> None:
        super().__init__(folder, mqtt_port, seed, loss)
        self.taken: dict[Key, tuple[int | None, ...]] = {}
        self.downs: dict[tuple[int, int], bytes] = {}
        self.accepts = 0  # Join-Accepts on the air
        self.gateways: list[Gateway] = []
        self._flash: dict[str, MemoryFiles] = {}
        self._lively_ms = 0  # until then all alarms matter
        self._downlinks = 0  # that gateways have decided on
        self._turned_ms = 0  # when their chores last had a turn

    # The gateway.

    async def begin(self) -> None:
        """Start a gateway on what the store's folder holds."""
        await super().begin()
        self.gateways.append(self.gateway)

    async def ask(self, asked: Awaitable[Value]) -> Value:
        """What the local API answers; virtual time stands still."""
        future = asyncio.ensure_future(asked)
        await self.until(future.done)
        return future.result()

    async def add(self, airs: list[bytes], lamps: list[bytes]) -> None:
        """Register nodes, each at a place of its own."""
        registrations = [
            Registration(device=0, dev_eui=eui, role=Role.AIR, join_eui=JOIN_EUI, app_key=air_key(eui)) for eui in airs
        ]
        registrations += [
            Registration(
                device=0,
                dev_eui=eui,
                role=Role.LIGHT,
                join_eui=JOIN_EUI,
                app_key=lamp_keys(eui)[0],
                gen_app_key=lamp_keys(eui)[1],
                class_c=True,
            )
            for eui in lamps
        ]
        places = [Place(place_id=f"92002-station-{eui[-1]}", kind=PlaceKind.STATION) for eui in airs]
        places += [Place(place_id=f"92002-lamp-{eui[-1]}", kind=PlaceKind.LAMP) for eui in lamps]
        installed = [
            Installed(place_id=place.place_id, dev_eui=eui, instance=0, from_ms=0)
            for place, eui in zip(places, [*airs, *lamps], strict=True)
        ]
        batch = Batch(registrations=tuple(registrations), places=tuple(places), installed=tuple(installed))
        await self.ask(self.gateway.station.add(batch))

    async def order(self, target: bytes | int, verb: str, **arguments: object) -> None:
        """Give an order, and let it go out."""
        await self.ask(self.gateway.station.give_order(OrderForm(target=target, verb=verb, arguments=arguments)))
        self._lively_ms = self.clock.now_ms() + _LIVELY_MS
        await self.live(60)

    async def group(self, name: str, lamps: list[bytes]) -> int:
        """Make a group of lamps and let each join it; returns its number."""
        number = (await self.ask(self.gateway.station.set_group(name, tuple(lamps)))).number
        for lamp in lamps:
            await self.order(lamp, "join_group", group=number, place=0)
        return number

    # The nodes.

    def air_node(self, number: int, app_key: bytes = b"", first_seq: int = 0) -> bytes:
        """Switch an air node on whose records begin at *first_seq*; returns its DevEUI."""
        dev_eui = bytes([2, 0, 0, 0, 0, 1, 0, number])
        self._start_air(dev_eui, MemoryFiles(), {"seq": first_seq}, number, number)
        return dev_eui

    def reboot(self, dev_eui: bytes, forget: tuple[str, ...] = (), new_epoch: int | None = None) -> None:
        """Cut an air node's power and give it back. forget: what its flash loses. new_epoch: its log is wiped, too."""
        name = dev_eui.hex()
        old = self.bodies[name]
        old._core = _Off()
        self._air.deafen(old)
        saved = {key: value for key, value in old.persisted.items() if key not in forget}
        files = self._flash[name] if new_epoch is None else MemoryFiles()
        self._start_air(dev_eui, files, saved, new_epoch or 0, 1)

    def _start_air(
        self, dev_eui: bytes, files: MemoryFiles, saved: dict[str, Any], new_epoch: int, delay_s: int
    ) -> None:
        name = dev_eui.hex()
        self._flash[name] = files
        settings = Settings({0: AIR, 1: dev_eui})
        role = Air(AIR_FULL, INTERVAL_S, settings.fan_warm_up_s, settings.growth_per_mille, 5_000 + 977 * dev_eui[-1])
        log = _BookedLog(files, new_epoch)
        first = saved.get("seq", 0)
        if first and not log.next_seq:
            log.next_seq = first  # as of a node that has run for years
        log.book = (name, self.taken)
        facts = Facts(
            (0, 1, 0),
            1_400_000_000,
            dev_eui,
            boots=saved.get("boots", 0),
            seq=first,
            orders=saved.get("orders", b""),
        )
        mind = Mind(role, log, settings, facts)
        mac = Mac(Identity(dev_eui, JOIN_EUI, air_key(dev_eui), b""), FULL, dict(saved))
        body = Body(name, Node(mind, mac), self.timeline, self._air, _Weather(dev_eui[-1]), 0)
        body.persisted.update(saved)
        body.boot(self.timeline.now_us + 1_000_000 * delay_s)
        self.bodies[name] = body

    def joins(self) -> Counter[str]:
        """Join-Requests so far, by node."""
        return Counter(frame.sender for frame in self.uplinks if frame_mtype(frame.phy_payload) == JOIN_REQUEST)

    def levels(self, lamps: list[bytes]) -> list[tuple[int, int] | None]:
        """What each lamp shows, and how it went there."""
        return [self.bodies[lamp.hex()].lamps.get(0) for lamp in lamps]

    async def _rang(self) -> None:
        """Most alarms are a look at a clock, 720 an hour: nobody waits for those, and once a minute will do."""
        downlinks = self.gateway.engine.counts["downlinks"]
        if self.clock.now_ms() < self._lively_ms or self.gateway.hurried() or downlinks != self._downlinks:
            self._downlinks = downlinks
            await super()._settle()
        elif self.clock.now_ms() - self._turned_ms >= 60_000:
            self._turned_ms = self.clock.now_ms()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def _settle(self) -> None:
        self._lively_ms = self.clock.now_ms() + _LIVELY_MS
        await super()._settle()

    def _on_air(self, txpk: dict[str, Any]) -> None:
        phy_payload = base64.b64decode(txpk["data"])
        if frame_mtype(phy_payload) == JOIN_ACCEPT:
            self.accepts += 1
        else:
            frame = parse_frame(phy_payload)
            key = frame.dev_addr, frame.f_cnt16
            assert key not in self.downs, f"FCntDown {key[1]} of {key[0]:08x} was used twice"
            self.downs[key] = phy_payload
        super()._on_air(txpk)


class City:
    """What the city was told, by key; a repeat of a key must tell the same."""

    def __init__(self, port: int) -> None:
        self.readings: dict[Key, tuple[int | None, ...]] = {}
        self.told = 0
        self.notices: list[dict[str, Any]] = []
        self._subscriber = Subscriber(port)
        self._seen = 0

    def look(self) -> "City":
        """Take in what is new."""
        new, self._subscriber.messages = self._subscriber.messages, []
        for message in _of(new, "reading"):
            if not set(_NAMES) <= message["values"].keys():
                continue  # a lamp's
            key = message["key"]["dev_eui"], message["key"]["epoch"], message["key"]["seq"]
            values = [message["values"][name] for name in _NAMES]
            told = tuple(
                None if value is None else round(value * 10**digits)
                for value, digits in zip(values, _DECIMALS, strict=True)
            )
            assert self.readings.setdefault(key, told) == told, f"told otherwise before: {message}"
            self.told += 1
        self.notices += _of(new, "notice")
        return self

    def close(self) -> None:
        """Hear no more."""
        self._subscriber.close()


def _of(messages: list[tuple[str, bytes]], kind: str) -> list[dict[str, Any]]:
    heard = Subscriber.__new__(Subscriber)
    heard.messages = messages
    return heard.of(kind)


def air_key(dev_eui: bytes) -> bytes:
    """The AppKey of an air node."""
    return bytes([dev_eui[-1]]) * 16


def lamp_keys(dev_eui: bytes) -> tuple[bytes, bytes]:
    """AppKey and GenAppKey of a lamp."""
    return bytes([0x40 + dev_eui[-1]]) * 16, bytes([0x80 + dev_eui[-1]]) * 16


class _Off:
    """A node without power."""

    def handle(self, event: object, now_ms: int) -> list[object]:
        return []

    def wake_at(self) -> int | None:
        return None


class _BookedLog(Log):
    """Enters every reading into the test's book."""

    book: tuple[str, dict[Key, tuple[int | None, ...]]]

    def add(self, record: Record) -> bool:
        if record.kind == READING:
            name, taken = self.book
            key = name, self.epoch, record.seq
            assert key not in taken, f"a number was used twice: {key}"
            taken[key] = record.values
        return super().add(record)


class _Weather:
    """Air that differs with every moment and place."""

    def __init__(self, number: int) -> None:
        self._number = number

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        minute = int(time_s) // 60
        pm = 100 + (minute + self._number) % 5
        return pm, pm + 10, pm + 20, pm + 40, 450 + minute // 5 % 30, 180 + minute // 15 % 5, 60, 10_132
