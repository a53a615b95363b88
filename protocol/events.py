"""What a node tells at once: the numbers of the events. Append-only, like the quantities."""

from .compat import const

VOID = const(0)
BAY_TAKEN = const(1)
BAY_LEFT = const(2)
LAMP_FAILED = const(3)
LAMP_RECOVERED = const(4)
DAY_BURNER = const(5)
LAMP_CYCLING = const(6)
GEAR_FAILED = const(7)
OVER_TEMPERATURE = const(8)
POWER_LOST = const(9)
POWER_BACK = const(10)
SENSOR_FAILED = const(11)
SENSOR_BACK = const(12)
BATTERY_LOW = const(13)
PROGRAMME_REFUSED = const(14)
TAMPERED = const(15)
MOTION_SEEN = const(16)
