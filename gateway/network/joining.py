"""Over-the-air activation from the network's side: the session a request gets, and what the device is told of it."""

from collections.abc import Container
from typing import Protocol

from gateway.network.registration import Registration, Role
from gateway.network.session import SessionRow
from gateway.network.settings import NetworkSettings
from protocol.lorawan.join import CF_LIST_CHANNELS, JoinAccept, derive_session_keys, seal_join_accept
from protocol.region import DEFAULT_CHANNELS, PLANS, RECEIVE_DELAY1_S, RX2_DR, Plan

RESERVED = 64  # FCntDown are reserved in blocks: one write for so many downlinks, and a restart skips so many at most

_DRAWS = 16  # with half of all DevAddrs taken one join in 65,000 ends with a shared one, which the MIC tells apart


class Dice(Protocol):
    """A source of chance, such as `random.Random`."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below *stop*."""


def join_accept(
    plan: Plan,
    join_nonce: int,
    net_id: int,
    dev_addr: int,
    rx_delay_s: int | None = None,
    rx2_dr: int | None = None,
    rx1_dr_offset: int = 0,
) -> JoinAccept:
    """The answer to a Join-Request under *plan*; windows as the plan has them where None is given.

    A device that joins forgets all channels but the region's three (RP 1.0.3revA §2.2.4): the others of the plan go
    along as CFList, or a node of the full plan would share three channels with the street while five stay empty.
    """
    extra = plan.channels[len(DEFAULT_CHANNELS) :]
    cf_list = extra + (0,) * (CF_LIST_CHANNELS - len(extra)) if extra else None
    delay_s = plan.rx_delay_s if rx_delay_s is None else rx_delay_s
    dr = plan.rx2_dr if rx2_dr is None else rx2_dr
    return JoinAccept(join_nonce, net_id, dev_addr, rx1_dr_offset, dr, delay_s, cf_list)


def joined(
    registration: Registration, settings: NetworkSettings, number: int, dev_nonce: int, join_nonce: int, dev_addr: int
) -> tuple[SessionRow, bytes]:
    """The session of a join, with its first FCntDowns reserved, and the PHYPayload of the Join-Accept that tells it."""
    app_key = registration.app_key
    assert app_key is not None
    plan = PLANS[registration.plan]
    accept = join_accept(
        plan, join_nonce, settings.net_id, dev_addr, settings.rx_delay_s, settings.rx2_dr, settings.rx1_dr_offset
    )
    nwk_s_key, app_s_key = derive_session_keys(app_key, join_nonce, settings.net_id, dev_nonce)
    row = SessionRow(
        device=registration.device,
        number=number,
        dev_addr=dev_addr,
        nwk_s_key=nwk_s_key,
        app_s_key=app_s_key,
        dev_nonce=dev_nonce,
        join_nonce=join_nonce,
        rx_delay_s=settings.rx_delay_s,
        rx1_dr_offset=settings.rx1_dr_offset,
        rx2_dr=settings.rx2_dr,
        f_cnt_up=-1,
        f_cnt_down=RESERVED,
    )
    return row, seal_join_accept(app_key, accept)


def personalised(registration: Registration, number: int) -> SessionRow:
    """The first session of an ABP device: ours listens as its plan says, a foreign one as the region does."""
    abp = registration.abp
    assert abp is not None
    plan = PLANS[registration.plan]
    foreign = registration.role is Role.FOREIGN
    return SessionRow(
        device=registration.device,
        number=number,
        dev_addr=abp.dev_addr,
        nwk_s_key=abp.nwk_s_key,
        app_s_key=abp.app_s_key,
        dev_nonce=-1,
        join_nonce=-1,
        rx_delay_s=RECEIVE_DELAY1_S if foreign else plan.rx_delay_s,
        rx1_dr_offset=0,
        rx2_dr=RX2_DR if foreign else plan.rx2_dr,
        f_cnt_up=-1,
        f_cnt_down=0,
    )


def draw_dev_addr(settings: NetworkSettings, taken: Container[int], groups: Container[int], dice: Dice) -> int:
    """A DevAddr of this network: one that no session and no group has, if a few draws find it."""
    for _ in range(_DRAWS):
        dev_addr = settings.dev_addr_first + dice.randrange(1 << settings.dev_addr_bits)
        if dev_addr not in taken and dev_addr not in groups:
            break
    return dev_addr
