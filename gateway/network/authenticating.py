"""The steps that decide whether an uplink is believed: what it is, whose it is, and whether it is new."""

from collections.abc import Collection

from gateway.links.link import Received
from gateway.network.device import Device, Session
from gateway.network.events import Reason, Refused
from protocol.errors import ProtocolError
from protocol.lorawan.counters import accept_f_cnt, nearest_full
from protocol.lorawan.eui import dev_addr_to_text
from protocol.lorawan.frames import (
    CONFIRMED_DATA_DOWN,
    CONFIRMED_DATA_UP,
    JOIN_ACCEPT,
    JOIN_REQUEST,
    UNCONFIRMED_DATA_DOWN,
    UNCONFIRMED_DATA_UP,
    UPLINK,
    DataFrame,
    frame_mtype,
    parse_frame,
)
from protocol.lorawan.join import JoinRequest, join_request_matches, parse_join_request
from protocol.lorawan.security import mic_matches
from protocol.region import DATA_RATES

_DATA_MIN_LEN = 12
_JOIN_REQUEST_LEN = 23
_DEV_ADDR_END = 5
_DEV_EUI_AT, _DEV_EUI_END = 9, 17


class RefusalError(Exception):
    """A step says no."""

    def __init__(self, reason: Reason, detail: str, dev_addr: int | None = None, dev_eui: bytes | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.dev_addr = dev_addr
        self.dev_eui = dev_eui

    def effect(self) -> Refused:
        """What the shell is told."""
        return Refused(reason=self.reason, dev_addr=self.dev_addr, detail=str(self), dev_eui=self.dev_eui)


def recognise(received: Received, sessions: dict[int, list[Session]], devices: dict[bytes, Device]) -> int | bytes:
    """Refuse what cannot be for us before it takes any memory: neighbours and floods. Nothing is believed yet.

    Returns whom the frame names: a DevAddr, or the DevEUI that asks to join.
    """
    phy_payload = received.phy_payload
    if not 0 <= received.dr < len(DATA_RATES):
        raise RefusalError(Reason.MALFORMED, f"data rate is DR{received.dr}; EU868 has DR0..DR{len(DATA_RATES) - 1}")
    try:
        mtype = frame_mtype(phy_payload)
    except ProtocolError as error:
        raise RefusalError(Reason.MALFORMED, str(error)) from None
    if mtype in (UNCONFIRMED_DATA_UP, CONFIRMED_DATA_UP):
        _long_enough(phy_payload, _DATA_MIN_LEN)
        dev_addr = int.from_bytes(phy_payload[1:_DEV_ADDR_END], "little")
        if dev_addr not in sessions:
            shown = dev_addr_to_text(dev_addr)
            raise RefusalError(Reason.UNKNOWN_DEV_ADDR, f"no device has the DevAddr {shown}", dev_addr)
        return dev_addr
    if mtype == JOIN_REQUEST:
        _long_enough(phy_payload, _JOIN_REQUEST_LEN)
        dev_eui = phy_payload[_DEV_EUI_AT:_DEV_EUI_END][::-1]
        if dev_eui not in devices:
            raise RefusalError(Reason.UNKNOWN_DEV_EUI, f"no device has the DevEUI {dev_eui.hex()}", None, dev_eui)
        return dev_eui
    if mtype in (JOIN_ACCEPT, UNCONFIRMED_DATA_DOWN, CONFIRMED_DATA_DOWN):
        raise RefusalError(Reason.NOT_AN_UPLINK, "a downlink, from another gateway or an attacker")
    raise RefusalError(Reason.MALFORMED, f"MType {mtype} has no meaning here")


def _long_enough(phy_payload: bytes, least: int) -> None:
    if len(phy_payload) < least:
        raise RefusalError(Reason.MALFORMED, f"a frame of {len(phy_payload)} bytes; expected {least} at least")


def parse(phy_payload: bytes) -> DataFrame:
    """The fields of a data uplink."""
    try:
        return parse_frame(phy_payload)
    except ProtocolError as error:
        raise RefusalError(Reason.MALFORMED, str(error)) from None


def authenticate(sessions: Collection[Session], frame: DataFrame) -> tuple[Session, int]:
    """The session whose key signed *frame*, and the frame's 32-bit counter: above the last one, or the last one again.

    Several sessions may share a DevAddr: the MIC tells them apart.
    """
    f_cnt16 = frame.f_cnt16
    for session in sessions:
        last = session.f_cnt_up
        f_cnt = accept_f_cnt(last, f_cnt16)
        if f_cnt is None:  # the last one again, if it ends like that
            f_cnt = last
        if mic_matches(session.keys, frame, UPLINK, f_cnt):
            return session, f_cnt
    shown = dev_addr_to_text(frame.dev_addr)
    for session in sessions:  # to tell a replay from a forgery: was it right once?
        last = session.f_cnt_up
        f_cnt = nearest_full(max(last, 0), f_cnt16)
        if f_cnt < last and mic_matches(session.keys, frame, UPLINK, f_cnt):
            raise RefusalError(
                Reason.REPLAYED,
                f"FCntUp {f_cnt} of DevAddr {shown} was accepted before; the last one is {last}",
                frame.dev_addr,
                session.device.registration.dev_eui,
            )
    raise RefusalError(Reason.WRONG_MIC, f"the MIC matches no key known for DevAddr {shown}", frame.dev_addr)


def asked_to_join(phy_payload: bytes, devices: dict[bytes, Device]) -> tuple[Device, JoinRequest]:
    """The device a Join-Request names, if it is one that joins, with the JoinEUI it was registered with."""
    try:
        request = parse_join_request(phy_payload)
    except ProtocolError as error:
        raise RefusalError(Reason.MALFORMED, str(error)) from None
    dev_eui = request.dev_eui
    device = devices.get(dev_eui)
    if device is None or device.registration.app_key is None:
        raise RefusalError(Reason.UNKNOWN_DEV_EUI, f"no device with the DevEUI {dev_eui.hex()} joins", None, dev_eui)
    expected = device.registration.join_eui
    if request.join_eui != expected:
        detail = f"JoinEUI is {request.join_eui.hex()}; expected {expected.hex()}, as registered"
        raise RefusalError(Reason.WRONG_JOIN_EUI, detail, None, dev_eui)
    return device, request


def may_join(device: Device, request: JoinRequest) -> None:
    """Refuse a Join-Request that was not signed with the device's AppKey, or whose DevNonce was used (§6.2.5)."""
    app_key = device.registration.app_key
    assert app_key is not None
    dev_eui = request.dev_eui
    if not join_request_matches(app_key, request):
        detail = f"the MIC of a Join-Request does not match the AppKey of DevEUI {dev_eui.hex()}"
        raise RefusalError(Reason.WRONG_MIC, detail, None, dev_eui)
    if request.dev_nonce <= device.dev_nonce:
        detail = (
            f"DevNonce {request.dev_nonce} of DevEUI {dev_eui.hex()} was used or passed; "
            f"expected above {device.dev_nonce}: a replay, or a node whose memory was wiped; give it a new AppKey"
        )
        raise RefusalError(Reason.REUSED_DEV_NONCE, detail, None, dev_eui)
