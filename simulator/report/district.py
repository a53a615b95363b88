"""What a run is of, as far as it is known before it begins: who stands where, which radio model, how to repeat it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where something stands, as report and map show it.

    role: "parking", "air", "light" or "bridge"; "gateway". zone: "" for what belongs to none. x_m east, y_m north.
    """

    name: str
    role: str
    zone: str = ""
    x_m: float = 0.0
    y_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """One run's nodes and gateways, and its terms.

    start_s: Unix time of virtual time 0. time_zone: IANA name, for the hours the page shows. model: the radio model in
    words. replay: the one command that repeats the run. grace_s: records younger than that at the end may still be on
    their way, and "delivered" does not count them. warm: the nodes have sessions from the begin. streets: lines of the
    map, each of (x_m, y_m). labels: of zones, as people say them.
    """

    name: str
    seed: int
    hours: float
    start_s: int
    time_zone: str
    model: str
    replay: str
    nodes: tuple[Spot, ...]
    gateways: tuple[Spot, ...]
    grace_s: float = 0.0
    warm: bool = False
    streets: tuple[tuple[tuple[float, float], ...], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
