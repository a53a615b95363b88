"""What was done with each board: a file for each, by the chip's MAC, so that whatever was cut can be gone on with.

A record holds the keys from before the node gets them until they are registered, and not longer.
"""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boards import kept
from boards.causes import BoardError, Cause
from boards.enrolment.identity import Identity

_MAX_LEN = 1 << 16  # a record has 1 kB
_FORMAT = 1


@dataclass(slots=True)
class Record:
    """One board. wish: what it was to be, as `Wish.to_json` has it.

    image: SHA-256 of the image that was written and compared. empty: the flash was erased for this identity.
    dev_eui, join_eui: hex. app_key, gen_app_key: hex, "" as long as there are none, and once they are registered.
    keys_from: of which list they are. replaces: the DevEUI that the board had before. asked: the gateway was asked to
    register it, and had none of this DevEUI before. tested: when it passed its self-test. registered: where.
    """

    mac: str
    wish: dict[str, Any] = field(default_factory=dict)
    image: str = ""
    empty: bool = False
    dev_eui: str = ""
    join_eui: str = ""
    app_key: str = field(default="", repr=False)
    gen_app_key: str = field(default="", repr=False)
    keys_from: str = ""
    replaces: str = ""
    tested: str = ""
    asked: bool = False
    registered: str = ""
    logged: bool = False

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.logged

    @property
    def identity(self) -> Identity | None:
        """DevEUI and keys, if both are here."""
        if not self.app_key:
            return None
        return Identity(
            dev_eui=bytes.fromhex(self.dev_eui),
            join_eui=bytes.fromhex(self.join_eui),
            app_key=bytes.fromhex(self.app_key),
            gen_app_key=bytes.fromhex(self.gen_app_key),
        )

    def take(self, identity: Identity) -> None:
        """Let the board be this from now on: a new node, of which nothing is done yet."""
        self.dev_eui, self.join_eui = identity.dev_eui.hex(), identity.join_eui.hex()
        self.app_key, self.gen_app_key = identity.app_key.hex(), identity.gen_app_key.hex()
        self.tested = self.registered = ""
        self.asked = self.logged = False

    def forget_keys(self) -> None:
        """They are registered: they live there and on the node, and no longer here."""
        self.app_key = self.gen_app_key = ""


class Records:
    """The folder of all records. Its methods raise BoardError: FILE_WRONG, BOARD_TAKEN."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def hold(self, mac: str, port: str) -> Iterator[Record]:
        """The record of a board, new if there is none, for one run at a time."""
        taken = BoardError(Cause.BOARD_TAKEN, port=port, mac=mac)
        with kept.alone(self._path(mac), taken):
            yield self.read(mac) or Record(mac)

    def read(self, mac: str) -> Record | None:
        """The record of a board, None if it has none."""
        path = self._path(mac)
        try:
            with path.open("rb") as file:
                raw = file.read(_MAX_LEN + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BoardError(Cause.FILE_WRONG, path=path, detail=error.strerror) from error
        return _record(path, raw)

    def write(self, record: Record) -> None:
        """Keep a record, for good before this returns."""
        text = json.dumps({"format": _FORMAT} | dataclasses.asdict(record), indent=1)
        path = self._path(record.mac)
        try:
            kept.write(path, text.encode())
        except OSError as error:
            raise BoardError(Cause.FILE_WRONG, path=path, detail=error.strerror) from error

    def all(self) -> list[Record]:
        """The records of all boards."""
        found = [self.read(path.stem) for path in sorted(self.folder.glob("[0-9a-f]*.json"))]
        return [record for record in found if record is not None]

    def _path(self, mac: str) -> Path:
        return self.folder / f"{mac}.json"


def _record(path: Path, raw: bytes) -> Record:
    try:
        found = json.loads(raw)
        version = found.pop("format")
        if version != _FORMAT:
            raise ValueError(f"format {version} is of another version of Lampyre")
        record = Record(**found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        what = f"is no record of a board ({type(error).__name__})"
        raise BoardError(Cause.FILE_WRONG, path=path, detail=what) from error
    return record
