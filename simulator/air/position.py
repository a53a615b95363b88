"""Where an antenna stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """Metres east and north of the site's own origin, and above the ground."""

    x_m: float = 0.0
    y_m: float = 0.0
    height_m: float = 0.0


ORIGIN = Position()
