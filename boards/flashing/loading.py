"""The boot loader of real chips, and which image a board gets: named, from the cache, or fetched once for all."""

import threading
from pathlib import Path

from boards.catalogue.board import Board
from boards.flashing import esp
from boards.flashing.commissioning import Progress
from boards.flashing.esp import Found
from boards.flashing.image import Image, cached, check_fits, fetch, read_image


class RealLoader:
    """esptool's. cache: folder of images."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._fetching = threading.Lock()

    def look(self, port: str) -> Found:
        """See `flashing.Loader`."""
        return esp.look(port)

    def write(self, port: str, image: Image, progress: Progress, *, erase: bool) -> Found:
        """See `flashing.Loader`."""
        return esp.write(port, image, progress, erase=erase)

    def image(self, board: Board, path: Path | None, found: Found, progress: Progress) -> Image:
        """See `flashing.Loader`."""
        if path is None:
            with self._fetching:
                path = cached(board.image, self._cache) or fetch(board.image, self._cache, progress)
        image = read_image(path)
        check_fits(image, found.chip, found.flash_mb)
        return image
