"""An image as MicroPython's are made, for a chip that only exists in simulation: right in form, its code noise.

Boot loader, table of partitions and program, as ESP-IDF's documentation has them ("App Image Format", "Partition
Tables"); MicroPython's `ports/esp32/makeimg.py` joins the same three.
"""

import hashlib
import random
import struct
from dataclasses import dataclass

from simulator.rom.silicon import KINDS

PARTITIONS_AT = 0x8000
PROGRAM_AT = 0x10000
_CHECKSUM = 0xEF
_SIZES = {2: 1, 4: 2, 8: 3, 16: 4}  # MB, as the header counts them


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What an image is to be. program_len: bytes of code, as hard to compress as real code (about 60 %)."""

    chip: str = "ESP32"
    version: str = "v1.27.0"
    project: str = "micropython"
    flash_mb: int = 4
    program_len: int = 100_000
    seed: int = 1


def make_image(recipe: Recipe) -> bytes:
    """The bytes of an image, from the boot loader's place on: 0x1000 on an ESP32, 0 on an S3."""
    begin = image_at(recipe.chip)
    dice = random.Random(recipe.seed)
    boot = program(recipe, [_code(dice, 16_000)])
    table = _table(recipe.flash_mb)
    code = _description(recipe) + _code(dice, recipe.program_len)
    main = program(recipe, [code, _code(dice, 5_000)])
    image = boot.ljust(PARTITIONS_AT - begin, b"\xff") + table
    return image.ljust(PROGRAM_AT - begin, b"\xff") + main


def image_at(chip: str) -> int:
    """Where in the flash an image begins."""
    return 0x1000 if chip == "ESP32" else 0


def program(recipe: Recipe, segments: list[bytes]) -> bytes:
    """A boot loader or program of these segments, with checksum and digest."""
    chip_id = KINDS[recipe.chip].chip_id or 0
    size = _SIZES[recipe.flash_mb] << 4
    made = struct.pack("<BBBBIB3xHBHH4xB", 0xE9, len(segments), 2, size, 0x4008_0000, 0xEE, chip_id, 0, 0, 0xFFFF, 1)
    checksum = _CHECKSUM
    for number, segment in enumerate(segments):
        content = segment.ljust(-(-len(segment) // 4) * 4, b"\0")
        made += struct.pack("<II", 0x3F40_0020 + (number << 16), len(content)) + content
        for byte in content:
            checksum ^= byte
    made = made.ljust(len(made) + 15 - len(made) % 16, b"\0") + bytes([checksum])
    return made + hashlib.sha256(made).digest()


def _table(flash_mb: int) -> bytes:
    """MicroPython's partitions-4MiBplus.csv: the file system is what the program leaves."""
    vfs_at = 0x20_0000
    rows = (
        (1, 2, 0x9000, 0x6000, b"nvs"),
        (1, 1, 0xF000, 0x1000, b"phy_init"),
        (0, 0, PROGRAM_AT, vfs_at - PROGRAM_AT, b"factory"),
        (1, 0x81, vfs_at, (flash_mb << 20) - vfs_at, b"vfs"),
    )
    table = b"".join(struct.pack("<HBBII16sI", 0x50AA, *row, 0) for row in rows)
    digest = hashlib.md5(table, usedforsecurity=False).digest()
    return (table + b"\xeb\xeb" + b"\xff" * 14 + digest).ljust(0xC00, b"\xff")


def _description(recipe: Recipe) -> bytes:
    texts = (recipe.version, recipe.project, "12:00:00", "Dec  9 2025", "v5.5.1")
    return struct.pack("<II8x32s32s16s16s32s32s80x", 0xABCD_5432, 0, *(text.encode() for text in texts), bytes(32))


def _code(dice: random.Random, length: int) -> bytes:
    """Noise of which every second word repeats one of a few, as code does."""
    common = [dice.randbytes(4) for _ in range(64)]
    words = [dice.choice(common) if dice.random() < 0.45 else dice.randbytes(4) for _ in range(-(-length // 4))]
    return b"".join(words)[:length]
