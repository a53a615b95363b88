"""How long a cell lasts a parking node, and what an air node takes: real minds and MACs under the energy meter."""

from collections.abc import Iterator

from protocol.region import CHANNEL_MAX_DR, data_rate
from simulator.energy.currents import BOARDS, LISOCL2_D
from simulator.energy.endurance import WATCHES, Duty, air, panel, parking, watched
from tests.benchmarks.figures import Figure

BOARD = BOARDS[0]
AIR_INTERVAL_S = 900
HEARTBEATS_S = (3600, 900)
TARGET_DR = 3
TARGET_YEARS = 4


def figures() -> Iterator[Figure]:
    """Years by heartbeat and spreading factor, then mA; `lampyre simulate energy` prints all of them."""
    for heartbeat_s in HEARTBEATS_S:
        for dr in range(CHANNEL_MAX_DR + 1):
            rate = f"sf{data_rate(dr)[0]}" + ("" if heartbeat_s == HEARTBEATS_S[0] else f".every_{heartbeat_s}_s")
            target = TARGET_YEARS if (dr, heartbeat_s) == (TARGET_DR, HEARTBEATS_S[0]) else None
            yield _years(rate, parking(BOARD, dr, heartbeat_s), heartbeat_s, target)
    for watch in WATCHES:
        rate = f"sf{data_rate(TARGET_DR)[0]}.{watch.name}"
        yield _years(rate, watched(BOARD, TARGET_DR, HEARTBEATS_S[0], watch), HEARTBEATS_S[0])
    for dr in range(CHANNEL_MAX_DR + 1):
        duty = air(BOARD, dr, AIR_INTERVAL_S)
        sun = panel(duty.mean_ua)
        yield Figure(
            name=f"energy.air.sf{data_rate(dr)[0]}.mean_ma",
            value=round(duty.mean_ua / 1000, 2),
            unit="mA",
            how=f"{BOARD.name}, a reading every {AIR_INTERVAL_S} s, at 5 V: mains, or solar with a panel of "
            f"{sun.watts:g} W and a battery of {sun.battery_wh:g} Wh",
        )


def _years(name: str, duty: Duty, heartbeat_s: int, target: float | None = None) -> Figure:
    return Figure(
        name=f"energy.parking.{name}.years",
        value=round(LISOCL2_D.years(duty.mean_ua), 1),
        unit="years",
        target=target,
        more_is_better=True,
        how=f"{BOARD.name}, {LISOCL2_D.capacity_mah / 1000:g} Ah {LISOCL2_D.name}, 12 changes a day, a reading every "
        f"{heartbeat_s} s, magnetometer: {duty.watch}; the currents are data sheets', no board's",
    )
