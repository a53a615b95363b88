"""The datasets a gateway knows, as they are before an operator says otherwise."""

from collections.abc import Iterable

from gateway.governance.dataset import Dataset, Sharing

PARKING = "parking"  # readings and events of bays
AIR = "air"  # of air-quality stations
LIGHT = "light"  # of lamps
ENERGY = "energy"  # what lamps and their groups took in each night
DEVICES = "devices"  # what nodes say of themselves: version, battery, errors
ORDERS = "orders"  # what became of orders
GATEWAY = "gateway"  # the gateway's own notices and state
FOREIGN = "foreign"  # payloads of devices that are not ours, unread
UNPLACED = "unplaced"  # of our devices that are installed nowhere: nobody said what they measure, so nobody shares it

OPEN_LICENCE = "etalab-2.0"  # Licence Ouverte 2.0, by its SPDX name

# name, class, retention in days, promised freshness in seconds. Open is what says nothing of a person: that a bay is
# taken, not by whom. How a street is lit, and how a device is, is nobody's business but the town's.
_ROWS = (
    (PARKING, Sharing.OPEN, 400, 3_600),
    (AIR, Sharing.OPEN, 1_100, 3_600),
    (LIGHT, Sharing.INTERNAL, 400, 3_600),
    (ENERGY, Sharing.INTERNAL, 1_100, 93_600),
    (DEVICES, Sharing.INTERNAL, 400, 93_600),
    (ORDERS, Sharing.INTERNAL, 400, 3_600),
    (GATEWAY, Sharing.INTERNAL, 400, 3_600),
    (FOREIGN, Sharing.INTERNAL, 90, 93_600),
    (UNPLACED, Sharing.INTERNAL, 90, 93_600),
)


def datasets_of(owner: str, licence: str = OPEN_LICENCE, changed: Iterable[Dataset] = ()) -> dict[str, Dataset]:
    """Every dataset by its name.

    owner: the town or whoever answers for the data. licence: of the open ones; the others have none, because they are
    not handed on. changed: datasets that an operator described himself, in place of the default of that name.
    """
    known = {
        name: Dataset(
            name=name,
            owner=owner,
            licence=licence if sharing is Sharing.OPEN else "",
            sharing=sharing,
            retention_days=retention_days,
            freshness_s=freshness_s,
        )
        for name, sharing, retention_days, freshness_s in _ROWS
    }
    return known | {dataset.name: dataset for dataset in changed}
