"""Faults of many lamps over many nights: what is injected is reported within a night, and next to nothing else is.

The lamps of `lamps.py` know nothing of what is expected of them; the node's own judgement is left out here, so that all
that is found is found by the gateway.
"""

import os
import random
from collections import Counter

import pytest

from gateway.lighting.faults import Fault, FaultKind
from gateway.lighting.truth import Kept, LampTruth
from gateway.store.writes import KeepFault
from tests.gateway.lighting.lamps import DAY_MS, FIRST_MS, FixedNights, Lamp

SOAK = os.environ.get("LAMPYRE_HYPOTHESIS") == "soak"
LAMPS, NIGHTS = (1000, 100) if SOAK else (80, 15)
INJECTED = {
    "failed": {FaultKind.LAMP_FAILED},
    "burns": {FaultKind.DAY_BURNER, FaultKind.DRIVER},
    "stuck": {FaultKind.DRIVER},
    "stuck low": {FaultKind.DRIVER, FaultKind.LAMP_FAILED},
    "cycles": {FaultKind.CYCLING, FaultKind.LAMP_FAILED},
    "dead meter": {FaultKind.METER},
    "frozen meter": {FaultKind.METER, FaultKind.DAY_BURNER, FaultKind.LAMP_FAILED, FaultKind.DRIVER},
}


def live(town: FixedNights, lamps: list[Lamp], nights: int, loss: float, dice: random.Random) -> list[Fault]:
    """Let the gateway hear *lamps* for so many nights; returns what it reported, in order. Lamps do not know others."""
    told: list[Fault] = []
    end_ms = FIRST_MS + nights * DAY_MS
    for lamp in lamps:
        truth = LampTruth(town, Kept({}), boot=1)
        for record in lamp.readings(FIRST_MS, end_ms):
            if dice.random() < loss:
                continue
            writes = truth.heard(lamp.device, 900, [record], record.received_ms - FIRST_MS, FIRST_MS)
            told += [write.fault for write in writes if isinstance(write, KeepFault)]
    return told


def fleet(seed: int, count: int) -> tuple[FixedNights, list[Lamp]]:
    dice = random.Random(seed)
    town = FixedNights()
    lamps = [Lamp(device, dice, kind="sodium" if device % 4 == 3 else "led") for device in range(count)]
    town.undimmed = {lamp.device for lamp in lamps if lamp.kind == "sodium"}
    return town, lamps


def test_lamps_that_are_well_are_hardly_ever_said_not_to_be():
    seed = 20261122
    town, lamps = fleet(seed, LAMPS)
    told = live(town, lamps, NIGHTS, 0.2, random.Random(seed + 1))
    began = [fault for fault in told if fault.over_ms is None]
    assert len(began) * 1000 <= LAMPS * NIGHTS, (seed, Counter(fault.kind for fault in began), began[:3])


@pytest.mark.parametrize("trouble", list(INJECTED))
def test_what_is_injected_is_reported_within_one_night(trouble):
    seed = 7
    town, lamps = fleet(seed, 200 if SOAK else 16)
    dice = random.Random(seed)
    for lamp in lamps:
        if trouble.startswith("stuck"):
            lamp.kind = "led"  # a magnetic ballast does not dim
            town.undimmed.discard(lamp.device)
        lamp.trouble = trouble
        lamp.trouble_ms = FIRST_MS + 3 * DAY_MS + dice.randrange(DAY_MS)
    told = live(town, lamps, 6, 0.2, dice)
    for lamp in lamps:
        found = [fault for fault in told if fault.device == lamp.device and fault.kind in INJECTED[trouble]]
        assert found, (seed, lamp.device, lamp.kind)
        # It can be seen from the first time on that the lamp should do what it cannot: at the latest a day later.
        assert found[0].over_ms is None
        assert found[0].since_ms >= lamp.trouble_ms, (seed, lamp.device)
        assert found[0].seen_ms <= lamp.trouble_ms + DAY_MS, (seed, lamp.device)
