"""A session: one device's address, keys and counters, as the network server holds them in memory."""

from dataclasses import dataclass

from protocol.lorawan.security import SessionKeys


@dataclass(slots=True, kw_only=True)
class Session:
    """f_cnt_up: the counter last accepted, -1 before the first. epoch, last_seq: the node's log, as last told."""

    dev_eui: bytes
    dev_addr: int
    keys: SessionKeys
    place: str | None
    epoch: int
    f_cnt_up: int = -1
    last_seq: int = 0
