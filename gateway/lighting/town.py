"""The town as the truth about its lamps asks for it: nights by its almanac, feeders and groups, and what is planned.

A feeder is the zone of a lamp's place, as a cabinet's feeders are drawn on the town's map. A lamp's energy counts for
its groups, its zone and the site.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache

from gateway.lighting.plan import LightGroup, Setpoint
from gateway.places.directory import Directory
from protocol.civil import DAY_S
from protocol.dimming import Site

SITE_GROUP = "site"
_NOON_S = 43_200
_TENTH_S = 6
_NOW_MS = 1 << 60  # later than any installation: where a lamp hangs now


class TownLamps:
    """Implements `gateway.lighting.truth.Town`.

    site: the almanac; None while nobody has worked it out. groups: as they are now. expected: by DevEUI and Unix s.
    """

    def __init__(
        self,
        directory: Directory,
        site: Callable[[], Site | None],
        groups: Callable[[], Iterable[LightGroup]],
        expected: Callable[[bytes, int], Setpoint] | None = None,
    ) -> None:
        self._directory = directory
        self._site = site
        self._groups = groups
        self._expected = expected
        self._noon_ms = lru_cache(maxsize=64)(self._find_noon_ms)  # of a fleet's readings nearly all are of today
        self._dark_ms = lru_cache(maxsize=64)(self._find_dark_ms)

    @property
    def known(self) -> bool:
        """Whether nights can be told."""
        return self._site() is not None

    def night_of(self, at_ms: int) -> int:
        """See `Nights`."""
        site = self._almanac()
        day, second = site.to_local(*divmod(at_ms // 1000, DAY_S))
        return day if second >= _NOON_S else day - 1

    def noon_ms(self, night: int) -> int:
        """See `Nights`."""
        return self._noon_ms(night)

    def dark_ms(self, night: int) -> tuple[int, int]:
        """See `Nights`."""
        return self._dark_ms(night)

    def feeder_of(self, device: int) -> str | None:
        """See `Town`."""
        place = self._directory.place_of(device, 0, _NOW_MS)
        return None if place is None or not place.zone else place.zone

    def groups_of(self, device: int) -> Iterable[str]:
        """See `Town`."""
        known = self._directory.device(device)
        dev_eui = b"" if known is None else bytes.fromhex(known.dev_eui)
        found = [f"group/{group.name}" for group in self._groups() if dev_eui in group.members]
        zone = self.feeder_of(device)
        return [*found, *([] if zone is None else [f"zone/{zone}"]), SITE_GROUP]

    def planned(self, device: int, at_s: int) -> Setpoint | None:
        """See `Town`."""
        known = self._directory.device(device)
        if known is None or self._expected is None:
            return None
        return self._expected(bytes.fromhex(known.dev_eui), at_s)

    def _almanac(self) -> Site:
        site = self._site()
        assert site is not None, "asked for nights before the almanac was worked out"
        return site

    def _find_noon_ms(self, night: int) -> int:
        day, second = self._almanac().from_local(night, _NOON_S)
        return (day * DAY_S + second) * 1000

    def _find_dark_ms(self, night: int) -> tuple[int, int]:
        site = self._almanac()
        ahead_s = site.utc_offset_min * 60
        sunset_s = night * DAY_S - ahead_s + site.sun.evening(night) * _TENTH_S
        sunrise_s = (night + 1) * DAY_S - ahead_s + site.sun.morning(night + 1) * _TENTH_S
        return sunset_s * 1000, sunrise_s * 1000
