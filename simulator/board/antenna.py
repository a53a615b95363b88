"""A radio chip's antenna in the simulator's air: what the chip sends and hears, between its clock and the street's.

A node's sends uplinks and hears downlinks; a bridge's, which is a gateway to the air, does it the other way round.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from protocol.errors import FrameError
from protocol.region import data_rate, dr_of
from simulator.air.interface import Air, OnAir, Reception
from simulator.chips.air import Arrival, Emission
from simulator.chips.clock import Clock
from simulator.timeline import Timeline

if TYPE_CHECKING:
    from simulator.chips.air import Listener

SYNC_LORAWAN = 0x34
_STEP_HZ = 100  # of LoRaWAN's frequencies; a chip's own steps are at most 61 Hz


class Antenna:
    """Implements `simulator.chips.air.Air` for one board. gain_db: of the antenna, above isotropic.

    stirred: called after something has reached the chip by itself. lost: sentences about frames that no LoRaWAN gateway
    would understand, because the chip was not set up as it must be.
    """

    def __init__(
        self, name: str, timeline: Timeline, air: Air, clock: Clock, stirred: Callable[[], None], gain_db: int = 2
    ) -> None:
        self.name = name
        self.lost: list[str] = []
        self._timeline = timeline
        self._air = air
        self._clock = clock
        self._stirred = stirred
        self._gain_db = gain_db
        self._radio: Listener | None = None
        self._tuned: object = None
        self._arrivals: dict[OnAir, Arrival] = {}

    # The chip's side. Its clock may be ahead of the street's by what the firmware did since it woke.

    def transmit(self, emission: Emission) -> None:
        """A frame begins to leave the antenna."""
        flaws = _flaws(emission)
        if flaws:
            self.lost += flaws
            return
        dr = dr_of(emission.sf, emission.bw_hz)
        freq_hz = _rounded(emission.freq_hz)
        power_dbm = emission.power_dbm + self._gain_db
        payload = emission.payload
        self._timeline.at(
            emission.start_us, lambda: void(self._air.transmit(self.name, payload, freq_hz, dr, power_dbm))
        )

    def listen(self, radio: "Listener") -> None:
        """The chip listens from now on."""
        self._radio = radio
        tuning = self._tuned = radio.tuning
        self._timeline.at(self._clock.now_us, lambda: self._tune(tuning))

    def deafen(self, radio: "Listener") -> None:
        """The chip does not listen any more."""
        self._tuned = None
        self._timeline.at(self._clock.now_us, self._turn_away)

    def hears(self) -> bool:
        """Whether the chip listens."""
        return self._tuned is not None

    def _tune(self, tuning: object) -> None:
        radio = self._radio
        if tuning is None or tuning is not self._tuned or radio is None or radio.tuning is None:
            return
        self._air.deafen(self)
        try:
            dr = dr_of(radio.tuning.sf, radio.tuning.bw_hz)
        except FrameError:
            return
        self._air.listen(self, _rounded(radio.tuning.freq_hz), dr)

    def _turn_away(self) -> None:
        if self._tuned is None:
            self._air.deafen(self)
            self._arrivals.clear()

    # The air's side.

    def minds(self, frame: OnAir) -> bool:
        """A chip receives whatever its registers let in; the address is the firmware's to look at."""
        return True

    def begin(self, frame: OnAir) -> None:
        """A downlink begins, or is on the air already: LoRaWAN's have inverted IQ and no CRC."""
        if self._radio is None:
            return
        sf, bw_hz = data_rate(frame.dr)
        emission = Emission(
            frame.phy_payload, frame.freq_hz, sf, bw_hz, frame.start_us, frame.power_dbm, crc=False, inverted_iq=True
        )
        arrival = self._arrivals[frame] = Arrival(emission)
        self._radio.arrive(arrival)
        self._stirred()

    def end(self, frame: OnAir, reception: Reception | None) -> None:
        """How it arrived; None: destroyed, of which the MIC will tell."""
        arrival = self._arrivals.pop(frame, None)
        if arrival is None:
            return
        if reception is None:
            arrival.payload = _noise(frame.phy_payload)
        else:
            _arrived(arrival, frame, reception)


