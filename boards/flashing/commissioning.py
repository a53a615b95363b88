"""One board from blank to commissioned: carries out `plan.py`'s steps, and keeps in the record what is done.

Keys are in the record, which is for this user alone, before the board gets them, and leave it once they are registered;
so a run may end anywhere, and the next one finds one identity or none.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from boards import kept
from boards.catalogue.board import Board
from boards.catalogue.known import load
from boards.causes import BoardError, Cause
from boards.enrolment import label
from boards.enrolment.enrol import enrol
from boards.enrolment.gateway import Gateway
from boards.enrolment.identity import Identity, fresh
from boards.enrolment.registry import Registry, identity_of, row_of, spoken_for
from boards.firmware.bundle import Bundle
from boards.flashing import journal
from boards.flashing.image import Image, check_fits
from boards.flashing.plan import Errand, Step, Wish, erases, plan
from boards.flashing.record import Record, Records
from boards.flashing.sun import site_of
from boards.node import burning, copying
from boards.node.console import Clock, Console, RealClock
from boards.node.prompt import Prompt, open_prompt
from protocol.manifest import version_text
from protocol.settings import LIGHT, ROLES

if TYPE_CHECKING:  # esptool and pyserial are imported by whoever touches a port
    from boards.flashing.esp import Found

_FOUND_S = 10.0  # until a board that restarts has its port back
_BRIDGE = "bridge"

Progress = Callable[[int, int], None]


class Loader(Protocol):
    """The chip's boot loader: `esp.py`, with which image belongs to a board."""

    def look(self, port: str) -> "Found":
        """What the chip on a port is. Raises BoardError."""

    def write(self, port: str, image: Image, progress: Progress, *, erase: bool) -> "Found":
        """Write an image and compare. Raises BoardError."""

    def image(self, build: str, progress: Progress) -> Image:
        """The image of one of MicroPython's builds, fetched if there is none. Raises BoardError."""


