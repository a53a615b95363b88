"""What a mind or a MAC wants done; the body (a main loop with drivers, or a simulator) does it in order.

Three kinds: what the body does; what the mind asks of the MAC (`firmware/node.py` hands it over); what a role asks of
its mind.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    Compose = Callable[[int, int], bytes]  # (room in bytes, now_ms) -> a payload of at most room bytes

LEAST_HOUR_MS = const(36_000)  # of a sub-band of 1 %, which every plan has
PARTICLE_FAN = const(0)  # of `Power`: fan and laser of a particle sensor


# For the body.


class Sense:
    """Measure the quantities of *set_number* and answer with `Sensed`."""

    def __init__(self, set_number: int) -> None:
        self.set_number = set_number


class SenseLux:
    """Measure the daylight and answer with `LuxSensed`."""


class SenseField:
    """Measure the magnetic field at bay 0 or 1 and answer with `FieldSensed`."""

    def __init__(self, bay: int) -> None:
        self.bay = bay


class WatchField:
    """Say `FieldMoved` once when any axis at *bay* leaves what it is now by *threshold_dut* tenths of a µT."""

    def __init__(self, bay: int, threshold_dut: int) -> None:
        self.bay = bay
        self.threshold_dut = threshold_dut


class Power:
    """Switch *part* (PARTICLE_FAN) on or off; nothing answers."""

    def __init__(self, part: int, on: bool) -> None:
        self.part = part
        self.on = on


class SetLamp:
    """Bring a lamp head to *level_pct* of its light within *fade_s* seconds.

    drive: what its gear must be told for that, 0..254 as DALI counts; None for a gear whose light goes with that.
    """

    def __init__(self, head: int, level_pct: int, fade_s: int, drive: int | None = None) -> None:
        self.head = head
        self.level_pct = level_pct
        self.fade_s = fade_s
        self.drive = (level_pct * 254 + 50) // 100 if drive is None else drive


class RadioTransmit:
    """Send these bytes now and answer with `Transmitted`; power_dbm is EIRP."""

    def __init__(self, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> None:
        self.phy_payload = phy_payload
        self.freq_hz = freq_hz
        self.dr = dr
        self.power_dbm = power_dbm


class OpenWindow:
    """Listen for a downlink from *open_ms* for *symbols*; answer with `FrameHeard` or `WindowClosed`.

    symbols 0: listen until another `OpenWindow`, `CloseWindow` or `RadioTransmit` (class C); answer each frame.
    """

    def __init__(self, open_ms: int, freq_hz: int, dr: int, symbols: int) -> None:
        self.open_ms = open_ms
        self.freq_hz = freq_hz
        self.dr = dr
        self.symbols = symbols


class CloseWindow:
    """Stop listening; nothing answers."""


class Persist:
    """Write *value* under *key* so that it survives a power cut, before doing any later action of the same list."""

    def __init__(self, key: str, value: int | bytes) -> None:
        self.key = key
        self.value = value


class Identify:
    """Let a person see which node this is, for *seconds*."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds


class Restart:
    """Start the node afresh, after the actions before this one."""


# From mind to MAC.


class Transmit:
    """Send on *f_port* what *compose* returns once the frame is built, its age and room known; `Sent` tells the end.

    A mind has one of these under way. Until *compose* was called, once, the mind may still change *f_port* and
    *confirmed*, because something more urgent came up: the MAC reads them when it builds the frame, never before.
    hour_ms: airtime that the sub-bands of all its channels allow in an hour; a MAC on the air says it before it calls
    *compose*.
    """

    def __init__(self, f_port: int, compose: "Compose", confirmed: bool = False) -> None:
        self.hour_ms = LEAST_HOUR_MS
        self.f_port = f_port
        self.compose = compose
        self.confirmed = confirmed


class AskTime:
    """Ask the network for the time with the next frame; `TimeAnswered` tells it."""


class AskLink:
    """Ask the network how well it hears, with the next frame; `LinkAnswered` tells it."""


class JoinGroup:
    """Listen to multicast *group* 0..3 from counter *f_cnt_min* on; the key is encrypted under McKEKey (TS005)."""

    def __init__(self, group: int, mc_addr: int, mc_key_encrypted: bytes, f_cnt_min: int) -> None:
        self.group = group
        self.mc_addr = mc_addr
        self.mc_key_encrypted = mc_key_encrypted
        self.f_cnt_min = f_cnt_min


class UsePlan:
    """Move to another channel plan of `protocol/region.py` by its number, from the next frame on."""

    def __init__(self, plan_number: int) -> None:
        self.plan_number = plan_number


# From a role to its mind.


class TakeReading:
    """Log these values, in the order of the role's set, and send them."""

    def __init__(self, values: tuple[int | None, ...]) -> None:
        self.values = values


class TellEvent:
    """Log this event (`protocol/events.py`), send it at once and twice again."""

    def __init__(self, event: int, details: tuple[int, ...] = ()) -> None:
        self.event = event
        self.details = details
