"""What each setting means, in a sentence for technicians; the laptop shows them, the node does not carry them."""

from .settings import ROLES, SETTINGS, expected

# By the settings' numbers.
SENTENCES = (
    "What the node does.",
    "The node's identity in the network; the flashing tool writes it.",
    "The network to which the node belongs; zeros for a private one.",
    "How the node reaches the gateway: by radio, or by a cable with the same frames.",
    "Whether the node joins (otaa), or has a session from the bench (abp).",
    "The channels it uses: all of EU868, or the one that a bridge without a concentrator hears.",
    "Whether it listens after its own frames only (A), or always, which needs mains (C).",
    "The slowest data rate it uses, whatever the network asks; 0 reaches farthest.",
    "How long after a frame an abp node listens, the same as at the gateway; an otaa node is told as it joins.",
    "The data rate of an abp node's second window, the same as at the gateway; an otaa node is told as it joins.",
    "How often it tells its battery, version and last error.",
    "How often it takes a reading.",
    "How often it tells the state of its bays when nothing changes.",
    "How many parking bays it watches.",
    "What looks at the bay: a magnetometer, ultrasound or radar above, or a magnetometer that wakes the node itself.",
    "A step of the magnetic field that is a car.",
    "How near to the empty bay's field it must come back when a car leaves.",
    "A swing of the magnetic field that only a car above the sensor makes.",
    "What is nearer to the sensor than this is a car.",
    "How long the fan of the particle sensor runs before a reading.",
    "How much particles grow with humidity: 182 on average, 24 where coal is burnt, 364 by the sea, 0 not corrected.",
    "How many lamp heads it controls.",
    "Whether its power is permanent, or switched off by day in the cabinet.",
    "How the driver turns its 0-10 V into light.",
    "The least light that an order to a whole group may leave.",
    "The power of one head at full light; 0 if not known: the node learns it.",
    "The temperature at which the lamp is told as too hot.",
    "The light when somebody passes; 0: nobody is waited for.",
    "How long that light lasts after the last movement.",
    "Less light than this is night for the photocell; 0: there is none.",
    "More light than this is day for the photocell.",
    "At night, after it told that somebody moves, it tells no more for so long; 0: it never does. From 180 at DR0.",
)


def explain(number: int) -> str:
    """A setting in a line: `heartbeat_s: 300..3600 (seconds), else 3600. For parking. How often it tells …`."""
    name, roles, default, _, high, _ = SETTINGS[number]
    words = [name, ": ", expected(number)]
    if isinstance(default, tuple):
        words.append(", else by role: " + ", ".join([_shown(value, high) for value in default]))
    elif default is not None:
        words.append(", else " + _shown(default, high))
    words.append(". For " + ", ".join([role for place, role in enumerate(ROLES) if roles >> place & 1]) + ". ")
    words.append(SENTENCES[number])
    return "".join(words)


def _shown(value: object, high: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and isinstance(high, tuple):
        return str(high[value])
    return str(value)
