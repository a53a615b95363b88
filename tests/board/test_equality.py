"""The same scenario with a node as a whole board, and as mind and MAC of the fleet: the same frames at the same times.

Both are given the same dice and measurements: the log's epoch, and what the board said of its battery and heap.
"""

import os

import pytest

from firmware.roles.bridge import Bridge
from firmware.version import BUILT_GPS_S, VERSION
from protocol.envelope import Decoder, seal
from protocol.lorawan.frames import JOIN_ACCEPT, parse_frame
from protocol.quantities import AIR_WITHOUT_PM4, LIGHT_ONE_HEAD, PARKING_ONE_BAY
from protocol.region import FULL, SINGLE_CHANNEL
from simulator.air.station import Kind, Station
from simulator.board.process import Host
from simulator.fleet.births import Kit
from simulator.fleet.bridge import BridgeBody
from simulator.fleet.ears import Ears
from simulator.fleet.latency import Latency
from simulator.fleet.node import FleetNode
from simulator.scenario.model import NodeSpec, Role
from tests.board.bridged import BridgedTown
from tests.board.roles import CAR_DUT, EMPTY_DUT, PARTS, board_of, breaches, weather
from tests.board.street import APP_KEY, HOUR_US, MINUTE_US, START_S, Town, dev_eui, table_of
from tests.board.twins import BayTwin, LampTwin, Twin

DAY_US = 24 * HOUR_US
BRIDGED_US = DAY_US if os.environ.get("LAMPYRE_HYPOTHESIS") == "soak" else 20 * MINUTE_US
APART_US = 5_000
SWITCHED_ON_US = 700_000  # and booted: a fleet's node begins at once
# What the sensors take on the virtual board; the rest is as it is everywhere.
LATENCY = {
    "air": Latency(sense_us={AIR_WITHOUT_PM4: 62_000}),
    "parking": Latency(sense_us={PARKING_ONE_BAY: 1_700}, field_us=13_300),
    "light": Latency(sense_us={LIGHT_ONE_HEAD: 58_500}),
}
TWINS = {"air": Twin, "parking": BayTwin, "light": LampTwin}
CARS_S = (8_000.4, 11_345.1, 40_001.8, 41_000.3)  # they come and go while the node sleeps


class Spec(NodeSpec):
    """A node with the DevEUI that its board has."""

    dev_eui = property(lambda self: dev_eui(0))


class Nobody:
    """A watcher to whom it is all the same."""

    def __getattr__(self, name):
        return lambda *what, **more: None


def happens(town, chips, stirred):
    """What happens in the street."""
    for number, at_s in enumerate(CARS_S):
        field = EMPTY_DUT if number % 2 else CAR_DUT

        def move(field=field):
            chips["field0"].set_field(*field)
            stirred()

        town.timeline.at(round(at_s * 1_000_000), move)


def orders(town, name, role):
    """What the gateway tells the node."""
    orders = [(3 * 3600, "identify", {"seconds": 5}, 86_400)]
    if role == "light":
        orders += [
            (5 * 3600, "set_level", {"level_pct": 40, "fade_s": 10}, 600),
            (9 * 3600, "resume_programme", {}, 600),
        ]
    for at_s, verb, arguments, expires_s in orders:
        town.timeline.at(
            at_s * 1_000_000,
            lambda verb=verb, arguments=arguments, expires_s=expires_s: town.cabinet.order(
                name, verb, arguments, expires_s
            ),
        )


def on_a_board(host, firmware, role):
    """Its town after a day."""
    name = f"{role}-001"
    with Town(host, (name,), role) as town:
        board = board_of(town, 0, firmware)
        if role == "parking":
            happens(town, board.chips, board.stirred)
        orders(town, name, role)
        board.switch_on()
        town.run(DAY_US)
        assert breaches(board) == {}
        assert board.brought_down == []
    return town


def in_the_fleet(other, role):
    """The same, with what *other* has thrown and measured."""
    name = f"{role}-001"
    statuses = iter([m["status"] for m in other.messages if m["kind"] == "status"])

    def vitals():
        status = next(statuses)
        return status["battery_mv"], status["heap_free"]

    with Town(None, (name,), role) as town:
        twin = TWINS[role](table_of("heltec-v3", **PARTS[role]), START_S)
        if role == "air":
            weather(twin)
        elif role == "light":
            twin.chips["meter"].set_load(2300, 182, 420)
        else:
            twin.chips["field0"].set_field(*EMPTY_DUT)
            twin.moves([START_S + at_s for at_s in CARS_S])
            happens(town, twin.chips, lambda: None)
        orders(town, name, role)
        kit = Kit(
            spec=Spec(name=name, role=Role(role), x_m=0, y_m=0, interval_s=900 if role == "air" else 3600),
            app_key=APP_KEY,
            gen_app_key=bytes(16),
            epoch=next(m["key"]["epoch"] for m in other.messages if m["kind"] == "reading"),
            first_ms=5_000,
            plan=FULL,
            air_set=AIR_WITHOUT_PM4,
            build_gps_s=BUILT_GPS_S,
            vitals=vitals,
            latency=LATENCY[role],
        )
        ears = Ears(town.timeline, town.air)
        node = FleetNode(kit, town.timeline, town.air, twin, START_S, Nobody(), ears, by_images=True)
        node.hardware.persisted.clear()  # no installer was here
        node.switch_on(SWITCHED_ON_US)
        town.run(DAY_US)
        assert node.dead is None
    return town


