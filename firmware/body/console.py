"""The technician's line: text commands, one at a time, answered line by line; the last line is `ok` or `error: …`.

Each turn reads what has come and says one line at most, so that nobody who types, or floods the port with noise, holds
up the node. What the commands mean is in `desk.py`, which is loaded when one comes. Where envelopes go over the same
cable (`decoder`), both are looked for in all that comes: an envelope is no line, for it has bytes that are no text, and
a line is no envelope, for it has no checksum. There a line counts only if no such byte came since the last envelope
ended, with a zero, or since an empty line: one envelope in six has letters before what looks like a line's end.

The port is heard while it can be: for a minute after a start other than from deep sleep, and for five after each line;
always by a node that does not sleep.
"""

from protocol.compat import const, on_demand

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Iterator

    from protocol.envelope import Decoder, Message

    from .being import Being

MAX_LINE = const(768)  # 512 bytes of an update in base64, and the command
MAX_MESSAGES = const(8)  # that wait; the gateway's side has as many under way
AFTER_START_MS = const(60_000)
AFTER_LINE_MS = const(300_000)

_CHUNK = const(256)


class Console:
    """until_ms: so long the port is heard, at least. talks: somebody has typed a line.

    decoder: for what else comes, on a cable; `messages` is of it.
    """

    def __init__(self, being: "Being", until_ms: int, decoder: "Decoder | None" = None) -> None:
        self._being = being
        self._port = being.hardware.port
        self._decoder = decoder
        self._line = bytearray()
        self._ended = False  # the last byte ended a line
        self._spoilt = False  # in the midst of an envelope
        self._answer: "Iterator[str] | None" = None
        self.until_ms = until_ms
        self.talks = False
        self.messages: "list[Message]" = []

    def listens(self, now_ms: int) -> bool:
        """Whether the node has to stay awake for it."""
        return self._answer is not None or self._decoder is not None or now_ms < self.until_ms

    def next_ms(self, now_ms: int) -> int | None:
        """When `step` is to be asked again; None: when something comes, or never."""
        if self._answer is not None:
            return now_ms
        return self.until_ms if now_ms < self.until_ms else None

    def step(self, now_ms: int) -> bool:
        """Say a line of the answer that is under way, or hear what has come; whether there was anything."""
        if self._answer is not None:
            self._go_on(self._answer)
            self.until_ms = max(self.until_ms, now_ms + AFTER_LINE_MS)
        if not self._port.any():
            return self._answer is not None
        chunk = memoryview(bytearray(_CHUNK))  # made when it is needed: for months nobody says anything here
        count = self._port.readinto(chunk, _CHUNK) or 0
        if self._decoder is not None and len(self.messages) < MAX_MESSAGES:
            self.messages += self._decoder.feed(chunk[:count])
        for byte in chunk[:count]:
            self._hear(byte, now_ms)
        return True

    def say(self, text: str) -> None:
        """A line to whoever looks."""
        try:
            self._port.write(text.encode() + b"\r\n")
        except OSError:
            pass  # nobody is there

    def _hear(self, byte: int, now_ms: int) -> None:
        ended, self._ended = self._ended, byte in (10, 13)
        if self._ended:
            line = b"" if self._spoilt else bytes(self._line)
            self._spoilt = self._spoilt and not ended
            self._line = bytearray()
            if 0 < len(line) <= MAX_LINE:
                self._obey(line.decode(), now_ms)
            elif line:
                self.say(f"error: a line has more than {MAX_LINE} characters")
        elif not 32 <= byte < 127:
            if self._line:
                self._line = bytearray()  # it was no text
            self._spoilt = self._decoder is not None and byte != 0
        elif len(self._line) <= MAX_LINE:
            self._line.append(byte)

    @on_demand
    def _obey(self, line: str, now_ms: int) -> None:
        self.until_ms = max(self.until_ms, now_ms + AFTER_LINE_MS)
        self.talks = True
        if self._answer is not None:
            self.say("error: the answer before is not over yet")
            return
        try:
            from .desk import answer

            self._answer = answer(self._being, line)
        except Exception as error:  # such as memory for it
            self.say(f"error: {type(error).__name__} {error}")

    @on_demand
    def _go_on(self, lines: "Iterator[str]") -> None:
        try:
            self.say(next(lines))
            return
        except StopIteration:
            self.say("ok")
        except Exception as error:
            self.say("error: " + (str(error) or type(error).__name__).replace("\n", "; "))
        self._answer = None
