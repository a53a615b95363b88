"""Counters that travel as their low 16 bits: rebuilt in full, and refused when they do not advance."""

F_CNT_MAX = 0xFFFFFFFF


def full_f_cnt(last: int, low16: int) -> int:
    """Rebuild the 32-bit FCnt from the 16 bits sent on air (TS001-1.0.4 §4.3.1.5).

    last: the counter last accepted, or -1 before the first frame.
    Returns the smallest counter above *last* whose low 16 bits are *low16*.
    """
    candidate = (last & ~0xFFFF) | low16 if last >= 0 else low16
    return candidate if candidate > last else candidate + 0x10000


def accept_f_cnt(last: int, low16: int) -> int | None:
    """Return the counter a frame must have been sealed with to be new after *last* (-1: none yet), or None.

    None means a repetition or replay of *last* itself, or a counter that has come to its end at 2^32 - 1. Any
    forward gap of 1..65535 is accepted: 1.0.4 has no MAX_FCNT_GAP. A replay of an older frame gets the number
    2^16 higher, under which its MIC does not match: this decision means nothing before `mic_matches` agrees.
    """
    if last >= 0 and low16 == last & 0xFFFF:
        return None
    full = full_f_cnt(last, low16)
    return full if full <= F_CNT_MAX else None


def nearest_full(reference: int, low16: int) -> int:
    """Return the number nearest to *reference* whose low 16 bits are *low16*; never negative.

    Of two that are equally near, 2^15 below and above, the lower one.
    """
    full = reference + ((low16 - reference + 0x8000) & 0xFFFF) - 0x8000
    return full if full >= 0 else full + 0x10000