class Watcher(Protocol):
    """Who shows what a run does."""

    def begins(self, errand: Errand) -> None:
        """A step begins, or is passed over."""

    def passes(self, done: int, total: int) -> None:
        """So much of the step is done; bytes."""

    def tested(self, found: list[tuple[str, str]]) -> None:
        """What the self-test said of each part."""

    def notes(self, text: str) -> None:
        """Something to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a run is to do. wish: None to go on with what the record has. target: one of registry and gateway."""

    wish: Wish | None
    records: Records
    labels: Path
    journal: Path
    registry: Registry | None = None
    gateway: Gateway | None = None
    keys_from: Path | None = None
    image: Image | None = None
    erase: bool = False

    @property
    def target(self) -> str:
        """Where devices are registered, as the record keeps it."""
        if self.gateway is not None:
            return self.gateway.address
        return str(self.registry.path.resolve()) if self.registry is not None else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A board that is commissioned. picture: of its label."""

    mac: str
    dev_eui: bytes
    join_eui: bytes
    name: str
    registered: str
    picture: Path
    tests: list[tuple[str, str]] = field(default_factory=list)


class Flashing:
    """A run for the board on one port."""

    def __init__(
        self,
        port: str,
        order: Order,
        bundle: Bundle,
        loader: Loader,
        watcher: Watcher,
        clock: Clock | None = None,
    ) -> None:
        self.port = port
        self._order = order
        self._bundle = bundle
        self._loader = loader
        self._watcher = watcher
        self._clock = clock or RealClock()
        self._found: Found | None = None  # what the boot loader said, where no MicroPython answered
        self._record = Record("")
        self._errands: dict[Step, Errand] = {}
        self._tests: list[tuple[str, str]] = []
        self._version = ""
        self._erasing = False

    def run(self) -> Done:
        """All of it. Raises BoardError; then the same run again goes on."""
        prompt = open_prompt(self.port, self._clock, resets=False)
        try:
            if prompt is not None:
                mac = prompt.mac
            else:
                self._found = self._loader.look(self.port)
                mac = self._found.mac.hex()
            with self._order.records.hold(mac, self.port) as record:
                self._record = record
                return self._flash(prompt)
        finally:
            if prompt is not None:
                prompt.close()

    def dry_run(self) -> list[Errand]:
        """What a run would do; asks the chip who it is, and changes nothing on it."""
        prompt = open_prompt(self.port, self._clock, resets=False)
        if prompt is not None:
            prompt.restart()
        mac = prompt.mac if prompt else self._loader.look(self.port).mac.hex()
        self._record = self._order.records.read(mac) or Record(mac)
        self._wish().check()
        return self._plan(prompt is not None)

    def _flash(self, prompt: Prompt | None) -> Done:
        record = self._record
        wish = self._wish()
        wish.check()
        board = load(wish.board)
        self._erasing = erases(record, self._order.erase)
        self._errands = {errand.step: errand for errand in self._plan(prompt is not None)}
        if prompt is not None and not self._erasing:
            self._refuse_another(prompt)
        if record.keys_from and record.dev_eui and not self._erasing:  # name and place came with the keys
            given = self._wish_kept()
            wish = replace(wish, name=given.name, spot=given.spot)
        record.wish = wish.to_json()
        record.logged = False
        self._keep()
        if self._begins(Step.IMAGE):
            if prompt is not None:
                prompt.close()
            self._write_image(board)
            prompt = None
        with prompt or self._at_prompt() as there:
            self._begins(Step.FILES)
            self._refuse_another(there)
            self._copy(there, board, wish)
            self._begins(Step.IDENTITY)
            identity = self._identity(there, wish)
            wish = self._wish_kept()
            self._burn(there, wish, identity)
            there.restart()
        self._begins(Step.TEST)
        self._test()
        if self._begins(Step.REGISTRY) and wish.role != _BRIDGE:
            self._register(wish, identity)
        self._forget_keys(wish)
        self._begins(Step.LABEL)
        dev_eui, join_eui = bytes.fromhex(record.dev_eui), bytes.fromhex(record.join_eui)
        picture = self._label(dev_eui, join_eui, wish)
        if self._begins(Step.LOG):
            self._log(wish)
        record.logged, record.empty = True, False
        self._keep()
        self._join_anew()
        return Done(
            mac=record.mac,
            dev_eui=dev_eui,
            join_eui=join_eui,
            name=wish.name,
            registered=record.registered,
            picture=picture,
            tests=self._tests,
        )

    # What is to be done.

    def _wish(self) -> Wish:
        if self._order.wish is not None:
            return self._order.wish
        try:
            return Wish.from_json(self._record.wish)
        except (TypeError, KeyError) as error:
            raise BoardError(Cause.NOTHING_TO_RESUME, port=self.port) from error

    def _wish_kept(self) -> Wish:
        """As the record has it: with the name and place that came with the keys."""
        return Wish.from_json(self._record.wish)

    def _plan(self, runs_python: bool) -> list[Errand]:
        image = "" if self._order.image is None else self._order.image.sha256
        return plan(self._record, image, runs_python, erases(self._record, self._order.erase), self._order.target)

    def _begins(self, step: Step) -> bool:
        errand = self._errands[step]
        self._watcher.begins(errand)
        return errand.due

    def _keep(self) -> None:
        self._order.records.write(self._record)

    def _refuse_another(self, prompt: Prompt) -> None:
        """A node that was not commissioned from here keeps its identity, unless the registry knows its keys."""
        there = burning.dev_eui_on(prompt)
        if not there or there.hex() == self._record.dev_eui:
            return
        known = self._order.registry.identity(there) if self._order.registry is not None else None
        if self._record.dev_eui or known is None or not burning.has_keys(prompt, known):
            if self._record.identity is not None or self._record.replaces == there.hex():
                return  # ours, on its way to a new identity
            raise BoardError(Cause.IDENTITY_OF_ANOTHER, port=self.port, dev_eui=there.hex())
        self._record.take(known)
        self._record.registered = self._order.target
        self._record.forget_keys()

    # The steps.

    def _write_image(self, board: Board) -> None:
        record = self._record
        found = self._found or self._loader.look(self.port)
        self._check_same(found.mac.hex())
        if found.chip is not board.chip:
            raise BoardError(Cause.WRONG_CHIP, port=self.port, found=found.chip.name, expected=board.chip.name)
        if found.flash_mb < board.flash_mb:
            raise BoardError(Cause.FLASH_SMALL, port=self.port, found_mb=found.flash_mb, expected_mb=board.flash_mb)
        image = self._order.image or self._loader.image(board.image, self._watcher.passes)
        check_fits(image, found.chip, found.flash_mb)
        record.image = ""
        if self._erasing:
            record.replaces = record.replaces or record.dev_eui
            record.dev_eui = record.join_eui = record.registered = ""
            record.forget_keys()
            record.asked = False
        self._keep()
        self._check_same(self._loader.write(self.port, image, self._watcher.passes, erase=self._erasing).mac.hex())
        record.image = image.sha256
        record.empty = record.empty or self._erasing
        self._keep()

    def _at_prompt(self) -> Prompt:
        """The board behind its restart; its MicroPython makes a file system first."""
        until_s = self._clock.now_s() + _FOUND_S
        while True:
            try:
                prompt = open_prompt(self.port, self._clock)
            except BoardError as error:
                if error.cause is not Cause.PORT_ABSENT or self._clock.now_s() > until_s:
                    raise
                prompt = None  # native USB: the port goes with the restart, and comes again
            if prompt is not None:
                break
            if self._clock.now_s() > until_s:
                raise BoardError(Cause.NO_ANSWER, port=self.port)
            self._clock.sleep(0.5)
        try:
            self._check_same(prompt.mac)
        except BoardError:
            prompt.close()
            raise
        return prompt

    def _check_same(self, mac: str) -> None:
        if mac != self._record.mac:
            raise BoardError(Cause.OTHER_BOARD, port=self.port, found=mac, expected=self._record.mac)

    def _copy(self, prompt: Prompt, board: Board, wish: Wish) -> None:
        if prompt.mpy != self._bundle.mpy:
            raise BoardError(Cause.CODE_UNFIT, port=self.port, found=prompt.mpy, expected=self._bundle.mpy)
        self._version = prompt.version
        copying.copy(prompt, "/a", self._bundle.slot, self._watcher.passes)
        table = json.dumps(board.table(wish.role, wish.options), separators=(",", ":"))
        copying.put(prompt, {"/boot.py": self._bundle.boot, "/board.json": table.encode()})
        burning.choose_slot_a(prompt)

    def _identity(self, prompt: Prompt, wish: Wish) -> Identity | None:
        """Who the board is to be, recorded before the board knows; None: who it is, with the keys it has."""
        record, registry = self._record, self._order.registry
        if not record.dev_eui:
            record.take(self._new_identity(wish))
            self._keep()
        if record.identity is not None:
            return record.identity
        dev_eui = bytes.fromhex(record.dev_eui)
        known = registry.identity(dev_eui) if registry is not None else None
        if known is None and burning.dev_eui_on(prompt) != dev_eui:
            raise BoardError(Cause.KEYS_GONE, dev_eui=record.dev_eui)
        return known

    def _new_identity(self, wish: Wish) -> Identity:
        record, listed = self._record, self._order.keys_from
        if listed is None:
            return fresh(bytes.fromhex(wish.join_eui), bytes.fromhex(record.mac) if wish.chip_eui else None)
        with kept.alone(self._order.records.folder / "keys", wait_s=kept.WAIT_S):
            given = {eui for each in self._order.records.all() for eui in (each.dev_eui, each.replaces)}
            for row in Registry(listed).rows():
                identity = identity_of(listed, row)
                if identity.dev_eui.hex() not in given:
                    record.keys_from = str(listed)
                    record.wish = spoken_for(wish, row).to_json()
                    record.take(identity)
                    self._keep()  # before another run looks for one
                    return identity
        raise BoardError(Cause.KEYS_USED_UP, path=listed)

    def _burn(self, prompt: Prompt, wish: Wish, identity: Identity | None) -> None:
        record = self._record
        settings = wish.settings_of(bytes.fromhex(record.dev_eui), record.join_eui)
        site = site_of(wish, date.today()) if settings.role == LIGHT else b""
        keys = None if ROLES[settings.role] == _BRIDGE else identity
        burning.burn(prompt, keys, settings, site)

    def _test(self) -> None:
        with Console(self.port, self._clock) as console:
            console.wake()
            self._tests = console.test(self._watcher.passes)
        self._watcher.tested(self._tests)
        bad = [f"{name} {said}" for name, said in self._tests if said != "ok"]
        if bad or not self._tests:
            raise BoardError(Cause.SELF_TEST, port=self.port, detail="; ".join(bad) or "it said nothing")
        self._record.tested = datetime.now(UTC).isoformat(timespec="seconds")
        self._keep()

    def _register(self, wish: Wish, identity: Identity | None) -> None:
        record = self._record
        target = self._order.gateway or self._order.registry
        if identity is None or target is None:
            raise BoardError(Cause.KEYS_GONE, dev_eui=record.dev_eui)
        row = row_of(wish, wish.settings_of(identity.dev_eui, record.join_eui), identity)
        enrol(record, row, target, self._keep)
        if self._order.gateway is not None and record.replaces not in ("", record.dev_eui):
            self._watcher.notes(f"remove the old identity: lampyre gateway devices remove {record.replaces}")

    def _forget_keys(self, wish: Wish) -> None:
        record = self._record
        if record.registered or wish.role == _BRIDGE:
            record.forget_keys()
            record.replaces = ""
            self._keep()

    def _label(self, dev_eui: bytes, join_eui: bytes, wish: Wish) -> Path:
        try:
            return label.write(self._order.labels, dev_eui, join_eui, wish.name)
        except OSError as error:
            raise BoardError(Cause.FILE_WRONG, path=self._order.labels, detail=error.strerror) from error

    def _log(self, wish: Wish) -> None:
        record, spot = self._record, wish.spot
        journal.add(
            self._order.journal,
            dev_eui=record.dev_eui,
            name=wish.name,
            board=wish.board,
            role=wish.role,
            place=spot.place,
            zone=spot.zone,
            latitude_deg=spot.latitude_deg,
            longitude_deg=spot.longitude_deg,
            chip_mac=record.mac,
            micropython=self._version,
            firmware=version_text(self._bundle.version),
            registered=record.registered,
            self_test="ok",
        )

    def _join_anew(self) -> None:
        """The node asked to join before it was registered: a restart lets it ask at once instead of in a while."""
        try:
            with Console(self.port, self._clock) as console:
                console.wake(reset=False)
                console.tell("restart")
        except BoardError:
            self._watcher.notes("press RESET, or wait: the node joins by itself within the hour")
