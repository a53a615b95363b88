"""What a node does when the network stays silent: more power, slower, all channels (TS001-1.0.4 §4.3.1.1)."""

from protocol.compat import const
from protocol.region import ADR_ACK_DELAY, ADR_ACK_LIMIT

from .session import Session

# Six steps from DR5 to DR0 follow the 64 + 2 * 32 frames before the first, and one that restores the channels; then
# nothing is left but to join anew. At a frame each quarter of an hour that is after 3.3 days, within the log's depth.
REJOIN_AFTER = const(320)
# A session in which nothing was ever heard may be none: a Join-Accept does not say which Join-Request it answers
# (TS001-1.0.4 §6.2), so one that was withheld, and played to a later request, gives keys here that the network does not
# have. JoinNonce has gone up, and finds only what is played twice. So each uplink asks until the first answer, the last
# ones by ADRACKReq too, for a network that leaves LinkCheckReq out; then the node joins anew.
#   Where half of all frames are lost, each way, one uplink in four is answered: 0.75^24, a thousandth of all good
# sessions, is doubted for nothing. At 80 % loss it is 0.96^24 = 38 %, and as much for the next: three in a row are 5 %.
# One answer ends it for good, and nothing is lost meanwhile: the session is used until the network gives another.
TRUST_WITHIN = const(24)
PLEAD_AFTER = const(16)
CHECK_EVERY = const(8)  # without ADR the node asks itself: a LinkCheckReq in every eighth frame of a long silence


def back_off(session: Session, unheard: int, adr: bool, min_dr: int) -> None:
    """Change *session* as *unheard*, the uplinks since the last class A downlink, demands before the next uplink.

    As LoRaMac-node's LoRaMacAdr.c: full power after 96, then a data rate less at every 32nd; at the lowest the default
    channels come back and NbTrans is 1.
    """
    silent = unheard - ADR_ACK_LIMIT
    if not adr or silent < ADR_ACK_DELAY:
        return
    session.tx_power = 0
    if silent >= 2 * ADR_ACK_DELAY and silent % ADR_ACK_DELAY == 0:
        if session.dr > min_dr:
            session.dr -= 1
            session.settle()
        else:
            session.channels.restore()
            session.nb_trans = 1


def wants_to_be_heard(unheard: int, doubted: bool) -> bool:
    """Whether the next uplink should ask the network for any answer; *doubted*: the session never had one."""
    return unheard >= (PLEAD_AFTER if doubted else ADR_ACK_LIMIT)


def rejoins(unheard: int, doubted: bool) -> bool:
    """Whether it is time to try a join, beside the session that nobody answers."""
    if doubted:
        return unheard >= TRUST_WITHIN
    return unheard >= REJOIN_AFTER and (unheard - ADR_ACK_LIMIT) % ADR_ACK_DELAY == 0
