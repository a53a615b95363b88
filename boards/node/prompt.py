"""MicroPython's prompt on a board, through mpremote's own transport: what runs there, and code that is run there.

A node's program is ended first, as its console has it (`repl`), or with Ctrl-C. Its watchdog goes on: it is given ten
minutes whenever code is run, so that it does not end a copy, and still ends a board that was left behind.
"""

import secrets
from typing import Any

from boards.causes import BoardError, Cause
from boards.node import ports
from boards.node.console import BAUD, Clock, RealClock, reset
from boards.node.held import Held, losing, release

_CTRL_C = b"\x03"
_CTRL_A = b"\x01"
_CTRL_B = b"\x02"
_CTRL_D = b"\x04"
_RAW = b"raw REPL; CTRL-B to exit\r\n>"
_HEARS_S = 0.6  # a prompt answers at once
_ENDS_S = 3.0  # a program ends when its turn is over
_START_S = 5.0
_MAX_SAID = 1 << 16  # bytes of one answer: names and digests of 600 files
_READ_S = 20.0  # of one piece of an answer: forty boards on one laptop are slow, and a hang ends all the same
_WATCHDOG = "import machine\nmachine.WDT(timeout=600000)\n"
_ABOUT = """import sys,machine
i=sys.implementation
print(machine.unique_id().hex(),'.'.join(str(n) for n in i[1][:3]),getattr(i,'_mpy',0)&255)
"""
# A restart in good order, which /boot.py does not count as a crash (firmware/boot.py, ORDERLY).
_RESTART = """import machine,esp32
n=esp32.NVS('lampyre')
try:
 b=n.get_i32('boot')
except OSError:
 b=0
n.set_i32('boot',b|4)
n.commit()
machine.reset()
"""


class Prompt(Held):
    """A board at its prompt, where it stays when the port is let go.

    mac: of the chip, hex. version: MicroPython's; mpy: of the code it takes.

    All methods raise BoardError when the port goes away (CABLE_CUT) or what comes makes no sense (NOISE).
    """

    mac: str
    version: str
    mpy: int

    def __init__(self, path: str, transport: Any) -> None:
        super().__init__(path, transport.serial)
        self._transport = transport

    def run(self, code: str) -> str:
        """Run code; what it printed. Raises BoardError: FLASH_FULL, or BOARD_FAILED with the exception's last line."""
        from mpremote.transport import TransportError, TransportExecError

        said = bytearray()

        def take(piece: bytes) -> None:
            if len(said) >= _MAX_SAID:
                raise ValueError(f"more than {_MAX_SAID} bytes in one answer")
            said.extend(piece)

        try:
            with losing(self.path):
                self._transport.exec(code, data_consumer=take)
        except TransportExecError as error:
            raise self._refusal(error.error_output) from None  # its context would show the code, and keys with it
        except (TransportError, ValueError) as error:
            raise BoardError(Cause.NOISE, port=self.path, detail=str(error)[:80]) from None
        except Exception as error:  # struct.error: half of what was expected came
            if type(error).__name__ != "error":
                raise
            raise BoardError(Cause.NOISE, port=self.path, detail="half an answer") from None
        return said.rstrip(_CTRL_D).decode("utf-8", "replace").replace("\r\n", "\n")

    def restart(self) -> None:
        """Reset the board in good order, and let go of the port."""
        from mpremote.transport import TransportError

        try:
            with losing(self.path):
                self._transport.exec_raw_no_follow(_RESTART)
        except TransportError as error:
            raise BoardError(Cause.NOISE, port=self.path, detail=str(error)[:80]) from None
        self.close()

    def ask_who(self) -> None:
        """Learn who is there, and give the watchdog time."""
        self.run(_WATCHDOG)
        words = self.run(_ABOUT).split()
        if len(words) != 3 or not words[2].isdecimal():
            raise BoardError(Cause.NOISE, port=self.path, detail=f"'{' '.join(words)[:60]}'")
        self.mac, self.version, self.mpy = words[0], words[1], int(words[2])

    def feed(self) -> None:
        """Give the watchdog time for what comes."""
        self.run(_WATCHDOG)

    def _refusal(self, traceback: str) -> BoardError:
        last = traceback.strip().splitlines()[-1] if traceback.strip() else "nothing"
        if "ENOSPC" in last or last.endswith("28"):
            return BoardError(Cause.FLASH_FULL, port=self.path)
        return BoardError(Cause.BOARD_FAILED, port=self.path, detail=last[:120])


def open_prompt(path: str, clock: Clock | None = None, resets: bool = True) -> Prompt | None:
    """The prompt of the board on a port, whatever it does; None if no MicroPython answers there.

    resets: whether to pull its reset line if it does not. Raises BoardError for the port.
    """
    clock = clock or RealClock()
    port = ports.open_serial(path, BAUD)
    try:
        with losing(path):
            there = _find(port, clock, resets)
    except BaseException:
        release(port)
        raise
    port.close()
    if not there:
        return None
    return _taken_over(path)


def _find(port: Any, clock: Clock, resets: bool) -> bool:
    """Bring MicroPython to its raw prompt."""
    for attempt in range(2 if resets else 1):
        if attempt:
            reset(port, clock)
            if not _hears(port, clock, b"", _START_S, b">>> ", b"lampyre", b"rst:"):
                return False
        if _hears(port, clock, b"\r" + _CTRL_C + _CTRL_C + _CTRL_A, _HEARS_S, _RAW) and _in_step(port, clock):
            return True
        # A node on a cable takes Ctrl-C for a byte, and one that is at work hears a line when its turn is over.
        _hears(port, clock, _CTRL_B + b"\rrepl\r", _ENDS_S, b">>> ")
        if _hears(port, clock, b"\r" + _CTRL_C + _CTRL_A, _HEARS_S, _RAW) and _in_step(port, clock):
            return True
    return False


def _in_step(port: Any, clock: Clock) -> bool:
    """Let it say a word that was never said: whatever a slow board still had to say before is out of the way then."""
    word = secrets.token_hex(8).encode()
    return _hears(port, clock, b"print('" + word + b"')" + _CTRL_D, _ENDS_S, word + b"\r\n" + _CTRL_D + _CTRL_D + b">")


def _hears(port: Any, clock: Clock, say: bytes, seconds: float, *signs: bytes) -> bool:
    """Say something, and wait so long for one of these to come back."""
    if say:
        port.reset_input_buffer()
        port.write(say)
    heard = bytearray()
    until_s = clock.now_s() + seconds
    while clock.now_s() < until_s:
        heard += port.read(port.in_waiting or 1)
        if any(sign in heard for sign in signs):
            return True
        del heard[:-4096]
    return False


def _taken_over(path: str) -> Prompt:
    from mpremote.transport import TransportError
    from mpremote.transport_serial import SerialTransport

    with losing(path):
        try:
            transport = SerialTransport(path, baudrate=BAUD, timeout=_READ_S)
        except TransportError as error:
            raise BoardError(Cause.PORT_ABSENT, port=path) from error
        transport.serial.write_timeout = ports.WRITE_S  # mpremote's is none
        prompt = Prompt(path, transport)
        try:
            transport.enter_raw_repl(soft_reset=False)
        except TransportError as error:
            prompt.close()
            raise BoardError(Cause.NO_ANSWER, port=path) from error
    try:
        prompt.ask_who()
    except BaseException:
        prompt.close()
        raise
    return prompt
