"""The gateway of a virtual city: its own cores, store, publisher and forwarder door on the timeline's clock.

The one package that joins the gateway to the simulator; what it tells others is plain values, and here is all that they
need. A `Cabinet` is what hangs in the street: the card with the store, and the radios. A `Process` is what runs on it.
"""

from simulator.chain.cabinet.hanging import Cabinet
from simulator.chain.cabinet.nights import PlannedNights, almanac, planned_nights
from simulator.chain.cabinet.told import (
    CabinetSettings,
    CabinetWatcher,
    Member,
    OrderRefusedError,
    Team,
    Warm,
)

__all__ = [
    "Cabinet",
    "CabinetSettings",
    "CabinetWatcher",
    "Member",
    "OrderRefusedError",
    "PlannedNights",
    "Team",
    "Warm",
    "almanac",
    "planned_nights",
]
