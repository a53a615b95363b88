"""A node's label: the LoRaWAN QR code (TR005 v1.0.0, LoRa Alliance) and its DevEUI, on paper and in the terminal."""

import io
import re
from pathlib import Path

from boards import kept

# Vendor and profile numbers are the LoRa Alliance's; a device that is not certified has none.
_NO_PROFILE = "00000000"
_SCALE = 12  # pixels a module: 20 mm at 600 dpi
_SERIAL = re.compile(r"[0-9A-Za-z-]{1,32}")  # what needs no bytes mode; any other name is left out
_CRC_INIT = 0xFFFF
_CRC_POLY = 0xA001


def text_of(dev_eui: bytes, join_eui: bytes, serial_number: str = "") -> str:
    """What the code says: `LW:D0:JoinEUI:DevEUI:ProfileID[:Sserial]:Cchecksum`, upper case (TR005 §2). No keys."""
    parts = ["LW", "D0", join_eui.hex(), dev_eui.hex(), _NO_PROFILE]
    if _SERIAL.fullmatch(serial_number):
        parts.append(f"S{serial_number}")
    body = ":".join(parts).upper()
    return f"{body}:C{crc16(body.encode()):04X}"


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS, which is TR005's checksum: of its example with PFOOBAR it is AF2C, as printed there."""
    crc = _CRC_INIT
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLY if crc & 1 else 0)
    return crc


def picture(dev_eui: bytes, join_eui: bytes, serial_number: str = "") -> bytes:
    """The code as PNG."""
    import segno

    out = io.BytesIO()
    made = segno.make(text_of(dev_eui, join_eui, serial_number), error="m", micro=False)
    made.save(out, kind="png", scale=_SCALE, border=4)
    return out.getvalue()


def in_terminal(dev_eui: bytes, join_eui: bytes, serial_number: str = "") -> str:
    """The code in half blocks, and the DevEUI below it as people read it."""
    import segno

    out = io.StringIO()
    made = segno.make(text_of(dev_eui, join_eui, serial_number), error="m", micro=False)
    made.terminal(out, compact=True, border=2)
    return f"{out.getvalue()}{grouped(dev_eui)}"


def grouped(dev_eui: bytes) -> str:
    """A DevEUI in groups of four digits, as on a label."""
    text = dev_eui.hex().upper()
    return " ".join(text[at : at + 4] for at in range(0, 16, 4))


def write(folder: Path, dev_eui: bytes, join_eui: bytes, serial_number: str = "") -> Path:
    """Put the picture into a folder, under the DevEUI; returns its path. Raises OSError."""
    path = folder / f"{dev_eui.hex()}.png"
    kept.write(path, picture(dev_eui, join_eui, serial_number))
    return path
