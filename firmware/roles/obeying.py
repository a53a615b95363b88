"""What an order wants of a lamp's heads, said in numbers. Loaded on demand (`rarely.py`)."""

from protocol.compat import const
from protocol.orders import BAD_ARGUMENT, BELOW_FLOOR, DONE, NOT_HERE, RESUME_PROGRAMME, SET_LEVEL

DEFAULT_HOLD_S = const(7200)  # of an order that does not say (uCIFI 3416/53)
_FADE_S = const(2)


def wanted(
    verb: int, arguments: tuple[object, ...], heads: int, floor_pct: int
) -> tuple[int, int | None, list[int], tuple[int, int, int] | None]:
    """Judge SET_LEVEL or RESUME_PROGRAMME for a lamp of so many *heads*; floor_pct: no lower level is good.

    Returns the outcome, a detail or with DONE the head that was named, the heads meant, and for each of them what to
    hold: level_pct, fade_s and hold_s; None to resume the programme.
    """
    numbers = [argument if isinstance(argument, int) else None for argument in arguments] + [None] * 4
    level_pct, fade_s, hold_s, head = numbers[:4]
    if verb == RESUME_PROGRAMME:
        head = level_pct  # its only argument
    elif verb != SET_LEVEL:
        return NOT_HERE, None, [], None
    named = [k for k in range(heads) if head in (None, k)]
    if not named:
        return NOT_HERE, None, [], None
    if verb == RESUME_PROGRAMME:
        return DONE, head, named, None
    if level_pct is None:
        return BAD_ARGUMENT, None, [], None
    if level_pct < floor_pct:
        return BELOW_FLOOR, floor_pct, [], None
    held = level_pct, _FADE_S if fade_s is None else fade_s, DEFAULT_HOLD_S if hold_s is None else hold_s
    return DONE, head, named, held
