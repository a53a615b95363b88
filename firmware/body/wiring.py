"""Makes drivers of the board's table: the one place that knows which class belongs to which chip. Loaded for the start.

Buses begin where they are needed first; what the node does without stays on the flash. Each address has a name of its
own: `boards/firmware/lean.py` puts constants in place, one value for each name of a module.
"""

from protocol.compat import const
from protocol.errors import SettingsError
from protocol.quantities import (
    CO2,
    CURRENT,
    DISTANCE,
    ENERGY,
    PM1,
    PM2_5,
    PM10,
    POWER,
    PRESSURE,
    RELATIVE_HUMIDITY,
    TEMPERATURE,
    VOLTAGE,
)

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Any

    from ..drivers.radio import Radio
    from .board import Board, Part
    from .hardware import Hardware
    from .lamps import Gear
    from .senses import Sensor

_SPI_HZ = const(8_000_000)
_I2C_HZ = const(100_000)  # what an SCD41 takes
_PWM_HZ = const(1_000)
_RMT_DIVIDER = const(80)  # 1 MHz
_HEADS = const(2)

# What a sensor costs: ms that one reading may take, all retries included.
_PARTICLES_MS = const(1_100)
_CO2_MS = const(20)
_CLIMATE_MS = const(30)
_METER_MS = const(250)
_DISTANCE_MS = const(720)


