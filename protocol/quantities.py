"""Every quantity a node can report, said once; and the sets of them that the roles send.

A quantity's number is its place in the table and its key on the air. Table and sets are append-only: a number, once
in the street, means the same for ever. Values travel as integers: the reading times 10^decimals.
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

# name, unit (UCUM), decimals, plausible from, plausible to (both scaled), LwM2M object/resource (OMA registry;
# 34xx are uCIFI's), FIWARE Smart Data Models attribute. "" where the other model has none.
QUANTITIES = (
    ("occupied", "1", 0, 0, 1, "3431/1", "ParkingSpot.status"),
    ("state_duration", "min", 0, 0, 525600, "3431/2", ""),  # since the bay last changed
    ("field_deviation", "uT", 1, 0, 20000, "", ""),  # of the magnetic field from the empty bay's
    ("distance", "cm", 0, 2, 1200, "3330/5700", ""),
    ("battery_voltage", "V", 2, 0, 6000, "3316/5700", "Device.batteryLevel"),
    ("temperature", "Cel", 1, -400, 850, "3303/5700", "AirQualityObserved.temperature"),
    ("relative_humidity", "%", 0, 0, 100, "3304/5700", "AirQualityObserved.relativeHumidity"),
    ("pressure", "hPa", 1, 3000, 11000, "3315/5700", "AirQualityObserved.pressure"),
    ("pm1", "ug/m3", 1, 0, 10000, "3428/5", "AirQualityObserved.pm1"),
    ("pm2_5", "ug/m3", 1, 0, 10000, "3428/3", "AirQualityObserved.pm25"),
    ("pm4", "ug/m3", 1, 0, 10000, "", "AirQualityObserved.pm4"),
    ("pm10", "ug/m3", 1, 0, 10000, "3428/1", "AirQualityObserved.pm10"),
    ("co2", "[ppm]", 0, 250, 40000, "3325/5700", "AirQualityObserved.co2"),
    ("no2", "ug/m3", 1, 0, 20000, "", "AirQualityObserved.no2"),
    ("o3", "ug/m3", 1, 0, 20000, "", "AirQualityObserved.o3"),
    ("so2", "ug/m3", 1, 0, 20000, "", "AirQualityObserved.so2"),
    ("co", "mg/m3", 1, 0, 1000, "", "AirQualityObserved.co"),
    ("voc_index", "1", 0, 1, 500, "", ""),
    ("nox_index", "1", 0, 1, 500, "", ""),
    ("sound_level", "dB(A)", 1, 200, 1400, "3324/5700", ""),
    ("illuminance", "lx", 0, 0, 200000, "3301/5700", ""),
    ("level", "%", 0, 0, 100, "3416/3", "Streetlight.illuminanceLevel"),
    ("power", "W", 1, 0, 20000, "3416/46", "Streetlight.powerConsumption"),
    ("voltage", "V", 1, 0, 3000, "3316/5700", "Streetlight.voltage"),
    ("current", "mA", 0, 0, 20000, "3317/5700", "Streetlight.current"),
    ("energy", "W.h", 0, 0, 1000000000, "3416/47", "Streetlight.lifetimePowerConsumption"),
    ("power_factor", "1", 2, -100, 100, "3329/5700", "Streetlight.powerFactor"),
    ("lamp_status", "1", 0, 0, 255, "3416/5", "Streetlight.status"),  # bits, see LAMP_* below
    ("operating_hours", "h", 0, 0, 1000000, "3416/15", ""),
    ("switch_count", "1", 0, 0, 100000000, "3416/18", ""),
    ("motion_count", "1", 0, 0, 100000000, "", "Streetlight.lifetimeMotionDetected"),
)

# Bits of LAMP_STATUS, with the uCIFI resource of object 3416 that says the same.
LAMP_FAILURE = const(1)  # 5
LAMP_GEAR_FAILURE = const(2)  # 7
LAMP_RELAY_FAILURE = const(4)  # 9
LAMP_DAY_BURNER = const(8)  # 10
LAMP_CYCLING = const(16)  # 11
LAMP_GEAR_SILENT = const(32)  # 12, the control gear does not answer
LAMP_TOO_HOT = const(64)  # 21 and following
LAMP_OVERRIDDEN = const(128)  # 54

# What a typical node sends: (quantity, instance) in the order of the values on the air. Instances tell two bays or
# two heads on one node apart.
SETS = (
    # 0: parking, one bay
    ((OCCUPIED, 0), (STATE_DURATION, 0), (FIELD_DEVIATION, 0), (TEMPERATURE, 0), (BATTERY_VOLTAGE, 0)),
    # 1: parking, two bays
    (
        (OCCUPIED, 0),
        (STATE_DURATION, 0),
        (FIELD_DEVIATION, 0),
        (OCCUPIED, 1),
        (STATE_DURATION, 1),
        (FIELD_DEVIATION, 1),
        (TEMPERATURE, 0),
        (BATTERY_VOLTAGE, 0),
    ),
    # 2: parking seen from above by ultrasound or radar
    ((OCCUPIED, 0), (STATE_DURATION, 0), (DISTANCE, 0), (TEMPERATURE, 0), (BATTERY_VOLTAGE, 0)),
    # 3: air with all four particle sizes
    ((PM1, 0), (PM2_5, 0), (PM4, 0), (PM10, 0), (CO2, 0), (TEMPERATURE, 0), (RELATIVE_HUMIDITY, 0), (PRESSURE, 0)),
    # 4: air with a sensor that has no PM4
    ((PM1, 0), (PM2_5, 0), (PM10, 0), (CO2, 0), (TEMPERATURE, 0), (RELATIVE_HUMIDITY, 0), (PRESSURE, 0)),
    # 5: light, one head
    ((LEVEL, 0), (POWER, 0), (VOLTAGE, 0), (CURRENT, 0), (ENERGY, 0), (TEMPERATURE, 0), (LAMP_STATUS, 0)),
    # 6: light, two heads on one meter
    (
        (LEVEL, 0),
        (LAMP_STATUS, 0),
        (LEVEL, 1),
        (LAMP_STATUS, 1),
        (POWER, 0),
        (VOLTAGE, 0),
        (CURRENT, 0),
        (ENERGY, 0),
        (TEMPERATURE, 0),
    ),
)
PARKING_ONE_BAY = const(0)
PARKING_TWO_BAYS = const(1)
PARKING_DISTANCE = const(2)
AIR_FULL = const(3)
AIR_WITHOUT_PM4 = const(4)
LIGHT_ONE_HEAD = const(5)
LIGHT_TWO_HEADS = const(6)


class Quantity:
    """One row of the table: number, name, unit (UCUM), decimals, low and high (plausible, scaled), lwm2m, fiware."""

    def __init__(self, number: int) -> None:
        if not 0 <= number < len(QUANTITIES):
            raise MessageError(f"quantity {number} is not in the table; the newest known is {len(QUANTITIES) - 1}")
        self.number = number
        self.name, self.unit, self.decimals, self.low, self.high, self.lwm2m, self.fiware = QUANTITIES[number]

    def plausible(self, value: int) -> bool:
        """Whether the scaled *value* lies in the range that the sensors of this quantity can see."""
        return self.low <= value <= self.high


def quantity_named(name: str) -> Quantity:
    """The quantity called *name*, for settings and command lines. Raises MessageError for an unknown name."""
    for number, row in enumerate(QUANTITIES):
        if row[0] == name:
            return Quantity(number)
    raise MessageError(f"there is no quantity '{name}'; the table in protocol/quantities.py lists them")


def quantities_of(set_number: int) -> tuple[tuple[int, int], ...]:
    """The (quantity, instance) pairs of a set, in the order of its values. Raises MessageError for an unknown set."""
    if not 0 <= set_number < len(SETS):
        raise MessageError(
            f"set {set_number} is not known here; the newest known is {len(SETS) - 1}: update the gateway"
        )
    return SETS[set_number]
