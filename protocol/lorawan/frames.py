"""Data frames as views of the bytes received, and back to bytes (TS001-1.0.4 §4.1 to §4.3)."""

import struct

from ..compat import const
from ..errors import FrameError
from .ranges import fits

UPLINK = const(0)  # the Dir byte of TS001-1.0.4 §4.3.3, seen from the device
DOWNLINK = const(1)

JOIN_REQUEST = const(0)
JOIN_ACCEPT = const(1)
UNCONFIRMED_DATA_UP = const(2)
UNCONFIRMED_DATA_DOWN = const(3)
CONFIRMED_DATA_UP = const(4)
CONFIRMED_DATA_DOWN = const(5)
RFU = const(6)
PROPRIETARY = const(7)

MTYPE_NAMES = (
    "Join-Request",
    "Join-Accept",
    "Unconfirmed Data Up",
    "Unconfirmed Data Down",
    "Confirmed Data Up",
    "Confirmed Data Down",
    "RFU",
    "Proprietary",
)

PHY_PAYLOAD_MAX_LEN = const(255)  # the LoRa header has one byte for it
MIC_LEN = const(4)
F_OPTS_MAX_LEN = const(15)
F_PORT_MAX = const(224)  # 225..255 are reserved: understood when they come, not sent

_HEADER_LEN = const(8)  # MHDR(1) DevAddr(4) FCtrl(1) FCnt(2)
_ADR = const(0x80)
_ADR_ACK_REQ = const(0x40)  # uplink; RFU in a downlink
_ACK = const(0x20)
_F_PENDING = const(0x10)  # downlink
_CLASS_B = const(0x10)  # uplink
_F_OPTS_LEN = const(0x0F)


class DataFrame:
    """The fields of one data frame; the variable ones are views into the bytes it was parsed from.

    mtype: 2..5. f_cnt16: the 16 bits on the air. f_port: None when absent. frm_payload: still encrypted.
    msg: all that the MIC covers, MHDR to FRMPayload.
    """

    def __init__(
        self,
        mtype: int,
        dev_addr: int,
        f_ctrl: int,
        f_cnt16: int,
        f_opts: memoryview,
        f_port: int | None,
        frm_payload: memoryview,
        mic: memoryview,
        msg: memoryview,
    ) -> None:
        self.mtype = mtype
        self.dev_addr = dev_addr
        self.f_ctrl = f_ctrl
        self.f_cnt16 = f_cnt16
        self.f_opts = f_opts
        self.f_port = f_port
        self.frm_payload = frm_payload
        self.mic = mic
        self.msg = msg

    @property
    def direction(self) -> int:
        """UPLINK or DOWNLINK, as the MType says."""
        return self.mtype & 1

    @property
    def confirmed(self) -> bool:
        """Whether the sender wants an acknowledgement (TS001-1.0.4 §4.2.1)."""
        return bool(self.mtype >= CONFIRMED_DATA_UP)

    @property
    def adr(self) -> bool:
        """Adaptive data rate is on (§4.3.1.1)."""
        return bool(self.f_ctrl & _ADR)

    @property
    def adr_ack_req(self) -> bool:
        """The device asks to be heard (§4.3.1.1); False in a downlink, where the bit is reserved."""
        return bool(self.f_ctrl & _ADR_ACK_REQ) and self.direction == UPLINK

    @property
    def ack(self) -> bool:
        """Acknowledges the last confirmed frame (§4.3.1.2); 1.0.x does not say which: proof of reception only."""
        return bool(self.f_ctrl & _ACK)

    @property
    def f_pending(self) -> bool:
        """The network has more to send (§4.3.1.4); False in an uplink."""
        return bool(self.f_ctrl & _F_PENDING) and self.direction == DOWNLINK

    @property
    def class_b(self) -> bool:
        """The device listens in class B (§4.3.1.7); False in a downlink."""
        return bool(self.f_ctrl & _CLASS_B) and self.direction == UPLINK


def frame_mtype(phy_payload: bytes | bytearray | memoryview) -> int:
    """Return the MType (0..7) of what was received, to see who has to parse it (TS001-1.0.4 §4.2).

    Raises FrameError when it is empty, longer than LoRa carries, or of another Major version.
    """
    if not 0 < len(phy_payload) <= PHY_PAYLOAD_MAX_LEN:
        raise FrameError(f"PHYPayload has {len(phy_payload)} bytes; LoRa carries 1..{PHY_PAYLOAD_MAX_LEN}")
    mhdr = phy_payload[0]
    if mhdr & 0x03:
        raise FrameError(f"MHDR 0x{mhdr:02x} has Major {mhdr & 0x03}; only LoRaWAN R1 (Major 0) is known")
    return mhdr >> 5


