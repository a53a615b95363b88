"""What a node of the fleet costs: µs for a reading from sensor to closed windows, and memory after a day."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from protocol.quantities import BATTERY_VOLTAGE, ENERGY, LEVEL, POWER, TEMPERATURE, VOLTAGE, quantities_of
from protocol.region import frame_airtime_us
from simulator.fleet.fleet import Fleet
from simulator.fleet.hardware import Field
from simulator.scenario.model import NodeSpec, Role, Scenario, Site
from simulator.timeline import Timeline
from tests.benchmarks.figures import Figure

NODES = 200
INTERVAL_S = 900
HOURS = 24
TARGET_KB = 50  # of memory: 5,000 nodes and their gateway in 400 MB
_BLOCKS = 24  # the fastest of so many stretches counts: other work on the machine only ever adds
_START_S = 1_772_434_800
_CAR_S = 7_200  # bays change so often
_TARGETS_US = {Role.AIR: 150.0}
_HOW = (
    f"of {NODES} warm nodes with a reading every {INTERVAL_S} s, the fastest of {_BLOCKS} stretches of an hour; "
    "real role, mind, MAC and log; stimuli that cost next to nothing, and nobody answers"
)


def figures() -> Iterator[Figure]:
    """By role: µs for each reading that was taken, events and samples between two included; kB a node."""
    for role in Role:
        cost = _measure_apart(role)
        yield Figure(
            name=f"fleet.{role.value}.cycle_us",
            value=round(cost["cycle_us"], 1),
            unit="us",
            target=_TARGETS_US.get(role),
            how=f"{_HOW}; {cost['uplinks_per_reading']:.2f} uplinks for a reading",
        )
        yield Figure(
            name=f"fleet.{role.value}.memory_kb",
            value=round(cost["memory_kb"], 1),
            unit="kB",
            target=TARGET_KB,
            how=f"growth of the process by {NODES} nodes, their log of {HOURS} hours included",
        )


class _Nobody:
    """An air in which nobody hears anything."""

    def __init__(self) -> None:
        self.sent = 0

    def place(self, node: str, position: object, loss_db: float = 0.0) -> None:
        """Anywhere."""

    def herald(self, tell: Callable[[int, int], None]) -> None:
        """There are no downlinks."""

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        self.sent += 1
        return frame_airtime_us(dr, len(phy_payload))

    def listen(self, listener: object, freq_hz: int, dr: int) -> None:
        """Nothing comes."""

    def deafen(self, listener: object) -> None:
        """Nothing came."""


class _Corner:
    """Sensors of every role, as cheap as can be."""

    mains = None

    def __init__(self, role: Role) -> None:
        known = {LEVEL: 100, POWER: 400, VOLTAGE: 2310, ENERGY: 7, TEMPERATURE: 210, BATTERY_VOLTAGE: 360}
        sets = {Role.AIR: 3, Role.PARKING: 0, Role.LIGHT: 5}
        self._values = tuple(known.get(quantity, 140) for quantity, _ in quantities_of(sets[role]))
        self._looks = 0

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        if set_number != 3:
            return self._values
        self._looks += 1
        noise = self._looks % 7
        return (84 + noise, 96 + noise, 112 + noise, 140 + noise, 431 + noise, 214, 63, 10_132)

    def field(self, bay: int, time_s: float) -> Field:
        since_s = int(time_s) % _CAR_S
        car = 300 if int(time_s) // _CAR_S % 2 else 0
        swing = 400 - 80 * abs(since_s - 5) if since_s < 10 else 0
        return 150 + car + swing + int(time_s * 10) % 3, 140, -420

    def temperature_dcel(self, time_s: float) -> int:
        return 140

    def next_change_s(self, bay: int, time_s: float) -> float:
        return time_s + 0.4 if time_s % _CAR_S < 10 else float((int(time_s) // _CAR_S + 1) * _CAR_S)

    def empty_field(self, bay: int) -> Field:
        return 150, 140, -420

    def lamp_set(self, head: int, level_pct: int, fade_s: int, time_s: float) -> None:
        """Its meter says the same all night."""

    def power_gone(self, time_s: float) -> None:
        """It never goes."""

    def lux(self, time_s: float) -> int:
        return 100

    def gear_status(self, head: int, time_s: float) -> int:
        return 4

    def next_motion_s(self, time_s: float) -> None:
        return None


class _Nothing:
    """A watcher that counts readings and lets the rest go."""

    def __init__(self) -> None:
        self.taken = 0

    def took(self, node: str, time_us: int, epoch: int, record: Any, kept: bool) -> None:
        self.taken += not record.kind

    def lamp_set(self, node: str, time_us: int, head: int, level_pct: int, fade_s: int) -> None:
        """Let go."""

    def booted(self, node: str, time_us: int, cause: object) -> None:
        """Let go."""

    def power_gone(self, node: str, time_us: int) -> None:
        """Let go."""

    def died(self, node: str, time_us: int, why: str) -> None:
        raise RuntimeError(f"{node} died: {why}")


def measure(role: Role) -> dict[str, float]:
    """Build a fleet of one role, and let it live for a day."""
    nodes = tuple(
        NodeSpec(name=f"{role.value}-{n}", role=role, x_m=0, y_m=0, interval_s=INTERVAL_S, sleep_ppm=300 * (n % 100))
        for n in range(NODES)
    )
    site = Site(insee="92002", name="Antony", latitude_deg=48.75, longitude_deg=2.3)
    scenario = Scenario(file=Path(), name="bench", site=site, gateways=(), nodes=nodes, start_s=_START_S)
    timeline, air, watcher = Timeline(), _Nobody(), _Nothing()
    before = _resident()
    corner = _Corner(role)
    fleet = Fleet(scenario, timeline, air, lambda node: corner, watcher)  # type: ignore[arg-type]
    best = float("inf")
    for hour in range(1, _BLOCKS + 1):
        taken, began = watcher.taken, time.process_time()
        timeline.run(hour * HOURS // _BLOCKS * 3_600_000_000)
        best = min(best, (time.process_time() - began) / max(1, watcher.taken - taken))
    grown = _resident() - before
    assert len(fleet.nodes) == NODES
    return {
        "cycle_us": best * 1e6,
        "memory_kb": grown / NODES,
        "uplinks_per_reading": air.sent / watcher.taken,
    }


def _resident() -> float:
    """The most that this process has had of memory, in kB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1024 if sys.platform == "darwin" else most


def _measure_apart(role: Role) -> dict[str, float]:
    """In a process of its own, whose memory nobody has used before."""
    told = subprocess.run([sys.executable, "-m", __name__, role.value], check=True, capture_output=True, text=True)
    cost: dict[str, float] = json.loads(told.stdout)
    return cost


if __name__ == "__main__":
    print(json.dumps(measure(Role(sys.argv[1]))))
