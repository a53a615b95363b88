"""Multicast sessions: how a node gets one, and what comes down in it (TS005-1.0.0); loaded where there is one.

A group is kept as the 44 bytes that are persisted of it, since this module is loaded for one call at a time.
"""

import struct

from protocol.compat import const
from protocol.lorawan.counters import accept_f_cnt
from protocol.lorawan.frames import DOWNLINK, DataFrame
from protocol.lorawan.multicast import check_multicast, decrypt_mc_key, mc_ke_key, mc_root_key, mc_session_keys
from protocol.lorawan.security import SessionKeys, mic_matches, open_payload

from .actions import JoinGroup, Persist
from .events import Downlink

_WIRE = "<IQ16s16s"
_WIRE_LEN = const(44)
_NEXT_DOWN_AT = const(4)
_KEYS_AT = const(12)
_LAST_F_PORT = const(223)  # of the application (TS001-1.0.4 §4.3.2)


def groups_from_wire(wires: list[bytes]) -> list[bytes]:
    """What was persisted of each group, in its place; b"" where there is nothing.

    A power cut while keys move leaves them in two places, one of them with an older counter: the newer one counts.
    """
    groups: list[bytes] = []
    for wire in wires:
        group = wire if len(wire) == _WIRE_LEN else b""
        for number, twin in enumerate(groups):
            if group and _same_keys(group, twin):
                group = group if _next_down(group) >= _next_down(twin) else twin
                groups[number] = b""
        groups.append(group)
    return groups


def join_group(groups: list[bytes], gen_app_key: bytes, asked: JoinGroup) -> list[Persist]:
    """Put the group that *asked* describes into *groups*; for keys that are there its counter never goes back.

    The same keys in two places would have two counters, of which one lets replays in: they move.
    """
    mc_key = decrypt_mc_key(mc_ke_key(mc_root_key(gen_app_key)), asked.mc_key_encrypted)
    nwk_s_key, app_s_key = mc_session_keys(mc_key, asked.mc_addr)
    group = group_to_wire(asked.mc_addr, asked.f_cnt_min, nwk_s_key, app_s_key)
    persists = []
    for number, old in enumerate(groups):
        if _same_keys(group, old):
            group = group_to_wire(asked.mc_addr, max(asked.f_cnt_min, _next_down(old)), nwk_s_key, app_s_key)
            if number != asked.group:
                groups[number] = b""
                persists.append(Persist("mc%d" % number, b""))
    groups[asked.group] = group
    return [Persist("mc%d" % asked.group, group)] + persists


def obey_group(out: list[object], groups: list[bytes], frame: DataFrame) -> None:
    """Obey a multicast frame that is authentic and new (TS001-1.0.4 §9.3); FrameError for one of the wrong kind."""
    for number, group in enumerate(groups):
        if not group:
            continue
        mc_addr, next_down, nwk_s_key, app_s_key = struct.unpack(_WIRE, group)
        if mc_addr != frame.dev_addr:
            continue
        f_cnt = accept_f_cnt(next_down - 1, frame.f_cnt16)
        keys = SessionKeys(nwk_s_key, app_s_key)  # rarely needed: not kept on the heap
        if f_cnt is None or not mic_matches(keys, frame, DOWNLINK, f_cnt):
            continue
        check_multicast(frame)
        groups[number] = group_to_wire(mc_addr, f_cnt + 1, nwk_s_key, app_s_key)
        out.append(Persist("mc%d" % number, groups[number]))
        if frame.f_port is not None and frame.f_port <= _LAST_F_PORT:
            out.append(Downlink(frame.f_port, open_payload(keys, frame, DOWNLINK, f_cnt), number))
        return


def group_to_wire(mc_addr: int, next_down: int, nwk_s_key: bytes, app_s_key: bytes) -> bytes:
    """A multicast session as it is kept and persisted; next_down is the least counter that is still new."""
    return struct.pack(_WIRE, mc_addr, next_down, nwk_s_key, app_s_key)


def _next_down(group: bytes) -> int:
    next_down: int = struct.unpack_from("<Q", group, _NEXT_DOWN_AT)[0]
    return next_down


def _same_keys(group: bytes, other: bytes) -> bool:
    return group[_KEYS_AT:] == other[_KEYS_AT:]
