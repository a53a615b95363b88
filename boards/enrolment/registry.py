"""The registry: a file of devices with their keys, CSV or JSON, which `lampyre gateway devices import` takes.

It is for this user alone (0600), replaced whole, and what others wrote into it stays as it is, columns included.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boards import kept
from boards.causes import BoardError, Cause
from boards.enrolment.identity import Identity
from boards.flashing.plan import Spot, Wish
from protocol.errors import FrameError
from protocol.lorawan.eui import eui_from_text, key_from_text
from protocol.region import PLANS
from protocol.settings import Settings

_MAX_LEN = 4 << 20  # what the gateway's import takes
# Columns of the gateway's import, in its order; a new file has these.
COLUMNS = (
    *("dev_eui", "role", "name", "join_eui", "app_key", "gen_app_key", "class_c", "plan", "min_dr"),
    *("place", "instance", "zone", "latitude_deg", "longitude_deg"),
)
_CLASS_C = 1

Row = dict[str, Any]


def row_of(wish: Wish, settings: Settings, identity: Identity) -> Row:
    """A device as the gateway's import and its API take it."""
    row: Row = {
        "dev_eui": identity.dev_eui.hex(),
        "role": wish.role,
        "name": wish.name,
        "join_eui": identity.join_eui.hex(),
        "app_key": identity.app_key.hex(),
        "gen_app_key": identity.gen_app_key.hex(),
        "class_c": "yes" if settings.device_class == _CLASS_C else "no",
        "plan": PLANS[settings.plan].name,
        "min_dr": settings.min_dr,
    }
    if wish.spot.place:
        spot = {name: getattr(wish.spot, name) for name in ("place", "instance", "zone")}
        where = {name: getattr(wish.spot, name) for name in ("latitude_deg", "longitude_deg")}
        row |= spot | {name: value for name, value in where.items() if value is not None}
    return row


def spoken_for(wish: Wish, row: Mapping[str, Any]) -> Wish:
    """The wish with the name and place that a list has for the device. Raises BoardError: SETTING_WRONG."""

    def told(name: str) -> str:
        """What the row says, else the wish."""
        mine = getattr(wish.spot, name)
        return str(row.get(name) or ("" if mine is None else mine)).strip().replace(",", ".")

    try:
        spot = Spot(
            place=told("place"),
            instance=int(told("instance")),
            zone=told("zone"),
            latitude_deg=float(told("latitude_deg")) if told("latitude_deg") else None,
            longitude_deg=float(told("longitude_deg")) if told("longitude_deg") else None,
        )
    except ValueError as error:
        detail = f"{row.get('dev_eui')}: instance or position is no number"
        raise BoardError(Cause.SETTING_WRONG, detail=detail) from error
    return replace(wish, name=str(row.get("name") or wish.name), spot=spot)


@dataclass(frozen=True, slots=True)
class Registry:
    """The file at *path*, which need not be there yet. Methods raise BoardError: FILE_WRONG, KEYS_DIFFER."""

    path: Path

    def identity(self, dev_eui: bytes) -> Identity | None:
        """The keys of a device, None if it is not there or does not join."""
        row = _find(self.rows(), dev_eui)
        return None if row is None or not row.get("app_key") else identity_of(self.path, row)

    def rows(self) -> list[Row]:
        """All rows."""
        return self._read()[0]

    def add(self, row: Row, instead_of: str = "") -> None:
        """Enter a device; one that is there with the same keys gets the rest of its columns anew.

        instead_of: a DevEUI, in hex, whose row goes: the board that had it has a new one.
        """

        def change(rows: list[Row]) -> list[Row]:
            eui = bytes.fromhex(row["dev_eui"])
            there = _find(rows, eui)
            old = None if not instead_of else _find(rows, bytes.fromhex(instead_of))
            if there is not None and there is not old and identity_of(self.path, there) != identity_of(self.path, row):
                raise BoardError(Cause.KEYS_DIFFER, dev_eui=row["dev_eui"], where=self.path)
            kept_rows = [each for each in rows if each is not there and each is not old]
            return [*kept_rows, {**(there or {}), **row}]

        self._change(change)

    def _change(self, change: Callable[[list[Row]], list[Row]]) -> None:
        try:
            with kept.alone(self.path, wait_s=kept.WAIT_S):
                rows, columns = self._read()
                kept.write(self.path, self._text(change(rows), columns).encode())
        except OSError as error:
            raise BoardError(Cause.FILE_WRONG, path=self.path, detail=error.strerror) from error

    def _read(self) -> tuple[list[Row], list[str]]:
        """Rows, and the columns of a CSV file in their order."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MAX_LEN + 1)
        except FileNotFoundError:
            return [], list(COLUMNS)
        except OSError as error:
            raise BoardError(Cause.FILE_WRONG, path=self.path, detail=error.strerror) from error
        if len(raw) > _MAX_LEN:
            raise BoardError(Cause.FILE_WRONG, path=self.path, detail=f"has more than {_MAX_LEN} bytes")
        try:
            text = raw.decode("utf-8-sig")
            return _json_rows(text) if self._is_json() else _csv_rows(text)
        except (ValueError, csv.Error, RecursionError) as error:
            # Not the error's own words: they may quote a line, and a key in it.
            what = "is no list of devices as `lampyre gateway devices import` takes it"
            raise BoardError(Cause.FILE_WRONG, path=self.path, detail=what) from error

    def _text(self, rows: list[Row], columns: list[str]) -> str:
        if self._is_json():
            return json.dumps({"devices": rows}, indent=1, ensure_ascii=False) + "\n"
        out = io.StringIO()
        names = columns + [name for row in rows for name in row if name not in columns]
        writer = csv.DictWriter(out, list(dict.fromkeys(names)), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def _is_json(self) -> bool:
        return self.path.suffix.lower() == ".json"


def identity_of(path: Path, row: Mapping[str, Any]) -> Identity:
    """The identity that a row has. Raises BoardError: FILE_WRONG."""
    try:
        join_eui = row.get("join_eui") or "0" * 16
        return Identity(
            dev_eui=eui_from_text(str(row["dev_eui"])),
            join_eui=eui_from_text(str(join_eui), "JoinEUI"),
            app_key=key_from_text(str(row.get("app_key") or "")),
            gen_app_key=key_from_text(str(row.get("gen_app_key") or ""), "GenAppKey"),
        )
    except FrameError as error:
        raise BoardError(Cause.FILE_WRONG, path=path, detail=str(error)) from error


def _find(rows: Iterable[Row], dev_eui: bytes) -> Row | None:
    for row in rows:
        try:
            if eui_from_text(str(row.get("dev_eui", ""))) == dev_eui:
                return row
        except FrameError:
            continue
    return None


def _json_rows(text: str) -> tuple[list[Row], list[str]]:
    found = json.loads(text)
    if isinstance(found, dict):
        found = found.get("devices")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ValueError("no list of rows")
    return found, []


def _csv_rows(text: str) -> tuple[list[Row], list[str]]:
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [name.strip().lower() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    if "dev_eui" not in columns:
        raise ValueError("no column dev_eui")
    rows = list(reader)
    if any(None in row or None in row.values() for row in rows):
        raise ValueError("a row is longer or shorter than the header")
    return [dict(row) for row in rows], columns
