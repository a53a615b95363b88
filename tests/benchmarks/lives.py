"""The life of one node of each role as CPython lived it: what it heard and what it sent, to be lived again elsewhere.

A scripted network and a body without hardware run the real node: it joins, tells readings, an event and a status, obeys
MAC commands and orders, falls asleep and wakes. What it heard is written down as expressions of Python and what it sent
as text, so that the same node can hear it on real MicroPython, where neither network nor body takes any of its heap.
"""

import tempfile
from dataclasses import dataclass, field
from typing import Any

from firmware.actions import RadioTransmit, Sense, SenseField, SenseLux, SetLamp
from firmware.events import FieldMoved, FieldSensed, LuxSensed, Sensed, Woke
from firmware.glance import pack
from protocol import envelope
from protocol.dimming import DEFAULT_PROGRAMME
from protocol.lorawan.frames import DOWNLINK
from protocol.lorawan.join import JoinAccept
from protocol.lorawan.mac_commands import DEV_STATUS, LINK_ADR, RX_PARAM_SETUP, encode_command
from protocol.lorawan.multicast import encrypt_mc_key, mc_ke_key, mc_root_key, mc_session_keys
from protocol.lorawan.security import SessionKeys, seal_data
from protocol.orders import CONFIGURE, F_PORT_ORDERS, IDENTIFY, JOIN_GROUP, RESEND, SET_LEVEL, Order, encode_order
from protocol.orders import programme_orders as orders_of_programme
from protocol.quantities import AIR_FULL, quantities_of
from protocol.quantity_table import Quantity
from protocol.region import RX2_FREQ_HZ
from protocol.settings import Settings
from tests.firmware.network import APP_KEY, DEV_EUI, GEN_APP_KEY, JOIN_EUI, Down, Network, Street
from tests.firmware.roles.street import antony

_HOUR_MS = 3_600_000
_GPS_S = 1_450_000_000
_EXPIRY_GPS_S = _GPS_S + 30_000
_MC_ADDR = 0x26FFFF01
_MC_KEY = bytes(range(50, 66))

# Born from SETTINGS, SITE, SAVED and FOLDER, as a body does it: in a function, so that what only the start needs goes
# again.
_NODE = f"""
def born():
    from firmware.mac import Mac
    from firmware.mind import Facts, Mind
    from firmware.node import Node
    from firmware.session import Identity
    from firmware.store.files import Files
    from firmware.store.log import Log
    from protocol.region import PLANS
    from protocol.settings import Settings
    settings = Settings.decode(SETTINGS)
    log = Log(Files(FOLDER), 0xBEEF)
    ROLE
    kept = [SAVED.get(name, 0) for name in ("boots", "seq")] + [SAVED.get("orders", b"")]
    mind = Mind(role, log, settings, Facts((0, 1, 0), 1_400_000_000, {DEV_EUI!r}, *kept))
    identity = Identity({DEV_EUI!r}, {JOIN_EUI!r}, {APP_KEY!r}, {GEN_APP_KEY!r})
    mac = Mac(identity, PLANS[settings.plan], SAVED, b"", None, None, settings.device_class == 1)
    return Node(mind, mac), mind, mac, log
core, mind, mac, log = born()
del born
"""
# The short wake, from SETTINGS and MEMORY, what was in the RTC memory.
_GLANCE = """
def born():
    from firmware.glance import Glance, unpack
    from protocol.settings import Settings
    settings = Settings.decode(SETTINGS)
    wake_ms, part, _, _, _ = unpack(MEMORY)
    ROLE
    return Glance(role, wake_ms)
core = born()
del born
"""
_ROLES = {
    "parking": """from firmware.roles.parking import Parking
    role = Parking(settings, b"", PART)""",
    "air": f"""from firmware.roles.air import Air
    air = (settings.reading_interval_s, settings.fan_warm_up_s, settings.growth_per_mille, 5_000)
    role = Air({AIR_FULL}, *air, PART)""",
    "light": """from firmware.roles.light import Light
    role = Light(settings, 7, SITE, SAVED.get("programme", b""), SAVED.get("light", b""), PART)""",
}
_BRIDGE = f"""
from firmware.roles.bridge import Bridge, Emitted, FrameReceived
from protocol.envelope import message
from protocol.region import SINGLE_CHANNEL
def born():
    return Bridge({DEV_EUI!r}, "0.1.0", SINGLE_CHANNEL)
core = born()
del born
"""


