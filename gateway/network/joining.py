"""Over-the-air activation from the network's side: the session a request gets, and what the device is told of it."""

from collections.abc import Container
from typing import Protocol

from gateway.network.authenticating import RefusalError
from gateway.network.commits import Stream
from gateway.network.deduplication import Frame
from gateway.network.device import Device, Session
from gateway.network.events import Effect, Reason
from gateway.network.fleet import Fleet
from gateway.network.groups import Groups
from gateway.network.registration import Registration
from gateway.network.scheduling import Turn
from gateway.network.session import RESERVED, SessionRow
from gateway.network.settings import NetworkSettings
from gateway.network.speaking import Speaker
from gateway.store.writes import KeepSession
from protocol.lorawan.join import CF_LIST_CHANNELS, JoinAccept, JoinRequest, derive_session_keys, seal_join_accept
from protocol.region import DEFAULT_CHANNELS, JOIN_ACCEPT_DELAY1_S, PLANS, RX2_DR, Plan

_JOIN_NONCE_MAX = 0xFFFFFF
_DRAWS = 16  # with half of all DevAddrs taken one join in 65,000 ends with a shared one, which the MIC tells apart


class Dice(Protocol):
    """A source of chance, such as `random.Random`."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 to below *stop*."""


class JoinServer:
    """Gives devices that may join their sessions. groups: whose DevAddrs are taken, too."""

    def __init__(
        self, settings: NetworkSettings, fleet: Fleet, stream: Stream, speaker: Speaker, groups: Groups, dice: Dice
    ) -> None:
        self._settings = settings
        self._fleet = fleet
        self._stream = stream
        self._speaker = speaker
        self._groups = groups
        self._dice = dice

    def answer(self, device: Device, request: JoinRequest, heard: Frame, out: list[Effect]) -> None:
        """Make the session that *request*, which is authentic and new, asks for; its answer goes once that is on disk.

        Raises RefusalError when the device has used up its JoinNonces.
        """
        dev_eui = request.dev_eui
        join_nonce = max(device.join_nonce, 0) + 1
        if join_nonce > _JOIN_NONCE_MAX:
            detail = f"DevEUI {dev_eui.hex()} has used up its JoinNonces; give it a new AppKey"
            raise RefusalError(Reason.REUSED_DEV_NONCE, detail, None, dev_eui)
        dev_addr = draw_dev_addr(self._settings, self._fleet.by_dev_addr, self._groups.addresses, self._dice)
        row, phy_payload = joined(
            device.registration, self._settings, device.number + 1, request.dev_nonce, join_nonce, dev_addr
        )
        copies = heard.best_first()
        turn = Turn(copies, JOIN_ACCEPT_DELAY1_S, copies[0][0].dr, RX2_DR)
        step = _Answered(self._fleet, self._speaker, device, turn, phy_payload)
        device.number, device.dev_nonce, device.join_nonce = row.number, row.dev_nonce, row.join_nonce
        session = Session(device, row, True, False)
        session.f_cnt_down = 0  # the first block is the row's: reserved before the device hears of the session
        self._fleet.use_joining(device, session)
        self._stream.commit((KeepSession(row),), True, step, out)


class _Answered:
    """The step of a join's commit: the device's nonces before, and the answer that waits."""

    __slots__ = ("_before", "_device", "_fleet", "_phy_payload", "_speaker", "_turn")

    def __init__(self, fleet: Fleet, speaker: Speaker, device: Device, turn: Turn, phy_payload: bytes) -> None:
        self._fleet = fleet
        self._speaker = speaker
        self._device = device
        self._turn = turn
        self._phy_payload = phy_payload
        self._before = (device.era, device.number, device.dev_nonce, device.join_nonce, device.joining)

    def undo(self, now_ms: int) -> None:
        device = self._device
        era, number, dev_nonce, join_nonce, joining = self._before
        if era != device.era or device.gone:
            return
        device.number, device.dev_nonce, device.join_nonce = number, dev_nonce, join_nonce
        self._fleet.use_joining(device, joining)

    def done(self, now_ms: int, out: list[Effect]) -> None:
        """The session is on disk: the device may hear of it."""
        if not self._device.gone:
            self._speaker.send_accept(self._phy_payload, self._turn.windows(), now_ms, out)


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


def draw_dev_addr(settings: NetworkSettings, taken: Container[int], groups: Container[int], dice: Dice) -> int:
    """A DevAddr of this network: one that no session and no group has, if a few draws find it."""
    for _ in range(_DRAWS):
        dev_addr = settings.dev_addr_first + dice.randrange(1 << settings.dev_addr_bits)
        if dev_addr not in taken and dev_addr not in groups:
            break
    return dev_addr