class BridgeAntenna:
    """Implements `simulator.chips.air.Air` for a bridge. The air has it attached under *name* with `hear`.

    The air tells a gateway of a frame when it is over, the chip wants to know when it begins: `begin` is to be told of
    each uplink then. stirred, lost: as of an `Antenna`.
    """

    def __init__(self, name: str, timeline: Timeline, air: Air, stirred: Callable[[], None], gain_db: int = 2) -> None:
        self.name = name
        self.lost: list[str] = []
        self._timeline = timeline
        self._air = air
        self._stirred = stirred
        self._gain_db = gain_db
        self._radio: Listener | None = None
        self._arrivals: dict[OnAir, Arrival] = {}

    def transmit(self, emission: Emission) -> None:
        """A downlink begins to leave the antenna."""
        flaws = list(emission.flaws)
        if emission.sync_word != SYNC_LORAWAN or not emission.inverted_iq or emission.crc:
            flaws.append("a downlink of another network's sync word, with straight IQ, or with CRC")
        if flaws:
            self.lost += flaws
            return
        how = _rounded(emission.freq_hz), dr_of(emission.sf, emission.bw_hz), emission.power_dbm + self._gain_db
        self._timeline.at(emission.start_us, lambda: void(self._air.emit(self.name, emission.payload, *how)))

    def listen(self, radio: "Listener") -> None:
        """The chip listens from now on."""
        self._radio = radio

    def deafen(self, radio: "Listener") -> None:
        """The chip does not listen any more."""
        self._radio = None
        self._arrivals.clear()

    def begin(self, frame: OnAir) -> None:
        """An uplink begins; noise, unless the air says something else of it when it is over."""
        if self._radio is None:
            return
        for other in [other for other in self._arrivals if other.end_us < frame.start_us]:
            del self._arrivals[other]  # it was destroyed
        sf, bw_hz = data_rate(frame.dr)
        emission = Emission(frame.phy_payload, frame.freq_hz, sf, bw_hz, frame.start_us, frame.power_dbm)
        arrival = self._arrivals[frame] = Arrival(emission, payload=_noise(frame.phy_payload))
        self._radio.arrive(arrival)
        self._stirred()

    def hear(self, frame: OnAir, reception: Reception) -> None:
        """An uplink arrived whole, and ends now."""
        arrival = self._arrivals.pop(frame, None)
        if arrival is not None:
            _arrived(arrival, frame, reception)


def void(_: object) -> None:
    """For callbacks that return nothing."""


def _noise(phy_payload: bytes) -> bytes:
    return bytes(byte ^ 0x55 for byte in phy_payload)


def _arrived(arrival: Arrival, frame: OnAir, reception: Reception) -> None:
    arrival.payload = frame.phy_payload
    arrival.rssi_dbm = round(reception.rssi_dbm)
    arrival.snr_quarter_db = round(reception.snr_db * 4)


def _rounded(freq_hz: int) -> int:
    return (freq_hz + _STEP_HZ // 2) // _STEP_HZ * _STEP_HZ


def _flaws(emission: Emission) -> list[str]:
    """Why no gateway would understand it."""
    flaws = list(emission.flaws)
    if emission.sync_word != SYNC_LORAWAN:
        flaws.append(f"sync word 0x{emission.sync_word:02x}; LoRaWAN has 0x34")
    if emission.inverted_iq:
        flaws.append("an uplink with inverted IQ")
    if not (emission.crc and emission.explicit and emission.coding_rate == 1):
        flaws.append("an uplink without CRC, without header, or of another coding rate than 4/5")
    return flaws
