"""The numbers of the quantities that nodes report, and the sets of them that the roles send.

A quantity's number is its place in the table of `quantity_table.py` and its key on the air. Numbers and sets are
append-only: a number, once in the street, means the same for ever.
"""

from .compat import const
from .errors import MessageError

# Indices into QUANTITIES; what a mind or a codec writes instead of a number.
OCCUPIED = const(0)
STATE_DURATION = const(1)
FIELD_DEVIATION = const(2)
DISTANCE = const(3)
BATTERY_VOLTAGE = const(4)
TEMPERATURE = const(5)
RELATIVE_HUMIDITY = const(6)
PRESSURE = const(7)
PM1 = const(8)
PM2_5 = const(9)
PM4 = const(10)
PM10 = const(11)
CO2 = const(12)
NO2 = const(13)
O3 = const(14)
SO2 = const(15)
CO = const(16)
VOC_INDEX = const(17)
NOX_INDEX = const(18)
SOUND_LEVEL = const(19)
ILLUMINANCE = const(20)
LEVEL = const(21)
POWER = const(22)
VOLTAGE = const(23)
CURRENT = const(24)
ENERGY = const(25)
POWER_FACTOR = const(26)
LAMP_STATUS = const(27)
OPERATING_HOURS = const(28)
SWITCH_COUNT = const(29)
MOTION_COUNT = const(30)
PROGRAMME_VERSION = const(31)

# Bits of LAMP_STATUS, with the uCIFI resource of object 3416 that says the same.
LAMP_FAILURE = const(1)  # 5
LAMP_GEAR_FAILURE = const(2)  # 7
LAMP_RELAY_FAILURE = const(4)  # 9
LAMP_DAY_BURNER = const(8)  # 10
LAMP_CYCLING = const(16)  # 11
LAMP_GEAR_SILENT = const(32)  # 12, the control gear does not answer
LAMP_TOO_HOT = const(64)  # 21 and following
LAMP_OVERRIDDEN = const(128)  # 54

# What a typical node sends: quantity, instance, quantity, instance, … in the order of the values on the air. Instances
# tell two bays or two heads on one node apart. As bytes, because tuples would take 2 kB of a node's heap.
_SETS = (
    # 0: parking, one bay
    bytes((OCCUPIED, 0, STATE_DURATION, 0, FIELD_DEVIATION, 0, TEMPERATURE, 0, BATTERY_VOLTAGE, 0)),
    # 1: parking, two bays
    bytes(
        (OCCUPIED, 0, STATE_DURATION, 0, FIELD_DEVIATION, 0, OCCUPIED, 1, STATE_DURATION, 1, FIELD_DEVIATION, 1)
        + (TEMPERATURE, 0, BATTERY_VOLTAGE, 0)
    ),
    # 2: parking seen from above by ultrasound or radar
    bytes((OCCUPIED, 0, STATE_DURATION, 0, DISTANCE, 0, TEMPERATURE, 0, BATTERY_VOLTAGE, 0)),
    # 3: air with all four particle sizes
    bytes((PM1, 0, PM2_5, 0, PM4, 0, PM10, 0, CO2, 0, TEMPERATURE, 0, RELATIVE_HUMIDITY, 0, PRESSURE, 0)),
    # 4: air with a sensor that has no PM4
    bytes((PM1, 0, PM2_5, 0, PM10, 0, CO2, 0, TEMPERATURE, 0, RELATIVE_HUMIDITY, 0, PRESSURE, 0)),
    # 5: light, one head
    bytes((LEVEL, 0, POWER, 0, VOLTAGE, 0, CURRENT, 0, ENERGY, 0, TEMPERATURE, 0, LAMP_STATUS, 0)),
    # 6: light, two heads on one meter
    bytes(
        (LEVEL, 0, LAMP_STATUS, 0, LEVEL, 1, LAMP_STATUS, 1, POWER, 0, VOLTAGE, 0, CURRENT, 0, ENERGY, 0)
        + (TEMPERATURE, 0)
    ),
)
SET_COUNT = const(7)

PARKING_ONE_BAY = const(0)
PARKING_TWO_BAYS = const(1)
PARKING_DISTANCE = const(2)
AIR_FULL = const(3)
AIR_WITHOUT_PM4 = const(4)
LIGHT_ONE_HEAD = const(5)
LIGHT_TWO_HEADS = const(6)


def size_of(set_number: int) -> int:
    """How many values a set has. Raises MessageError for an unknown set."""
    if not 0 <= set_number < SET_COUNT:
        raise MessageError(
            f"set {set_number} is not known here; the newest known is {SET_COUNT - 1}: update the gateway"
        )
    return len(_SETS[set_number]) // 2


def quantities_of(set_number: int) -> tuple[tuple[int, int], ...]:
    """The (quantity, instance) pairs of a set, in the order of its values. Raises MessageError for an unknown set."""
    size = size_of(set_number)
    pairs = _SETS[set_number]
    return tuple([(pairs[2 * place], pairs[2 * place + 1]) for place in range(size)])
