"""How much of a signal distance takes: the published models, by name.

`lorasim-ln` repeats a slip on purpose: LoRaSim's published figures came from a natural logarithm in its path loss
(Bor et al., MSWiM 2016, doi 10.1145/2988287.2989163), and only with it do they come out again.
"""

import math
from dataclasses import dataclass
from typing import Protocol

_FREQ_MHZ = 868.0
_LEAST_M = 1.0  # antennas are no closer


class PathLoss(Protocol):
    """A model of it. name: as scenarios and reports call it."""

    @property
    def name(self) -> str:
        """As scenarios and reports call it."""

    def loss_db(self, distance_m: float, gateway_height_m: float, node_height_m: float) -> float:
        """The loss between two isotropic antennas, before shadowing. It grows with the distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogDistance:
    """reference_db at reference_m, and ten times *exponent* more for each decade of distance.

    natural: for each factor of e instead, as in LoRaSim's published figures.
    """

    name: str
    reference_db: float
    reference_m: float
    exponent: float
    natural: bool = False

    def loss_db(self, distance_m: float, gateway_height_m: float, node_height_m: float) -> float:
        """Heights count only as part of the distance."""
        log = math.log if self.natural else math.log10
        return self.reference_db + 10 * self.exponent * log(max(distance_m, _LEAST_M) / self.reference_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hata:
    """Okumura's curves as Hata put them into a formula, for a small or medium city, at 868 MHz.

    M. Hata, IEEE Transactions on Vehicular Technology 29(3), 1980: made for 1..20 km, gateways at 30..200 m and nodes
    at 1..10 m. Used below that, too, where it is held above free space; heights are held to 10..200 and 1..10 m.
    relief_db: less loss where houses are lower.
    """

    name: str
    relief_db: float = 0.0

    def loss_db(self, distance_m: float, gateway_height_m: float, node_height_m: float) -> float:
        """Hata's, or free space where that is more."""
        log_mhz = math.log10(_FREQ_MHZ)
        log_gateway = math.log10(min(max(gateway_height_m, 10.0), 200.0))
        node_m = min(max(node_height_m, 1.0), 10.0)
        of_node = (1.1 * log_mhz - 0.7) * node_m - (1.56 * log_mhz - 0.8)
        log_km = math.log10(max(distance_m, _LEAST_M) / 1000)
        urban = 69.55 + 26.16 * log_mhz - 13.82 * log_gateway - of_node + (44.9 - 6.55 * log_gateway) * log_km
        return max(urban - self.relief_db, free_space_db(distance_m))


@dataclass(frozen=True, slots=True, kw_only=True)
class Everywhere:
    """The same loss wherever one stands, for studies in which distance is not the question."""

    name: str = "everywhere"
    same_db: float = 100.0

    def loss_db(self, distance_m: float, gateway_height_m: float, node_height_m: float) -> float:
        """The same."""
        return self.same_db


def free_space_db(distance_m: float) -> float:
    """Friis at 868 MHz: 20 log d + 20 log f + 32.44, with km and MHz."""
    return 20 * math.log10(max(distance_m, _LEAST_M) / 1000) + 20 * math.log10(_FREQ_MHZ) + 32.44


PATH_LOSSES: dict[str, PathLoss] = {
    model.name: model
    for model in (
        Hata(name="urban"),
        # Hata 1980: 2 (log (f/28))^2 + 5.4 and 4.78 (log f)^2 - 18.33 log f + 40.94, both at 868 MHz.
        Hata(name="suburban", relief_db=9.85),
        Hata(name="open", relief_db=28.35),
        LogDistance(name="lorasim", reference_db=127.41, reference_m=40, exponent=2.08),
        LogDistance(name="lorasim-ln", reference_db=127.41, reference_m=40, exponent=2.08, natural=True),
        # signetlabdei/lorawan, examples: 7.7 dB at 1 m; a city seen from its roofs.
        LogDistance(name="ns3", reference_db=7.7, reference_m=1, exponent=3.76),
        # Petajajarvi et al. 2015, cars in Oulu, less the 2 dBi of their antenna; they measured 7.8 dB of shadowing.
        LogDistance(name="oulu", reference_db=126.95, reference_m=1000, exponent=2.32),
        # FLoRa's default is LoRaSim's measurement as it was meant, with 3.57 dB of shadowing.
        LogDistance(name="flora", reference_db=127.41, reference_m=40, exponent=2.08),
        Everywhere(),
    )
}


def path_loss_named(name: str) -> PathLoss:
    """The model called *name*; raises ValueError with the names there are."""
    if name not in PATH_LOSSES:
        raise ValueError(f"no path loss is called '{name}'; expected one of {', '.join(PATH_LOSSES)}")
    return PATH_LOSSES[name]