class Wiring:
    """cold: the power was away or the chips are to begin anew; not after deep sleep, through which they went on."""

    def __init__(self, hardware: "Hardware", board: "Board", cold: bool) -> None:
        self._hw = hardware
        self._board = board
        self._cold = cold
        self._i2c: "Any" = None
        self._battery: "Any" = None
        self.held: "list[Any]" = []  # pins that a deep sleep must not let go

    def output(self, number: int, level: int) -> "Any":
        """A pin that drives *level*, also if a deep sleep has held it."""
        pin = self._hw.machine.Pin
        return pin(number, pin.OUT, value=level, hold=False)

    def input(self, number: int) -> "Any":
        """A pin that listens."""
        pin = self._hw.machine.Pin
        return pin(number, pin.IN)

    def switch_rail(self) -> None:
        """Give the sensors their power, on boards that have a switch for it."""
        rail = self._board.part("rail")
        if rail is not None:
            self.held.append(self.output(rail["pin"], rail.get("on", 1)))

    def radio(self) -> "Radio":
        """The radio's driver; it has not spoken to its chip yet. Raises SettingsError when the table has none."""
        pmu = self._pmu()
        if pmu is not None:
            pmu.start()  # when it fails, the radio's own check says so
        part = self._board.part("radio")
        if part is None:
            raise SettingsError("board.json has no radio, and this node is not wired: write link cable, or a radio")
        machine = self._hw.machine
        spi = machine.SPI(
            part["spi"],
            baudrate=_SPI_HZ,
            polarity=0,
            phase=0,
            sck=machine.Pin(part["sck"]),
            mosi=machine.Pin(part["mosi"]),
            miso=machine.Pin(part["miso"]),
        )
        cs, reset = self.output(part["cs"], 1), self.output(part["reset"], 1)
        self.held += [cs, reset]  # a falling edge wakes the chip, or makes it forget
        dio1 = self.input(part["dio1"]) if "dio1" in part else None
        if part["chip"] == "sx1276":
            from ..drivers.sx1276 import Sx1276

            tcxo, boost = bool(part.get("tcxo", False)), bool(part.get("boost", True))
            max_dbm, boosted = part.get("max_dbm", 20), bool(part.get("boosted", True))
            dio0 = self.input(part["dio0"])
            return Sx1276(spi, cs, reset, dio0, self._hw.time, dio1, tcxo, boost, max_dbm, boosted)
        from ..drivers.sx1262 import Sx1262

        if dio1 is None or "busy" not in part:
            raise SettingsError("board.json: radio sx1262 has no busy or no dio1; flash the node again")
        return Sx1262(
            spi,
            cs,
            reset,
            self.input(part["busy"]),
            dio1,
            self._hw.time,
            part.get("tcxo"),
            dio2_switch=bool(part.get("dio2_switch", True)),
            rx_enable=self.output(part["rx_enable"], 0) if "rx_enable" in part else None,
            dcdc=bool(part.get("dcdc", True)),
            max_dbm=part.get("max_dbm", 22),
            gain_db=part.get("gain_db", 0),
            boosted=bool(part.get("boosted", False)),
        )

    def radio_pins(self) -> "list[Any]":
        """The pins that rise when the radio has something to say and that end a sleep; [] where they cannot."""
        part = self._board.part("radio")
        if part is None or not part.get("wakes"):
            return []
        return [self.input(part[name]) for name in ("dio0", "dio1") if name in part]

    # Sensors.

    def sensors(self) -> "list[Sensor]":
        """All that measure quantities but the battery's, the best of each quantity first."""
        found: "list[Sensor]" = []
        time = self._hw.time
        climate = None
        part = self._board.part("climate")
        if part is not None:
            from ..drivers.bme280 import ADDRESS as BME280_AT
            from ..drivers.bme280 import Bme280
            from .adapters import Climate

            climate = Climate(Bme280(self._bus(), time, part.get("address", BME280_AT)))
            found.append(("climate", (TEMPERATURE, RELATIVE_HUMIDITY, PRESSURE), climate.read, _CLIMATE_MS))
        part = self._board.part("co2")
        if part is not None:
            from ..drivers.scd41 import ADDRESS as SCD41_AT
            from ..drivers.scd41 import Scd41

            carbon = Scd41(self._bus(), time, part.get("address", SCD41_AT))
            if self._cold:
                carbon.start()
            if climate is not None:
                climate.carbon = carbon
            found.append(("co2", (CO2, TEMPERATURE, RELATIVE_HUMIDITY), carbon.read, _CO2_MS))
        part = self._board.part("meter")
        if part is not None:
            from ..drivers.bl0942 import AMPERE_COUNTS, VOLT_COUNTS, WATT_COUNTS, Bl0942

            meter = Bl0942(
                self._uart(part, 4800),
                time,
                part.get("address", 0),
                part.get("volt_counts", VOLT_COUNTS),
                part.get("ampere_counts", AMPERE_COUNTS),
                part.get("watt_counts", WATT_COUNTS),
            )
            found.append(("meter", (VOLTAGE, CURRENT, POWER, ENERGY), meter.read, _METER_MS))
        part = self._board.part("distance")
        if part is not None:
            from ..drivers.a02yyuw import A02yyuw

            found.append(("distance", (DISTANCE,), A02yyuw(self._uart(part, 9600), time).read, _DISTANCE_MS))
        return found

    def particles(self) -> "Any":
        """The particle sensor, or None."""
        part = self._board.part("particles")
        if part is None:
            return None
        from ..drivers.pms5003 import Pms5003

        sensor = Pms5003(self._uart(part, 9600), self._hw.time)
        if self._cold:
            sensor.sleep()
        return sensor

    def sensor_of(self, particles: "Any") -> "Sensor":
        """The particle sensor as one of `sensors`."""
        return "particles", (PM1, PM2_5, PM10), particles.read, _PARTICLES_MS

    def fields(self) -> "list[Any]":
        """The magnetometers of bay 0 and 1, each with the pin that it raises or None."""
        found = []
        for bay in range(_HEADS):
            part = self._board.part("field%d" % bay)
            if part is None:
                continue
            pin = self.input(part["int"]) if "int" in part else None
            found.append((self._magnetometer(part), pin))
        return found

    def battery(self) -> "Any":
        """The battery's divider, or what else measures it, or None."""
        if self._battery is None:
            self._battery = self._pmu()
        part = self._board.part("battery")
        if part is None or self._battery is not None:
            return self._battery
        from ..drivers.battery import Battery

        machine = self._hw.machine
        adc = machine.ADC(machine.Pin(part["pin"]), atten=part.get("atten", machine.ADC.ATTN_2_5DB))
        control = self.output(part["control"], 0) if "control" in part else None
        self._battery = Battery(adc, self._hw.time, part["ratio_permille"], control)
        return self._battery

    def photocell(self) -> "Any":
        """What measures daylight, or None."""
        part = self._board.part("lux")
        if part is None:
            return None
        from ..drivers.bh1750 import ADDRESS as BH1750_AT
        from ..drivers.bh1750 import Bh1750

        return Bh1750(self._bus(), self._hw.time, part.get("address", BH1750_AT))

    # Lamps and lights.

    def gears(self) -> "list[Gear]":
        """The control gear of each lamp head: what sets it, 0..254, and what asks how it is, or None."""
        found: "list[Gear]" = []
        for head in range(_HEADS):
            part = self._board.part("lamp%d" % head)
            if part is not None:
                found.append(self._dali(part) if part["kind"] == "dali" else self._dimmer(part))
        return found

    def alarm(self, name: str) -> "tuple[Any, int] | None":
        """The pin `motion` or `mains`, and the level that says so."""
        part = self._board.part(name)
        return None if part is None else (self.input(part["pin"]), part.get("level", 1))

    def led(self) -> "tuple[Any, int] | None":
        """The light for people, dark, and the level at which it is lit."""
        part = self._board.part("led")
        if part is None:
            return None
        lit = part.get("lit", 1)
        return self.output(part["pin"], 1 - lit), lit

    def _pmu(self) -> "Any":
        """What switches the radio's supply, or None."""
        part = self._board.part("pmu")
        if part is None:
            return None
        from ..drivers.axp import ADDRESS as AXP_AT
        from ..drivers.axp import Axp

        return Axp(self._bus(), self._hw.time, part.get("address", AXP_AT))

    def _bus(self) -> "Any":
        if self._i2c is None:
            part = self._board.part("i2c")
            if part is None:
                raise SettingsError("board.json has a sensor on I2C and no part i2c; flash the node again")
            pin = self._hw.machine.Pin
            self._i2c = self._hw.machine.I2C(
                part.get("id", 0), scl=pin(part["scl"]), sda=pin(part["sda"]), freq=part.get("hz", _I2C_HZ)
            )
        return self._i2c

    def _uart(self, part: "Part", baud: int) -> "Any":
        pin = self._hw.machine.Pin
        return self._hw.machine.UART(part["uart"], baudrate=baud, tx=pin(part["tx"]), rx=pin(part["rx"]))

    def _magnetometer(self, part: "Part") -> "Any":
        if part["chip"] == "lis3mdl":
            from ..drivers.lis3mdl import ADDRESS as LIS3MDL_AT
            from ..drivers.lis3mdl import Lis3mdl

            return Lis3mdl(self._bus(), self._hw.time, part.get("address", LIS3MDL_AT))
        from ..drivers.mmc5983ma import ADDRESS as MMC5983MA_AT
        from ..drivers.mmc5983ma import Mmc5983ma

        return Mmc5983ma(self._bus(), self._hw.time, part.get("address", MMC5983MA_AT))

    def _dimmer(self, part: "Part") -> "Gear":
        from ..drivers.dimmer import Dimmer

        machine = self._hw.machine
        # Kept running in light sleep: a lamp does not blink when its node does.
        pwm = machine.PWM(machine.Pin(part["pin"]), freq=part.get("hz", _PWM_HZ), duty_u16=0, lightsleep=True)
        relay = self.output(part["relay"], 1) if "relay" in part else None
        least, most = part.get("least_duty", 6_554), part.get("most_duty", 65_535)
        return Dimmer(pwm, relay, least, most, bool(part.get("inverted", False))).set, None

    def _dali(self, part: "Part") -> "Gear":
        from ..drivers.dali import BROADCAST, Dali, short
        from .adapters import DaliGear

        if "rx" not in part:
            raise SettingsError("board.json: a lamp of kind dali has no rx; flash the node again")
        if "relay" in part:
            self.output(
                part["relay"], 1
            )  # for good: a gear without mains neither answers nor hears that it is to light
        machine = self._hw.machine
        inverted = bool(part.get("inverted", False))
        pin = machine.Pin(part["pin"])
        rmt = self._hw.esp32.RMT(0, pin=pin, clock_div=_RMT_DIVIDER, idle_level=not inverted)
        dali = Dali(rmt, self.input(part["rx"]), self._hw.time, inverted)
        gear = DaliGear(dali, short(part["address"]) if "address" in part else BROADCAST)
        return gear.set, gear.status
