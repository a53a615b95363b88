"""Why a board could not be flashed: one table of causes, so that each has its sentence in every language.

Modules that meet a cause raise `Failure` with the facts that belong to it; `messages` make a sentence of both.
"""

from enum import Enum


class Cause(Enum):
    """What went wrong, and the names of the facts that come with it."""

    PORT_ABSENT = ("port",)  # no such port: never there, or the cable was pulled before it was opened
    PORT_BUSY = ("port",)  # another program has it: a terminal, ModemManager, this tool
    PORT_DENIED = ("port",)  # this user may not open it
    CABLE_CUT = ("port",)  # it was there, and went in the midst
    NO_ANSWER = ("port",)  # nobody answers: a charge-only cable, no board, not in its boot loader
    NOISE = ("port", "detail")  # answers that make no sense, or a checksum that is wrong: a bad cable or hub
    WRONG_CHIP = ("port", "found", "expected", "board")
    FLASH_SMALL = ("port", "found_mb", "expected_mb", "board")
    FLASH_FAULTY = ("port", "detail")  # what was written does not read back
    IMAGE_ABSENT = ("path",)  # neither there nor in the cache
    IMAGE_UNREADABLE = ("path", "detail")  # no image at all, cut short, a checksum or digest that is wrong
    IMAGE_OTHER_CHIP = ("path", "found", "expected")
    IMAGE_LARGE = ("path", "need_kb", "flash_mb")  # the flash ends before it does
    IMAGE_OLD = ("path", "found", "expected")  # a MicroPython that cannot run our code
    DOWNLOAD = ("url", "detail")
    BOARD_UNKNOWN = ("board", "known")
    BOARD_FAULTY = ("path", "detail")  # a board's file is wrong


class Failure(Exception):
    """A cause with its facts by name, each as text."""

    def __init__(self, cause: Cause, **facts: object) -> None:
        assert set(facts) == set(cause.value), (cause, facts)
        self.cause = cause
        self.facts = {name: str(value) for name, value in facts.items()}
        told = ", ".join(f"{name} {value}" for name, value in self.facts.items())
        super().__init__(f"{cause.name}: {told}")
