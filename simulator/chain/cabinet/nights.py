"""A town's programme and almanac as the gateway reads and makes them, in plain values."""

from typing import NamedTuple

from gateway.lighting.almanac import AlmanacError, site_of
from gateway.lighting.files import ProgrammeError, read_programme
from protocol.dimming import Programme, Site


class PlannedNights(NamedTuple):
    """A town's programme as its file says it. events: first and last night (days since 1970-01-01) with their steps.

    presence: level and seconds; lux: level, on and off; None: the file asks for none.
    """

    name: str
    nights: Programme
    events: tuple[tuple[int, int, Programme], ...] = ()
    presence: tuple[int, int] | None = None
    lux: tuple[int, int, int] | None = None


def planned_nights(text: str) -> PlannedNights:
    """The text of a programme's file, read by the gateway that would load it. Raises ValueError with a sentence."""
    try:
        found = read_programme(text)
    except ProgrammeError as error:
        raise ValueError(str(error)) from None
    return PlannedNights(
        found.name,
        found.nights,
        tuple((event.first, event.last, event.nights) for event in found.events),
        None if found.presence is None else (found.presence.level_pct, found.presence.hold_s),
        None if found.lux is None else (found.lux.level_pct, found.lux.on_lux, found.lux.off_lux),
    )


def almanac(latitude_deg: float, longitude_deg: float, time_zone: str, insee: str, year: int) -> Site:
    """Sun, local time and public holidays as the gateway has them written into lamps. Raises ValueError."""
    try:
        return site_of(latitude_deg, longitude_deg, time_zone, insee, year)
    except AlmanacError as error:
        raise ValueError(str(error)) from None
