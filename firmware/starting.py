"""What a MAC finds as it starts: the session that was persisted, or the one from the bench; loaded for the start."""

from protocol.compat import const
from protocol.region import Plan

from .session import Identity, Session, session_from_wire

_GROUPS = const(4)  # TS005-1.0.0: McGroupID has two bits


def first_session(
    identity: Identity, plan: Plan, wire: bytes, dr: int | None, min_dr: int, windows_at: tuple[int, int]
) -> Session | None:
    """The session that was persisted as *wire*; an ABP node has its own, unless flash knows what became of it.

    Nobody tells an ABP node of a gateway that answers at other times: that takes *windows_at*, if it is new. *min_dr*
    is the node's own, and may be newer than the session.
    """
    session = session_from_wire(wire, plan)
    abp = identity.abp
    if abp is not None:
        if session is None or not session.is_of(*abp):
            session = Session(abp[0], abp[1], abp[2], plan, min_dr if dr is None else dr)
            session.settle()
        if session.windows_at != windows_at:
            session.windows_at = windows_at
            session.rx_delay_s, session.rx2_dr = windows_at
    if session is not None:
        session.not_below(min_dr)
    return session


def first_groups(saved: dict[str, int | bytes]) -> list[bytes]:
    """The groups of `groups.py`, as they were persisted."""
    groups = [blob(saved, "mc%d" % place) for place in range(_GROUPS)]
    if any(groups):
        from .groups import groups_from_wire

        groups = groups_from_wire(groups)
    return groups


def number(saved: dict[str, int | bytes], key: str, missing: int = 0) -> int:
    """What is persisted under *key*, if it is a number."""
    value = saved.get(key, missing)
    return value if isinstance(value, int) else missing


def blob(saved: dict[str, int | bytes], key: str) -> bytes:
    """What is persisted under *key*, if it is bytes."""
    value = saved.get(key, b"")
    return b"" if isinstance(value, int) else bytes(value)
