"""Chips for a board's table: what `firmware/body/board.py` reads from /board.json, soldered as it says.

So the table is put to the test as well: a pin that it has wrong leads nowhere.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simulator.board.antenna import Antenna
from simulator.board.hardware import Hardware
from simulator.chips.a02yyuw import A02yyuw
from simulator.chips.analogue import BatteryAdc
from simulator.chips.axp import Axp2101
from simulator.chips.bh1750 import Bh1750
from simulator.chips.bl0942 import Bl0942
from simulator.chips.bme280 import Bme280
from simulator.chips.dali import DaliBus
from simulator.chips.lis3mdl import Lis3mdl
from simulator.chips.mmc5983ma import Mmc5983ma
from simulator.chips.pms5003 import Pms5003
from simulator.chips.scd41 import Scd41
from simulator.chips.sx1262 import CALM_COMMANDS, Sx1262
from simulator.chips.sx1276 import Sx1276
from simulator.chips.uart import UartLine

if TYPE_CHECKING:
    from simulator.chips.air import Air

Table = Mapping[str, Mapping[str, Any]]

_ADDRESSES = {"bme280": 0x76, "scd41": 0x62, "bh1750": 0x23, "lis3mdl": 0x1C, "mmc5983ma": 0x30, "axp": 0x34}
_CELL_MV = 3900


class Soldered:
    """The chips by the names of the table's parts, such as radio, climate, field0 and meter.

    A lamp's output is in `Hardware.pwm`, or a DaliBus under its name. Raises KeyError for a chip that is not modelled.
    """

    def __init__(self, hardware: Hardware, antenna: "Air", table: Table) -> None:
        self._hw = hardware
        self.chips: dict[str, Any] = {}
        if isinstance(antenna, Antenna):
            hardware.hears = antenna.hears
        for name, part in table.items():
            if name == "radio":
                self.chips[name] = self._radio(part, antenna)
            elif part and "chip" in part:
                self.chips[name] = self._on_i2c(part, table["i2c"].get("id", 0))
            elif name == "particles":
                self.chips[name] = Pms5003(hardware.clock, self._line(part, 9600))
            elif name == "distance":
                self.chips[name] = A02yyuw(hardware.clock, self._line(part, 9600))
            elif name == "meter":
                self.chips[name] = Bl0942(hardware.clock, self._line(part, 4800), part.get("address", 0))
            elif name == "battery":
                self.chips[name] = self._battery(part)
            elif name.startswith("lamp") and part["kind"] == "dali":
                bus = self.chips[name] = DaliBus(hardware.clock, hardware.pin(part["rx"]), bool(part.get("inverted")))
                hardware.rmt[part["pin"]] = bus

    def _radio(self, part: Mapping[str, Any], antenna: "Air") -> Sx1262 | Sx1276:
        clock, pin = self._hw.clock, self._hw.pin
        cs, reset = pin(part["cs"]), pin(part["reset"])
        cs.value(1)  # what pull-ups do as long as the firmware does not drive them
        reset.value(1)
        dio1 = pin(part["dio1"]) if "dio1" in part else None
        chip: Sx1262 | Sx1276
        if part["chip"] == "sx1276":
            boost, tcxo = bool(part.get("boost", True)), bool(part.get("tcxo"))
            chip = Sx1276(clock, antenna, reset, pin(part["dio0"]), dio1, boost, tcxo)
        else:
            assert dio1 is not None
            tcxo_mv = 1800 if "tcxo" in part else 0
            chip = Sx1262(clock, antenna, reset, pin(part["busy"]), dio1, tcxo_mv)
            self._hw.calm.append((part["busy"], part["cs"], part["spi"], list(CALM_COMMANDS)))
        self._hw.spi_bus(part["spi"]).attach(cs, chip)
        return chip

    def _on_i2c(self, part: Mapping[str, Any], bus: int) -> Any:
        clock, kind = self._hw.clock, part["chip"]
        chip: Any
        if kind == "axp":
            chip = Axp2101(_CELL_MV)
        elif kind == "lis3mdl":
            chip = Lis3mdl(clock, self._hw.pin(part["int"]) if "int" in part else None)
        else:
            chip = {"bme280": Bme280, "scd41": Scd41, "bh1750": Bh1750, "mmc5983ma": Mmc5983ma}[kind](clock)
        self._hw.i2c_bus(bus).attach(part.get("address", _ADDRESSES[kind]), chip)
        return chip

    def _line(self, part: Mapping[str, Any], baud: int) -> UartLine:
        line = self._hw.uart[part["uart"]] = UartLine(self._hw.clock, baud)
        return line

    def _battery(self, part: Mapping[str, Any]) -> BatteryAdc:
        control = self._hw.pin(part["control"]) if "control" in part else None
        adc = BatteryAdc(part["ratio_permille"], control, 0, _CELL_MV)
        self._hw.adc[part["pin"]] = adc
        return adc
