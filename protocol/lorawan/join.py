"""Over-the-air activation: Join-Request, Join-Accept and the session keys (TS001-1.0.4 §6.2)."""

import struct

from ..aes import Aes128
from ..compat import const
from ..errors import FrameError
from .cmac import Cmac, same
from .eui import eui_from_wire, eui_to_wire
from .frames import JOIN_ACCEPT, JOIN_REQUEST, MIC_LEN, MTYPE_NAMES, frame_mtype
from .ranges import FREQ_STEP_HZ, fits, freq_steps

CF_LIST_CHANNELS = const(5)

_JOIN_REQUEST_LEN = const(23)  # MHDR(1) JoinEUI(8) DevEUI(8) DevNonce(2) MIC(4)
_JOIN_ACCEPT_LEN = const(17)  # MHDR(1) JoinNonce(3) NetID(3) DevAddr(4) DLSettings(1) RXDelay(1) MIC(4)
_CF_LIST_LEN = const(16)  # 5 × frequency(3) CFListType(1)


class JoinRequest:
    """A Join-Request as parsed: EUIs as 8 bytes in printed order, dev_nonce 0..65535, mic and msg as views."""

    def __init__(self, join_eui: bytes, dev_eui: bytes, dev_nonce: int, mic: memoryview, msg: memoryview) -> None:
        self.join_eui = join_eui
        self.dev_eui = dev_eui
        self.dev_nonce = dev_nonce
        self.mic = mic
        self.msg = msg


class JoinAccept:
    """What the network tells a device that joins.

    join_nonce, net_id: 24 bits. rx1_dr_offset: 0..7. rx2_data_rate: 0..15. rx_delay: Del, 0..15. cf_list: None, or
    five frequencies in Hz for the channels after the region's default ones, 0 = unused.
    """

    def __init__(
        self,
        join_nonce: int,
        net_id: int,
        dev_addr: int,
        rx1_dr_offset: int = 0,
        rx2_data_rate: int = 0,
        rx_delay: int = 0,
        cf_list: tuple[int, ...] | None = None,
    ) -> None:
        self.join_nonce = join_nonce
        self.net_id = net_id
        self.dev_addr = dev_addr
        self.rx1_dr_offset = rx1_dr_offset
        self.rx2_data_rate = rx2_data_rate
        self.rx_delay = rx_delay
        self.cf_list = cf_list

    @property
    def rx_delay_s(self) -> int:
        """Seconds from the end of an uplink to RX1: Del, where 0 means 1 (TS001-1.0.4 §5.7)."""
        return self.rx_delay or 1


def seal_join_request(app_key: bytes, join_eui: bytes, dev_eui: bytes, dev_nonce: int) -> bytes:
    """Return the PHYPayload of a Join-Request (TS001-1.0.4 §6.2.5).

    dev_nonce: a counter of 16 bits that is never used twice with this JoinEUI. Raises ProtocolError for a value
    that does not fit.
    """
    nonce = struct.pack("<H", fits("DevNonce", dev_nonce, 16))
    msg = bytes([JOIN_REQUEST << 5]) + eui_to_wire(join_eui) + eui_to_wire(dev_eui) + nonce
    return msg + Cmac(app_key).mic(msg)


def parse_join_request(phy_payload: bytes | bytearray | memoryview) -> JoinRequest:
    """Read a Join-Request (§6.2.5); FrameError for anything else. Nothing is believed before the MIC matches."""
    _expect(phy_payload, JOIN_REQUEST, (_JOIN_REQUEST_LEN,))
    view = memoryview(phy_payload)
    (dev_nonce,) = struct.unpack_from("<H", view, 17)
    return JoinRequest(eui_from_wire(view[1:9]), eui_from_wire(view[9:17]), dev_nonce, view[19:], view[:19])


def join_request_matches(app_key: bytes, request: JoinRequest) -> bool:
    """Whether *request* was signed with this AppKey."""
    return same(Cmac(app_key).mic(request.msg), request.mic)


