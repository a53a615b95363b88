"""How weak a frame a receiver can still read, by data rate DR0..DR7.

A LoRa frame is read from a signal-to-noise ratio on that its spreading factor sets (SX1276 DS table 13, for a bandwidth
of 125 kHz); the noise is thermal, -174 dBm/Hz, and what the receiver adds.
"""

from dataclasses import dataclass

from protocol.region import DATA_RATES
from simulator.air.decibels import cdb

LEAST_SNR_DB = (-20.0, -17.5, -15.0, -12.5, -10.0, -7.5, -7.5, 9.0)  # DR7 is FSK, which needs a signal above the noise
MOST_SNR_DB = 14.0  # chips in the field tell no more, however near the node
_THERMAL_DBM = -123.03  # of 125 kHz at 290 K: -174 dBm/Hz + 50.97 dB
_WIDER_DB = tuple(3.01 if bw_hz == 250_000 else 0.0 for _, bw_hz in DATA_RATES)


@dataclass(frozen=True, slots=True)
class Receiver:
    """sensitivity_cdbm and noise_cdbm: by data rate, in hundredths of a dBm."""

    name: str
    sensitivity_cdbm: tuple[int, ...]
    noise_cdbm: tuple[int, ...]

    def snr_db(self, level_cdbm: int, dr: int) -> float:
        """What the receiver tells of a frame that arrives with this level."""
        return min((level_cdbm - self.noise_cdbm[dr]) / 100, MOST_SNR_DB)


def noisy(name: str, noise_figure_db: float) -> Receiver:
    """A receiver as its noise figure makes it."""
    noise = [_THERMAL_DBM + noise_figure_db + wider for wider in _WIDER_DB]
    return Receiver(
        name,
        tuple(cdb(floor + least) for floor, least in zip(noise, LEAST_SNR_DB, strict=True)),
        tuple(cdb(floor) for floor in noise),
    )


def listed(name: str, *sensitivity_dbm: float) -> Receiver:
    """A receiver with the sensitivities of a table, SF7 first to SF12; its noise is what lets SF7 be read so."""
    by_dr = [*reversed(sensitivity_dbm), sensitivity_dbm[0] + 3.0, sensitivity_dbm[0] + 16.5]
    noise = sensitivity_dbm[0] - LEAST_SNR_DB[5]
    return Receiver(name, tuple(cdb(level) for level in by_dr), tuple(cdb(noise + wider) for wider in _WIDER_DB))


RECEIVERS: dict[str, Receiver] = {
    receiver.name: receiver
    for receiver in (
        noisy("noise-6db", 6.0),  # an SX1276 or SX1262 by its datasheet, and a concentrator in a noisy town
        listed("sx1301", -130.0, -132.5, -135.0, -137.5, -140.0, -142.5),  # as ns-3's lorawan has it
        listed("sx1272", -124.0, -127.0, -130.0, -133.0, -135.0, -137.0),  # its DS table 10, as FLoRa and ns-3 have it
    )
}


def receiver_named(name: str) -> Receiver:
    """The receiver called *name*; raises ValueError with the names there are."""
    if name not in RECEIVERS:
        raise ValueError(f"no receiver is called '{name}'; expected one of {', '.join(RECEIVERS)}")
    return RECEIVERS[name]
