"""Which request asks the station for what: one table, the same for the running gateway's socket and the stopped CLI.

Requests and answers are values, so that nothing here knows HTTP's bytes or a socket.
"""

import asyncio
import json
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.api.forms import (
    FormError,
    device_to_json,
    eui_of,
    group_to_json,
    installed_from_json,
    installed_to_json,
    integer_of,
    place_from_json,
    place_to_json,
    text_of,
)
from gateway.api.station import (
    ConflictError,
    HoldForm,
    Json,
    LoadForm,
    NotFoundError,
    OrderForm,
    RefusedError,
    Removal,
    Replacement,
    Station,
    UnavailableError,
)
from gateway.lighting.accounting import night_of_iso
from gateway.operate.importing import parse_rows

MAX_PAGE = 1000  # rows of an answer: about 300 kB, which the loop encodes in a few ms
DEFAULT_PAGE = 100
MAX_WAIT_S = 30.0  # of a long poll; then it answers with nothing and is asked again
MAX_MEMBERS = 1000  # of a group: a street's lamps, ten times over


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. sees_keys: whether whoever asks may be told keys. now_ms: Unix ms."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    sees_keys: bool = False
    now_ms: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered. body: JSON, or bytes of Prometheus' text."""

    status: int
    body: Json | bytes


Handler = Callable[[Station, Request, str], Awaitable[Json | bytes]]


async def answer(station: Station, request: Request) -> Answer:
    """Ask the station; what goes wrong becomes a status and `{"error": sentence}`."""
    handlers, argument = _find(request.path)
    if not handlers:
        return _error(404, f"there is no {request.path[:80]}; routes: {', '.join(sorted(_ROUTES))}")
    handler = handlers.get(request.method)
    if handler is None:
        return _error(405, f"{request.path[:80]} knows {', '.join(sorted(handlers))}, not {request.method[:10]}")
    try:
        return Answer(200, await handler(station, request, argument))
    except (FormError, RefusedError) as error:
        return _error(400, str(error))
    except NotFoundError as error:
        return _error(404, str(error))
    except ConflictError as error:
        return Answer(409, {"error": str(error), "faults": list(error.faults)})
    except UnavailableError as error:
        return _error(503, str(error))


def parse_target(target: str) -> tuple[str, dict[str, str]]:
    """(path, query) of a request's target; of a name that comes twice the last counts. Raises ValueError."""
    parts = urllib.parse.urlsplit(target)
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True, max_num_fields=20)
    return urllib.parse.unquote(parts.path), dict(query)


def _error(status: int, sentence: str) -> Answer:
    return Answer(status, {"error": sentence})


def _find(path: str) -> tuple[Mapping[str, Handler], str]:
    """The handlers of *path*, and what stands in its last, variable step."""
    if path in _ROUTES:
        return _ROUTES[path], ""
    parent, _, last = path.rpartition("/")
    return _ROUTES.get(parent + "/*", {}), last


def _form(request: Request) -> dict[str, Any]:
    try:
        form = json.loads(request.body)
    except (ValueError, RecursionError):
        raise FormError("the body is not JSON") from None
    if not isinstance(form, dict):
        raise FormError("the body is no JSON object")
    return form


