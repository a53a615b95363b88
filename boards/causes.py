"""Why a board could not be flashed: one table of causes, so that each has its sentence in every language.

Modules that meet a cause raise `BoardError` with the facts that belong to it; `messages` make a sentence of both.
"""

from enum import Enum, auto


class Cause(Enum):
    """What went wrong."""

    PORT_ABSENT = auto()  # no such port: never there, or the cable was pulled before it was opened
    PORT_BUSY = auto()  # another program has it: a terminal, ModemManager, this tool
    PORT_DENIED = auto()  # this user may not open it
    CABLE_CUT = auto()  # it was there, and went in the midst
    NO_ANSWER = auto()  # nobody answers: a charge-only cable, no board, not in its boot loader
    NOISE = auto()  # answers that make no sense, or a checksum that is wrong: a bad cable or hub
    WRONG_CHIP = auto()
    FLASH_SMALL = auto()
    FLASH_FAULTY = auto()  # what was written does not read back
    IMAGE_ABSENT = auto()  # neither there nor in the cache
    IMAGE_UNREADABLE = auto()  # no image at all, cut short, a checksum or digest that is wrong
    IMAGE_OTHER_CHIP = auto()
    IMAGE_LARGE = auto()  # the flash ends before it does
    IMAGE_OLD = auto()  # a MicroPython that cannot run our code
    DOWNLOAD = auto()
    BOARD_UNKNOWN = auto()
    BOARD_FAULTY = auto()  # a board's file is wrong


FACTS = {
    Cause.PORT_ABSENT: ("port",),
    Cause.PORT_BUSY: ("port",),
    Cause.PORT_DENIED: ("port",),
    Cause.CABLE_CUT: ("port",),
    Cause.NO_ANSWER: ("port",),
    Cause.NOISE: ("port", "detail"),
    Cause.WRONG_CHIP: ("port", "found", "expected"),
    Cause.FLASH_SMALL: ("port", "found_mb", "expected_mb"),
    Cause.FLASH_FAULTY: ("port", "detail"),
    Cause.IMAGE_ABSENT: ("path",),
    Cause.IMAGE_UNREADABLE: ("path", "detail"),
    Cause.IMAGE_OTHER_CHIP: ("path", "found", "expected"),
    Cause.IMAGE_LARGE: ("path", "need_mb", "flash_mb"),
    Cause.IMAGE_OLD: ("path", "found", "expected"),
    Cause.DOWNLOAD: ("url", "detail"),
    Cause.BOARD_UNKNOWN: ("board", "known"),
    Cause.BOARD_FAULTY: ("path", "detail"),
}
"""The facts that come with each cause, by name: what a message has places for."""


class BoardError(Exception):
    """A cause with its facts by name, each as text."""

    def __init__(self, cause: Cause, **facts: object) -> None:
        assert tuple(sorted(facts)) == tuple(sorted(FACTS[cause])), (cause, facts)
        self.cause = cause
        self.facts = {name: str(facts[name]) for name in FACTS[cause]}
        super().__init__(f"{cause.name}: {', '.join(f'{name} {value}' for name, value in self.facts.items())}")
