"""What a file may say of each role's sensors; the rest is for a node to find out or to decide."""

from protocol import quantities as q
from simulator.scenario.model import Role

REPLAYABLE: dict[Role, tuple[int, ...]] = {
    Role.AIR: tuple(range(q.TEMPERATURE, q.NOX_INDEX + 1)),
    Role.LIGHT: (q.POWER, q.VOLTAGE, q.CURRENT, q.ENERGY, q.TEMPERATURE, q.ILLUMINANCE),
    Role.PARKING: (q.TEMPERATURE, q.BATTERY_VOLTAGE, q.DISTANCE),
}
