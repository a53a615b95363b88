"""The registers of an ESP32 and an ESP32-S3 that esptool looks at: eFuses, the UART's clock, the flash's SPI.

Addresses are those of the Technical Reference Manuals: ESP32 v5.6 (eFuse 20.5, SPI 7.8, UART 13.5), ESP32-S3 v1.7
(eFuse 5.6, SPI1 30.8).
"""

import struct
from dataclasses import dataclass

from simulator.rom.flash import Flash

CRYSTAL_HZ = 40_000_000
_USER_COMMAND = 1 << 18  # SPI_CMD_REG: SPI_USR
_READ_ID, _READ_SFDP = 0x9F, 0x5A
_SFDP = int.from_bytes(b"SFDP", "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Where a chip's registers are. chip_id: in its security information; None: the ROM has no such command."""

    name: str
    chip_id: int | None
    magic: int  # at 0x40001000, in the ROM
    spi: int
    spi_user2: int  # offsets: the command's bits,
    spi_w0: int  # and where its answer stands
    uart_clock: int
    ram: tuple[tuple[int, int], ...]  # what a program may be loaded into


ESP32 = Kind(
    name="ESP32",
    chip_id=None,
    magic=0x00F0_1D83,
    spi=0x3FF4_2000,
    spi_user2=0x24,
    spi_w0=0x80,
    uart_clock=0x3FF4_0014,
    ram=((0x3FFA_E000, 0x4000_0000), (0x4008_0000, 0x400C_0000)),
)
ESP32_S3 = Kind(
    name="ESP32-S3",
    chip_id=9,
    magic=9,
    spi=0x6000_2000,
    spi_user2=0x20,
    spi_w0=0x58,
    uart_clock=0x6000_0014,
    ram=((0x3FC8_8000, 0x3FD0_0000), (0x4037_0000, 0x403E_0000)),
)
KINDS = {kind.name: kind for kind in (ESP32, ESP32_S3)}

_MAGIC_AT = 0x4000_1000
_CALIBRATION = 1024  # of the slow clock: with an eFuse of 100, 40 MHz


class Silicon:
    """The registers of one chip, with its six-byte MAC in the eFuses and its flash on SPI1."""

    def __init__(self, kind: Kind, mac: bytes, flash: Flash) -> None:
        self.kind = kind
        self._flash = flash
        self._values = {_MAGIC_AT: kind.magic, **(_fuses_esp32(mac) if kind is ESP32 else _fuses_s3(mac))}

    def set_baud(self, baud: int) -> None:
        """What the UART's divider says of a speed."""
        self._values[self.kind.uart_clock] = round(CRYSTAL_HZ / baud)

    def read(self, address: int) -> int:
        """A register; those that are not modelled are 0."""
        return self._values.get(address, 0)

    def write(self, address: int, value: int, mask: int = 0xFFFF_FFFF) -> None:
        """Change the masked bits of a register; the SPI's command register does what it is told."""
        value = self.read(address) & ~mask | value & mask
        if address == self.kind.spi and value & _USER_COMMAND:
            self._values[self.kind.spi + self.kind.spi_w0] = self._ask_flash()
            value &= ~_USER_COMMAND
        self._values[address] = value

    def _ask_flash(self) -> int:
        command = self.read(self.kind.spi + self.kind.spi_user2) & 0xFF
        return {_READ_ID: self._flash.jedec_id, _READ_SFDP: _SFDP}.get(command, 0)


def _fuses_esp32(mac: bytes) -> dict[int, int]:
    """An ESP32-D0WD-V3, revision 3.1."""
    high, low = struct.unpack(">HI", mac)
    base = 0x3FF5_A000
    return {
        base + 0x04: low,
        base + 0x08: high,
        base + 0x0C: 1 << 15 | 1 << 9,
        base + 0x10: 100,
        base + 0x14: 1 << 24 | 1 << 20,
        0x3FF6_607C: 1 << 31,
        0x3FF5_F06C: _CALIBRATION << 7,
    }


def _fuses_s3(mac: bytes) -> dict[int, int]:
    """An ESP32-S3 (QFN56), revision 0.2, flash outside."""
    high, low = struct.unpack(">HI", mac)
    block1 = 0x6000_7044
    return {block1: low, block1 + 4: high, block1 + 12: 2 << 18}
