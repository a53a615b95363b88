"""A technician's desk: what `lampyre flash` is told, and who watches it."""

from pathlib import Path

from boards.catalogue.pins import ESP32_S3
from boards.enrolment.registry import Registry
from boards.flashing.commissioning import Flashing, Order
from boards.flashing.esp import Found
from boards.flashing.image import parse_image
from boards.flashing.plan import Spot, Wish
from boards.flashing.record import Records
from simulator.rom.image import Recipe, make_image
from tests.boards.bench import BenchClock

IMAGE = make_image(Recipe(chip="ESP32-S3", program_len=6_000))
WISH = Wish(board="heltec-v3", role="air", name="air-001", spot=Spot(place="92002-station-1"))


class BenchLoader:
    """`flashing.Loader` that reaches into the bench instead of speaking to the ROM; `device` is who hangs there."""

    def __init__(self, device, chip=ESP32_S3, flash_mb=8):
        self.device = device
        self.written = 0
        self._found = {"chip": chip, "name": chip.name, "flash_mb": flash_mb}

    def look(self, port):
        return Found(mac=self.device.mac, **self._found)

    def write(self, port, image, progress, *, erase):
        progress(0, len(image.data))
        with self.device.bench.alone():
            self.device.boot_loader()
            flash = self.device.flash
            flash.erase(0, len(flash.content) if erase else len(image.data))
            flash.write(0, image.data)
        self.written += 1
        return self.look(port)

    def image(self, build, progress):
        return parse_image(IMAGE, Path("image.bin"))


class Watching:
    """`flashing.Watcher`. steps: those that were begun and due. fails_at: a step at whose beginning the host dies."""

    def __init__(self):
        self.steps = []
        self.tests = []
        self.said = []
        self.fails_at = None

    def begins(self, errand):
        if errand.due:
            self.steps.append(errand.step.value)
        if errand.step == self.fails_at:
            raise KeyboardInterrupt

    def passes(self, done, total):
        pass

    def tested(self, found):
        self.tests = found

    def notes(self, text):
        self.said.append(text)


class Desk:
    """One laptop: its folder with records, registry, labels and log."""

    def __init__(self, folder, code, wish=WISH):
        self.wish = wish
        self.folder = folder
        self.code = code
        self.registry = Registry(folder / "devices.csv")
        self.records = Records(folder / "boards")
        self.watching = Watching()

    def order(self, **more):
        given = {"registry": None if "gateway" in more else self.registry} | more
        return Order(
            wish=self.wish,
            records=self.records,
            labels=self.folder / "labels",
            journal=self.folder / "log.csv",
            **given,
        )

    def flash(self, device, loader=None, order=None, code=None, watching=None):
        """Type the command once."""
        self.watching = watching or Watching()
        return self.run(device, loader or BenchLoader(device), order or self.order(), code or self.code)

    def run(self, device, loader, order, code):
        clock = BenchClock(device.bench, device=device)
        return Flashing(device.path, order, code, loader, self.watching, clock).run()
