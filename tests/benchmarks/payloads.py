"""Bytes on the air of a year of readings of each role, beside Cayenne LPP, SenML-CBOR and JSON of the same values."""

import json
from collections.abc import Iterator

import cbor2
from cayennelpp import LppFrame

from protocol import quantities as q
from protocol.quantity_table import Quantity
from protocol.telemetry import Reading, encode_readings
from simulator.stimuli.air import AirStimulus
from simulator.stimuli.alone import air_alone, bay_alone, lamp_alone
from simulator.stimuli.parking import ParkingStimulus
from simulator.streams import Stream
from tests.benchmarks.figures import Figure

SEED = 1
INTERVAL_S = 900
READINGS = 365 * 96
START_S = 1_767_225_600
FIRST_SEQ = 1000  # all but the first days of a node's life need three bytes for seq
MAX_AGE_S = 20  # between sensing and sending: jitter, and now and then the duty cycle
FOPTS_LEN = 7
DR0_ROOM = 51 - FOPTS_LEN

ROLES = {
    "air": (q.AIR_FULL, air_alone),
    "parking": (q.PARKING_ONE_BAY, lambda stream: bay_alone(stream, START_S)),
    "light": (q.LIGHT_ONE_HEAD, lambda stream: _NightlyLamp(stream)),
}

# The smallest Cayenne LPP type that can carry the quantity at its resolution, and its scale from ours: the extended
# types of the public encoders count, and a meaning that does not fit (minutes as a concentration) is let pass.
_CAYENNE = {
    q.OCCUPIED: (102, 1),
    q.STATE_DURATION: (125, 1),
    q.FIELD_DEVIATION: (2, 0.1),
    q.BATTERY_VOLTAGE: (116, 0.01),
    q.TEMPERATURE: (103, 0.1),
    q.RELATIVE_HUMIDITY: (104, 1),
    q.PRESSURE: (115, 0.1),
    q.PM1: (2, 0.1),
    q.PM2_5: (2, 0.1),
    q.PM4: (2, 0.1),
    q.PM10: (2, 0.1),
    q.CO2: (125, 1),
    q.LEVEL: (120, 1),
    q.POWER: (2, 0.1),
    q.VOLTAGE: (116, 0.1),
    q.CURRENT: (117, 0.001),
    q.ENERGY: (131, 0.001),
    q.LAMP_STATUS: (0, 1),
}


def figures() -> Iterator[Figure]:
    """Median and 95th percentile for each role with 0 to 3 repeated readings."""
    for role, (set_number, stimulus) in ROLES.items():
        history, ages_s = _series(set_number, stimulus(Stream(SEED, role)))
        peers = {"cayenne_lpp": _cayenne, "senml_cbor": _senml_cbor, "json": _json}
        peer_sizes = {
            name: sorted(encode(set_number, reading.values) for reading in history) for name, encode in peers.items()
        }
        for repeated in range(4):
            sizes = sorted(_sizes(set_number, history, ages_s, repeated))
            for kind, rank in (("median", 0.5), ("p95", 0.95)):
                # Other formats repeat a reading by saying it again.
                peer = {name: (repeated + 1) * _at(rank, values) for name, values in peer_sizes.items()}
                target = None
                if kind == "p95" and repeated == 0:
                    target = peer["cayenne_lpp"]
                elif role == "air" and kind == "p95" and repeated == 1:
                    target = DR0_ROOM
                yield Figure(
                    name=f"payload.{role}.repeat{repeated}.{kind}",
                    value=_at(rank, sizes),
                    unit="B",
                    target=target,
                    peer=peer,
                )


def _series(
    set_number: int, stimulus: "AirStimulus | ParkingStimulus | _NightlyLamp"
) -> tuple[list[Reading], list[int]]:
    """A year of readings, and how old each was when it was sent."""
    dice = Stream(SEED, "ages")
    history = []
    for number in range(READINGS):
        time_s = number * INTERVAL_S
        history.append(Reading(FIRST_SEQ + number, 1, time_s, stimulus.values(set_number, START_S + time_s)))
    return history, [dice.below(MAX_AGE_S + 1) for _ in history]


class _NightlyLamp:
    """A lamp on a programme by the clock: full light in the evening, 40 % at night, dark by day."""

    def __init__(self, stream: Stream) -> None:
        self._lamp = lamp_alone(stream, START_S)
        self._level_pct = 0

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        hour = time_s % 86_400 / 3600
        level_pct = 0 if 7 <= hour < 18 else 40 if hour < 5 or hour >= 23 else 100
        if level_pct != self._level_pct:
            self._level_pct = level_pct
            self._lamp.lamp_set(0, level_pct, 0, time_s)
        return self._lamp.values(set_number, time_s)


def _sizes(set_number: int, history: list[Reading], ages_s: list[int], repeated: int) -> Iterator[int]:
    for number in range(repeated, len(history)):
        rows = history[number - repeated : number + 1][::-1]
        payload, carried = encode_readings(set_number, rows, 1, rows[0].uptime_s + ages_s[number], 222)
        assert carried == repeated + 1
        yield len(payload)


def _at(rank: float, ordered: list[int]) -> int:
    return ordered[int(rank * (len(ordered) - 1))]


def _cayenne(set_number: int, values: tuple[int | None, ...]) -> int:
    frame = LppFrame()
    for channel, ((quantity, _), value) in enumerate(zip(q.quantities_of(set_number), values, strict=True)):
        kind, scale = _CAYENNE[quantity]
        frame.add_by_type(kind, channel, ((value or 0) * scale,))
    return len(bytes(frame))


def _named(set_number: int, values: tuple[int | None, ...]) -> list[tuple[str, float]]:
    """The values in their unit, under the table's names."""
    named = []
    for (number, _), value in zip(q.quantities_of(set_number), values, strict=True):
        quantity = Quantity(number)
        named.append((quantity.name, (value or 0) / 10**quantity.decimals if quantity.decimals else value or 0))
    return named


def _senml_cbor(set_number: int, values: tuple[int | None, ...]) -> int:
    """RFC 8428 §6 with names (label 0) and values (label 2) only: units and base name would come on top."""
    return len(cbor2.dumps([{0: name, 2: value} for name, value in _named(set_number, values)], canonical=True))


def _json(set_number: int, values: tuple[int | None, ...]) -> int:
    return len(json.dumps(dict(_named(set_number, values)), separators=(",", ":")))