def _count(request: Request, name: str, default: int, high: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isdecimal() or len(text) > 18 or int(text) > high:
        raise FormError(f"{name} is '{text[:40]}'; write a number 0..{high}")
    return int(text)


def _page(request: Request) -> tuple[int, int]:
    return _count(request, "after", 0, 1 << 60), max(1, _count(request, "limit", DEFAULT_PAGE, MAX_PAGE))


def _page_back(request: Request) -> tuple[int | None, int]:
    """As `_page`, of rows that come newest first: the cursor is `before`."""
    before = _count(request, "before", 0, 1 << 60)
    return before or None, max(1, _count(request, "limit", DEFAULT_PAGE, MAX_PAGE))


def _paged(name: str, rows: Sequence[Json], limit: int, cursor: str) -> Json:
    """A page; `next` is the cursor to pass for the one behind it, null: it was the last one."""
    return {name: list(rows), "next": rows[-1][cursor] if len(rows) >= limit else None}


def _eui(text: str) -> bytes:
    return eui_of({"DevEUI": text}, "DevEUI")


async def _devices(station: Station, request: Request, _: str) -> Json:
    after, limit = _page(request)
    return _paged("devices", [device_to_json(row) for row in await station.devices(after, limit)], limit, "number")


async def _device(station: Station, request: Request, argument: str) -> Json:
    registration, more = await station.device(_eui(argument))
    keys = request.query.get("keys") == "show"
    if keys and not request.sees_keys:
        raise FormError("keys are shown to root and to the gateway's own user; use sudo")
    return {**device_to_json(registration, keys=keys), **more}


async def _add(station: Station, request: Request, _: str) -> Json:
    rows = _form(request).get("devices")
    if not isinstance(rows, list):
        raise FormError('write {"devices": [row, …]}')
    # Thousands of rows take a second of a Pi's time: in a thread, so that uplinks are heard meanwhile.
    batch = await asyncio.to_thread(parse_rows, list(enumerate(rows, 1)), request.now_ms)
    if batch.faults:
        raise ConflictError(*(f"row {fault.line}: {fault.sentence}" for fault in batch.faults))
    await station.add(batch)
    return {"added": len(batch.registrations), "places": len(batch.places)}


async def _remove(station: Station, request: Request, argument: str) -> Json:
    await station.remove(Removal(dev_eui=_eui(argument)))
    return {"removed": argument}


async def _replace(station: Station, request: Request, _: str) -> Json:
    form = _form(request)
    old, new = eui_of(form, "old"), eui_of(form, "new")
    if old == new:
        raise FormError("old and new are the same device")
    from_ms = integer_of(form, "from_ms", 0, 1 << 50, request.now_ms)
    await station.replace(Replacement(old=old, new=new, from_ms=from_ms))
    return {"old": old.hex(), "new": new.hex()}


async def _places(station: Station, request: Request, _: str) -> Json:
    limit = max(1, _count(request, "limit", DEFAULT_PAGE, MAX_PAGE))
    rows = [place_to_json(row) for row in await station.places(request.query.get("after", ""), limit)]
    return _paged("places", rows, limit, "place")


async def _set_place(station: Station, request: Request, _: str) -> Json:
    place = place_from_json(_form(request))
    await station.set_place(place)
    return place_to_json(place)


async def _installed(station: Station, request: Request, _: str) -> Json:
    rows = await station.installed(request.query.get("place"))
    return {"installed": [installed_to_json(row) for row in rows]}


async def _install(station: Station, request: Request, _: str) -> Json:
    installed = installed_from_json(_form(request), request.now_ms)
    await station.install(installed)
    return installed_to_json(installed)


async def _readings(station: Station, request: Request, _: str) -> Json:
    after, limit = _page(request)
    rows, cursor = await station.readings(after, limit)
    return {"readings": list(rows), "next": cursor}


async def _groups(station: Station, request: Request, _: str) -> Json:
    return {"groups": [group_to_json(group) for group in await station.groups()]}


async def _set_group(station: Station, request: Request, _: str) -> Json:
    form = _form(request)
    members = form.get("members", [])
    if not isinstance(members, list) or len(members) > MAX_MEMBERS:
        raise FormError(f"members is no list of at most {MAX_MEMBERS} DevEUIs")
    euis = tuple(dict.fromkeys(eui_of({"DevEUI": member}, "DevEUI") for member in members))
    return group_to_json(await station.set_group(text_of(form, "name"), euis))


async def _uplinks(station: Station, request: Request, _: str) -> Json:
    after, limit = _page(request)
    wait_s = float(_count(request, "wait_s", 0, int(MAX_WAIT_S)))
    rows = await station.uplinks(after, limit, wait_s)
    return {"uplinks": list(rows), "next": rows[-1]["number"] if rows else after}


async def _orders(station: Station, request: Request, _: str) -> Json:
    before, limit = _page_back(request)
    return _paged("orders", await station.orders(before, limit), limit, "id")


async def _give(station: Station, request: Request, _: str) -> Json:
    return {"ids": list(await station.give_order(order_from_json(_form(request))))}


async def _cancel(station: Station, request: Request, argument: str) -> Json:
    if not argument.isdecimal() or len(argument) > 18:
        raise FormError(f"'{argument[:40]}' is no order's id; `order list` shows them")
    await station.cancel_order(int(argument))
    return {"cancelled": int(argument)}


def order_from_json(form: Mapping[str, Any]) -> OrderForm:
    """An order from its form: `dev_eui` or `group`, `verb`, `arguments`, which are judged where orders are made.

    Raises FormError.
    """
    if ("dev_eui" in form) == ("group" in form):
        raise FormError("write dev_eui or group, one of them")
    target: bytes | int = eui_of(form, "dev_eui") if "dev_eui" in form else integer_of(form, "group", 1, 1 << 31)
    arguments = form.get("arguments", {})
    if not isinstance(arguments, dict):
        raise FormError('arguments is no object; write them by name, as {"level_pct": 40}')
    return OrderForm(
        target=target,
        verb=text_of(form, "verb"),
        arguments=arguments,
        expires_in_s=integer_of(form, "expires_in_s", 1, 1 << 31, 3600),
        source=text_of(form, "source", "api")[:40],
    )


async def _light_programmes(station: Station, request: Request, _: str) -> Json:
    return {"programmes": list(await station.light.programmes())}


async def _light_programme(station: Station, request: Request, argument: str) -> Json:
    return await station.light.programme(argument)


async def _light_load(station: Station, request: Request, _: str) -> Json:
    form = _form(request)
    names = form.get("groups", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormError('groups is no list of names, as ["rue-a"]')
    text = form.get("text")
    if not isinstance(text, str):
        raise FormError("text is missing; it is the programme's file")
    return await station.light.load(LoadForm(text=text, groups=tuple(names), dry_run=form.get("dry_run") is True))


async def _light_groups(station: Station, request: Request, _: str) -> Json:
    return {"groups": list(await station.light.groups())}


async def _light_lamps(station: Station, request: Request, _: str) -> Json:
    limit = max(1, _count(request, "limit", DEFAULT_PAGE, MAX_PAGE))
    rows = await station.light.lamps(request.query.get("after", "").replace("-", "").lower(), limit)
    return _paged("lamps", rows, limit, "dev_eui")


async def _light_explain(station: Station, request: Request, argument: str) -> Json:
    at_s = _count(request, "at_s", 0, 1 << 40) if "at_s" in request.query else None
    return await station.light.explain(_eui(argument), at_s)


async def _light_hold(station: Station, request: Request, _: str) -> Json:
    form = _form(request)
    levels = form.get("levels")
    if not isinstance(levels, dict) or not all(
        level is None or (isinstance(level, int) and not isinstance(level, bool)) for level in levels.values()
    ):
        raise FormError('levels is no object of targets, as {"rue-a": 40}; null ends what is held')
    return await station.light.hold(
        HoldForm(
            levels=tuple(levels.items()),
            hold_s=integer_of(form, "hold_s", 1, 1 << 31, 3600),
            fade_s=integer_of(form, "fade_s", 0, 3600, 2),
            source=text_of(form, "source", "api")[:40],
            dry_run=form.get("dry_run") is True,
        )
    )


async def _quarantine(station: Station, request: Request, _: str) -> Json:
    before, limit = _page_back(request)
    return _paged("quarantine", await station.quarantine(before, limit), limit, "id")


async def _health(station: Station, request: Request, _: str) -> Json:
    return await station.health()


async def _metrics(station: Station, request: Request, _: str) -> bytes:
    return await station.metrics()


async def _counters(station: Station, request: Request, _: str) -> Json:
    return {"counters": dict(await station.counters())}


async def _snapshot(station: Station, request: Request, _: str) -> Json:
    return {"written": await station.snapshot()}


async def _backup(station: Station, request: Request, _: str) -> Json:
    return {"written": await station.backup()}


async def _replay(station: Station, request: Request, _: str) -> Json:
    form = _form(request)
    publisher = text_of(form, "publisher", "mqtt")
    if ("since_ms" in form) == (form.get("parked") is True):
        raise FormError("write since_ms, or parked as true, one of them")
    if "since_ms" in form:
        return {"records": await station.replay(integer_of(form, "since_ms", 0, 1 << 50), publisher)}
    return {"records": await station.replay_parked(publisher)}


async def _lamp_faults(station: Station, request: Request, _: str) -> Json:
    since_ms = _count(request, "since_ms", 0, 1 << 50)
    return {"faults": list(await station.lamp_faults(since_ms or None))}


async def _lamp_nights(station: Station, request: Request, _: str) -> Json:
    limit = max(1, _count(request, "limit", DEFAULT_PAGE, MAX_PAGE))
    first, last = (_night(request, name) for name in ("from", "to"))
    after = request.query.get("after", "")
    night, _, device = after.partition(":")
    if after and not (night.isdecimal() and device.isdecimal() and len(after) < 30):
        raise FormError("after is the `next` of the page before")
    cursor = (int(night), int(device)) if after else None
    rows, behind = await station.lamp_nights(first, last, cursor, limit)
    return {"nights": list(rows), "next": None if behind is None else f"{behind[0]}:{behind[1]}"}


def _night(request: Request, name: str) -> int:
    text = request.query.get(name, "")
    try:
        return night_of_iso(text)
    except ValueError:
        raise FormError(f"{name} is '{text[:40]}'; write the date on which a night begins, as 2026-11-22") from None


_ROUTES: Mapping[str, Mapping[str, Handler]] = {
    "/v1/devices": {"GET": _devices, "POST": _add},
    "/v1/devices/*": {"GET": _device, "DELETE": _remove},
    "/v1/replace": {"POST": _replace},
    "/v1/places": {"GET": _places, "POST": _set_place},
    "/v1/installed": {"GET": _installed, "POST": _install},
    "/v1/groups": {"GET": _groups, "POST": _set_group},
    "/v1/readings": {"GET": _readings},
    "/v1/uplinks": {"GET": _uplinks},
    "/v1/orders": {"GET": _orders, "POST": _give},
    "/v1/orders/*": {"DELETE": _cancel},
    "/v1/light/faults": {"GET": _lamp_faults},
    "/v1/light/nights": {"GET": _lamp_nights},
    "/v1/light/programmes": {"GET": _light_programmes, "POST": _light_load},
    "/v1/light/programmes/*": {"GET": _light_programme},
    "/v1/light/groups": {"GET": _light_groups},
    "/v1/light/lamps": {"GET": _light_lamps},
    "/v1/light/lamps/*": {"GET": _light_explain},
    "/v1/light/holds": {"POST": _light_hold},
    "/v1/quarantine": {"GET": _quarantine},
    "/v1/health": {"GET": _health},
    "/v1/metrics": {"GET": _metrics},
    "/v1/counters": {"GET": _counters},
    "/v1/snapshot": {"POST": _snapshot},
    "/v1/backup": {"POST": _backup},
    "/v1/replay": {"POST": _replay},
}
