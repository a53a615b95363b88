"""How long the hot paths take here; only ratios to the peers mean something on another machine."""

import timeit
from collections.abc import Callable, Iterator
from io import StringIO

import cbor2
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from protocol import cbor
from protocol.lorawan.cmac import Cmac
from protocol.lorawan.frames import UPLINK, parse_frame
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload, seal_data
from protocol.quantities import AIR_FULL
from protocol.telemetry import Reading, encode_readings
from protocol.telemetry_reader import decode_readings
from simulator.chain import Chain, Settings
from tests.benchmarks.figures import Figure

_HOW = "best of 5, CPython, whatever else ran on the machine"
_KEY = bytes(range(16))


def figures() -> Iterator[Figure]:
    """µs a call, and uplinks a second of the whole chain in virtual time."""
    readings = [Reading(1000 - n, 1, 9000 - 900 * n, (84, 96, 112, 140, 431, 214, 63, 10132)) for n in range(3)]
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

    def run() -> None:
        chain = Chain(Settings(seed=1, nodes=50, hours=24), StringIO())
        chain.run(24 * 3600)

    seconds = min(timeit.repeat(run, number=1, repeat=3))
    yield Figure(name="chain.uplinks_per_s", value=round(50 * 97 / seconds), unit="1/s", more_is_better=True, how=_HOW)


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
