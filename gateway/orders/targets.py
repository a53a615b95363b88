"""Whom orders can go to: the devices and groups that are registered now."""

from collections.abc import Iterable

from gateway.network.registration import Group, Registration


class Targets:
    """Devices and groups by what they are called in the store and on the air."""

    def __init__(self, devices: Iterable[Registration] = (), groups: Iterable[Group] = ()) -> None:
        self._devices = {device.device: device for device in devices}
        self._groups = {group.number: group for group in groups}

    def device(self, device: int) -> Registration | None:
        """The device with this row in the store."""
        return self._devices.get(device)

    def group(self, number: int) -> Group | None:
        """The group with this number."""
        return self._groups.get(number)

    def devices(self) -> Iterable[Registration]:
        """All of them."""
        return self._devices.values()

    def set_device(self, registration: Registration) -> None:
        """A device was registered or changed."""
        self._devices[registration.device] = registration

    def drop_device(self, device: int) -> None:
        """A device was removed."""
        self._devices.pop(device, None)

    def set_group(self, group: Group) -> None:
        """A group was made or changed."""
        self._groups[group.number] = group
