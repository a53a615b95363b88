"""What each pin of an ESP32 and an ESP32-S3 can do, and which of them a module's own flash has taken.

Sources: ESP32 Series Datasheet v4.9 (2.2 pins, 3.3 strapping, 4.1.2 ADC), ESP32-S3 Series Datasheet v2.0 (2.3, 3), and
the ESP-IDF Programming Guide, GPIO & RTC GPIO, for both chips.
"""

from dataclasses import dataclass, field

SPI_BUSES = (1, 2)  # HSPI and VSPI; SPI2 and SPI3 of an S3: MicroPython counts them alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A kind of microcontroller and its GPIOs, each by number.

    image_id: the chip's number in image headers and in the ROM's security information. image_at: where MicroPython's
    image begins in the flash. strapping: pins whose level at reset decides something, and what. rtc: those that can end
    a deep sleep. adc1: analogue inputs that Wi-Fi does not take. console: UART0. usb: native USB.
    """

    name: str
    image_id: int
    image_at: int
    gpios: frozenset[int]
    strapping: dict[int, str]
    rtc: frozenset[int]
    adc1: frozenset[int]
    console: frozenset[int]
    input_only: frozenset[int] = frozenset()
    usb: frozenset[int] = frozenset()


ESP32 = Chip(
    name="ESP32",
    image_id=0,
    image_at=0x1000,
    gpios=frozenset([*range(20), 21, 22, 23, 25, 26, 27, *range(32, 40)]),
    strapping={
        0: "low at reset: waits for a flashing tool instead of starting",
        2: "high at reset: cannot be flashed while GPIO0 is low",
        5: "timing of an SDIO slave, which nothing here uses",
        12: "high at reset: gives the flash 1.8 V, and the board does not start",
        15: "low at reset: no messages of the ROM on the console",
    },
    rtc=frozenset([0, 2, 4, 12, 13, 14, 15, 25, 26, 27, *range(32, 40)]),
    adc1=frozenset(range(32, 40)),
    console=frozenset([1, 3]),
    input_only=frozenset(range(34, 40)),
)
ESP32_S3 = Chip(
    name="ESP32-S3",
    image_id=9,
    image_at=0,
    gpios=frozenset([*range(22), *range(26, 49)]),
    strapping={
        0: "low at reset: waits for a flashing tool instead of starting",
        3: "where JTAG goes, and only if an eFuse asks for it",
        45: "high at reset: gives the flash 1.8 V, and the board does not start",
        46: "high at reset: cannot be flashed while GPIO0 is low",
    },
    rtc=frozenset(range(22)),
    adc1=frozenset(range(1, 11)),
    console=frozenset([43, 44]),
    usb=frozenset([19, 20]),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A chip as it is sold: with which memories inside or beside it, and the GPIOs they take."""

    name: str
    chip: Chip
    memory: frozenset[int] = field(repr=False)
    psram_mb: int = 0


PACKAGES = {
    package.name: package
    for package in (
        Package(name="ESP32-WROOM-32", chip=ESP32, memory=frozenset(range(6, 12))),
        Package(name="ESP32-WROVER", chip=ESP32, memory=frozenset([*range(6, 12), 16, 17]), psram_mb=8),
        Package(name="ESP32-PICO-D4", chip=ESP32, memory=frozenset([6, 7, 8, 11, 16, 17])),
        Package(name="ESP32-S3FN8", chip=ESP32_S3, memory=frozenset(range(27, 33))),
        Package(name="ESP32-S3FH4R2", chip=ESP32_S3, memory=frozenset(range(26, 33)), psram_mb=2),
        Package(name="ESP32-S3R8", chip=ESP32_S3, memory=frozenset(range(26, 38)), psram_mb=8),
    )
}
