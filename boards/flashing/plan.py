"""What is to be done with a board, step by step: decided from what is wanted, what is known and what was found.

Pure. A run carries the plan out and keeps in the record what is done, each time before it goes on; the next run makes
its plan anew from that record, so that it needs no other memory of where it was cut.

    step      is done when                                            its cut leaves
    --------  ------------------------------------------------------  --------------------------------------------------
    image     MD5 of the flash is the image's                         no program, or half of one: written again, whole
    files     SHA-256 of each file on the board is the bundle's       some files: those that differ are copied
    identity  board and record agree, the board's settings last       keys without settings: no node, says so, blinks
    test      the node has said `ok` of every part                    nothing
    registry  the registry, or the gateway, has the DevEUI and keys   asked and not answered: looked up, then as it is
    label     the picture is there                                    nothing
    log       the list of what was commissioned has its line          nothing
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from boards.causes import BoardError, Cause
from boards.flashing.record import Record
from protocol.errors import ProtocolError
from protocol.settings import LIGHT, ROLES, Settings

_MAX_SETTINGS_FILE = 1 << 16


class Step(Enum):
    """In this order."""

    IMAGE = "image"
    FILES = "files"
    IDENTITY = "identity"
    TEST = "test"
    REGISTRY = "registry"
    LABEL = "label"
    LOG = "log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a node hangs, as the gateway's import has it; "" and None for what was not said."""

    place: str = ""
    instance: int = 0
    zone: str = ""
    latitude_deg: float | None = None
    longitude_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a board is to be. settings: by name, beside role, DevEUI and JoinEUI. options: of the board's file.

    holidays: whose, such as FR or FR-6AE; "" for none. time_zone: of lamps.
    """

    board: str
    role: str
    options: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    join_eui: str = "0000000000000000"
    chip_eui: bool = False
    name: str = ""
    spot: Spot = Spot()
    time_zone: str = "Europe/Paris"
    holidays: str = "FR"

    def to_json(self) -> dict[str, Any]:
        """For the record."""
        spot = {name: getattr(self.spot, name) for name in Spot.__dataclass_fields__}
        mine = {name: getattr(self, name) for name in Wish.__dataclass_fields__}
        return mine | {"options": list(self.options), "settings": dict(self.settings), "spot": spot}

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> "Wish":
        """Read what `to_json` wrote. Raises TypeError or KeyError."""
        return Wish(**{**found, "options": tuple(found["options"]), "spot": Spot(**found["spot"])})

    def settings_of(self, dev_eui: bytes, join_eui: str = "") -> Settings:
        """The node's settings; join_eui: hex, instead of the wish's own. Raises BoardError: SETTING_WRONG."""
        given = {**self.settings, "role": self.role, "dev_eui": dev_eui.hex()}
        if self.role != "bridge":
            given["join_eui"] = join_eui or self.join_eui
        try:
            return Settings.from_names(given)
        except ProtocolError as error:
            raise BoardError(Cause.SETTING_WRONG, detail=str(error).replace("\n", "; ")) from error

    def check(self) -> None:
        """Whether it can be done at all, before anything is. Raises BoardError."""
        if self.role not in ROLES:
            raise BoardError(Cause.ROLE_NEEDED, roles=", ".join(ROLES))
        found = self.settings_of(bytes(8))
        if found.activation:
            detail = "activation is abp; the flashing tool makes nodes that join, leave it out"
            raise BoardError(Cause.SETTING_WRONG, detail=detail)
        if found.role == LIGHT and (self.spot.latitude_deg is None or self.spot.longitude_deg is None):
            raise BoardError(Cause.SITE_NEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One step, whether there is anything to do, and why or why not, in English."""

    step: Step
    due: bool
    why: str


def plan(record: Record, image: str, runs_python: bool, erase: bool, target: str) -> list[Errand]:
    """The steps for a board.

    image: SHA-256 of the wanted one; "" for the one that is there. runs_python: whether MicroPython answers. target:
    the registry's path, the gateway's address, or "" for none.
    """
    errands = [_image(record, image, runs_python, erase)]
    errands.append(Errand(step=Step.FILES, due=True, why="copy what differs"))
    new = erase or not record.dev_eui
    errands.append(Errand(step=Step.IDENTITY, due=True, why="a new DevEUI" if new else f"as {record.dev_eui}"))
    errands.append(Errand(step=Step.TEST, due=True, why="the node tests its parts"))
    known = not new and record.registered == target
    where = f"to {target}" if target else "nowhere: keys stay in the record"
    errands.append(
        Errand(step=Step.REGISTRY, due=bool(target) and not known, why="is there already" if known else where)
    )
    errands.append(Errand(step=Step.LABEL, due=True, why="a picture, and here"))
    logged = record.logged and not new
    errands.append(Errand(step=Step.LOG, due=not logged, why="has its line" if logged else "a line"))
    return errands


def _image(record: Record, image: str, runs_python: bool, erase: bool) -> Errand:
    if erase:
        return Errand(step=Step.IMAGE, due=True, why="the flash is to be erased")
    if not runs_python:
        return Errand(step=Step.IMAGE, due=True, why="no MicroPython answers")
    if not record.image or (image and record.image != image):
        return Errand(step=Step.IMAGE, due=True, why="it was not written from here")
    return Errand(step=Step.IMAGE, due=False, why="was written and compared")


def erases(record: Record, asked: bool) -> bool:
    """Whether --erase is still to be done: a run that was cut behind it goes on instead of beginning anew."""
    return asked and not (record.empty and not record.finished)


def read_settings(path: Path) -> dict[str, object]:
    """The settings of a TOML file, by name. Raises BoardError: FILE_WRONG."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_SETTINGS_FILE + 1)
        if len(raw) > _MAX_SETTINGS_FILE:
            raise BoardError(Cause.FILE_WRONG, path=path, detail=f"has more than {_MAX_SETTINGS_FILE} bytes")
        found = tomllib.loads(raw.decode())
    except OSError as error:
        raise BoardError(Cause.FILE_WRONG, path=path, detail=error.strerror) from error
    except ValueError as error:
        raise BoardError(Cause.FILE_WRONG, path=path, detail=f"is not TOML: {error}") from error
    return found


def setting_of(text: str) -> tuple[str, object]:
    """A setting as `--set` has it, NAME=VALUE. Raises BoardError: SETTING_WRONG."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BoardError(Cause.SETTING_WRONG, detail=f"--set '{text[:60]}'; write --set name=value")
    return name.strip(), int(value) if value.strip().isdecimal() and len(value) < 10 else value.strip()
