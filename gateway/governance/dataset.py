"""Datasets, their sharing classes, and the doors data may leave by."""

from dataclasses import dataclass
from enum import IntEnum


class Sharing(IntEnum):
    """Who may have a dataset; a door opens for its own class and for those more open."""

    OPEN = 0
    PARTNERS = 1
    INTERNAL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """name: as topics carry it. freshness_s: within which a place's newest value is promised to be."""

    name: str
    owner: str
    licence: str
    sharing: Sharing
    retention_days: int
    freshness_s: int


def may_leave(dataset: Dataset, door: Sharing) -> bool:
    """Whether *dataset* may leave by a door to readers of class *door*: the city's own broker is INTERNAL."""
    return dataset.sharing <= door
