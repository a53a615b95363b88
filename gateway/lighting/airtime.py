"""What a change costs on the air, before it is sent: frames, how long they take, and what share of the hour that is."""

from dataclasses import dataclass

from gateway.counted import counted
from gateway.orders.desk import GROUP_SENDS
from protocol.orders import CONFIGURE, LOAD_PROGRAMME, SET_LEVEL, Order, encode_order, programme_orders
from protocol.region import frame_airtime_us, sub_band

_OVERHEAD = 13  # MHDR(1) FHDR(7) FPort(1) MIC(4)
_EXPIRY_GPS_S = 2_000_000_000  # as long as any expiry to come
_BW_HZ = 125_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """frames: that one radio sends to the group; airtime_ms: of all of them; hour_ms: what it may send in an hour.

    each_ms: of the frames with which one lamp that heard nothing is repaired.
    """

    frames: int
    airtime_ms: int
    each_ms: int
    hour_ms: int

    def sentence(self) -> str:
        """The cost as a person reads it."""
        share = 100 * self.airtime_ms / self.hour_ms
        return (
            f"{counted(self.frames, 'frame')}, {self.airtime_ms / 1000:.1f} s on the air from each radio "
            f"({share:.1f} % of what an hour allows); {self.each_ms / 1000:.1f} s more for each lamp that misses all"
        )


def cost_of_programme(encoded: bytes, dr: int, freq_hz: int) -> Cost:
    """What loading *encoded* into a group costs that listens at *dr*."""
    return _cost(programme_orders(0xFFFF - 3, _EXPIRY_GPS_S, 0xFFFF, encoded), dr, freq_hz)


def cost_of_scene(dr: int, freq_hz: int) -> Cost:
    """What telling a group one level costs."""
    return _cost([Order(0xFFFF, _EXPIRY_GPS_S, SET_LEVEL, 100, 600, 57_600)], dr, freq_hz)


def settings_airtime_ms(count: int, dr: int) -> int:
    """What it takes to tell single lamps *count* settings at *dr*, if each hears the first frame."""
    order = Order(0xFFFF, _EXPIRY_GPS_S, CONFIGURE, 31, 3600)
    return count * frame_airtime_us(dr, _OVERHEAD + len(encode_order(order)), False) // 1000


def _cost(orders: list[Order], dr: int, freq_hz: int) -> Cost:
    assert orders[0].verb in (LOAD_PROGRAMME, SET_LEVEL)
    once_us = sum(frame_airtime_us(dr, _OVERHEAD + len(encode_order(order)), False) for order in orders)
    return Cost(
        frames=len(orders) * GROUP_SENDS,
        airtime_ms=once_us * GROUP_SENDS // 1000,
        each_ms=once_us // 1000,
        hour_ms=sub_band(freq_hz, _BW_HZ).airtime_ms_per_hour,
    )
