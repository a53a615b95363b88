"""The short wake: most of the time a node that sleeps deep wakes to look at its sensors, and sleeps again.

For that its role alone is loaded; mind, MAC and log stay the images they are in RTC memory, where the role's is put
anew. As soon as the role wants something of its mind, or the time of mind or MAC has come, the body
makes the whole node of the same images, with the role as it is now, and lets the mind `carry_out` what the role wants.

The body erases the RTC memory when it has read it, before anything else, and writes it as the last thing before it
sleeps: an image that a crash left behind tells of counters that have been used since.
"""

import struct
from binascii import crc32

from protocol.compat import const

from .actions import TakeReading, TellEvent

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .mind import Role

MAX_LEN = const(2048)  # of RTC memory
_HEAD = "<QHHH"  # when mind or MAC want to be woken, lengths of role, mind and MAC
_HEAD_LEN = const(14)
_CRC_LEN = const(4)
_NEVER_MS = const(0xFFFFFFFFFFFFFFFF)


def pack(wake_ms: int | None, role: bytes, mind: bytes, mac: bytes, log: bytes) -> bytes:
    """What goes into RTC memory: the images, and when mind or MAC want to be woken, whatever the role wants."""
    head = struct.pack(_HEAD, _NEVER_MS if wake_ms is None else wake_ms, len(role), len(mind), len(mac))
    body = head + role + mind + mac + log
    return body + struct.pack("<I", crc32(body) & 0xFFFFFFFF)


def unpack(memory: bytes) -> tuple[int, bytes, bytes, bytes, bytes]:
    """What `pack` was given; empty images, and the past, for a memory that holds anything else: a boot."""
    body = memory[:-_CRC_LEN]
    if len(body) < _HEAD_LEN or memory[-_CRC_LEN:] != struct.pack("<I", crc32(body) & 0xFFFFFFFF):
        return 0, b"", b"", b"", b""
    wake_ms, role_len, mind_len, mac_len = struct.unpack_from(_HEAD, body)
    mind_at = _HEAD_LEN + role_len
    mac_at = mind_at + mind_len
    log_at = mac_at + mac_len
    return wake_ms, body[_HEAD_LEN:mind_at], body[mind_at:mac_at], body[mac_at:log_at], body[log_at:]


class Glance:
    """The role's part of a node, as a core. wake_ms: as `unpack` gave it.

    wanted: what the role wants of its mind. `needs_node` says when this is over.
    """

    def __init__(self, role: "Role", wake_ms: int) -> None:
        self.wanted: list[object] = []
        self._role = role
        self._wake_ms = wake_ms

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Let the role hear *event*; returns the body's actions."""
        actions: list[object] = []
        for action in self._role.handle(event, now_ms):
            if isinstance(action, (TakeReading, TellEvent)):
                self.wanted.append(action)
            else:
                actions.append(action)
        return actions

    def wake_at(self) -> int | None:
        """When to send `Woke`."""
        role_ms = self._role.wake_at()
        return self._wake_ms if role_ms is None else min(role_ms, self._wake_ms)

    def needs_node(self, now_ms: int) -> bool:
        """Whether mind and MAC have something to do."""
        return bool(self.wanted) or now_ms >= self._wake_ms