def parse_frame(phy_payload: bytes | bytearray | memoryview) -> DataFrame:
    """Read a data frame, up or down (TS001-1.0.4 §4.3); nothing is copied and nothing is believed yet.

    Raises FrameError for another MType, for a frame cut short, and for MAC commands in FOpts beside FPort 0.
    """
    mtype = frame_mtype(phy_payload)
    if not UNCONFIRMED_DATA_UP <= mtype <= CONFIRMED_DATA_DOWN:
        raise FrameError(f"MType {mtype} ({MTYPE_NAMES[mtype]}) is not a data frame")
    view = memoryview(phy_payload)
    if len(view) < _HEADER_LEN + MIC_LEN:
        raise FrameError(f"data frame has {len(view)} bytes; the shortest has {_HEADER_LEN + MIC_LEN}")
    dev_addr, f_ctrl, f_cnt16 = struct.unpack_from("<IBH", view, 1)
    f_opts_end = _HEADER_LEN + (f_ctrl & _F_OPTS_LEN)
    end = len(view) - MIC_LEN
    if f_opts_end > end:
        raise FrameError(
            f"FOptsLen promises {f_opts_end - _HEADER_LEN} bytes, {end - _HEADER_LEN} remain: frame was cut short"
        )
    f_port = view[f_opts_end] if f_opts_end < end else None
    if f_port == 0 and f_opts_end > _HEADER_LEN:
        raise FrameError("MAC commands in FOpts and on FPort 0 at once: forbidden by TS001-1.0.4 §4.3.1.6")
    payload = view[f_opts_end + 1 : end] if f_port is not None else view[end:end]
    f_opts = view[_HEADER_LEN:f_opts_end]
    return DataFrame(mtype, dev_addr, f_ctrl, f_cnt16, f_opts, f_port, payload, view[end:], view[:end])


def data_frame(
    mtype: int,
    dev_addr: int,
    f_cnt: int,
    f_port: int | None = None,
    frm_payload: bytes = b"",
    f_opts: bytes = b"",
    adr: bool = False,
    adr_ack_req: bool = False,
    ack: bool = False,
    f_pending: bool = False,
    class_b: bool = False,
) -> bytes:
    """Write a data frame without its MIC: MHDR, FHDR, FPort, FRMPayload as given (TS001-1.0.4 §4.3).

    f_cnt: 32 bits, of which the low 16 travel. Raises FrameError for what the frame cannot carry.
    """
    if not UNCONFIRMED_DATA_UP <= mtype <= CONFIRMED_DATA_DOWN:
        raise FrameError(f"MType {mtype} is not a data frame; expected 2..5")
    f_ctrl = _flags(mtype & 1, adr, adr_ack_req, ack, f_pending, class_b) | _f_opts_len(f_opts, f_port)
    fits("DevAddr", dev_addr, 32)
    fits("FCnt", f_cnt, 32)
    frame = struct.pack("<BIBH", mtype << 5, dev_addr, f_ctrl, f_cnt & 0xFFFF) + f_opts
    if f_port is not None:
        if not 0 <= f_port <= F_PORT_MAX:
            raise FrameError(f"FPort is {f_port}; expected 0..{F_PORT_MAX}")
        frame += bytes([f_port]) + frm_payload
    elif frm_payload:
        raise FrameError(f"FRMPayload of {len(frm_payload)} bytes needs an FPort")
    if len(frame) + MIC_LEN > PHY_PAYLOAD_MAX_LEN:
        raise FrameError(f"frame has {len(frame) + MIC_LEN} bytes; LoRa carries at most {PHY_PAYLOAD_MAX_LEN}")
    return frame


def _flags(direction: int, adr: bool, adr_ack_req: bool, ack: bool, f_pending: bool, class_b: bool) -> int:
    if direction == DOWNLINK and (adr_ack_req or class_b):
        raise FrameError("ADRACKReq and ClassB exist in uplinks only (TS001-1.0.4 §4.3.1)")
    if direction == UPLINK and f_pending:
        raise FrameError("FPending exists in downlinks only (TS001-1.0.4 §4.3.1)")
    return (
        (_ADR if adr else 0)
        | (_ADR_ACK_REQ if adr_ack_req else 0)
        | (_ACK if ack else 0)
        | (_F_PENDING if f_pending else 0)
        | (_CLASS_B if class_b else 0)
    )


def _f_opts_len(f_opts: bytes, f_port: int | None) -> int:
    if len(f_opts) > F_OPTS_MAX_LEN:
        raise FrameError(f"FOpts has {len(f_opts)} bytes; it holds at most {F_OPTS_MAX_LEN}, send the rest on FPort 0")
    if f_opts and f_port == 0:
        raise FrameError("MAC commands go in FOpts or on FPort 0, not both (TS001-1.0.4 §4.3.1.6)")
    return len(f_opts)