def seal_join_accept(app_key: bytes, accept: JoinAccept) -> bytes:
    """Return the PHYPayload of a Join-Accept (§6.2.6); a network signs, then *decrypts*, so that devices encrypt only.

    Raises ProtocolError for a value that does not fit.
    """
    dl_settings = fits("RX1DROffset", accept.rx1_dr_offset, 3) << 4 | fits("RX2DataRate", accept.rx2_data_rate, 4)
    plain = (
        _nonce_and_net_id(accept.join_nonce, accept.net_id)
        + struct.pack("<I", fits("DevAddr", accept.dev_addr, 32))
        + bytes([dl_settings, fits("RXDelay", accept.rx_delay, 4)])
        + _cf_list_to_wire(accept.cf_list)
    )
    cmac = Cmac(app_key)
    mhdr = bytes([JOIN_ACCEPT << 5])
    return mhdr + cmac.aes.decrypt(plain + cmac.mic(mhdr + plain))


def open_join_accept(app_key: bytes, phy_payload: bytes | bytearray | memoryview) -> JoinAccept:
    """Decrypt, verify and read a Join-Accept (§6.2.6), as the device that asked for it.

    Raises FrameError for another frame, a MIC that does not match (it was for another device) and a CFList that is
    not of type 0, the only one of EU868 (RP002-1.0.4 §2.3.1).
    """
    _expect(phy_payload, JOIN_ACCEPT, (_JOIN_ACCEPT_LEN, _JOIN_ACCEPT_LEN + _CF_LIST_LEN))
    cmac = Cmac(app_key)
    msg = bytes(phy_payload[:1]) + cmac.aes.encrypt(memoryview(phy_payload)[1:])
    end = len(msg) - MIC_LEN
    if not same(cmac.mic(msg[:end]), msg[end:]):
        raise FrameError("Join-Accept: MIC does not match; it is for another device, or the AppKeys differ")
    dev_addr, dl_settings, rx_delay = struct.unpack_from("<IBB", msg, 7)
    return JoinAccept(
        int.from_bytes(msg[1:4], "little"),
        int.from_bytes(msg[4:7], "little"),
        dev_addr,
        dl_settings >> 4 & 0x07,
        dl_settings & 0x0F,
        rx_delay & 0x0F,
        _cf_list_from_wire(msg[13:end]) if end > 13 else None,
    )


def derive_session_keys(app_key: bytes, join_nonce: int, net_id: int, dev_nonce: int) -> tuple[bytes, bytes]:
    """Return (NwkSKey, AppSKey), 16 bytes each, of a join (§6.2.6); ProtocolError for a value that does not fit."""
    rest = _nonce_and_net_id(join_nonce, net_id) + struct.pack("<H", fits("DevNonce", dev_nonce, 16)) + bytes(7)
    keys = Aes128(app_key).encrypt(b"\x01" + rest + b"\x02" + rest)
    return keys[:16], keys[16:]


def _expect(phy_payload: bytes | bytearray | memoryview, mtype: int, lengths: tuple[int, ...]) -> None:
    found = frame_mtype(phy_payload)
    if found != mtype:
        raise FrameError(f"MType {found} ({MTYPE_NAMES[found]}) is not a {MTYPE_NAMES[mtype]}")
    if len(phy_payload) not in lengths:
        expected = " or ".join([str(length) for length in lengths])
        raise FrameError(f"{MTYPE_NAMES[mtype]} has {len(phy_payload)} bytes; expected {expected}")


def _nonce_and_net_id(join_nonce: int, net_id: int) -> bytes:
    return fits("JoinNonce", join_nonce, 24).to_bytes(3, "little") + fits("NetID", net_id, 24).to_bytes(3, "little")


def _cf_list_to_wire(cf_list: tuple[int, ...] | None) -> bytes:
    if cf_list is None:
        return b""
    if len(cf_list) != CF_LIST_CHANNELS:
        raise FrameError(f"CFList has {len(cf_list)} frequencies; expected {CF_LIST_CHANNELS}, 0 for unused ones")
    wire = bytearray(_CF_LIST_LEN)  # CFListType stays 0
    for i, freq_hz in enumerate(cf_list):
        wire[3 * i : 3 * i + 3] = freq_steps(freq_hz).to_bytes(3, "little")
    return bytes(wire)


def _cf_list_from_wire(wire: bytes) -> tuple[int, ...]:
    if wire[15]:
        raise FrameError(f"Join-Accept: CFListType is {wire[15]}; expected 0, a list of frequencies")
    return tuple([int.from_bytes(wire[at : at + 3], "little") * FREQ_STEP_HZ for at in range(0, 15, 3)])
