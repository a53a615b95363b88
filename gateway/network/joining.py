"""What our network tells a device that joins: where to listen, and the channels that it cannot know."""

from protocol.lorawan.join import CF_LIST_CHANNELS, JoinAccept
from protocol.region import DEFAULT_CHANNELS, Plan


def join_accept(plan: Plan, join_nonce: int, net_id: int, dev_addr: int) -> JoinAccept:
    """The answer to a Join-Request under *plan*.

    A device that joins forgets all channels but the region's three (RP 1.0.3revA §2.2.4): the others of the plan go
    along as CFList, or a node of the full plan would share three channels with the street while five stay empty.
    """
    extra = plan.channels[len(DEFAULT_CHANNELS) :]
    cf_list = extra + (0,) * (CF_LIST_CHANNELS - len(extra)) if extra else None
    return JoinAccept(join_nonce, net_id, dev_addr, 0, plan.rx2_dr, plan.rx_delay_s, cf_list)
