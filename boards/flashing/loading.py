"""The boot loader of real chips, and which image a board gets: from the cache, or fetched once for all."""

import threading
from pathlib import Path

from boards.flashing import esp
from boards.flashing.commissioning import Progress
from boards.flashing.esp import Found
from boards.flashing.image import Image, cached, fetch, read_image


class RealLoader:
    """esptool's. cache: folder of images."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._fetching = threading.Lock()
        self._images: dict[str, Image] = {}

    def look(self, port: str) -> Found:
        """See `flashing.Loader`."""
        return esp.look(port)

    def write(self, port: str, image: Image, progress: Progress, *, erase: bool) -> Found:
        """See `flashing.Loader`."""
        return esp.write(port, image, progress, erase=erase)

    def image(self, build: str, progress: Progress) -> Image:
        """See `flashing.Loader`; forty boards share what the first of them has fetched and read."""
        with self._fetching:
            if build not in self._images:
                self._images[build] = read_image(cached(build, self._cache) or fetch(build, self._cache, progress))
            return self._images[build]
