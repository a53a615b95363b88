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
    # Of `lampyre flash` and `lampyre node`.
    NO_PORTS = auto()  # nothing that could be a board is plugged in
    SEVERAL_PORTS = auto()  # and it was not said which
    SAME_SERIAL = auto()  # it was said by a serial number that two have
    MODEM_MANAGER = auto()  # it asks every new port whether it is a modem
    BOARD_NEEDED = auto()  # no record, and nobody said which board it is
    ROLE_NEEDED = auto()
    SETTING_WRONG = auto()
    SITE_NEEDED = auto()  # a lamp has to know the sun
    FILE_WRONG = auto()  # one of ours on the laptop: registry, keys, settings, record
    FILE_BUSY = auto()  # another run writes it
    OTHER_BOARD = auto()  # not the one that was there a moment ago
    BOARD_TAKEN = auto()  # another run of this tool has this very board
    CODE_UNFIT = auto()  # MicroPython on the board does not take our .mpy
    FLASH_FULL = auto()
    BOARD_FAILED = auto()  # it refused what it was told; with what it said
    NOT_RUNNING = auto()  # the node's program does not answer
    SELF_TEST = auto()
    IDENTITY_OF_ANOTHER = auto()  # a node that another laptop commissioned
    KEYS_GONE = auto()  # registered, and neither node nor registry has its keys
    KEYS_DIFFER = auto()  # the registry has others for this DevEUI
    KEYS_USED_UP = auto()  # of --keys-from
    GATEWAY_ABSENT = auto()
    GATEWAY_REFUSED = auto()
    NODE_REFUSED = auto()  # a command of its console
    NOTHING_TO_RESUME = auto()


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
    Cause.NO_PORTS: (),
    Cause.SEVERAL_PORTS: ("ports",),
    Cause.SAME_SERIAL: ("serial_number", "ports"),
    Cause.MODEM_MANAGER: ("port",),
    Cause.BOARD_NEEDED: ("port", "likely"),
    Cause.ROLE_NEEDED: ("roles",),
    Cause.SETTING_WRONG: ("detail",),
    Cause.SITE_NEEDED: (),
    Cause.FILE_WRONG: ("path", "detail"),
    Cause.FILE_BUSY: ("path",),
    Cause.OTHER_BOARD: ("port", "found", "expected"),
    Cause.BOARD_TAKEN: ("port", "mac"),
    Cause.CODE_UNFIT: ("port", "found", "expected"),
    Cause.FLASH_FULL: ("port",),
    Cause.BOARD_FAILED: ("port", "detail"),
    Cause.NOT_RUNNING: ("port",),
    Cause.SELF_TEST: ("port", "detail"),
    Cause.IDENTITY_OF_ANOTHER: ("port", "dev_eui"),
    Cause.KEYS_GONE: ("dev_eui",),
    Cause.KEYS_DIFFER: ("dev_eui", "where"),
    Cause.KEYS_USED_UP: ("path",),
    Cause.GATEWAY_ABSENT: ("gateway", "detail"),
    Cause.GATEWAY_REFUSED: ("gateway", "detail"),
    Cause.NODE_REFUSED: ("detail",),
    Cause.NOTHING_TO_RESUME: ("port",),
}
"""The facts that come with each cause, by name: what a message has places for."""


class BoardError(Exception):
    """A cause with its facts by name, each as text."""

    def __init__(self, cause: Cause, **facts: object) -> None:
        assert tuple(sorted(facts)) == tuple(sorted(FACTS[cause])), (cause, facts)
        self.cause = cause
        self.facts = {name: str(facts[name]) for name in FACTS[cause]}
        super().__init__(f"{cause.name}: {', '.join(f'{name} {value}' for name, value in self.facts.items())}")
