"""Who is there: the devices by their DevEUI, and the sessions in which each may be heard by their DevAddr."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.network.application import DeviceLog
from gateway.network.device import Device, Session
from gateway.network.mac_dialogue import Talk
from gateway.network.registration import Registration, Role
from gateway.network.session import Kept, SessionRow
from protocol.region import PLANS, RECEIVE_DELAY1_S, RX2_DR


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """How a device was heard last, for whoever shows it. heard_ms: monotonic, None since the start.

    battery: of its last DevStatusAns, 0 mains, 1..254, 255 not known; margin_db: SNR of what it hears; None: not asked.
    """

    heard_ms: int | None
    dr: int
    snr_db: float | None
    radios: tuple[str, ...]
    f_cnt_up: int
    f_cnt_down: int
    battery: int | None
    margin_db: int | None
    waiting: int


class Fleet:
    """Every device that is registered. by_dev_eui: all; by_dev_addr: sessions, of which several may share one.

    kept: what the store knows of devices that were heard before; the others are new. first_log: the application's, of
    the text that the store has.
    """

    def __init__(
        self,
        registrations: Iterable[Registration],
        kept: Iterable[Kept],
        first_log: Callable[[str | None], DeviceLog],
    ) -> None:
        self._first_log = first_log
        self.by_dev_eui: dict[bytes, Device] = {}
        self.by_dev_addr: dict[int, list[Session]] = {}
        known = {one.device: one for one in kept}
        for registration in registrations:
            self._enter(registration, known.get(registration.device))

    def set(self, registration: Registration, kept: Kept | None) -> None:
        """A device was registered or changed; its session stays unless its keys or its ABP address changed."""
        device = self.by_dev_eui.get(registration.dev_eui)
        if device is None:
            self._enter(registration, kept)
            return
        before = device.registration
        device.registration = registration
        if (before.app_key, before.abp) != (registration.app_key, registration.abp):
            device.era += 1
            device.dev_nonce = -1  # of another key
            device.turn = None
            self.use_joining(device, None)
            self.use_session(device, None)
        for session in (device.session, device.joining):
            if session is not None and (before.plan, before.role) != (registration.plan, registration.role):
                session.talk = Talk(registration, session.row)
        self._personalise(device)

    def remove(self, dev_eui: bytes) -> Device | None:
        """Nothing of it is heard any more; the device that went."""
        device = self.by_dev_eui.pop(dev_eui, None)
        if device is not None:
            device.gone = True
            device.turn = None
            self.use_joining(device, None)
            self.use_session(device, None)
        return device

    def use_joining(self, device: Device, session: Session | None) -> None:
        """Let *session* wait to be heard, beside the current one and instead of any that waited.

        One that waited is over: whoever asks again did not hear the answer before, or has forgotten it, and a replayed
        request is refused by its DevNonce. Nodes of ours keep a session while they ask for another, but one in which
        they are heard is the current one here, which stays until the new one is heard (TS001-1.0.4 §6.2.5).
        """
        self._unindex(device.joining)
        device.joining = session
        self._index(session)

    def use_session(self, device: Device, session: Session | None) -> None:
        """Speak in *session* from now on."""
        self._unindex(device.session)
        device.session = session
        self._index(session)

    def begin(self, device: Device, session: Session) -> None:
        """The first uplink of a session: it is the current one now."""
        self._unindex(device.session)
        device.joining = None
        device.session = session

    def radios_of(self, dev_eui: bytes) -> tuple[str, ...]:
        """The radios that heard it last, the best first."""
        device = self.by_dev_eui.get(dev_eui)
        return () if device is None else device.radios

    def link_of(self, dev_eui: bytes) -> LinkState | None:
        """How that device was heard last; None for an unknown one."""
        device = self.by_dev_eui.get(dev_eui)
        if device is None:
            return None
        session = device.session
        return LinkState(
            heard_ms=device.heard_ms,
            dr=device.dr,
            snr_db=device.snr_db,
            radios=device.radios,
            f_cnt_up=-1 if session is None else session.f_cnt_up,
            f_cnt_down=0 if session is None else session.f_cnt_down,
            battery=None if session is None else session.talk.battery,
            margin_db=None if session is None else session.talk.margin_db,
            waiting=0 if device.queue is None else len(device.queue.items),
        )

    def _enter(self, registration: Registration, known: Kept | None) -> None:
        device = Device(registration, self._first_log(None if known is None else known.log))
        self.by_dev_eui[registration.dev_eui] = device
        if known is not None:
            device.number, device.dev_nonce, device.join_nonce = known.number, known.dev_nonce, known.join_nonce
            if known.current is not None:
                self.use_session(device, Session(device, known.current, True, True))
            if known.waiting is not None:
                self.use_joining(device, Session(device, known.waiting, True, False))
        self._personalise(device)

    def _personalise(self, device: Device) -> None:
        """An ABP device has a session from the start; the store hears of it with its first commit."""
        registration = device.registration
        abp = registration.abp
        if abp is None:
            return
        row = None if device.session is None else device.session.row
        if row is None or (row.dev_addr, row.nwk_s_key, row.app_s_key) != (abp.dev_addr, abp.nwk_s_key, abp.app_s_key):
            device.number += 1
            self.use_session(device, Session(device, _personalised(registration, device.number), False, False))

    def _index(self, session: Session | None) -> None:
        if session is not None:
            self.by_dev_addr.setdefault(session.dev_addr, []).append(session)

    def _unindex(self, session: Session | None) -> None:
        sessions = None if session is None else self.by_dev_addr.get(session.dev_addr)
        if sessions is not None and session in sessions:
            sessions.remove(session)
            if not sessions and session is not None:
                del self.by_dev_addr[session.dev_addr]


def _personalised(registration: Registration, number: int) -> SessionRow:
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
