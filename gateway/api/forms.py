"""How values look as JSON: rows that `operate.importing` reads again, and keys only for whoever may see them."""

from collections.abc import Mapping
from typing import Any

from gateway.api.station import Json
from gateway.network.registration import Group, Registration
from gateway.operate.importing import kind_of_place
from gateway.places.place import Installed, Place
from protocol.errors import FrameError
from protocol.lorawan.eui import dev_addr_to_text, eui_from_text, eui_to_text
from protocol.region import PLANS


class FormError(Exception):
    """A request's field is missing or wrong; the sentence says what to write."""


def device_to_json(registration: Registration, *, keys: bool = False) -> Json:
    """A device as a row. keys: also its keys, which are otherwise only told to be there."""
    row: Json = {
        "number": registration.device,
        "dev_eui": eui_to_text(registration.dev_eui),
        "role": registration.role.value,
        "name": registration.name,
        "join_eui": eui_to_text(registration.join_eui),
        "activation": "abp" if registration.abp else "otaa",
        "class_c": registration.class_c,
        "plan": PLANS[registration.plan].name,
        "min_dr": registration.min_dr,
    }
    if registration.abp:
        row["dev_addr"] = dev_addr_to_text(registration.abp.dev_addr)
    if keys:
        for name, key in _keys_of(registration):
            row[name] = key.hex()
    return row


def _keys_of(registration: Registration) -> list[tuple[str, bytes]]:
    abp = registration.abp
    every = [
        ("app_key", registration.app_key),
        ("gen_app_key", registration.gen_app_key),
        ("nwk_s_key", abp.nwk_s_key if abp else None),
        ("app_s_key", abp.app_s_key if abp else None),
    ]
    return [(name, key) for name, key in every if key is not None]


def group_to_json(group: Group) -> Json:
    """A multicast group, without its key, which travels to nodes alone."""
    return {
        "group": group.number,
        "name": group.name,
        "mc_addr": dev_addr_to_text(group.mc_addr),
        "members": [eui_to_text(member) for member in group.members],
        "freq_hz": group.freq_hz,
        "dr": group.dr,
    }


def place_to_json(place: Place) -> Json:
    """A place."""
    return {
        "place": place.place_id,
        "kind": place.kind.value,
        "zone": place.zone,
        "name": place.name,
        "latitude_deg": place.latitude_deg,
        "longitude_deg": place.longitude_deg,
    }


def place_from_json(form: Mapping[str, Any]) -> Place:
    """A place from its form; the kind is that of its id. Raises FormError."""
    place_id = text_of(form, "place")
    try:
        kind = kind_of_place(place_id)
    except ValueError as error:
        raise FormError(str(error)) from None
    latitude_deg = _degrees(form, "latitude_deg", 90)
    longitude_deg = _degrees(form, "longitude_deg", 180)
    if (latitude_deg is None) != (longitude_deg is None):
        raise FormError("give both latitude_deg and longitude_deg, or none")
    return Place(
        place_id=place_id,
        kind=kind,
        zone=text_of(form, "zone", ""),
        name=text_of(form, "name", ""),
        latitude_deg=latitude_deg,
        longitude_deg=longitude_deg,
    )


def installed_to_json(installed: Installed) -> Json:
    """Who was where, from when to when (Unix ms)."""
    return {
        "place": installed.place_id,
        "dev_eui": eui_to_text(installed.dev_eui),
        "instance": installed.instance,
        "from_ms": installed.from_ms,
        "to_ms": installed.to_ms,
    }


def installed_from_json(form: Mapping[str, Any], now_ms: int) -> Installed:
    """An installation from its form; from_ms is *now_ms* by default. Raises FormError."""
    place_id = text_of(form, "place")
    try:
        kind_of_place(place_id)
    except ValueError as error:
        raise FormError(str(error)) from None
    to_ms = form.get("to_ms")
    return Installed(
        place_id=place_id,
        dev_eui=eui_of(form, "dev_eui"),
        instance=integer_of(form, "instance", 0, 7, 0),
        from_ms=integer_of(form, "from_ms", 0, 1 << 50, now_ms),
        to_ms=None if to_ms is None else integer_of(form, "to_ms", 0, 1 << 50),
    )


def text_of(form: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A text of at most 200 characters. Raises FormError."""
    value = form.get(name, default)
    if not isinstance(value, str) or len(value) > 200:
        raise FormError(f"{name} is missing or no text of at most 200 characters")
    return value.strip()


def integer_of(form: Mapping[str, Any], name: str, low: int, high: int, default: int | None = None) -> int:
    """An integer low..high. Raises FormError."""
    value = form.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise FormError(f"{name} is {str(value)[:40]}; write an integer {low}..{high}")
    return value


def eui_of(form: Mapping[str, Any], name: str) -> bytes:
    """A DevEUI. Raises FormError."""
    try:
        return eui_from_text(text_of(form, name))
    except FrameError as error:
        raise FormError(str(error)) from None


def _degrees(form: Mapping[str, Any], name: str, bound: int) -> float | None:
    value = form.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not -bound <= value <= bound:
        raise FormError(f"{name} is {str(value)[:40]}; write degrees -{bound}..{bound}")
    return float(value)
