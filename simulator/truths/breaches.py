"""The truths by name, and the first event that broke each: when, whose, and the frame or message at hand."""

from collections.abc import Callable

from simulator.report.report import Truth

F_CNT_ONCE = "no frame counter was used twice, up, down or to a group"
DUTY_CYCLE = "no node and no gateway left the duty cycle in any hour"
NOTHING_INVENTED = "no record was invented, changed or dated wrongly"
PUBLISHED_ONCE = "no record was published twice but after a lost acknowledgement, and then under the same key"
NOTHING_LOST = "nothing that was on the gateway's card was lost"
ALL_ARRIVED = "when the faults had stopped, all that the nodes still had arrived"
NOT_REFUSED = "no authentic frame was refused, and every other was"
NOT_FOOLED = "nobody without a key was believed"
NO_DARK_STREET = "no lamp that had power was dark at night but by order"
NEVER_RAISED = "no node's firmware fell over"
ALL = (
    F_CNT_ONCE,
    DUTY_CYCLE,
    NOTHING_INVENTED,
    PUBLISHED_ONCE,
    NOTHING_LOST,
    ALL_ARRIVED,
    NOT_REFUSED,
    NOT_FOOLED,
    NO_DARK_STREET,
    NEVER_RAISED,
)
_SHOWN = 120  # characters of a frame or message
Told = Callable[[str, int], None]


class Breaches:
    """first: by truth, a sentence on the event that broke it. told: hears of each truth once, with the virtual µs."""

    def __init__(self, told: Told = lambda truth, time_us: None) -> None:
        self.first: dict[str, str] = {}
        self._told = told

    def __call__(self, truth: str, time_us: int, who: str, what: str, shown: bytes | str = b"") -> None:
        """An event broke *truth*: of a node or radio *who*; *what* is a clause, *shown* the frame or message."""
        if truth in self.first:
            return
        text = shown.hex() if isinstance(shown, bytes) else shown
        if len(text) > _SHOWN:
            text = f"{text[:_SHOWN]}…"
        self.first[truth] = f"{_clock(time_us)} {who}: {what}" + (f" [{text}]" if text else "")
        self._told(truth, time_us)

    def truths(self) -> list[Truth]:
        """All of them, whether they held, and what broke them."""
        return [Truth(name, name not in self.first, self.first.get(name, "")) for name in ALL]


def _clock(time_us: int) -> str:
    """Virtual time in days, hours, minutes, seconds and µs."""
    seconds, us = divmod(time_us, 1_000_000)
    days, seconds = divmod(seconds, 86_400)
    return f"day {days} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{us:06}"
