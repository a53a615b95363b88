"""What an order wants of a lamp's heads. Loaded on demand (`rarely.py`)."""

from protocol.compat import const
from protocol.orders import BAD_ARGUMENT, BELOW_FLOOR, DONE, NOT_HERE, RESUME_PROGRAMME, SET_LEVEL

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .setpoint import Door

DEFAULT_HOLD_S = const(7200)  # of an order that does not say (uCIFI 3416/53)
_FADE_S = const(2)


def obey(
    verb: int, arguments: tuple[object, ...], doors: "list[Door]", floor_pct: int, now_s: int, longest_s: int
) -> tuple[int, int | None]:
    """Let the heads behind *doors* hold a level, or resume the programme, as SET_LEVEL or RESUME_PROGRAMME says.

    floor_pct: no lower level is good; longest_s: nor is a longer hold. Returns the outcome, and a detail or with DONE
    the head that was named, None for all.
    """
    numbers = [argument if isinstance(argument, int) else None for argument in arguments] + [None] * 4
    level_pct, fade_s, hold_s, head = numbers[:4]
    if verb == RESUME_PROGRAMME:
        head = level_pct  # its only argument
    elif verb != SET_LEVEL:
        return NOT_HERE, None
    named = [door for k, door in enumerate(doors) if head in (None, k)]
    if not named:
        return NOT_HERE, None
    if verb == RESUME_PROGRAMME:
        for door in named:
            door.resume()
        return DONE, head
    if level_pct is None:
        return BAD_ARGUMENT, None
    if level_pct < floor_pct:
        return BELOW_FLOOR, floor_pct
    until_s = now_s + min(DEFAULT_HOLD_S if hold_s is None else hold_s, longest_s)
    for door in named:
        door.hold(level_pct, _FADE_S if fade_s is None else fade_s, until_s)
    return DONE, head
