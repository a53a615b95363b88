"""The keys of a multicast group on LoRaWAN 1.0.x, from GenAppKey down (TS005-1.0.0 §4.3), and what it may be sent."""

import struct

from ..aes import Aes128
from ..errors import FrameError
from .frames import UNCONFIRMED_DATA_DOWN, DataFrame
from .ranges import fits


def mc_root_key(gen_app_key: bytes) -> bytes:
    """Return McRootKey = aes128_encrypt(GenAppKey, 0x00 | pad16), of a LoRaWAN 1.0.x device (TS005-1.0.0 §4.3)."""
    return Aes128(gen_app_key).encrypt(bytes(16))


def mc_ke_key(root_key: bytes) -> bytes:
    """Return McKEKey = aes128_encrypt(McRootKey, 0x00 | pad16): a device's own key, under which group keys travel."""
    return Aes128(root_key).encrypt(bytes(16))


def encrypt_mc_key(ke_key: bytes, mc_key: bytes) -> bytes:
    """Return McKey_encrypted = aes128_decrypt(McKEKey, McKey): as for Join-Accept, so that devices encrypt only."""
    return Aes128(ke_key).decrypt(_key(mc_key))


def decrypt_mc_key(ke_key: bytes, mc_key_encrypted: bytes) -> bytes:
    """Return McKey = aes128_encrypt(McKEKey, McKey_encrypted), on the device."""
    return Aes128(ke_key).encrypt(_key(mc_key_encrypted))


def mc_session_keys(mc_key: bytes, mc_addr: int) -> tuple[bytes, bytes]:
    """Return (McNwkSKey, McAppSKey) of a group, for `SessionKeys`; *mc_addr* as a number, like a DevAddr.

    McAppSKey = aes128_encrypt(McKey, 0x01 | McAddr | pad16), McNwkSKey the same with 0x02 (TS005-1.0.0 §4.3).
    """
    rest = struct.pack("<I", fits("McAddr", mc_addr, 32)) + bytes(11)
    keys = Aes128(mc_key).encrypt(b"\x02" + rest + b"\x01" + rest)
    return keys[:16], keys[16:]


def check_multicast(frame: DataFrame) -> None:
    """FrameError unless *frame* is what a group may be sent: unconfirmed, for the application, no ACK, no MAC commands.

    A device discards any other (TS001-1.0.4 §9.3); MAC commands under a key that many devices share could move one.
    """
    if frame.mtype != UNCONFIRMED_DATA_DOWN:
        raise FrameError(f"multicast frame has MType {frame.mtype}; expected 3, Unconfirmed Data Down")
    if frame.ack or len(frame.f_opts) or not frame.f_port:
        raise FrameError("multicast frame carries an ACK or MAC commands, or no FPort; expected application data only")


def _key(key: bytes) -> bytes:
    if len(key) != 16:
        raise FrameError(f"McKey has {len(key)} bytes; expected 16")
    return key
