"""A session: one device's address, keys and counters, as the network server holds and the store keeps them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session as it is kept. number counts the device's joins from 0, so that (DevEUI, number, FCntUp) is a key.

    f_cnt_up: the counter last accepted, -1 before the first. f_cnt_down: the first one not yet reserved: all below may
    have been used. dev_nonce, join_nonce: of the join that made it, -1 for ABP.
    """

    device: int
    number: int
    dev_addr: int
    nwk_s_key: bytes = field(repr=False)
    app_s_key: bytes = field(repr=False)
    dev_nonce: int
    join_nonce: int
    rx_delay_s: int
    rx1_dr_offset: int
    rx2_dr: int
    f_cnt_up: int
    f_cnt_down: int