def told(frame):
    """What must be the same of a frame."""
    return frame.phy_payload.hex(), frame.freq_hz, frame.dr


def apart_us(board, fleet):
    """How far two towns are apart, after checking that their uplinks are the same."""
    assert [told(frame) for frame in board.uplinks] == [told(frame) for frame in fleet.uplinks]
    return [one.start_us - other.start_us for one, other in zip(board.uplinks, fleet.uplinks, strict=True)]


@pytest.mark.parametrize("role", ["air", "parking", "light"])
def test_a_day_on_a_board_is_a_day_in_the_fleet(firmware, role):
    with Host(1) as host:
        board = on_a_board(host, firmware, role)
    fleet = in_the_fleet(board, role)
    late = apart_us(board, fleet)
    assert max(map(abs, late)) <= APART_US, late
    assert len(late) > {"air": 95, "parking": 26 + 3 * len(CARS_S), "light": 26}[role]
    assert len([m for m in fleet.messages if m["kind"] == "order"]) == (3 if role == "light" else 1)
    f_cnts = [parse_frame(frame.phy_payload).f_cnt16 for frame in board.uplinks[1:]]
    assert f_cnts == list(range(len(f_cnts)))


class Overheard(BridgedTown):
    """down: what the bridge sends, as it begins."""

    def __init__(self, host, members):
        self.down = []
        super().__init__(host, members, "air")
        emit = self.air.emit

        def overhear(gateway, phy_payload, freq_hz, dr, power_dbm):
            self.down.append((self.timeline.now_us, phy_payload, freq_hz, dr))
            return emit(gateway, phy_payload, freq_hz, dr, power_dbm)

        self.air.emit = overhear


def behind(host, firmware, fleet):
    """Two boards of air nodes behind a bridge, which is a board or a body of the fleet."""
    members = ("air-001", "air-002")
    with Overheard(host, members) as town:
        nodes = [
            board_of(town, number, firmware, plan="single-channel", reading_interval_s=300)
            for number in range(len(members))
        ]
        for number, node in enumerate(nodes):  # not at once: they would send at once, on one channel, for ever
            town.timeline.at(number * MINUTE_US, node.switch_on)
        if fleet:
            Cord(town, dev_eui(7))
        else:
            bridge = board_of(town, 7, firmware, role="bridge", plan="single-channel")
            town.cabinet.plug(bridge)
        town.timeline.at(3 * MINUTE_US, lambda: void(town.cabinet.order("air-001", "identify", {"seconds": 5}, 86_400)))
        town.run(BRIDGED_US)
        if not fleet:
            assert breaches(bridge) == {}
    return town


def content(start_us, phy_payload, freq_hz, dr):
    """What must be the same of a downlink: not the time in FOpts, for the gateway hears of an uplink when it hears."""
    if phy_payload[0] >> 5 == JOIN_ACCEPT:
        return phy_payload, freq_hz, dr
    frame = parse_frame(phy_payload)
    return frame.dev_addr, frame.f_cnt16, frame.f_port, bytes(frame.frm_payload), len(frame.f_opts), freq_hz, dr


def void(_):
    """For what returns something."""


class Cord:
    """A bridge of the fleet on the cable, in the place of a board."""

    def __init__(self, town, eui):
        self.clock = town.timeline
        self._decoder = Decoder()
        self._cabinet = town.cabinet
        self._body = None
        version = ".".join(map(str, VERSION))
        town.air.attach("bridge-008", self.hear, Station(kind=Kind.BRIDGE, channels_hz=SINGLE_CHANNEL.channels))
        core = Bridge(eui, version, SINGLE_CHANNEL)
        self.switch_on = lambda: town.timeline.at(
            town.timeline.now_us + SWITCHED_ON_US, lambda: self._begin(core, town.timeline, town.air)
        )
        town.cabinet.plug(self)

    def _begin(self, core, timeline, air):
        self._body = BridgeBody("bridge-008", core, timeline, air, lambda message: self.cable(seal(message)))

    def hear(self, frame, reception):
        if self._body is not None:
            self._body.hear(frame, reception)

    def type(self, data):
        for message in self._decoder.feed(data):
            if self._body is not None:
                self._body.say(message)


def test_a_bridge_on_a_board_sends_what_the_fleets_sends(firmware):
    """What its nodes say, and what it says to them; 20 minutes, in the soak profile a day."""
    with Host(3) as host:
        board = behind(host, firmware, fleet=False)
    with Host(3) as host:
        fleet = behind(host, firmware, fleet=True)
    assert max(map(abs, apart_us(board, fleet))) <= APART_US
    assert [content(*frame) for frame in board.down] == [content(*frame) for frame in fleet.down]
    late = [one[0] - other[0] for one, other in zip(board.down, fleet.down, strict=True)]
    assert max(map(abs, late)) <= APART_US, late
    assert len(board.down) >= 5  # two joins, the time, an order
