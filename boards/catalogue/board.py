"""A board as its file in `boards/*.toml` describes it, as frozen values; each key's type and bounds.

`[node]` and what a role adds to it go to the board as /board.json, which `firmware/body/board.py` reads; the rest is
for whoever flashes and wires it. What no type can say about pins is `use.py`'s.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import reduce
from operator import getitem
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len

from boards.catalogue.pins import PACKAGES, Chip, Package

Role = Literal["parking", "air", "light", "bridge"]  # `protocol.settings.ROLES`
PackageName = Literal[  # `boards.catalogue.pins.PACKAGES`
    "ESP32-WROOM-32", "ESP32-WROVER", "ESP32-PICO-D4", "ESP32-S3FN8", "ESP32-S3FH4R2", "ESP32-S3R8"
]

Gpio = Annotated[int, Ge(0), Le(48)]
Uart = Annotated[int, Ge(0), Le(2)]
Address = Annotated[int, Ge(0), Le(127)]
Level = Annotated[int, Ge(0), Le(1)]
UsbNumber = Annotated[int, Ge(0), Le(0xFFFF)]
Text = Annotated[str, Len(1, 300)]
Magnetometer = Literal["mmc5983ma", "lis3mdl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usb:
    """How a board shows itself at the other end of its cable. native: by the microcontroller's own USB, no bridge."""

    vid: UsbNumber
    pid: UsbNumber
    what: Text
    native: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """The LoRa chip. tcxo: of an SX1262 the code of its voltage on DIO3 (DS 13.3.6), of an SX1276 whether it has one.

    wakes: dio0 and dio1 can end a sleep. max_dbm: the most that may be asked of the chip. gain_db: of an amplifier
    behind it.
    """

    chip: Literal["sx1262", "sx1276"]
    spi: Literal[1, 2]
    sck: Gpio
    miso: Gpio
    mosi: Gpio
    cs: Gpio
    reset: Gpio
    busy: Gpio | None = None
    dio0: Gpio | None = None
    dio1: Gpio | None = None
    wakes: bool = False
    rx_enable: Gpio | None = None
    tcxo: bool | Annotated[int, Ge(0), Le(7)] | None = None
    dio2_switch: bool = True
    dcdc: bool = True
    boost: bool = True
    boosted: bool = False
    max_dbm: Annotated[int, Ge(2), Le(22)] | None = None
    gain_db: Annotated[int, Ge(0), Le(30)] = 0
    antenna_dbi: Annotated[int, Ge(-10), Le(20)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class I2c:
    """The bus that all sensors with an address share."""

    scl: Gpio
    sda: Gpio
    id: Level = 0
    hz: Annotated[int, Ge(10_000), Le(400_000)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pmu:
    """A chip on I2C that switches the radio's supply and measures the battery: AXP192 or AXP2101."""

    chip: Literal["axp"]
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """The divider in front of an analogue input. control: a pin that connects it, whose level differs by version."""

    pin: Gpio
    ratio_permille: Annotated[int, Ge(1000), Le(20_000)]
    control: Gpio | None = None
    atten: Annotated[int, Ge(0), Le(3)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Led:
    """The light for people."""

    pin: Gpio
    lit: Level = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """A switch for the sensors' supply."""

    pin: Gpio
    on: Level = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """From how many ms on a deep sleep takes less than a light one."""

    light: bool = True
    deep_from_ms: Annotated[int, Ge(1_000), Le(3_600_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A magnetometer on I2C. int: the pin that it raises."""

    chip: Magnetometer
    address: Address | None = None
    int: Gpio | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnI2c:
    """Any other sensor on I2C."""

    chip: Literal["scd41", "bme280", "bh1750"]
    address: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Particles:
    """A PMS5003: *tx* is ours, and goes to its RX."""

    uart: Uart
    tx: Gpio
    rx: Gpio


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """An A02YYUW: *tx* is ours, and goes to its RX, which rests high: then it says its steadier values."""

    uart: Uart
    tx: Gpio
    rx: Gpio


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A BL0942: *tx* is ours, and goes to its RX."""

    uart: Uart
    tx: Gpio
    rx: Gpio
    address: Annotated[int, Ge(0), Le(3)] = 0
    volt_counts: Annotated[int, Ge(1)] | None = None
    ampere_counts: Annotated[int, Ge(1)] | None = None
    watt_counts: Annotated[int, Ge(1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    """What dims a lamp: PWM into a 0-10 V stage, or a DALI interface. relay: cuts its supply."""

    kind: Literal["pwm", "dali"]
    pin: Gpio
    relay: Gpio | None = None
    hz: Annotated[int, Ge(1), Le(40_000)] | None = None
    least_duty: Annotated[int, Ge(0), Le(0xFFFF)] | None = None
    most_duty: Annotated[int, Ge(0), Le(0xFFFF)] | None = None
    inverted: bool = False
    rx: Gpio | None = None
    address: Annotated[int, Ge(0), Le(63)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An input that is at *level* when there is something to tell."""

    pin: Gpio
    level: Level = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What hangs on a board's pins, by the names of /board.json."""

    radio: Radio | None = None
    i2c: I2c | None = None
    pmu: Pmu | None = None
    field0: Field | None = None
    field1: Field | None = None
    particles: Particles | None = None
    distance: Distance | None = None
    co2: OnI2c | None = None
    climate: OnI2c | None = None
    lux: OnI2c | None = None
    meter: Meter | None = None
    lamp0: Lamp | None = None
    lamp1: Lamp | None = None
    battery: Battery | None = None
    led: Led | None = None
    rail: Rail | None = None
    motion: Signal | None = None
    mains: Signal | None = None
    sleep: Sleep | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Parts that a technician may ask for: each replaces the role's part of that name, or joins.

    without: the role's parts that go. settings: what tells a node to make use of the parts, which asks for them, too.
    """

    roles: Annotated[tuple[Role, ...], Len(1)]
    what: Text
    what_fr: Text
    parts: Parts
    without: tuple[str, ...] = ()
    settings: Mapping[str, int | str] = field(default_factory=dict)


SECTIONS = (
    Usb,
    Radio,
    I2c,
    Pmu,
    Battery,
    Led,
    Rail,
    Sleep,
    Field,
    OnI2c,
    Particles,
    Distance,
    Meter,
    Lamp,
    Signal,
    Parts,
    Option,
)
"""All kinds of tables in a board's file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One board. id: its file's name; what follows `raw` are the keys of the file, as they stand there.

    image: which of MicroPython's builds it takes. headers: GPIOs that can be soldered to. on_board: what else hangs on
    the board's own pins. strapping: of the pins in use whose level at reset decides something, why that does no harm.
    roles: parts by role, wired as we propose. supply: what the print calls the sensors' supply. warnings: what to know
    before power comes on, in English and French.
    """

    id: str
    raw: Mapping[str, Any] = field(repr=False)
    name: Text
    maker: Text
    package: PackageName
    flash_mb: Literal[4, 8, 16]
    image: Literal[
        "ESP32_GENERIC", "ESP32_GENERIC-SPIRAM", "ESP32_GENERIC_S3", "ESP32_GENERIC_S3-SPIRAM_OCT", "LILYGO_T3_S3"
    ]
    usb: Annotated[tuple[Usb, ...], Len(1)]
    sources: Annotated[tuple[Text, ...], Len(1)]
    node: Parts
    headers: Annotated[tuple[Gpio, ...], Len(1)]
    on_board: Mapping[str, tuple[Gpio, ...]] = field(default_factory=dict)
    strapping: Mapping[str, Text] = field(default_factory=dict)
    roles: Mapping[Role, Parts] = field(default_factory=dict)
    options: Mapping[str, Option] = field(default_factory=dict)
    supply: Text = "3V3"
    warnings: tuple[Text, ...] = ()
    warnings_fr: tuple[Text, ...] = ()

    @property
    def silicon(self) -> Package:
        """The chip with its memories."""
        return PACKAGES[self.package]

    @property
    def chip(self) -> Chip:
        """The kind of microcontroller."""
        return PACKAGES[self.package].chip

    @property
    def radio(self) -> Radio:
        """Its radio; every board has one."""
        assert self.node.radio is not None
        return self.node.radio

    def joined(self, role: str, options: tuple[str, ...] = ()) -> dict[str, tuple[str, Any]]:
        """The parts of a board in a role with options, by name: where each stands in the file, and what it is.

        A section is such as `node`, `roles.air` or `options.dali.parts`. Raises KeyError for an option there is not.
        """
        layers = [("node", self.node)]
        layers += [(f"roles.{known}", parts) for known, parts in self.roles.items() if known == role]
        layers += [(f"options.{name}.parts", self.options[name].parts) for name in options]
        gone = [part for name in options for part in self.options[name].without]
        found: dict[str, tuple[str, Any]] = {}
        for section, parts in layers:
            for entry in fields(parts):
                part = getattr(parts, entry.name)
                if part is not None and not (entry.name in gone and section.startswith("roles.")):
                    found[entry.name] = section, part
        return found

    def table(self, role: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
        """What goes to the board as /board.json: its name and `joined` parts, as they stand there. Raises KeyError."""
        table: dict[str, Any] = {"name": self.name}
        for part, (section, _) in self.joined(role, options).items():
            table[part] = reduce(getitem, section.split("."), self.raw)[part]
        return table

    def options_for(self, role: str) -> tuple[str, ...]:
        """The names of the options that there are for a role."""
        return tuple(name for name, option in self.options.items() if role in option.roles)
