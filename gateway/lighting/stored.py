"""Lighting as the store has it, made into what the core works with."""

import apsw

from gateway.store import lighting as tables
from gateway.store import places
from gateway.store.lighting import OverrideRow
from protocol.dimming import Site

from .files import ProgrammeError, read_programme
from .lighting import Plan, State
from .plan import LightProgramme, Override, Target
from .watching import Source


def load_lighting(read: apsw.Connection, almanac: bytes | None) -> State:
    """All that the store has; almanac: the site's, if it was worked out. Raises apsw.Error."""
    overrides = tuple(override_of(row) for row in tables.load_overrides(read))
    site = None if almanac is None else Site.decode(almanac)
    return State(load_plan(read), tables.load_lamps(read), overrides, site)


def load_plan(read: apsw.Connection) -> Plan:
    """Programmes and who runs them; one that this version cannot read any more is left out: lamps keep what they have.

    Raises apsw.Error.
    """
    programmes: list[LightProgramme] = []
    for row in tables.load_programmes(read):
        try:
            programmes.append(read_programme(row.text))
        except ProgrammeError:
            continue
    return Plan(tuple(programmes), tables.load_assigned(read))


def hanging_now(read: apsw.Connection) -> dict[str, Source]:
    """Which device's bay or head is at each place now. Raises apsw.Error."""
    return {row.place_id: (row.dev_eui, row.instance) for row in places.list_installed(read, now_only=True)}


def override_of(row: OverrideRow) -> Override:
    """An override from its row."""
    return Override(
        id=row.id,
        target=target_of(row.target),
        level_pct=row.level_pct,
        fade_s=row.fade_s,
        since_s=row.since_s,
        until_s=row.until_s,
        source=row.source,
    )


def target_of(text: str) -> Target:
    """A target from how the store writes it: 16 hex digits of a DevEUI, or a number."""
    return bytes.fromhex(text) if len(text) == 16 else int(text)


def target_to_text(target: Target) -> str:
    """How the store writes a target."""
    return target.hex() if isinstance(target, bytes) else str(target)
