"""What can happen to a node: everything its mind and its MAC ever hear.

A mind or a MAC is a core: `handle(event, now_ms)` returns a list of actions (`firmware/actions.py`), `wake_at()` the
time in ms at which it wants to hear `Woke`, or None. It never sleeps, sends or reads a clock. Times are ms of one
clock that starts when power comes on, goes on through deep sleep and only grows.
"""


class Woke:
    """The time that `wake_at` named has come. The first one is the boot."""


class Sensed:
    """The sensors answered a `Sense`: scaled values in the order of its set, None where a sensor stayed silent."""

    def __init__(self, set_number: int, values: tuple[int | None, ...]) -> None:
        self.set_number = set_number
        self.values = values


class LuxSensed:
    """The photocell answered a `SenseLux`: daylight in lx, or None when it stayed silent."""

    def __init__(self, lux: int | None) -> None:
        self.lux = lux


class FieldSensed:
    """A magnetometer answered a `SenseField`: x, y and z in tenths of a µT, None when it stayed silent."""

    def __init__(self, bay: int, field: tuple[int, int, int] | None, temperature_dcel: int | None) -> None:
        self.bay = bay
        self.field = field
        self.temperature_dcel = temperature_dcel


class FieldMoved:
    """A magnetometer's own threshold was passed: see `WatchField`."""


class LampFeedback:
    """A control gear said how it is: DALI's answer to QUERY STATUS (IEC 62386-102 §11.5.2), −1 when it is silent."""

    def __init__(self, head: int, status: int) -> None:
        self.head = head
        self.status = status


class MotionSeen:
    """Somebody moves near a lamp; again every few seconds while it goes on."""


class PowerFailing:
    """The mains are gone, or nearly: what is persisted and sent within the next moments may be the last."""


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


class Joined:
    """From MAC to mind: a session began, by joining or because one was provisioned; frames may be sent."""


class Downlink:
    """From MAC to mind: an authentic payload for the application, FPort 1..223; group: 0..3 for multicast, or None."""

    def __init__(self, f_port: int, payload: bytes, group: int | None = None) -> None:
        self.f_port = f_port
        self.payload = payload
        self.group = group


class Sent:
    """From MAC to mind: a `Transmit` of this FPort is over; acked: None when it was unconfirmed."""

    def __init__(self, f_port: int, acked: bool | None) -> None:
        self.f_port = f_port
        self.acked = acked


class TimeAnswered:
    """From MAC to mind: the network said that it was *gps_s* at *at_ms* of this node's clock. Not yet trusted."""

    def __init__(self, gps_s: int, at_ms: int) -> None:
        self.gps_s = gps_s
        self.at_ms = at_ms


class LinkAnswered:
    """From MAC to mind: how well the network hears this node (LinkCheckAns)."""

    def __init__(self, margin_db: int, gateways: int) -> None:
        self.margin_db = margin_db
        self.gateways = gateways


class TimeTold:
    """From mind to role: it is *gps_s* at the *now_ms* of this event, and the mind trusts it.

    sure: more than one answer says so; what must not go wrong by one answer waits for it.
    """

    def __init__(self, gps_s: int, sure: bool = True) -> None:
        self.gps_s = gps_s
        self.sure = sure