@dataclass(kw_only=True)
class Life:
    """born: statements that make `core` of `given`, names and their values. heard: (event as an expression, time).

    sent: the frames in hex and the lamp's levels, in their order. glance: the short wake that follows, until it has
    seen something and could sleep again; None for a role that stays awake. Times are as the core counts them.
    """

    born: str
    given: dict[str, Any]
    heard: list[tuple[str, int]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    glance: "Life | None" = None


class _Body(Street):  # type: ignore[misc]  # a helper that MicroPython runs too: without annotations
    """A street with one whole node, whose sensors answer."""

    def __init__(self, life: Life, network: Network) -> None:
        self._life = life
        self.silent = False  # its CO2 sensor
        self.field = (150, 140, -420)
        super().__init__(network, self._make)

    def _make(self, saved: dict[str, int | bytes], image: bytes) -> Any:
        names = dict(self._life.given)
        exec(self._life.born, names)
        self.node = names
        return names["core"]

    def tell(self, event: object) -> None:
        self._life.heard.append((_expression(event), self.now_ms))
        super().tell(event)

    def _do(self, action: object) -> None:
        super()._do(action)
        if isinstance(action, RadioTransmit):
            self._life.sent.append(action.phy_payload.hex())
        elif isinstance(action, SetLamp):
            self._life.sent.append(f"{action.head} {action.level_pct}")
        elif isinstance(action, Sense):
            self._due.append((self.now_ms + 1, Sensed(action.set_number, self.values(action.set_number))))
        elif isinstance(action, SenseField):
            self._due.append((self.now_ms + 1, self.felt(action.bay)))
        elif isinstance(action, SenseLux):
            self._due.append((self.now_ms + 1, LuxSensed(20)))

    def felt(self, bay: int) -> FieldSensed:
        """A field that is never twice the same."""
        x, y, z = self.field
        return FieldSensed(bay, (x + self.now_ms % 7, y - self.now_ms % 5, z), 150)

    def values(self, set_number: int) -> tuple[int | None, ...]:
        drift = self.now_ms // 60_000 % 40
        values: list[int | None] = []
        for number, _ in quantities_of(set_number):
            quantity = Quantity(number)
            values.append(
                None if self.silent and quantity.name == "co2" else min(quantity.low + 300 + drift, quantity.high)
            )
        return tuple(values)


def life_of(role: str) -> Life:
    """Live it: eight hours, or a minute of the bridge."""
    if role == "bridge":
        return _bridge()
    watched = {"detector": "watched"} if role == "parking" else {}
    settings = Settings.from_names({"role": role, "dev_eui": DEV_EUI.hex(), **watched})
    with tempfile.TemporaryDirectory() as folder:
        given = {"SETTINGS": settings.encode(), "SAVED": {}, "SITE": b"", "FOLDER": folder}
        if role == "light":
            given["SITE"] = antony().encode()
        life = Life(born=_NODE.replace("ROLE", _ROLES[role]).replace("PART", "b''"), given=given)
        network = Network()
        network.accepts.append(JoinAccept(1, 0x13, 0x26000011, 0, 3, 5, (867_100_000, 867_300_000, 867_500_000, 0, 0)))
        network.answers += _answers(role)
        body = _Body(life, network)
        body.run(_HOUR_MS // 2)
        body.run(2 * _HOUR_MS)
        body.silent = True
        if role == "parking":
            _park(body)
        body.run(3 * _HOUR_MS)
        if role == "light":
            _dim_the_street(body, network)
        body.silent = False
        body.run(3 * _HOUR_MS)
        assert network.joins
        assert not network.answers, "the network said all it had to say"
        if role != "light":
            life.glance = _look_again(role, settings.encode(), body)
    given["FOLDER"] = "/log"
    return life


def _park(body: _Body) -> None:
    """A car comes, and stays."""
    body.field = (350, 40, -120)
    body.tell(FieldMoved())
    body.run(2_000)
    body.field = (400, 20, -240)


def _look_again(role: str, settings: bytes, body: _Body) -> Life:
    """The first wake after *body* fell asleep: its sensors are asked once."""
    mind, mac = body.node["mind"], body.node["mac"]
    wakes = [wake_ms for wake_ms in (mind.own_wake_at(), mac.wake_at()) if wake_ms is not None]
    memory = pack(min(wakes), mind.role.image(), mind.image(), mac.image(), body.node["log"].image())
    born = _GLANCE.replace("ROLE", _ROLES[role]).replace("PART", "part")
    life = Life(born=born, given={"SETTINGS": settings, "MEMORY": memory})
    names = dict(life.given)
    exec(born, names)
    core = names["core"]
    asked: list[Sense | SenseField] = []
    while not asked:
        now_ms = core.wake_at()
        life.heard.append(("events.Woke()", now_ms))
        asked = [action for action in core.handle(Woke(), now_ms) if isinstance(action, Sense | SenseField)]
    first = asked[0]
    answer = (
        body.felt(first.bay)
        if isinstance(first, SenseField)
        else Sensed(first.set_number, body.values(first.set_number))
    )
    life.heard.append((_expression(answer), now_ms + 1))
    return life


def _answers(role: str) -> list[Down]:
    """What the network says to the first uplinks: the time, its wishes for the link, orders of every kind."""
    orders = [
        Order(1, _EXPIRY_GPS_S, IDENTIFY, 10),
        Order(2, _EXPIRY_GPS_S, CONFIGURE, 12 if role == "parking" else 11, 1200),
        Order(3, _EXPIRY_GPS_S, RESEND, 0, 4),
    ]
    if role == "light":
        orders.append(Order(4, _EXPIRY_GPS_S, SET_LEVEL, 60, 2, 3600))
        ke_key = mc_ke_key(mc_root_key(GEN_APP_KEY))
        orders.append(Order(5, _EXPIRY_GPS_S, JOIN_GROUP, 0, _MC_ADDR, encrypt_mc_key(ke_key, _MC_KEY), 0))
        orders += orders_of_programme(6, _EXPIRY_GPS_S, 1, DEFAULT_PROGRAMME.encode())
    link = encode_command(DOWNLINK, LINK_ADR, 5, 1, 0x3F, 0, 1) + encode_command(DOWNLINK, DEV_STATUS)
    windows = encode_command(DOWNLINK, RX_PARAM_SETUP, 0, 3, RX2_FREQ_HZ)
    time = b"\x0d" + _GPS_S.to_bytes(4, "little") + b"\x00" + b"\x02\x0a\x01"
    answers = [Down(f_opts=time, ack=True), Down(f_opts=link + windows)]
    return answers + [Down(f_port=F_PORT_ORDERS, payload=encode_order(order)) for order in orders]


def _dim_the_street(body: _Body, network: Network) -> None:
    keys = SessionKeys(*mc_session_keys(_MC_KEY, _MC_ADDR))
    payload = encode_order(Order(20, _EXPIRY_GPS_S, SET_LEVEL, 40, 2, 900))
    body.send_class_c(seal_data(keys, DOWNLINK, _MC_ADDR, 0, F_PORT_ORDERS, payload))


def _bridge() -> Life:
    """A gateway on the cable says hello and sends a frame; a node is heard."""
    fields = {"at_us": 3_000_000, "freq_hz": RX2_FREQ_HZ, "sf": 9, "bw_hz": 125_000, "power_dbm": 14}
    order = {"token": 1, **fields, "iq_inverted": True, "preamble_symbols": 8, "phy_payload": bytes(40)}
    hello = {"role": envelope.GATEWAY, "firmware": "0.1.0", "eui": bytes(8), "max_phy_len": 255, "plan": 1}
    life = Life(born=_BRIDGE, given={})
    life.heard = [
        ("events.Woke()", 0),
        (f"message({envelope.HELLO}, **{hello!r})", 1_000_000),
        ("FrameReceived(2_000_000, -90, 20, True, bytes(40))", 2_000_000),
        (f"message({envelope.TRANSMIT}, **{order!r})", 2_500_000),
        ("events.Woke()", 2_991_000),
        ("Emitted(3_000_000, 14)", 3_300_000),
        ("events.Woke()", 31_000_000),
    ]
    return life


def _expression(event: object) -> str:
    """Python that makes the same event."""
    return f"events.{type(event).__name__}({', '.join([repr(value) for value in vars(event).values()])})"
