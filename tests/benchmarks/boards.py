"""How long `lampyre flash` takes for one board and for eight, whose ports are as fast as a real board's."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from boards.catalogue.known import load
from boards.causes import BoardError
from boards.firmware.bundle import Bundle, bundle
from boards.flashing.commissioning import Flashing
from boards.flashing.hub import each
from boards.flashing.image import parse_image
from boards.flashing.loading import RealLoader
from boards.flashing.plan import Wish
from simulator.rom.image import Recipe, make_image
from tests.benchmarks.figures import Figure
from tests.boards.bench import Bench, BenchClock
from tests.boards.desk import Desk, Watching

_BAUD = 460_800
_BOARDS = 8
_PROGRAM_LEN = 400_000  # a quarter of MicroPython's
_TWICE = 2.0


def figures() -> Iterator[Figure]:
    """Seconds for one, and how many times as long for eight, from blank to registered."""
    with tempfile.TemporaryDirectory() as folder:
        code = bundle(Path(folder))
        image = make_image(Recipe(chip="ESP32-S3", program_len=_PROGRAM_LEN))
        alone_s = _flash(1, Path(folder), code, image)
        together_s = _flash(_BOARDS, Path(folder), code, image)
    how = f"virtual boards at {_BAUD} baud, an image of {len(image)} bytes, real esptool and mpremote"
    yield Figure(name="boards.flash_one_s", value=round(alone_s, 1), unit="s", how=how)
    yield Figure(name="boards.flash_eight_ratio", value=round(together_s / alone_s, 2), unit="", target=_TWICE, how=how)


def _flash(count: int, folder: Path, code: Bundle, image: bytes) -> float:
    table = load("heltec-v3").table("parking")
    with Bench(count, hurry=0.05, baud=_BAUD) as bench, tempfile.TemporaryDirectory() as place:
        devices = [bench.device(number, table, image=image) for number in range(count)]
        desk = Desk(Path(place), code, Wish(board="heltec-v3", role="parking"))
        order = desk.order(image=parse_image(image, folder / "image.bin"))

        def one(port: str) -> object:
            return Flashing(port, order, code, RealLoader(folder), Watching(), BenchClock(bench)).run()

        begun_s = time.monotonic()
        results = each([device.path for device in devices], one)
        took_s = time.monotonic() - begun_s
    wrong = [str(result) for result in results if isinstance(result, BoardError)]
    assert not wrong, wrong
    return took_s
