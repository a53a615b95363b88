"""What can hang on a board, and which of its terminals goes where: for whoever holds the soldering iron."""

from dataclasses import dataclass

SUPPLY, FIVE_VOLTS, GROUND = "supply", "5V", "GND"
ADDRESS_PIN = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A sensor, an actuator or an interface. terminals: its own name for each, and where that goes.

    Where: `scl` and `sda` of the bus, another key of its part, a supply, or ADDRESS_PIN. note: what else to know.
    """

    what: str
    what_fr: str
    terminals: tuple[tuple[str, str], ...]
    note: str = ""
    note_fr: str = ""


_I2C = (("VCC", SUPPLY), ("GND", GROUND), ("SCL", "scl"), ("SDA", "sda"))
_SERIAL = (("GND", GROUND), ("RX", "tx"), ("TX", "rx"))
_FIELD = (*_I2C, ("INT", "int"))

DEVICES = {
    "mmc5983ma": Device(what="magnetometer MMC5983MA", what_fr="magnétomètre MMC5983MA", terminals=_FIELD),
    "lis3mdl": Device(
        what="magnetometer LIS3MDL", what_fr="magnétomètre LIS3MDL", terminals=(*_FIELD, ("SDO/SA1", ADDRESS_PIN))
    ),
    "bme280": Device(
        what="weather BME280",
        what_fr="météo BME280",
        terminals=(*_I2C, ("SDO", ADDRESS_PIN)),
    ),
    "scd41": Device(
        what="CO₂ SCD41",
        what_fr="CO₂ SCD41",
        terminals=_I2C,
        note="Takes 200 mA for moments: 3.3 V with 10 µF beside it.",
        note_fr="Prend 200 mA par instants : 3,3 V avec 10 µF à côté.",
    ),
    "bh1750": Device(
        what="daylight BH1750", what_fr="lumière du jour BH1750", terminals=(*_I2C, ("ADDR", ADDRESS_PIN))
    ),
    "particles": Device(
        what="particles PMS5003",
        what_fr="particules PMS5003",
        terminals=(("1 VCC", FIVE_VOLTS), ("2 GND", GROUND), ("4 RX", "tx"), ("5 TX", "rx")),
        note="Its supply is 5 V, its lines 3.3 V. SET and RESET stay free.",
        note_fr="Alimentation 5 V, lignes 3,3 V. SET et RESET restent libres.",
    ),
    "distance": Device(
        what="distance A02YYUW (SEN0311)",
        what_fr="distance A02YYUW (SEN0311)",
        terminals=(("1 VCC", SUPPLY), ("2 GND", GROUND), ("3 RX", "tx"), ("4 TX", "rx")),
        note="Above the bay, looking straight down: the ground within 4.5 m, nothing else in its beam. It takes "
        "8 mA all the time: for a node on mains or a panel.",
        note_fr="Au-dessus de la place, visant le sol à la verticale, à 4,5 m au plus, rien d'autre dans le faisceau. "
        "Il prend 8 mA en permanence : pour un nœud sur secteur ou panneau solaire.",
    ),
    "meter": Device(
        what="meter BL0942",
        what_fr="compteur BL0942",
        terminals=(("VCC", SUPPLY), *_SERIAL),
        note="Its ground is the mains' neutral or live wire: only with an isolated module, and never on the bench.",
        note_fr="Sa masse est le neutre ou la phase du secteur : module isolé seulement, et jamais sur l'établi.",
    ),
    "pwm": Device(
        what="0-10 V stage of the lamp",
        what_fr="étage 0-10 V du luminaire",
        terminals=(("PWM", "pin"), ("GND", GROUND), ("relay", "relay")),
        note="The relay feeds the lamp while its pin is high; choose one that is closed without power.",
        note_fr="Le relais alimente le luminaire tant que sa broche est haute ; prenez-le fermé hors tension.",
    ),
    "dali": Device(
        what="DALI interface of the lamp",
        what_fr="interface DALI du luminaire",
        terminals=(("TX", "pin"), ("RX", "rx"), ("GND", GROUND), ("relay", "relay")),
        note="Isolated, with the bus's own 16 V supply.",
        note_fr="Isolée, avec l'alimentation 16 V propre au bus.",
    ),
    "motion": Device(
        what="motion detector",
        what_fr="détecteur de présence",
        terminals=(("VCC", SUPPLY), ("GND", GROUND), ("OUT", "pin")),
    ),
    "mains": Device(
        what="detector of the supply",
        what_fr="détecteur d'alimentation",
        terminals=(("GND", GROUND), ("OUT", "pin")),
        note="An optocoupler. The node needs a capacitor that carries it through its last message.",
        note_fr="Un optocoupleur. Le nœud a besoin d'un condensateur qui le porte le temps du dernier message.",
    ),
    "battery": Device(
        what="battery, divider 1:1",
        what_fr="batterie, diviseur 1:1",
        terminals=(("middle", "pin"), ("GND", GROUND)),
    ),
}

# Which address a chip has with its address pin low; one more, or in a BH1750's case another, with it high.
LOW_ADDRESSES = {"lis3mdl": 0x1C, "bme280": 0x76, "bh1750": 0x23}
