"""The cable of a wired node: in the place of a radio, frames in envelopes, which go at once and are always heard."""

from protocol.compat import const
from protocol.envelope import FRAME, GATEWAY, HELLO, MAX_PHY_LEN, NODE, message, seal

from ..events import FrameHeard, Transmitted
from ..version import VERSION

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from protocol.envelope import Message

    from ..actions import OpenWindow, RadioTransmit
    from .console import Console
    from .hardware import Port

_HELLO_MS = const(1_000)  # at most one in this time: two ends that answer each other's would fill the cable


class Line:
    """What `station.py` is for a radio. console: which finds the envelopes in what comes."""

    def __init__(self, port: "Port", console: "Console", dev_eui: bytes) -> None:
        self._port = port
        self._console = console
        self._dev_eui = dev_eui
        self._sent = False
        self._hello_ms = 0
        self._hello_due = True
        self.failures = 0

    def transmit(self, action: "RadioTransmit", now_ms: int) -> None:
        """Send a frame."""
        self._write(message(FRAME, phy_payload=action.phy_payload))
        self._sent = True

    def open(self, action: "OpenWindow", now_ms: int) -> None:
        """It always listens."""

    def close(self) -> None:
        """It always listens."""

    def poll(self, now_ms: int) -> tuple[object, int] | None:
        """What has happened, and when; None: nothing."""
        if self._hello_due and now_ms >= self._hello_ms:
            self._hello_due = False
            self._hello_ms = now_ms + _HELLO_MS
            firmware = "%d.%d.%d" % VERSION
            self._write(
                message(HELLO, role=NODE, firmware=firmware, eui=self._dev_eui, max_phy_len=MAX_PHY_LEN, plan=None)
            )
        if self._sent:
            self._sent = False
            return Transmitted(), now_ms
        while self._console.messages:
            content = self._console.messages.pop(0)
            if content.kind == FRAME:
                return FrameHeard(content.phy_payload, 0, 0), now_ms
            if content.kind == HELLO and content.role == GATEWAY:
                self._hello_due = True
        return None

    def next_ms(self, now_ms: int, awake: bool) -> int | None:
        """When `poll` is to be asked, at the latest; None: when something came."""
        if self._sent or self._console.messages:
            return now_ms
        return max(self._hello_ms, now_ms) if self._hello_due else None

    def idle(self) -> bool:
        """A cable costs nothing to hear, and a node on it does not sleep."""
        return False

    def free_ms(self, now_ms: int) -> int:
        """How long nobody needs to look after it."""
        return 60_000

    def sleep(self) -> None:
        """There is nothing to switch off."""

    def check(self) -> str:
        """For the self-test: there is nothing to ask."""
        return ""

    def _write(self, content: "Message") -> None:
        try:
            self._port.write(seal(content))
        except OSError:
            self.failures += 1
