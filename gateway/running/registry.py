"""The registry as the process has it in memory: who may be heard, and who was ever known, for what they told before."""

from collections.abc import Sequence

import apsw

from gateway.api.desk import all_devices, all_places, directory_of
from gateway.governance import defaults
from gateway.network.events import DeviceGone, DeviceSet, GroupSet
from gateway.network.registration import Registration, Role
from gateway.readings.record import Kind
from gateway.store import places

Change = DeviceSet | DeviceGone | GroupSet
_DATASET_OF_KIND = {
    Kind.STATUS: defaults.DEVICES,
    Kind.RAW: defaults.FOREIGN,
    Kind.ORDER: defaults.ORDERS,
    Kind.NOTICE: defaults.GATEWAY,
    Kind.FAULT: defaults.LIGHT,
    Kind.OUTAGE: defaults.LIGHT,
    Kind.NIGHT: defaults.ENERGY,
}
_DATASET_OF_ROLE = {Role.PARKING: defaults.PARKING, Role.AIR: defaults.AIR, Role.LIGHT: defaults.LIGHT}


class Registry:
    """registered: those that may be heard, by DevEUI. directory: devices and places, with those that were removed.

    read: a reading connection of the calling thread.
    """

    def __init__(self, read: apsw.Connection) -> None:
        self._read = read
        self.registered = {entry.dev_eui: entry for entry in all_devices(read)}
        self.directory = directory_of(read)

    def change(self, changes: Sequence[Change]) -> list[Registration]:
        """Take over what is on disk now; without any change only places changed. Returns the devices that went."""
        gone = []
        for change in changes:
            if isinstance(change, DeviceSet):
                self.registered[change.registration.dev_eui] = change.registration
                self.directory.set_device(change.registration)
            elif isinstance(change, DeviceGone) and change.dev_eui in self.registered:
                gone.append(self.registered.pop(change.dev_eui))
        self.directory.set_places(all_places(self._read), places.list_installed(self._read))
        return gone

    def dataset_of(self, kind: Kind, device: int | None) -> str:
        """The dataset by whose retention a record is kept: for readings that of the device's role."""
        if kind in _DATASET_OF_KIND:
            return _DATASET_OF_KIND[kind]
        known = None if device is None else self.directory.device(device)
        return defaults.UNPLACED if known is None else _DATASET_OF_ROLE.get(known.role, defaults.FOREIGN)
