"""Multicast sessions: how a node gets one, and what comes down in it (TS005-1.0.0); loaded where there is one."""

import struct

from protocol.compat import const
from protocol.lorawan.counters import accept_f_cnt
from protocol.lorawan.frames import DOWNLINK, DataFrame
from protocol.lorawan.multicast import check_multicast, decrypt_mc_key, mc_ke_key, mc_root_key, mc_session_keys
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload

from .actions import JoinGroup, Persist
from .events import Downlink

GROUPS = const(4)  # TS005-1.0.0: McGroupID has two bits
_WIRE = "<IQ16s16s"
_LAST_F_PORT = const(223)  # of the application (TS001-1.0.4 §4.3.2)


class Group:
    """A multicast session: next_down is the least counter that is still new."""

    def __init__(self, mc_addr: int, next_down: int, nwk_s_key: bytes, app_s_key: bytes) -> None:
        self.mc_addr = mc_addr
        self.next_down = next_down
        self.secrets = (nwk_s_key, app_s_key)

    def to_wire(self) -> bytes:
        """All of it, 44 bytes."""
        return struct.pack(_WIRE, self.mc_addr, self.next_down, *self.secrets)


def groups_from_wire(wires: list[bytes]) -> list[Group | None]:
    """What `Group.to_wire` wrote, in its places; None where there is nothing.

    A power cut while keys move leaves them in two places, one of them with an older counter: the newer one counts.
    """
    groups: list[Group | None] = []
    for wire in wires:
        groups.append(None)
        if len(wire) != struct.calcsize(_WIRE):
            continue
        mc_addr, next_down, nwk_s_key, app_s_key = struct.unpack(_WIRE, wire)
        group = Group(mc_addr, next_down, nwk_s_key, app_s_key)
        for number, twin in enumerate(groups):
            if twin is not None and twin.secrets == group.secrets:
                groups[number] = None
                group = group if group.next_down > twin.next_down else twin
        groups[-1] = group
    return groups


def join_group(groups: list[Group | None], gen_app_key: bytes, asked: JoinGroup) -> list[Persist]:
    """Put the group that *asked* describes into *groups*; for keys that are there its counter never goes back.

    The same keys in two places would have two counters, of which one lets replays in: they move.
    """
    mc_key = decrypt_mc_key(mc_ke_key(mc_root_key(gen_app_key)), asked.mc_key_encrypted)
    nwk_s_key, app_s_key = mc_session_keys(mc_key, asked.mc_addr)
    group = Group(asked.mc_addr, asked.f_cnt_min, nwk_s_key, app_s_key)
    persists = [Persist("mc%d" % asked.group, b"")]
    for number, old in enumerate(groups):
        if old is not None and old.secrets == group.secrets:
            group.next_down = max(group.next_down, old.next_down)
            if number != asked.group:
                groups[number] = None
                persists.append(Persist("mc%d" % number, b""))
    groups[asked.group] = group
    persists[0].value = group.to_wire()
    return persists


def obey_group(out: list[object], groups: list[Group | None], frame: DataFrame) -> None:
    """Obey a multicast frame that is authentic and new (TS001-1.0.4 §9.3); FrameError for one of the wrong kind."""
    for number, group in enumerate(groups):
        if group is None or group.mc_addr != frame.dev_addr:
            continue
        f_cnt = accept_f_cnt(group.next_down - 1, frame.f_cnt16)
        keys = SessionKeys(group.secrets[0], group.secrets[1])  # rarely needed: not kept on the heap
        if f_cnt is None or not mic_matches(keys, frame, DOWNLINK, f_cnt):
            continue
        check_multicast(frame)
        group.next_down = f_cnt + 1
        out.append(Persist("mc%d" % number, group.to_wire()))
        if frame.f_port is not None and frame.f_port <= _LAST_F_PORT:
            out.append(Downlink(frame.f_port, open_payload(keys, frame, DOWNLINK, f_cnt), number))
        return
