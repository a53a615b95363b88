"""The directory: which device a row of the store is, and at which place it was at a given time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.network.registration import Registration, Role
from gateway.places.place import Installed, Place

_TOPIC_LEVEL = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as messages name it. dev_eui: 16 lower-case hex digits."""

    dev_eui: str
    role: Role
    name: str


class Directory:
    """Devices, places, and who was where when; in memory, built from the store's rows and kept up to date with them.

    It holds one small entry for each registered device, place and installation: a street's worth. A device that was
    removed stays known by its row until the next start, so that what it told before can still be published.
    """

    def __init__(
        self,
        registrations: Iterable[Registration] = (),
        places: Iterable[Place] = (),
        installed: Iterable[Installed] = (),
    ) -> None:
        self._devices: dict[int, Device] = {}
        self._rows: dict[bytes, int] = {}
        self._places: dict[str, Place] = {}
        # (device's row, instance) -> installations, the newest first: nearly every question is about that one.
        self._installed: dict[tuple[int, int], list[tuple[int, int | None, Place]]] = {}
        for registration in registrations:
            self.set_device(registration)
        self.set_places(places, installed)

    def set_device(self, registration: Registration) -> None:
        """A device was registered or changed."""
        self._rows[registration.dev_eui] = registration.device
        self._devices[registration.device] = Device(
            dev_eui=registration.dev_eui.hex(), role=registration.role, name=registration.name
        )

    def set_places(self, places: Iterable[Place], installed: Iterable[Installed]) -> None:
        """Take these places and installations, history included, instead of those known before.

        Raises ValueError, and keeps what was, for a place_id that cannot be a level of a topic, and for an
        installation that names an unknown place or device.
        """
        by_id = {place.place_id: place for place in places}
        for place_id in by_id:
            if not _TOPIC_LEVEL.fullmatch(place_id):
                raise ValueError(
                    f"place '{place_id}': write it with a-z, 0-9, '.', '_' and '-' only, as topics need it"
                )
        spans: dict[tuple[int, int], list[tuple[int, int | None, Place]]] = {}
        for row in installed:
            if row.place_id not in by_id:
                raise ValueError(f"device {row.dev_eui.hex()} is installed at '{row.place_id}', which is no place")
            device = self._rows.get(row.dev_eui)
            if device is None:
                raise ValueError(f"device {row.dev_eui.hex()}, installed at '{row.place_id}', is not registered")
            spans.setdefault((device, row.instance), []).append((row.from_ms, row.to_ms, by_id[row.place_id]))
        for history in spans.values():
            history.sort(key=lambda span: -span[0])
        self._places = by_id
        self._installed = spans

    def device(self, device: int) -> Device | None:
        """The device with this row in the store."""
        return self._devices.get(device)

    def row_of(self, dev_eui: bytes) -> int | None:
        """The row of a device in the store."""
        return self._rows.get(dev_eui)

    def place(self, place_id: str) -> Place | None:
        """The place with this id."""
        return self._places.get(place_id)

    def place_of(self, device: int, instance: int, at_unix_ms: int) -> Place | None:
        """Where this instance of the device with this row was at Unix time *at_unix_ms*; None: nowhere."""
        for from_ms, to_ms, place in self._installed.get((device, instance), ()):
            if from_ms <= at_unix_ms:
                return place if to_ms is None or at_unix_ms < to_ms else None
        return None
