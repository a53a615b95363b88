"""The net under all tests: each payload that an encoder makes is held against protocol/lampyre.cddl at once.

conftest.py casts it before any test module is imported, so that `from protocol.telemetry import encode_readings` gets
the watched encoder wherever it is written: in tests, simulator, gateway or firmware.
"""

import functools
import importlib
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import cbor2
import cobs.cobs

cbor2.CBORDecodeValueError = cbor2.CBORDecodeError  # zcbor 0.9.1 asks for a name that cbor2 6 has dropped
import zcbor  # noqa: E402

CDDL = Path(__file__).parents[1] / "protocol" / "lampyre.cddl"


class CddlError(AssertionError):
    """An encoder made what lampyre.cddl does not describe."""


def _itself(result: bytes) -> bytes:
    return result


def _first(result: tuple[bytes, int]) -> bytes:
    return result[0]


def _body(envelope: bytes) -> bytes:
    """The body between version and CRC, taken out with somebody else's COBS."""
    return cobs.cobs.decode(envelope.strip(b"\0"))[1:-4]


# Where an encoder is, the rule for what it makes, and how to find that in its result. To watch another, add it here.
ENCODERS: tuple[tuple[str, str, str, Callable[..., bytes]], ...] = (
    ("protocol.telemetry", "encode_readings", "readings", _first),
    ("protocol.telemetry", "encode_rare", "readings", _itself),
    ("protocol.telemetry", "encode_event", "event", _itself),
    ("protocol.telemetry", "encode_status", "status", _itself),
    ("protocol.orders", "encode_order", "order", _itself),
    ("protocol.orders", "encode_receipt", "receipt", _itself),
    ("protocol.dimming.programme", "Programme.encode", "programme", _itself),
    ("protocol.dimming.site", "Site.encode", "site", _itself),
    ("protocol.envelope", "seal", "envelope", _body),
    ("protocol.settings", "Settings.encode", "settings", _itself),
    ("protocol.manifest", "Manifest.encode", "manifest", _itself),
)


class _Rule(zcbor.DataTranslator):
    """A rule that judges and builds nothing.

    zcbor makes a class for each value it has read and writes the whole rule down at each look at a value: nine tenths
    of its time, which under a street of lamps was more than lamps and gateway took together.
    """

    def __init__(self, *given: object, **more: object) -> None:
        super().__init__(*given, **more)
        self.errors = deque(maxlen=0)  # each alternative that did not fit, kept for ever and printed

    def __repr__(self) -> str:
        return self.label or self.type

    def var_name(self) -> str:
        """Of what it would build, in C."""
        return ""

    def _construct_obj(self, _values: object) -> None:
        """Nobody asks what was read."""

    def _add_if(self, *_given: object, **_more: object) -> None:
        """The same; here zcbor would also look into CBOR within a byte string (.cbor)."""


class Net:
    """Holds payloads against the rules of lampyre.cddl, each distinct one once; `failures` are the sentences so far."""

    def __init__(self) -> None:
        text = CDDL.read_text(encoding="utf-8")
        assert ".cbor" not in text, "lampyre.cddl has CBOR in byte strings, which `_Rule` does not look into"
        self.rules = _Rule.from_cddl(cddl_string=text, default_max_qty=300).my_types
        self.failures: list[str] = []
        self.seen: set[tuple[str, bytes]] = set()
        self._lock = threading.Lock()  # a rule keeps notes while it parses; gateways have threads

    def check(self, rule: str, payload: bytes, source: str = "a payload") -> None:
        """Raise CddlError unless *payload* follows *rule* and is deterministic CBOR in the eyes of cbor2 too."""
        with self._lock:
            if (rule, payload) in self.seen:
                return
            fault = self._fault(rule, payload)
            if fault:
                self.failures.append(f"{source}: {payload.hex()} is no '{rule}' of lampyre.cddl: {fault}")
                raise CddlError(self.failures[-1])
            self.seen.add((rule, payload))

    def _fault(self, rule: str, payload: bytes) -> str:
        try:
            value = cbor2.loads(payload)
            self.rules[rule].validate_obj(value)
        except (cbor2.CBORDecodeError, zcbor.CddlValidationError) as error:
            return str(error)
        if cbor2.dumps(value, canonical=True) != payload:
            return f"its deterministic encoding is {cbor2.dumps(value, canonical=True).hex()}"
        return ""

    def cast(self) -> None:
        """Put a watched one in the place of each of ENCODERS."""
        for module, path, rule, payload_of in ENCODERS:
            owner: object = importlib.import_module(module)
            *outer, name = path.split(".")
            for part in outer:
                owner = getattr(owner, part)
            setattr(owner, name, self._watched(getattr(owner, name), f"{module}.{path}", rule, payload_of))

    def _watched(self, encoder: Callable, source: str, rule: str, payload_of: Callable[..., bytes]) -> Callable:
        @functools.wraps(encoder)
        def watched(*args: object, **kwargs: object) -> object:
            result = encoder(*args, **kwargs)
            self.check(rule, payload_of(result), source)
            return result

        return watched

    def raise_what_was_swallowed(self) -> None:
        """Raise again what the code under test has caught, as a gateway's thread may; then forget it."""
        failures, self.failures = self.failures, []
        if failures:
            raise CddlError("\n".join(failures))


NET = Net()
