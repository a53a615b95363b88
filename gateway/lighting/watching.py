"""What makes a group brighter than its programme: somebody arrives, or the day is as dark as dusk."""

from collections.abc import Iterable, Mapping

from .plan import Boost, LightGroup, LightProgramme, LuxThreshold, Presence, Rule

_DARK_S = 2 * 3600  # how long a dark reading counts: two of an air node's, and then some
Source = tuple[bytes, int]  # DevEUI, and which of its bays or heads


class Watching:
    """Turns arrivals and illuminance into boosts.

    groups: those that lighting manages, each with its programme. devices: who hangs at each place now.
    """

    def __init__(self) -> None:
        self._presence: dict[Source, list[tuple[int, str, Presence]]] = {}
        self._lux: dict[bytes, list[tuple[int, LuxThreshold]]] = {}
        self._dark: set[tuple[int, bytes]] = set()
        self._devices: set[bytes] = set()

    def plan(self, groups: Iterable[tuple[LightGroup, LightProgramme]], devices: Mapping[str, Source]) -> list[str]:
        """Take this plan instead of the one before; returns the places that are named and where nothing hangs."""
        self._presence, self._lux, self._devices = {}, {}, set()
        nowhere: set[str] = set()
        for group, programme in groups:
            if programme.lux is not None:
                self._lux.setdefault(programme.lux.dev_eui, []).append((group.number, programme.lux))
            if programme.presence is None:
                continue
            for place in programme.presence.places:
                if place in devices:
                    self._presence.setdefault(devices[place], []).append((group.number, place, programme.presence))
                else:
                    nowhere.add(place)
        self._devices = {*self._lux, *(source[0] for source in self._presence)}
        return sorted(nowhere)

    def cares_for(self, dev_eui: bytes) -> bool:
        """Whether what this device tells may brighten something."""
        return dev_eui in self._devices

    def arrived(self, source: Source, at_s: int) -> list[Boost]:
        """Somebody came to a bay, or moved before a lamp."""
        return [
            Boost(
                group=group,
                rule=Rule.PRESENCE,
                level_pct=presence.level_pct,
                until_s=at_s + presence.hold_s,
                source=place,
            )
            for group, place, presence in self._presence.get(source, ())
        ]

    def saw(self, dev_eui: bytes, lux: int, at_s: int) -> list[Boost]:
        """A device told its illuminance: boosts that begin, go on, or, with an end that is now, are over."""
        boosts = []
        for group, threshold in self._lux.get(dev_eui, ()):
            key = (group, dev_eui)
            if lux < threshold.on_lux:
                self._dark.add(key)
            elif lux > threshold.off_lux and key in self._dark:
                self._dark.discard(key)
                boosts.append(self._dark_boost(group, threshold, at_s, lux))
            if key in self._dark:
                boosts.append(self._dark_boost(group, threshold, at_s + _DARK_S, lux))
        return boosts

    @staticmethod
    def _dark_boost(group: int, threshold: LuxThreshold, until_s: int, lux: int) -> Boost:
        return Boost(
            group=group,
            rule=Rule.LUX,
            level_pct=threshold.level_pct,
            until_s=until_s,
            source=f"{lux} lx at {threshold.dev_eui.hex()}",
        )
