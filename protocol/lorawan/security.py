"""What the two session keys do to a data frame: encrypt, sign, verify (TS001-1.0.4 §4.3.3 and §4.4)."""

import struct

from ..aes import Aes128
from .cmac import Cmac, same
from .frames import UNCONFIRMED_DATA_UP, DataFrame, data_frame
from .ranges import fits


class SessionKeys:
    """NwkSKey and AppSKey (16 bytes each) of one session or multicast group, set up once.

    The only owner of the contexts; about 2.5 kB on CPython. Raises ProtocolError for keys of another length.
    """

    def __init__(self, nwk_s_key: bytes, app_s_key: bytes) -> None:
        self.nwk = Cmac(nwk_s_key)
        self.app = Aes128(app_s_key)

    def for_port(self, f_port: int) -> Aes128:
        """Return the key that encrypts this FPort (TS001-1.0.4 §4.3.3, table 11): NwkSKey for 0, else AppSKey."""
        return self.nwk.aes if f_port == 0 else self.app


def seal_data(
    keys: SessionKeys,
    direction: int,
    dev_addr: int,
    f_cnt: int,
    f_port: int | None = None,
    payload: bytes = b"",
    confirmed: bool = False,
    f_opts: bytes = b"",
    adr: bool = False,
    adr_ack_req: bool = False,
    ack: bool = False,
    f_pending: bool = False,
    class_b: bool = False,
) -> bytes:
    """Return the PHYPayload of a data frame: *payload* encrypted, the whole signed.

    direction: UPLINK or DOWNLINK. f_cnt: all 32 bits, never used before in this session and direction: a counter
    used twice gives both payloads away. Raises FrameError for what the frame cannot carry.
    """
    mtype = UNCONFIRMED_DATA_UP + fits("direction", direction, 1) + (2 if confirmed else 0)
    msg = bytearray(
        data_frame(mtype, dev_addr, f_cnt, f_port, payload, f_opts, adr, adr_ack_req, ack, f_pending, class_b)
    )
    if f_port is not None and payload:
        msg[len(msg) - len(payload) :] = _with_key_stream(keys.for_port(f_port), direction, dev_addr, f_cnt, payload)
    return bytes(msg) + _mic(keys, direction, dev_addr, f_cnt, msg)


def mic_matches(keys: SessionKeys, frame: DataFrame, direction: int, f_cnt: int) -> bool:
    """Whether *frame* was sealed with these keys, in this direction, under this 32-bit counter.

    A frame whose MType says the other direction never matches, nor does one whose 16 bits are not of *f_cnt*.
    """
    if frame.direction != direction or frame.f_cnt16 != f_cnt & 0xFFFF:
        return False
    return same(_mic(keys, direction, frame.dev_addr, f_cnt, frame.msg), frame.mic)


def open_payload(keys: SessionKeys, frame: DataFrame, direction: int, f_cnt: int) -> bytes:
    """Return the decrypted FRMPayload, b"" when there is none. Decrypts anything: ask `mic_matches` first."""
    if frame.f_port is None or not len(frame.frm_payload):
        return b""
    return _with_key_stream(keys.for_port(frame.f_port), direction, frame.dev_addr, f_cnt, frame.frm_payload)


def _mic(keys: SessionKeys, direction: int, dev_addr: int, f_cnt: int, msg: bytearray | memoryview) -> bytes:
    block_b0 = _block(0x49, direction, dev_addr, f_cnt, len(msg))
    return keys.nwk.mic(block_b0 + msg)


def _with_key_stream(aes: Aes128, direction: int, dev_addr: int, f_cnt: int, payload: bytes | memoryview) -> bytes:
    # Encryption and decryption are the same: XOR with the encrypted blocks A_1, A_2, … all made in one call.
    length = len(payload)
    blocks = b""
    for i in range(1, (length + 15) // 16 + 1):
        blocks += _block(0x01, direction, dev_addr, f_cnt, i)
    stream = int.from_bytes(aes.encrypt(blocks)[:length], "big")
    return (int.from_bytes(payload, "big") ^ stream).to_bytes(length, "big")


def _block(first: int, direction: int, dev_addr: int, f_cnt: int, last: int) -> bytes:
    # Tables 12 and 13: first(1) 0(4) Dir(1) DevAddr(4) FCnt(4) 0(1) last(1)
    return struct.pack("<BIBIIBB", first, 0, direction, dev_addr, fits("FCnt", f_cnt, 32), 0, last)
