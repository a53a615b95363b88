"""How long the hot paths take here; only ratios to the peers mean something on another machine."""

import time
import timeit
from collections import Counter
from collections.abc import Callable, Iterator

import cbor2
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from firmware.actions import OpenWindow, RadioTransmit, Sense, TakeReading
from firmware.events import Sensed, Transmitted, WindowClosed, Woke
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import SAMPLES, Air
from firmware.session import Identity
from firmware.store.log import Log
from protocol import cbor
from protocol.lorawan.cmac import Cmac
from protocol.lorawan.frames import UPLINK, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.orders import NOT_HERE, Order
from protocol.quantities import AIR_FULL
from protocol.region import FULL, frame_airtime_us
from protocol.settings import AIR
from protocol.settings import Settings as NodeSettings
from protocol.telemetry import Reading, encode_readings
from protocol.telemetry_reader import decode_readings
from simulator.fleet.files import MemoryFiles
from simulator.fleet.window import window_us
from tests.benchmarks.figures import Figure

_HOW = "best of 5, CPython, whatever else ran on the machine"
_KEY = bytes(range(16))
_VALUES = (84, 96, 112, 140, 431, 214, 63, 10132)
_INTERVAL_S = 900
_CYCLES = 1000
_CYCLE = (
    "sense, log, encode with three older readings, encrypt and sign, RadioTransmit, Transmitted, RX1 and RX2; "
    "mind, MAC and log are the node's own, files are in memory, DR5"
)


def figures() -> Iterator[Figure]:
    """µs a call, and class A cycles a second of a node."""
    readings = [Reading(1000 - n, 1, 9000 - 900 * n, _VALUES) for n in range(3)]
    payload, _ = encode_readings(AIR_FULL, readings, 1, 9005, 222)
    keys = SessionKeys(_KEY, _KEY[::-1])
    frame = seal_data(keys, UPLINK, 0x26000001, 7, 1, payload)

    def accept() -> None:
        parsed = parse_frame(frame)
        assert mic_matches(keys, parsed, UPLINK, 7)
        decode_readings(open_payload(keys, parsed, UPLINK, 7))

    def library_cmac() -> None:
        mac = CMAC(AES(_KEY))
        mac.update(frame)
        mac.finalize()

    cmac = Cmac(_KEY)
    items = cbor.decode(payload)
    yield _time("uplink.accept", accept)
    yield _time("uplink.encode", lambda: encode_readings(AIR_FULL, readings, 1, 9005, 222))
    yield _time("cbor.decode", lambda: cbor.decode(payload), cbor2_rust=lambda: cbor2.loads(payload))
    yield _time("cbor.encode", lambda: cbor.encode(items), cbor2_rust=lambda: cbor2.dumps(items, canonical=True))
    yield _time("cmac.frame", lambda: cmac.mac(frame), cryptography_cmac=library_cmac)

    yield _cycles("class_a_cycles", _OneSample(), 10_000, f"{_CYCLE}; a role that takes its one sample as a reading")
    role = Air(AIR_FULL, _INTERVAL_S, 30, 182)
    yield _cycles("air_cycles", role, None, f"{_CYCLE}; the air role: fan, {SAMPLES} samples a second apart, median")


class _OneSample:
    """The least that a role can do: a sample every _INTERVAL_S, and that is the reading."""

    set_number = AIR_FULL

    def __init__(self) -> None:
        self._next_ms = 0

    def handle(self, event: object, now_ms: int) -> list[object]:
        if isinstance(event, Sensed):
            return [TakeReading(event.values)]
        if isinstance(event, Woke) and now_ms >= self._next_ms:
            self._next_ms = now_ms + _INTERVAL_S * 1000
            return [Sense(self.set_number)]
        return []

    def wake_at(self) -> int | None:
        return self._next_ms

    def order(
        self, order: Order, now_ms: int, gps_s: int | None, group: int | None = None
    ) -> tuple[int, int | None, list[object]]:
        return NOT_HERE, None, []

    def configure(self, setting: int, value: int) -> int:
        return NOT_HERE

    def rare(self) -> list[tuple[int, int, int]]:
        return []

    def image(self) -> bytes:
        return b""


class _Desk:
    """The shortest way through the life of *node*: no timeline, no air, and time goes to whatever comes next."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._now_ms = 0
        self._samples = 0
        self._event: object = Woke()
        self.seen: Counter[type] = Counter()

    def run(self, frames: int) -> None:
        """Go on until so many frames more were sent and nothing is to come of them any more."""
        enough = self.seen[RadioTransmit] + frames
        while self.seen[RadioTransmit] < enough or not isinstance(self._event, Woke):
            event = self._event
            if isinstance(event, Woke):
                self._now_ms = max(self._now_ms, self._node.wake_at() or 0)
            self._event = Woke()
            for action in self._node.handle(event, self._now_ms):
                self._do(action)

    def _do(self, action: object) -> None:
        if isinstance(action, Sense):
            self._samples += 1
            self._event = Sensed(action.set_number, (_VALUES[0] + self._samples % 50, *_VALUES[1:]))
        elif isinstance(action, RadioTransmit):
            self._now_ms += frame_airtime_us(action.dr, len(action.phy_payload)) // 1000 + 1
            self._event = Transmitted()
        elif isinstance(action, OpenWindow):
            self._now_ms = action.open_ms + window_us(action) // 1000 + 1
            self._event = WindowClosed()
        self.seen[type(action)] += 1


def _cycles(name: str, role: _OneSample | Air, target: float | None, how: str) -> Figure:
    """Complete class A cycles a second on one core; the first ones are not timed."""
    settings = NodeSettings({0: AIR, 1: bytes(8)})
    log = Log(MemoryFiles(), 1)
    log.epoch_told()
    mind = Mind(role, log, settings, Facts((0, 1, 0), 0, bytes(8)))
    desk = _Desk(Node(mind, Mac(Identity(bytes(8), abp=(1, _KEY, _KEY)), FULL, dr=5, adr=False)))
    desk.run(_CYCLES)
    seconds = min(timeit.repeat(lambda: desk.run(_CYCLES), number=1, repeat=5, timer=time.process_time))
    assert desk.seen[OpenWindow] == 2 * desk.seen[RadioTransmit] == 2 * 6 * _CYCLES, desk.seen
    return Figure(
        name=f"node.{name}_per_s",
        value=round(_CYCLES / seconds),
        unit="1/s",
        target=target,
        more_is_better=True,
        how=f"{how}; best of 5, CPython",
    )


def _time(name: str, call: Callable[[], object], **peers: Callable[[], object]) -> Figure:
    return Figure(
        name=f"{name}.us",
        value=_us(call),
        unit="us",
        peer={peer: _us(peer_call) for peer, peer_call in peers.items()},
        how=_HOW,
    )


def _us(call: Callable[[], object]) -> float:
    number = 2000
    return round(min(timeit.repeat(call, number=number, repeat=5)) / number * 1e6, 2)
