"""Who a node is: its DevEUI and keys, made here or taken from a list. The only file in which keys are made."""

import secrets
from dataclasses import dataclass, field

from protocol.manifest import update_key_of

_KEY_LEN = 16
_LOCAL = 0x02  # the bit of an EUI that says: not from the IEEE (RFC 4291 appendix A calls it u)
_GROUP = 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """DevEUI and JoinEUI as printed; the keys, 16 bytes each, are shown by nothing."""

    dev_eui: bytes
    join_eui: bytes = bytes(8)
    app_key: bytes = field(repr=False)
    gen_app_key: bytes = field(repr=False)

    @property
    def update_key(self) -> bytes:
        """Under which updates for this node are signed."""
        return update_key_of(self.app_key)


def fresh(join_eui: bytes, mac: bytes | None = None) -> Identity:
    """A new identity with random keys. mac: of the chip, for a DevEUI made of it; without, a random one."""
    return Identity(
        dev_eui=random_eui() if mac is None else eui_of_mac(mac),
        join_eui=join_eui,
        app_key=secrets.token_bytes(_KEY_LEN),
        gen_app_key=secrets.token_bytes(_KEY_LEN),
    )


def random_eui() -> bytes:
    """A DevEUI that no maker has given out: locally administered, and not like one made of a MAC address."""
    while True:
        eui = bytearray(secrets.token_bytes(8))
        eui[0] = eui[0] & ~_GROUP | _LOCAL
        if bytes(eui[3:5]) not in (b"\xff\xfe", b"\xfe\xff"):
            return bytes(eui)


def eui_of_mac(mac: bytes) -> bytes:
    """The EUI-64 of a chip's MAC address, with ff fe in its middle (IEEE, Guidelines for EUI)."""
    return mac[:3] + b"\xff\xfe" + mac[3:]
