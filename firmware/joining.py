"""Over-the-air activation from the node's side (TS001-1.0.4 §6.2): the frames, and when the next request may go.

Loaded when there is no session, or none that anybody answers.
"""

from protocol.compat import const
from protocol.errors import FrameError
from protocol.lorawan.join import derive_session_keys, open_join_accept, seal_join_request
from protocol.region import CHANNEL_MAX_DR, DATA_RATES, MAX_CHANNELS, MAX_RX1_DR_OFFSET, Plan, is_channel

from .channels import DEFAULTS
from .duty import HOUR_MS
from .flight import Flight
from .session import Identity, Session

_DAY_MS = const(86_400_000)
# TR007-1.1 §4.8: aggregated airtime of joins in the first hour after power-up, in the ten that follow, and then in
# each period of 24 hours.
_JOIN_MS = (36_000, 36_000, 8_700)
_JOIN_GAP_MS = const(10_000)  # after the first attempt; doubled by each
_JOIN_GAPS = const(8)  # doublings, to 43 minutes: so long at most a repaired gateway waits for its nodes, budget left
_JOIN_SPREAD_MS = const(15_000)  # a feeder boots two hundred lamps in one second


def request_flight(identity: Identity, dev_nonce: int, dr: int) -> Flight:
    """A Join-Request on its way."""
    phy_payload = seal_join_request(identity.app_key, identity.join_eui, identity.dev_eui, dev_nonce)
    flight = Flight(phy_payload, dr, None, False, 1)
    flight.join = True
    return flight


def accepted(
    identity: Identity, plan: Plan, phy_payload: bytes, dev_nonce: int, join_nonce: int, dr: int
) -> tuple[Session, int]:
    """The session that a Join-Accept begins, and its JoinNonce; *dev_nonce* and *dr* as in the request.

    Raises ProtocolError for any other frame, for a JoinNonce not above *join_nonce* (a replay) and for settings that
    EU868 does not have.
    """
    accept = open_join_accept(identity.app_key, phy_payload)
    if accept.join_nonce <= join_nonce:
        raise FrameError(f"Join-Accept: JoinNonce is {accept.join_nonce}, expected above {join_nonce}: a replay")
    if accept.rx1_dr_offset > MAX_RX1_DR_OFFSET or accept.rx2_data_rate >= len(DATA_RATES):
        raise FrameError(
            f"Join-Accept: RX1DROffset {accept.rx1_dr_offset}, RX2DataRate {accept.rx2_data_rate}; EU868 has 0..5, 0..7"
        )
    keys = derive_session_keys(identity.app_key, accept.join_nonce, accept.net_id, dev_nonce)
    session = Session(accept.dev_addr, keys[0], keys[1], plan, dr)
    session.rx1_dr_offset = accept.rx1_dr_offset
    session.rx2_dr = accept.rx2_data_rate
    session.rx_delay_s = accept.rx_delay_s
    _use_cf_list(session, accept.cf_list)
    return session, accept.join_nonce


def _use_cf_list(session: Session, cf_list: tuple[int, ...] | None) -> None:
    """Replace all but the default channels by those of a Join-Accept (RP 1.0.3revA §2.2.4), if they can be."""
    channels = session.channels
    for index in range(DEFAULTS, MAX_CHANNELS):
        channels.remove(index)
    for index, freq_hz in enumerate(cf_list or ()):
        if freq_hz and is_channel(freq_hz):
            channels.define(DEFAULTS + index, freq_hz, CHANNEL_MAX_DR, 0)


class JoinBackOff:
    """When the next Join-Request may go: gaps that double, and the airtime of TR007-1.1 §4.8.

    state: attempts since the last success, the time before which none is made, the period in which the last one was
    made, and its airtime in ms in that period. It is what stays while this module does not.
    """

    def __init__(self, state: tuple[int, int, int, int]) -> None:
        self.state = state

    @property
    def not_before_ms(self) -> int:
        """When the random gap after the last attempt is over."""
        return self.state[1]

    def dr(self, plan: Plan, min_dr: int) -> int:
        """The data rate of the next attempt: every one down to *min_dr* twice, the plan's fastest first, and again."""
        return plan.max_dr - self.state[0] // 2 % (plan.max_dr - min_dr + 1)

    def free_at(self, airtime_ms: int) -> int:
        """When a Join-Request of *airtime_ms* may begin."""
        _, not_before_ms, period, spent_ms = self.state
        if spent_ms + airtime_ms > _JOIN_MS[min(period, 2)]:
            return max(not_before_ms, _starts_ms(period + 1))
        return not_before_ms

    def spend(self, airtime_ms: int, now_ms: int, spread: int) -> None:
        """Enter an attempt that begins now."""
        attempts, _, period, spent_ms = self.state
        if now_ms >= _starts_ms(period + 1):
            period = _period(now_ms)
            spent_ms = 0
        gap_ms = _JOIN_GAP_MS << min(attempts, _JOIN_GAPS)
        not_before_ms = now_ms + gap_ms // 2 + gap_ms // 1000 * spread
        self.state = (attempts + 1, not_before_ms, period, spent_ms + airtime_ms)

    def succeeded(self) -> None:
        """Forget the attempts; the airtime stays spent."""
        self.state = (0, 0, self.state[2], self.state[3])


def _period(now_ms: int) -> int:  # the first hour, which is 0, has passed
    return 1 if now_ms < 11 * HOUR_MS else 2 + (now_ms - 11 * HOUR_MS) // _DAY_MS


def _starts_ms(period: int) -> int:
    if period < 2:
        return period * HOUR_MS
    return 11 * HOUR_MS + (period - 2) * _DAY_MS
