"""The real esptool, with its errors as causes: what chip is on a port, and an image onto its flash."""

from collections.abc import Callable
from dataclasses import dataclass

from boards.image import Image
from boards.pins import Chip

Progress = Callable[[int, int], None]  # so far, of how many; bytes

BAUD = 460_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a port's chip says of itself. name: with its revision. mac: six bytes, the base MAC, machine.unique_id()."""

    chip: Chip
    name: str
    mac: bytes
    flash_mb: int


def look(port: str, stub: bool = True) -> Found:
    """Ask the chip on a port what it is; it starts anew afterwards. Raises BoardError."""
    raise NotImplementedError


def write(
    port: str, image: Image, progress: Progress, *, erase: bool = False, baud: int = BAUD, stub: bool = True
) -> Found:
    """Write an image, compare what was written with MD5, and start it. Raises BoardError.

    erase: the whole flash first, files and NVS with it. Refuses a chip or a flash that the image does not fit, before
    a byte is written.
    """
    raise NotImplementedError
