"""A place is what the town knows (a bay, a lamp, a station); devices come and go there, its series stays."""

from dataclasses import dataclass
from enum import Enum


class PlaceKind(Enum):
    """What a place is; its dataset follows from it."""

    BAY = "bay"
    LAMP = "lamp"
    STATION = "station"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """place_id: `<INSEE code of the site>-<kind>-<name>`, lower case, as topics carry it; WGS 84 degrees."""

    place_id: str
    kind: PlaceKind
    zone: str = ""
    name: str = ""
    latitude_deg: float | None = None
    longitude_deg: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A device's instance (0, or a second bay or head) is at a place from *from_ms* on; to_ms None: still there."""

    place_id: str
    dev_eui: bytes
    instance: int
    from_ms: int
    to_ms: int | None = None
