"""How a run begins and how it ends badly: makes the body of what the flash has, and keeps what an error says."""

import sys

from protocol.compat import on_demand
from protocol.errors import ProtocolError, SettingsError

from ..actions import Persist
from ..boot import TRIAL, is_safe
from ..demand import OF_START, forget
from .hardware import Hardware
from .kept import Kept
from .memory import ASLEEP, Memory

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from .being import Being
    from .board import Board


def start() -> "Callable[[], None]":
    """The node's `turn` on real hardware, which never raises anything but KeyboardInterrupt."""
    import time

    import esp32
    import machine

    from .port import StandardPort

    return Life(Hardware(machine, esp32, time, StandardPort())).turn


class Life:
    """The same on any hardware; body: what the board has become."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        try:
            self.body = body_of(hardware)
            forget(OF_START)
        except Exception as error:
            crash(hardware, error)
            raise

    def turn(self) -> None:
        """Let the body do one thing, or rest."""
        try:
            self.body.turn()
        except Exception as error:
            crash(self._hardware, error)


@on_demand
def body_of(hardware: Hardware) -> "Being":
    """What this board is: a node, a bridge, or a board in trouble that says why."""
    memory = Memory(hardware)  # first of all: it must not be believed twice
    kept = Kept(hardware.esp32)
    if memory.cause == hardware.machine.WDT_RESET and memory.kind != ASLEEP:
        from ..store.crashes import HANG

        kept.put("error", HANG.encode())
    from protocol.settings import BRIDGE, Settings

    from .blink import BAD_BOARD, BAD_SETTINGS, CRASHED, NO_KEYS
    from .board import NAME, read_board

    board: "Board | None" = None
    code = BAD_BOARD
    try:
        board = read_board(hardware.root + "/" + NAME, memory.kind == ASLEEP)
        code = BAD_SETTINGS
        stored = kept.blob("settings")
        if not stored:
            raise SettingsError("this board has no settings yet: flash it, or type: set role ... dev_eui ...")
        settings = Settings.decode(stored)
        if settings.role != BRIDGE:
            from .selftest import keys

            missing = keys(kept, bool(settings.activation))
            code = NO_KEYS
            if missing:
                raise SettingsError(missing)
    except ProtocolError as error:
        return _in_trouble(hardware, kept, memory, board, str(error), code)
    try:
        if settings.role == BRIDGE:
            if is_safe(kept.number("boot")):
                why = "three runs in a row ended badly, the last one by " + kept.blob("error").decode()
                return _in_trouble(hardware, kept, memory, board, why, CRASHED)
            from .bridging import BridgeBody

            return BridgeBody(hardware, kept, memory, settings, board)
        from .birth import node_body

        return node_body(hardware, kept, memory, settings, board)
    except SettingsError as error:  # what the board has and what the settings want do not go together
        return _in_trouble(hardware, kept, memory, board, str(error), BAD_BOARD)


@on_demand
def _in_trouble(hardware: Hardware, kept: Kept, memory: Memory, board: "Board | None", why: str, code: int) -> "Being":
    from .trouble import Trouble

    boot = kept.number("boot")
    if boot & TRIAL:  # a firmware that cannot start here has not proved itself: nobody may ever come to say so
        from ..store.slots import Slots

        for action in Slots(boot, kept.number("floor")).give_up():
            assert isinstance(action, Persist)
            kept.put(action.key, action.value)
        hardware.machine.reset()
    led = None
    if board is not None:
        from .wiring import Wiring

        led = Wiring(hardware, board, True).led()
    return Trouble(hardware, kept, memory, board, led, why, code)


def crash(hardware: Hardware, error: Exception) -> None:
    """Say what ended the run, keep it for the status, and restart; /boot.py counts it."""
    from io import StringIO

    show = getattr(sys, "print_exception", None)
    if show is not None:
        out = StringIO()
        show(error, out)
        text = out.getvalue()
    else:  # CPython
        import traceback

        text = "".join(traceback.format_exception(error))
    try:
        from ..store.crashes import SEAMS, in_sources

        with open(SEAMS) as seams:
            text = in_sources(text, seams)
    except Exception:  # noqa: BLE001: not welded, or flash or heap fail; what is known is said
        pass
    try:
        hardware.port.write(text.encode())
    except OSError:
        pass
    told = type(error).__name__
    try:
        from ..store.crashes import last_error

        told = last_error(text)
    except (MemoryError, ImportError, OSError):  # which may be what ended the run
        pass
    Kept(hardware.esp32).put("error", told.encode())
    hardware.machine.reset()
