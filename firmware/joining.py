"""Over-the-air activation from the node's side (TS001-1.0.4 §6.2); loaded when there is no session."""

from protocol.errors import FrameError
from protocol.lorawan.join import derive_session_keys, open_join_accept, seal_join_request
from protocol.region import DATA_RATES, MAX_RX1_DR_OFFSET, Plan

from .session import Identity, Session


def join_request(identity: Identity, dev_nonce: int) -> bytes:
    """The PHYPayload of a Join-Request."""
    return seal_join_request(identity.app_key, identity.join_eui, identity.dev_eui, dev_nonce)


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
    session.channels.use_cf_list(accept.cf_list)
    return session, accept.join_nonce
