"""What can happen to a node: everything its mind and its MAC ever hear.

A mind or a MAC is a core: `handle(event, now_ms)` returns a list of actions (`firmware/actions.py`), `wake_at()` the
time in ms at which it wants to hear `Woke`, or None. It never sleeps, sends or reads a clock. Times are ms of one
clock that starts at boot and only grows.
"""


class Woke:
    """The time that `wake_at` named has come. The first one is the boot."""


class Sensed:
    """The sensors answered a `Sense`: scaled values in the order of its set, None where a sensor stayed silent."""

    def __init__(self, set_number: int, values: tuple[int | None, ...]) -> None:
        self.set_number = set_number
        self.values = values


class Transmitted:
    """The radio finished the frame of the last `RadioTransmit`."""


class FrameHeard:
    """The radio received a frame in the window of the last `OpenWindow`; snr_quarter_db in steps of 0.25 dB."""

    def __init__(self, phy_payload: bytes, rssi_dbm: int, snr_quarter_db: int) -> None:
        self.phy_payload = phy_payload
        self.rssi_dbm = rssi_dbm
        self.snr_quarter_db = snr_quarter_db


class WindowClosed:
    """The window of the last `OpenWindow` passed without a frame."""


class Downlink:
    """From MAC to mind: an authentic payload for the application, with its FPort 1..223."""

    def __init__(self, f_port: int, payload: bytes) -> None:
        self.f_port = f_port
        self.payload = payload
