"""Real firmware MACs and a real server with a lossy air between them, in virtual time.

A class A window is looked at as soon as its uplink ends, so the server hears an uplink's end as the uplink begins: its
clock runs up to three seconds ahead of the nodes'. To it that is a link that brings frames late, which is what radios'
own counters are for.
"""

import random

from firmware.actions import Transmit as Ask
from firmware.cable import CableMac
from firmware.mac import Mac
from firmware.session import Identity
from gateway.links.link import Transmit
from gateway.network.registration import Registration
from protocol.region import PLANS, frame_airtime_us
from tests.fakes.devices import Device
from tests.fakes.stations import Station
from tests.firmware.network import GEN_APP_KEY, Street

COUNTER_AT_0_US = 0xFFFF_0000  # radios' counters wrap soon


class Town:
    """nodes: the devices that join. loss: of frames, each way. Two radios hear every node."""

    def __init__(
        self, nodes: list[Device], seed: str, loss: float = 0.0, radios: tuple[str, ...] = ("udp:01",)
    ) -> None:
        self.station = Station([node.registration(gen_app_key=GEN_APP_KEY) for node in nodes], now_ms=0)
        self.loss = loss
        self.radios = ("udp:01", "udp:02")
        self.snr_db = 6.5
        self._dice = random.Random(seed)
        self._passed = 0  # effects that were looked at
        self.streets = [self._street(node) for node in nodes]

    def run(self, span_ms: int) -> None:
        """Let time pass for everybody."""
        until_ms = self.streets[0].now_ms + span_ms
        while self.streets[0].now_ms < until_ms:
            step_ms = min(1_000, until_ms - self.streets[0].now_ms)
            for street in self.streets:
                street.run(step_ms)
                street._air[:] = [frame for frame in street._air if frame[0] > street.now_ms - 10_000]
            self.catch_up(self.streets[0].now_ms)

    def catch_up(self, now_ms: int) -> None:
        """Let the server do what is due, and put what it sends on the air."""
        if now_ms > self.station.now_ms:
            self.station.run(now_ms - self.station.now_ms)
        new, self._passed = self.station.effects[self._passed :], len(self.station.effects)
        for at_ms, effect in new:
            if isinstance(effect, Transmit):
                self._to_air(effect, at_ms)

    def hear(self, name: str, action: object, end_ms: int) -> None:
        """A node begins a frame that will end at *end_ms*."""
        self.catch_up(end_ms)
        wired = not action.freq_hz
        radios = [f"cable:{name}"] if wired else [r for r in self.radios if self._dice.random() >= self.loss]
        if radios:
            fields = {"freq_hz": action.freq_hz, "dr": 5 if wired else action.dr}
            fields["snr_db"] = None if wired else self.snr_db
            fields["counter_us"] = None if wired else (COUNTER_AT_0_US + end_ms * 1000) & 0xFFFFFFFF
            self.station.hear(action.phy_payload, *radios, **fields)
        self.catch_up(end_ms)

    def _to_air(self, transmit: Transmit, at_ms: int) -> None:
        start_ms = at_ms
        if transmit.counter_us is not None:
            now_us = COUNTER_AT_0_US + at_ms * 1000
            late_us = (now_us - transmit.counter_us) & 0xFFFFFFFF
            start_ms = at_ms + ((transmit.counter_us - now_us) & 0xFFFFFFFF) // 1000
            assert late_us > 1 << 31, f"{transmit} is late by {late_us} us"
            assert start_ms - at_ms < 16_000
        for street in self.streets:
            if self._dice.random() >= self.loss and (
                transmit.freq_hz or transmit.radio == f"cable:{street.network.name}"
            ):
                street._air.append(
                    (start_ms, transmit.freq_hz, transmit.dr if transmit.freq_hz else 0, transmit.phy_payload)
                )

    def _street(self, node: Device) -> Street:
        registration: Registration = node.registration()
        identity = Identity(node.dev_eui, registration.join_eui, node.app_key or b"", GEN_APP_KEY)
        plan = PLANS[registration.plan]

        def make(saved: dict, image: bytes) -> Mac:
            if registration.name == "wired":
                return CableMac(identity, saved, image)
            return Mac(identity, plan, saved, image, class_c=registration.class_c)

        return Street(_Side(self, node.dev_eui.hex()), make)


class _Side:
    """What a `Street` takes for its network."""

    def __init__(self, town: Town, name: str) -> None:
        self.town = town
        self.name = name

    def hear(self, radio: object, start_ms: int, end_ms: int) -> list:
        self.town.hear(self.name, radio, end_ms)
        return []


def ask(payload: bytes, f_port: int = 1, confirmed: bool = False) -> Ask:
    """A node's mind wants this sent."""
    return Ask(f_port, lambda room, now_ms: payload, confirmed)


def airtime_ms(transmit: Transmit) -> float:
    """Of a downlink."""
    return frame_airtime_us(transmit.dr, len(transmit.phy_payload), False) / 1000
