"""Every quantity a node can report, said once: name, unit, decimals, range, and its names elsewhere.

Values travel as integers: the reading times 10^decimals. A node needs no more of this than the ranges of its own
sensors, at its start: it lets the table go again (`firmware/demand.py`).
"""

from .errors import MessageError
from .quantities import SET_COUNT, quantities_of

# name, unit (UCUM), decimals, plausible from, plausible to (both scaled), LwM2M object/resource (OMA registry;
# 34xx are uCIFI's), FIWARE Smart Data Models attribute; "-" where the other model has none. Lines of text, because
# MicroPython keeps each short string of a program for ever, also when the module is gone.
_ROWS = (
    "occupied          1     0    0          1 3431/1    ParkingSpot.status",
    "state_duration    min   0    0     525600 3431/2    -",  # since the bay last changed
    "field_deviation   uT    1    0      20000 -         -",  # of the magnetic field from the empty bay's
    "distance          cm    0    2       1200 3330/5700 -",
    "battery_voltage   V     2    0       6000 3316/5700 Device.batteryLevel",
    "temperature       Cel   1 -400        850 3303/5700 AirQualityObserved.temperature",
    "relative_humidity %     0    0        100 3304/5700 AirQualityObserved.relativeHumidity",
    "pressure          hPa   1 3000      11000 3315/5700 AirQualityObserved.pressure",
    "pm1               ug/m3 1    0      10000 3428/5    AirQualityObserved.pm1",
    "pm2_5             ug/m3 1    0      10000 3428/3    AirQualityObserved.pm25",
    "pm4               ug/m3 1    0      10000 -         AirQualityObserved.pm4",
    "pm10              ug/m3 1    0      10000 3428/1    AirQualityObserved.pm10",
    "co2               [ppm] 0  250      40000 3325/5700 AirQualityObserved.co2",
    "no2               ug/m3 1    0      20000 -         AirQualityObserved.no2",
    "o3                ug/m3 1    0      20000 -         AirQualityObserved.o3",
    "so2               ug/m3 1    0      20000 -         AirQualityObserved.so2",
    "co                mg/m3 1    0       1000 -         AirQualityObserved.co",
    "voc_index         1     0    1        500 -         -",
    "nox_index         1     0    1        500 -         -",
    "sound_level       dB(A) 1  200       1400 3324/5700 -",
    "illuminance       lx    0    0     200000 3301/5700 -",
    "level             %     0    0        100 3416/3    Streetlight.illuminanceLevel",
    "power             W     1    0      20000 3416/46   Streetlight.powerConsumption",
    "voltage           V     1    0       3000 3316/5700 Streetlight.voltage",
    "current           mA    0    0      20000 3317/5700 Streetlight.current",
    "energy            W.h   0    0 1000000000 3416/47   Streetlight.lifetimePowerConsumption",
    "power_factor      1     2 -100        100 3329/5700 Streetlight.powerFactor",
    "lamp_status       1     0    0        255 3416/5    Streetlight.status",  # bits, see LAMP_* below
    "operating_hours   h     0    0    1000000 3416/15   -",
    "switch_count      1     0    0  100000000 3416/18   -",
    "motion_count      1     0    0  100000000 -         Streetlight.lifetimeMotionDetected",
    "programme_version 1     0   -1      65535 3416/13   -",  # of the stored programme, -1 for none
)


def _row(text: str) -> tuple[str, str, int, int, int, str, str]:
    name, unit, decimals, low, high, lwm2m, fiware = ["" if word == "-" else word for word in text.split()]
    return name, unit, int(decimals), int(low), int(high), lwm2m, fiware


QUANTITIES = tuple([_row(text) for text in _ROWS])
SETS = tuple([quantities_of(number) for number in range(SET_COUNT)])


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


def ranges_of(set_number: int) -> tuple[tuple[int, int], ...]:
    """Plausible from and to, scaled, of each value of a set. Raises MessageError for an unknown set."""
    rows = [_row(_ROWS[number]) for number, _ in quantities_of(set_number)]  # a node does without all the others
    return tuple([row[3:5] for row in rows])
