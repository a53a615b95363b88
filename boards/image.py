"""MicroPython's image for a board: found, fetched, and believed only when every digest in it is right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from boards.pins import Chip

Progress = Callable[[int, int], None]  # so far, of how many; bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that has been checked. version: MicroPython's, such as (1, 27, 0). flash_mb: what its header asks for.

    sha256: of the whole file.
    """

    path: Path
    chip: Chip
    version: tuple[int, int, int]
    flash_mb: int
    sha256: str
    data: bytes = field(repr=False)


def read_image(path: Path) -> Image:
    """Read and check an image. Raises BoardError: IMAGE_ABSENT, IMAGE_UNREADABLE, IMAGE_OLD."""
    raise NotImplementedError


def check_fits(image: Image, chip: Chip, flash_mb: int) -> None:
    """Whether a chip takes this image. Raises BoardError: IMAGE_OTHER_CHIP, IMAGE_LARGE."""
    raise NotImplementedError


def cached(build: str, folder: Path) -> Path | None:
    """The newest image of one of MicroPython's builds that is in the cache, or None."""
    raise NotImplementedError


def fetch(build: str, folder: Path, progress: Progress, source: str = "") -> Path:
    """Download the image of a build into the cache, whole or not at all, and return its path. Raises BoardError: DOWNLOAD.

    source: where the official images are, for tests.
    """
    raise NotImplementedError
