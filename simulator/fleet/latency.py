"""How late a board's hardware carries out what a core decides: a fleet need not know, one beside boards does.

Measured on the virtual board (`tests/board/test_equality.py` holds fleet and board against each other); in µs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """boot_us: from the edge at a pin that ends a deep sleep until the node can look.

    awake_us: after a start so long it does not sleep deep, for a technician may be there. cold_us, woken_us, warm_us:
    from the decision to send until the first symbol, for a radio that was not started yet, that slept while the node
    slept deep, and else. listening_us: for one that listens all the time. sense_us: of `Sense` by set, field_us:
    of `SenseField`, lux_us: of `SenseLux`; they pass before anything else is done.
    """

    boot_us: int = 700_000
    awake_us: int = 60_000_000
    cold_us: int = 25_500
    woken_us: int = 9_000
    warm_us: int = 8_300
    listening_us: int = 8_300
    sense_us: Mapping[int, int] = field(default_factory=dict)
    field_us: int = 0
    lux_us: int = 0
