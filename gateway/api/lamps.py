"""What the store says of lamps: the work list and the nights' energy, as rows of the local API."""

from collections.abc import Sequence

import apsw

from gateway.api.station import Json
from gateway.config.values import Baseline
from gateway.lighting.accounting import baseline_of, iso_night
from gateway.lighting.faults import Fault
from gateway.lighting.outage import Outage
from gateway.places.directory import Directory
from gateway.publish.messages import iso_utc
from gateway.store import groups, lamps

_NOW_MS = 1 << 60  # later than any installation


def faults_of(read: apsw.Connection, directory: Directory, since_ms: int | None) -> Sequence[Json]:
    """Outages, then faults, those that are there and those that were over after *since_ms*. Raises apsw.Error."""
    outages = [_outage(outage) for outage in lamps.load_outages(read, since_ms)]
    return outages + [_fault(fault, directory) for fault in lamps.load_faults(read, since_ms)]


def nights_of(
    read: apsw.Connection,
    directory: Directory,
    baselines: Sequence[Baseline],
    span: tuple[int, int],
    after: tuple[int, int] | None,
    limit: int,
) -> tuple[Sequence[Json], tuple[int, int] | None]:
    """Lamp posts' nights from the first to the last of *span*; and where the next page begins, None at the end."""
    rows = lamps.nights_between(read, span[0], span[1], after, limit)
    members = [(f"group/{group.name}", frozenset(group.members)) for group in groups.load_groups(read)]
    found = [_night(row, directory, members, baselines) for row in rows]
    last = rows[-1].night if len(rows) == limit else None
    return found, None if last is None else (last.night, last.device)


def _fault(fault: Fault, directory: Directory) -> Json:
    known = directory.device(fault.device)
    place = directory.place_of(fault.device, fault.head, _NOW_MS)
    return {
        "place": None if place is None else place.place_id,
        "zone": None if place is None else place.zone,
        "dev_eui": None if known is None else known.dev_eui,
        "head": fault.head,
        "fault": fault.kind.value,
        "since": iso_utc(fault.since_ms),
        "over": None if fault.over_ms is None else iso_utc(fault.over_ms),
        "evidence": dict(fault.evidence),
    }


def _outage(outage: Outage) -> Json:
    return {
        "place": None,
        "zone": outage.feeder,
        "dev_eui": None,
        "head": None,
        "fault": outage.cause.value,
        "since": iso_utc(outage.since_ms),
        "over": None if outage.over_ms is None else iso_utc(outage.over_ms),
        "evidence": {
            "lamps": outage.lamps,
            "known": outage.known,
            "gasps": outage.gasps,
            "others_heard": outage.others_heard,
        },
    }


def _night(
    row: lamps.NightRow,
    directory: Directory,
    members: Sequence[tuple[str, frozenset[bytes]]],
    baselines: Sequence[Baseline],
) -> Json:
    night = row.night
    known = directory.device(night.device)
    place = directory.place_of(night.device, 0, _NOW_MS)
    dev_eui = b"" if known is None else bytes.fromhex(known.dev_eui)
    of = [name for name, group in members if dev_eui in group]
    of += [f"zone/{place.zone}"] if place is not None and place.zone else []
    baseline = baseline_of(baselines, [*of, "site"])
    return {
        "night": iso_night(night.night),
        "place": None if place is None else place.place_id,
        "dev_eui": dev_eui.hex(),
        "groups": [*of, "site"],
        "heads": night.heads,
        "energy_wh": night.energy_wh,
        "reckoned_wh": night.reckoned_wh,
        "full_wh": night.full_wh,
        "baseline_wh": None if baseline is None else round(baseline.taken_wh(night.heads, night.dark_s), 1),
        "lit_s": night.lit_s,
        "dark_s": night.dark_s,
        "covered_s": night.covered_s,
        "switches": night.switches,
        "operating_h": row.operating_h,
        "switch_count": row.switch_count,
    }
