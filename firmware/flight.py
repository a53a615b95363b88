"""A frame on its way: what is known of it from its first transmission until its last window, and when these open."""

import struct

from protocol.compat import const, on_demand
from protocol.region import DATA_RATES, frame_airtime_us, max_payload, rx1_dr, rx_window

WINDOW_ERROR_US = const(20_000)  # what lies between the radio's interrupt and `Transmitted`, and back

_OVERHEAD_LEN = const(13)  # MHDR(1) FHDR(7) FPort(1) MIC(4)
_WIRE = "<QBBBBB"
_WIRE_LEN = const(13)


class Flight:
    """f_port: None when nobody waits for its end. left: transmissions still allowed.

    asked: CIDs of the requests that it carries.
    """

    def __init__(
        self, phy_payload: bytes, dr: int, f_port: int | None, confirmed: bool, left: int, asked: bytes = b""
    ) -> None:
        self.phy_payload = phy_payload
        self.airtime_ms = airtime_ms(dr, len(phy_payload))
        self.dr = dr
        self.f_port = f_port
        self.confirmed = confirmed
        self.left = left
        self.asked = asked
        self.join = False
        self.acked = False
        self.heard = False  # a class A downlink came
        self.not_before_ms = 0

    @on_demand
    def to_wire(self, not_before_ms: int) -> bytes:
        """What of a data frame must survive deep sleep, at most 248 bytes; asleep nothing is heard."""
        f_port = self.f_port or 0
        return (
            struct.pack(_WIRE, not_before_ms, self.dr, f_port, self.confirmed, self.left, self.heard) + self.phy_payload
        )


@on_demand
def flight_from_wire(wire: bytes) -> Flight | None:
    """What `Flight.to_wire` wrote; None when there is nothing."""
    if len(wire) < _WIRE_LEN:
        return None
    not_before_ms, dr, f_port, confirmed, left, heard = struct.unpack_from(_WIRE, wire)
    flight = Flight(wire[_WIRE_LEN:], dr, f_port or None, bool(confirmed), left)
    flight.heard = bool(heard)
    flight.not_before_ms = not_before_ms
    return flight


def airtime_ms(dr: int, phy_len: int) -> int:
    """Time on air of an uplink in ms, rounded up."""
    return (frame_airtime_us(dr, phy_len) + 999) // 1000


def windows(
    up_dr: int, rx1_dr_offset: int, delay_s: int, rx2_freq_hz: int, rx2_dr: int, clock_ppm: int
) -> tuple[int, int, int, int, int, int, int]:
    """When to listen after an uplink (TS001-1.0.4 §3.3).

    Returns RX1's data rate, symbols and ms after the uplink's end, RX2's frequency, data rate, symbols and ms.
    """
    dr = rx1_dr(up_dr, rx1_dr_offset)
    rx1 = rx_window(dr, WINDOW_ERROR_US + delay_s * clock_ppm)
    rx2 = rx_window(rx2_dr, WINDOW_ERROR_US + (delay_s + 1) * clock_ppm)
    rx1_ms = delay_s * 1000 + rx1[1] // 1000
    return dr, rx1[0], rx1_ms, rx2_freq_hz, rx2_dr, rx2[0], (delay_s + 1) * 1000 + rx2[1] // 1000


LONGEST_MS = tuple([airtime_ms(dr, _OVERHEAD_LEN + max_payload(dr)) for dr in range(len(DATA_RATES))])  # by data rate
