"""What a mind or a MAC wants done; the body (a main loop with drivers, or a simulator) does it in order.

`Transmit` and what the mind hears of it stay between mind and MAC (`firmware/node.py`); all others reach the body.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    Compose = Callable[[int, int], bytes]  # (room in bytes, now_ms) -> a payload of at most room bytes


class Sense:
    """Measure the quantities of *set_number* and answer with `Sensed`."""

    def __init__(self, set_number: int) -> None:
        self.set_number = set_number


class Transmit:
    """From mind to MAC: send on *f_port* what *compose* returns once the frame is built, its age and room known."""

    def __init__(self, f_port: int, compose: "Compose", confirmed: bool = False) -> None:
        self.f_port = f_port
        self.compose = compose
        self.confirmed = confirmed


class RadioTransmit:
    """Send these bytes now and answer with `Transmitted`; power_dbm is EIRP."""

    def __init__(self, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> None:
        self.phy_payload = phy_payload
        self.freq_hz = freq_hz
        self.dr = dr
        self.power_dbm = power_dbm


class OpenWindow:
    """Listen for a downlink from *open_ms* for *symbols*; answer with `FrameHeard` or `WindowClosed`."""

    def __init__(self, open_ms: int, freq_hz: int, dr: int, symbols: int) -> None:
        self.open_ms = open_ms
        self.freq_hz = freq_hz
        self.dr = dr
        self.symbols = symbols


class SetLamp:
    """Bring a lamp head to *level_pct* within *fade_s* seconds."""

    def __init__(self, head: int, level_pct: int, fade_s: int) -> None:
        self.head = head
        self.level_pct = level_pct
        self.fade_s = fade_s


class Persist:
    """Write *value* under *key* so that it survives a power cut, before doing any later action of the same list."""

    def __init__(self, key: str, value: int) -> None:
        self.key = key
        self.value = value
