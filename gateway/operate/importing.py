"""Many devices at once: CSV or JSON rows become registrations, places and installations, or errors by line.

Pure: text in, a `Batch` out, which holds everything that is wrong and not only the first. A row is flat, its columns
are COLUMNS; the local API takes the same rows. Keys appear in no error.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from gateway.network.registration import Abp, Registration, Role
from gateway.places.place import Installed, Place, PlaceKind
from protocol.errors import FrameError
from protocol.lorawan.eui import EUI_LEN, dev_addr_from_text, eui_from_text, eui_to_text, key_from_text
from protocol.region import CHANNEL_MAX_DR, PLANS, plan_named

COLUMNS = (
    "dev_eui",  # as printed on the label
    "role",  # parking, air, light, foreign
    "name",
    "join_eui",
    "app_key",
    "gen_app_key",
    "dev_addr",  # these three for ABP, instead of app_key
    "nwk_s_key",
    "app_s_key",
    "class_c",  # yes or no; a light is yes by default
    "plan",  # full, single-channel
    "min_dr",
    "place",  # its id, as 92002-bay-a12; installs the device there
    "instance",  # 0, or 1 for a second bay or head
    "zone",
    "latitude_deg",
    "longitude_deg",
)
MAX_ROWS = 5000  # the fleet one gateway is built for
MAX_LEN = 4 << 20  # bytes of a file: MAX_ROWS rows of 800, twice the longest sensible one
_MAX_FAULTS = 200  # more than anybody reads; a wrong separator makes one fault per row
_SHOWN_MAX_LEN = 40
_NAME_MAX_LEN = 100
_PLACE_ID = re.compile(r"(?:\d{2}|2[ab])\d{3}-(bay|lamp|station)-[a-z0-9_]+(?:-[a-z0-9_]+)*")
_PLACE_ID_MAX_LEN = 64  # it is one level of a topic, and people read it aloud
_KIND_OF = {Role.PARKING: PlaceKind.BAY, Role.AIR: PlaceKind.STATION, Role.LIGHT: PlaceKind.LAMP}
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
# Keys that stand in specifications, tutorials and example sketches; a device that has one is everybody's.
_KNOWN_KEYS = {
    bytes.fromhex(key)
    for key in (
        "2b7e151628aed2a6abf7158809cf4f3c",  # FIPS-197, RFC 4493, and most LoRaWAN examples
        "000102030405060708090a0b0c0d0e0f",
        "00112233445566778899aabbccddeeff",
        "ffffffffffffffffffffffffffffffff",
        "01010101010101010101010101010101",
    )
}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place: line of the CSV file, or number of the JSON row, from 1; None: the whole."""

    line: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What was read. With faults, nothing of it should be stored."""

    registrations: tuple[Registration, ...] = ()
    places: tuple[Place, ...] = ()
    installed: tuple[Installed, ...] = ()
    faults: tuple[Fault, ...] = ()


def parse_csv(raw: bytes, from_ms: int) -> Batch:
    """Read CSV with a header, `;` or `,` between columns, UTF-8 with or without BOM.

    from_ms: Unix ms since when the devices are where the rows put them.
    """
    text, faults = _text(raw)
    if faults:
        return Batch(faults=faults)
    header = text.partition("\n")[0]
    delimiter = ";" if header.count(";") > header.count(",") else ","
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(lines, [])]
        if wrong := _header_faults(names):
            return Batch(faults=wrong)
        rows: list[tuple[int, Mapping[str, object]]] = []
        began = lines.line_num + 1
        for cells in lines:
            line, began = began, lines.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(names):
                faults += (Fault(line, f"has {len(cells)} columns, the header has {len(names)}"),)
                continue
            rows.append((line, dict(zip(names, cells, strict=True))))
    except csv.Error as error:
        return Batch(faults=(Fault(lines.line_num, f"is not CSV: {error}; is a quotation mark missing?"),))
    return _with_faults(parse_rows(rows, from_ms), faults)


def parse_json(raw: bytes, from_ms: int) -> Batch:
    """Read a JSON list of rows, or an object with the list under `devices`; rows are counted from 1."""
    text, faults = _text(raw)
    if faults:
        return Batch(faults=faults)
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        return Batch(
            faults=(Fault(getattr(error, "lineno", None), f"is not JSON: {getattr(error, 'msg', 'too deep')}"),)
        )
    if isinstance(document, dict):
        document = document.get("devices")
    if not isinstance(document, list):
        return Batch(faults=(Fault(None, 'write a list of rows, or {"devices": […]}'),))
    return parse_rows(enumerate(document, 1), from_ms)


def parse_rows(rows: Iterable[tuple[int, object]], from_ms: int) -> Batch:
    """Read rows, each with its line; values are texts, or what JSON has for them."""
    reading = _Reading(from_ms)
    for count, (line, row) in enumerate(rows):
        if count == MAX_ROWS:
            reading.fault(line, f"is beyond the {MAX_ROWS} devices that one gateway serves; import in parts")
            break
        reading.row(line, row)
    return reading.batch()


def conflicts(
    batch: Batch, registrations: Iterable[Registration], places: Iterable[Place], installed: Iterable[Installed]
) -> list[str]:
    """What keeps *batch* from joining what the store has, as sentences.

    installed: those still there. A place that exists may be named again if nothing about it differs.
    """
    known = {entry.dev_eui: entry for entry in registrations}
    keys = {entry.app_key: entry for entry in known.values() if entry.app_key}
    addresses = {entry.abp.dev_addr: entry for entry in known.values() if entry.abp}
    names = {entry.name: entry for entry in known.values() if entry.name}
    found = []
    for entry in batch.registrations:
        text = eui_to_text(entry.dev_eui)
        if other := known.get(entry.dev_eui):
            found.append(f"DevEUI {text} is registered already{_called(other)}; remove it first, or leave out its row")
        elif bytes(reversed(entry.dev_eui)) in known:
            found.append(f"DevEUI {text} is a registered one backwards; write it as printed on the label")
        elif entry.app_key and (other := keys.get(entry.app_key)):
            found.append(f"DevEUI {text} has the AppKey of {eui_to_text(other.dev_eui)}; every device has its own")
        if entry.name and (other := names.get(entry.name)) and other.dev_eui != entry.dev_eui:
            found.append(f"DevEUI {text} has the name of {eui_to_text(other.dev_eui)}, '{entry.name}'; choose another")
        if entry.abp and (other := addresses.get(entry.abp.dev_addr)) and other.dev_eui != entry.dev_eui:
            found.append(f"DevEUI {text} has the DevAddr of {eui_to_text(other.dev_eui)}; every device has its own")
    stood = {place.place_id: place for place in places}
    for place in batch.places:
        before = stood.get(place.place_id)
        if before and before != place and place != Place(place_id=place.place_id, kind=place.kind):
            found.append(f"place {place.place_id} exists with another zone or position; change it with `places set`")
    taken = {entry.place_id: entry.dev_eui for entry in installed if entry.to_ms is None}
    found += [
        f"place {at.place_id} has device {eui_to_text(taken[at.place_id])}; use `devices replace` to exchange it"
        for at in batch.installed
        if at.place_id in taken
    ]
    return found


def rows_of(batch: Batch) -> list[dict[str, str | int | float | None]]:
    """*batch* as rows again, keys included, for the local API; `parse_rows` reads them back."""
    at = {entry.dev_eui: entry for entry in batch.installed}
    places = {place.place_id: place for place in batch.places}
    rows = []
    for entry in batch.registrations:
        hangs = at.get(entry.dev_eui)
        place = places[hangs.place_id] if hangs else None
        row: dict[str, str | int | float | None] = {
            "dev_eui": entry.dev_eui.hex(),
            "role": entry.role.value,
            "name": entry.name,
            "join_eui": entry.join_eui.hex(),
            "app_key": _hex(entry.app_key),
            "gen_app_key": _hex(entry.gen_app_key),
            "dev_addr": f"{entry.abp.dev_addr:08x}" if entry.abp else None,
            "nwk_s_key": _hex(entry.abp.nwk_s_key) if entry.abp else None,
            "app_s_key": _hex(entry.abp.app_s_key) if entry.abp else None,
            "class_c": "yes" if entry.class_c else "no",
            "plan": PLANS[entry.plan].name,
            "min_dr": entry.min_dr,
        }
        if hangs and place:
            row |= {
                "place": place.place_id,
                "instance": hangs.instance,
                "zone": place.zone,
                "latitude_deg": place.latitude_deg,
                "longitude_deg": place.longitude_deg,
            }
        rows.append(row)
    return rows


def _hex(key: bytes | None) -> str | None:
    return None if key is None else key.hex()


def _called(registration: Registration) -> str:
    return f" as '{registration.name}'" if registration.name else ""


def _text(raw: bytes) -> tuple[str, tuple[Fault, ...]]:
    if len(raw) > MAX_LEN:
        return "", (Fault(None, f"the file has more than {MAX_LEN} bytes; import in parts"),)
    try:
        return raw.decode("utf-8-sig"), ()
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return "", (Fault(line, "is not UTF-8; in the spreadsheet choose `CSV UTF-8` when saving"),)


def _header_faults(names: list[str]) -> tuple[Fault, ...]:
    if "dev_eui" not in names:
        return (Fault(1, f"is no header with dev_eui; the first line names the columns, of {', '.join(COLUMNS)}"),)
    found = []
    for place, name in enumerate(names):
        if name not in COLUMNS:
            found.append(Fault(1, _unknown(name)))
        elif name in names[:place]:
            found.append(Fault(1, f"names the column {name} twice"))
    return tuple(found)


def _unknown(name: str) -> str:
    near = get_close_matches(name, COLUMNS, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(COLUMNS)}"
    return f"has an unknown column '{name[:_SHOWN_MAX_LEN]}'; {hint}"


def _with_faults(batch: Batch, faults: tuple[Fault, ...]) -> Batch:
    everything = sorted((*batch.faults, *faults), key=lambda fault: fault.line or 0)
    return Batch(
        registrations=batch.registrations, places=batch.places, installed=batch.installed, faults=tuple(everything)
    )


class _Reading:
    """One run over rows: what is read so far, and where each unique thing was seen first."""

    def __init__(self, from_ms: int) -> None:
        self._from_ms = from_ms
        self._registrations: dict[bytes, Registration] = {}
        self._places: dict[str, Place] = {}
        self._installed: list[Installed] = []
        self._seen: dict[tuple[str, object], int] = {}
        self._faults: list[Fault] = []

    def batch(self) -> Batch:
        return Batch(
            registrations=tuple(self._registrations.values()),
            places=tuple(self._places.values()),
            installed=tuple(self._installed),
            faults=tuple(self._faults),
        )

    def fault(self, line: int, sentence: str) -> None:
        if len(self._faults) < _MAX_FAULTS:
            self._faults.append(Fault(line, sentence))
        elif len(self._faults) == _MAX_FAULTS:
            self._faults.append(Fault(None, f"and more; the first {_MAX_FAULTS} faults are shown"))

    def row(self, line: int, row: object) -> None:
        if not isinstance(row, Mapping):
            self.fault(line, f"is a {type(row).__name__}, not a row with columns")
            return
        cells: dict[str, str] = {}
        for name, value in row.items():
            if name not in COLUMNS:
                self.fault(line, _unknown(str(name)))
            elif value is not None and not isinstance(value, str | int | float):
                self.fault(line, f"{name} is a {type(value).__name__}; write a text or a number")
            else:
                cells[name] = "" if value is None else str(value).strip()
        before = len(self._faults)
        registration = self._registration(line, cells)
        if registration is not None and len(self._faults) == before:
            self._registrations[registration.dev_eui] = registration
            self._place(line, cells, registration)

    def _registration(self, line: int, cells: dict[str, str]) -> Registration | None:
        dev_eui = self._eui(line, cells.get("dev_eui", ""), "DevEUI")
        if dev_eui is None:
            return None
        self._once(line, "DevEUI", dev_eui, f"DevEUI {eui_to_text(dev_eui)}")
        if dev_eui != bytes(reversed(dev_eui)) and ("DevEUI", bytes(reversed(dev_eui))) in self._seen:
            self.fault(
                line, f"DevEUI {eui_to_text(dev_eui)} is another row's backwards; write all as printed on the label"
            )
        if name := cells.get("name", "")[:_NAME_MAX_LEN]:
            self._once(line, "name", name, f"the name '{name}'")
        role = self._choice(line, cells, "role", {entry.value: entry for entry in Role})
        join_eui: bytes | None = bytes(EUI_LEN)
        if cells.get("join_eui") and set(cells["join_eui"]) - set("0-: "):
            join_eui = self._eui(line, cells["join_eui"], "JoinEUI")
        app_key, abp = self._keys(line, cells)
        gen_app_key = self._key(line, cells, "gen_app_key", "GenAppKey")
        plan = 0
        try:
            plan = plan_named(cells.get("plan") or "full").number
        except FrameError as error:
            self.fault(line, str(error))
        class_c = role is Role.LIGHT  # a lamp that only listens after it spoke could not be dimmed
        if cells.get("class_c"):
            class_c = bool(self._choice(line, cells, "class_c", _YES))
        min_dr = self._number(line, cells, "min_dr", 0, CHANNEL_MAX_DR) or 0
        if role is None or join_eui is None:
            return None
        return Registration(
            device=0,  # the store gives it its row
            dev_eui=dev_eui,
            role=role,
            name=name,
            join_eui=join_eui,
            app_key=app_key,
            gen_app_key=gen_app_key,
            abp=abp,
            class_c=class_c,
            plan=plan,
            min_dr=int(min_dr),
        )

    def _keys(self, line: int, cells: dict[str, str]) -> tuple[bytes | None, Abp | None]:
        session = [cells.get(name, "") for name in ("dev_addr", "nwk_s_key", "app_s_key")]
        if any(session):
            if cells.get("app_key"):
                self.fault(line, "has an AppKey and the session of ABP; write one of them")
            if not all(session):
                self.fault(line, "ABP needs dev_addr, nwk_s_key and app_s_key")
                return None, None
            dev_addr = None
            try:
                dev_addr = dev_addr_from_text(session[0])
            except FrameError as error:
                self.fault(line, str(error))
            nwk_s_key = self._key(line, cells, "nwk_s_key", "NwkSKey")
            app_s_key = self._key(line, cells, "app_s_key", "AppSKey")
            if dev_addr is None or nwk_s_key is None or app_s_key is None:
                return None, None
            self._once(line, "DevAddr", dev_addr, f"DevAddr {dev_addr:08x}")
            return None, Abp(dev_addr=dev_addr, nwk_s_key=nwk_s_key, app_s_key=app_s_key)
        if not cells.get("app_key"):
            self.fault(line, "has no app_key; a device that joins needs one, ABP needs dev_addr, nwk_s_key, app_s_key")
            return None, None
        return self._key(line, cells, "app_key", "AppKey"), None

    def _key(self, line: int, cells: dict[str, str], column: str, name: str) -> bytes | None:
        if not cells.get(column):
            return None
        try:
            key = key_from_text(cells[column], name)
        except FrameError as error:
            number = f"{name} was made a number by a spreadsheet; format the column as text"
            self.fault(line, number if _excel(cells[column]) else str(error))
            return None
        if key in _KNOWN_KEYS:
            self.fault(line, f"{name} is one that stands in every textbook; make a random one")
            return None
        self._once(line, "key", key, f"{name}")
        return key

    def _eui(self, line: int, text: str, name: str) -> bytes | None:
        if _excel(text):
            self.fault(
                line, f"{name} '{text[:_SHOWN_MAX_LEN]}' was made a number by a spreadsheet; format the column as text"
            )
            return None
        try:
            eui = eui_from_text(text, name)
        except FrameError as error:
            self.fault(line, str(error))
            return None
        if not any(eui) or eui == b"\xff" * EUI_LEN:
            self.fault(line, f"{name} {eui_to_text(eui)} is nobody's; write the one printed on the label")
            return None
        # An EUI made of a MAC address has ff fe in its middle (IEEE); fe ff there is one written backwards.
        if eui[3:5] == b"\xfe\xff":
            self.fault(
                line, f"{name} {eui_to_text(eui)} is written backwards; the label says {bytes(reversed(eui)).hex()}"
            )
            return None
        return eui

    def _choice(self, line: int, cells: dict[str, str], column: str, choices: Mapping[str, _T]) -> _T | None:
        text = cells.get(column, "").lower()
        if text not in choices:
            self.fault(line, f"{column} is '{text[:_SHOWN_MAX_LEN]}'; write one of {', '.join(choices)}")
            return None
        return choices[text]

    def _number(self, line: int, cells: dict[str, str], column: str, low: float, high: float) -> float | None:
        text = cells.get(column, "")
        if not text:
            return None
        try:
            number = float(text.replace(",", "."))  # a French spreadsheet writes 48,75
        except ValueError:
            number = high + 1
        if not low <= number <= high:
            self.fault(line, f"{column} is '{text[:_SHOWN_MAX_LEN]}'; write a number {low:g}..{high:g}")
            return None
        return number

    def _once(self, line: int, kind: str, value: object, shown: str) -> None:
        first = self._seen.setdefault((kind, value), line)
        if first != line:
            self.fault(line, f"{shown} stands in line {first} already; every device has its own")

    def _place(self, line: int, cells: dict[str, str], registration: Registration) -> None:
        place_id = cells.get("place", "").lower()
        if not place_id:
            for column in ("zone", "latitude_deg", "longitude_deg", "instance"):
                if cells.get(column):
                    self.fault(line, f"has {column} without a place")
            return
        place = self._place_of(line, cells, place_id)
        if place is None:
            return
        if registration.role in _KIND_OF and place.kind is not _KIND_OF[registration.role]:
            self.fault(line, f"puts a device of role {registration.role.value} at a {place.kind.value}: {place_id}")
            return
        instance = int(self._number(line, cells, "instance", 0, 7) or 0)
        self._once(line, "place", place_id, f"place {place_id}")
        self._places[place_id] = place
        self._installed.append(
            Installed(place_id=place_id, dev_eui=registration.dev_eui, instance=instance, from_ms=self._from_ms)
        )

    def _place_of(self, line: int, cells: dict[str, str], place_id: str) -> Place | None:
        latitude_deg = self._number(line, cells, "latitude_deg", -90, 90)
        longitude_deg = self._number(line, cells, "longitude_deg", -180, 180)
        if bool(cells.get("latitude_deg")) != bool(cells.get("longitude_deg")):
            self.fault(line, "has one of latitude_deg and longitude_deg; write both or none")
        try:
            kind = kind_of_place(place_id)
        except ValueError as error:
            self.fault(line, str(error))
            return None
        return Place(
            place_id=place_id,
            kind=kind,
            zone=cells.get("zone", "")[:_NAME_MAX_LEN],
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
        )


def kind_of_place(place_id: str) -> PlaceKind:
    """The kind that a place's id names. Raises ValueError with a sentence when it is no place's id."""
    match = _PLACE_ID.fullmatch(place_id)
    if match is None or len(place_id) > _PLACE_ID_MAX_LEN:
        raise ValueError(
            f"place '{place_id[:_SHOWN_MAX_LEN]}' is not <INSEE code>-<bay, lamp or station>-<name>, "
            "as 92002-bay-a12, in lower-case letters, digits and _"
        )
    return PlaceKind(match[1])


def _excel(text: str) -> bool:
    return re.fullmatch(r"\d[.,]\d+E\+?\d+", text, re.IGNORECASE) is not None
