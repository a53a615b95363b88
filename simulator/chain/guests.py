"""Virtual boards beside a district's nodes: one of each role, with the whole firmware, in the same air and network.

They are guests: the gateway serves them as it serves the fleet, and the truths about counters, duty cycle and refused
frames hold for them too; but what they measure is no part of the district's figures, for nobody but the firmware on
them knows what it took down. They boot at the run's begin with empty flash, join, and do what the others did long ago.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median_low
from typing import Any

from protocol import quantities as q
from protocol.envelope import RECEIVED, Decoder
from protocol.region import FULL
from protocol.settings import Settings
from simulator.air.interface import OnAir, Reception
from simulator.air.position import Position
from simulator.air.station import Kind, Station
from simulator.board.antenna import Antenna, BridgeAntenna
from simulator.board.board import Board
from simulator.board.process import Host
from simulator.board.soldering import Soldered
from simulator.board.stopwatch import Stopwatch
from simulator.chain.cabinet import Member
from simulator.chain.chain import Chain
from simulator.fleet.births import JOIN_EUI
from simulator.report.boards import Visit
from simulator.scenario.model import NodeSpec, Role, Scenario
from simulator.stimuli.air import AirStimulus
from simulator.stimuli.parking import ParkingStimulus
from simulator.streams import Stream

BOARDS = 4
_BRIDGE_US = 600_000_000  # so long a bridge is plugged in: it looks at its radio a hundred times a second
_BOARD = "heltec-v3"
_FILES = Path(__file__).parents[2] / "boards"
_LAMP_PIN = 21
_PLAN = FULL  # what a bridge has that nobody tells of another
_PARTS: Mapping[str, Mapping[str, Mapping[str, int | str]]] = {
    "parking": {"field0": {"chip": "lis3mdl", "int": 7}},
    "air": {"particles": {"uart": 1, "tx": 4, "rx": 5}, "co2": {"chip": "scd41"}, "climate": {"chip": "bme280"}},
    "light": {"lamp0": {"kind": "pwm", "pin": _LAMP_PIN}, "meter": {"uart": 2, "tx": 17, "rx": 18}},
    "bridge": {},
}
_LOOKS_US = {Role.PARKING: 20_000_000, Role.AIR: 40_000_000, Role.LIGHT: 60_000_000}  # how often sensors see anew
_MAINS_DV = 2300
_BRIDGE = "board-bridge"


class Guests:
    """host: with room for BOARDS. firmware: path on the flash and content, as it is copied to a board.

    Made before the chain runs; `visits` after it.
    """

    def __init__(self, chain: Chain, host: Host, firmware: Mapping[str, bytes]) -> None:
        self._chain = chain
        self._host = host
        self._firmware = firmware
        self._table = tomllib.loads((_FILES / f"{_BOARD}.toml").read_text(encoding="utf-8"))["node"]
        self._boards: dict[str, tuple[Board, Soldered, Antenna | BridgeAntenna]] = {}
        self._frames: dict[str, int] = {}
        self._watches: dict[str, Stopwatch] = {}
        self._neighbours = {f"board-{spec.role.value}": spec.name for spec in reversed(chain.scenario.nodes)}
        self._decoder = Decoder()
        self._flying: dict[bytes, OnAir] = {}  # by PHYPayload, what the bridge may tell of
        specs = [guest for role in Role if (guest := _guest(chain.scenario, role)) is not None]
        chain.cabinet.enrol([self._member(spec) for spec in specs])
        chain.invite([(spec.name, spec.dev_eui.hex()) for spec in specs], self._sent)
        for spec in specs:
            self._settle(spec)
        self._plug_bridge(chain.scenario)

    def visits(self) -> list[Visit]:
        """One by one, bridge and all."""
        return [
            Visit(
                role=name.removeprefix("board-"),
                board=_BOARD,
                neighbour=self._neighbours.get(name, ""),
                boots=len(board.boots),
                wakes=self._watches[name].sleeps,
                took_s=self._watches[name].took_s,
                frames=self._frames[name],
                heap_alive_b=median_low(board.heap_b) if board.heap_b else None,
                heap_most_b=max(board.heap_b, default=None),
                failures=(*board.brought_down, *antenna.lost, *_breaches(soldered)),
            )
            for name, (board, soldered, antenna) in self._boards.items()
        ]

    # Making.

    def _member(self, spec: NodeSpec) -> Member:
        return Member(
            name=spec.name,
            dev_eui=spec.dev_eui,
            join_eui=JOIN_EUI,
            app_key=self._app_key(spec),
            role=spec.role.value,
            places=spec.place_ids,
            zone=spec.zone,
            class_c=spec.role is Role.LIGHT,
        )

    def _app_key(self, spec: NodeSpec) -> bytes:
        return Stream(self._chain.scenario.seed, f"node/{spec.name}").bytes(16)

    def _settle(self, spec: NodeSpec) -> None:
        """A node's board, its chips, and what they see."""
        chain, role = self._chain, spec.role
        chain.air.place(spec.name, Position(spec.x_m, spec.y_m, spec.height_m), spec.excess_loss_db)
        board = Board(spec.name, self._link(spec.name), chain.timeline, spec.dev_eui[:6], strict=False)
        antenna = Antenna(spec.name, chain.timeline, chain.air, board.clock, board.stirred)
        soldered = self._equip(board, role.value, antenna)
        given: dict[str, object] = {"role": role.value, "dev_eui": spec.dev_eui.hex(), "join_eui": JOIN_EUI.hex()}
        given["plan"] = chain.scenario.radio.plan
        if role is Role.PARKING:
            given |= {"detector": "watched"}
        elif role is Role.LIGHT:
            given |= {"rated_dw": 10 * spec.watts}
        board.nvs.write("lampyre", "settings", Settings.from_names(given).encode())
        board.nvs.write("lampyre", "app_key", self._app_key(spec))
        self._see(spec, board, soldered)
        chain.timeline.at(0, board.switch_on)

    def _plug_bridge(self, scenario: Scenario) -> None:
        """A bridge at the first mast; what it hears reaches the gateway as that mast's."""
        chain, mast = self._chain, scenario.gateways[0]
        board = Board(_BRIDGE, self._link(_BRIDGE), chain.timeline, bytes([2, 0, 0, 0, 0, 1]), strict=False)
        antenna = BridgeAntenna(_BRIDGE, chain.timeline, chain.air, board.stirred)
        self._equip(board, "bridge", antenna)
        given: dict[str, object] = {"role": "bridge", "dev_eui": "02000000000000b1"}
        board.nvs.write("lampyre", "settings", Settings.from_names(given).encode())
        position = Position(mast.x_m, mast.y_m, mast.height_m)
        channel, dr = _PLAN.channels[:1], _PLAN.max_dr  # of one radio, which hears nothing else
        station = Station(position=position, kind=Kind.BRIDGE, channels_hz=channel, bridge_dr=dr)
        chain.air.attach(_BRIDGE, antenna.hear, station)
        board.cable = partial(self._say, mast.name)
        chain.timeline.at(0, board.switch_on)
        chain.timeline.at(_BRIDGE_US, board.switch_off)

    def _link(self, name: str) -> Stopwatch:
        watch = self._watches[name] = Stopwatch(self._host.link())
        return watch

    def _equip(self, board: Board, role: str, antenna: Antenna | BridgeAntenna) -> Soldered:
        """Chips as its table says, and the firmware on its flash."""
        table = self._table | _PARTS[role]
        soldered = Soldered(board.hardware, antenna, {key: part for key, part in table.items() if key != "name"})
        for path, content in self._firmware.items():
            board.put(path, content)
        board.put("/board.json", json.dumps(table).encode())
        self._boards[board.name] = board, soldered, antenna
        self._frames[board.name] = 0
        return soldered

    # What happens.

    def _see(self, spec: NodeSpec, board: Board, soldered: Soldered) -> None:
        """Its sensors see the town as it is now, and again later."""
        chain = self._chain
        timeline, time_s = chain.timeline, chain.scenario.start_s + chain.timeline.now_us / 1e6
        stimulus, chips = chain.town.stimulus(spec), soldered.chips
        if isinstance(stimulus, ParkingStimulus):
            chips["field0"].set_field(*stimulus.field(0, time_s))
        elif isinstance(stimulus, AirStimulus):
            _breathe(stimulus.values(q.AIR_WITHOUT_PM4, time_s), chips)
        else:
            power_dw = 10 * spec.watts * board.hardware.pwm_pin(_LAMP_PIN).duty // 0xFFFF
            chips["meter"].set_load(_MAINS_DV, 100 * power_dw * 10 // _MAINS_DV, power_dw)
        board.stirred()
        timeline.at(timeline.now_us + _LOOKS_US[spec.role], lambda: self._see(spec, board, soldered))

    def _sent(self, frame: OnAir) -> None:
        """A node begins a frame: the bridge may hear it."""
        _, _, antenna = self._boards[_BRIDGE]
        assert isinstance(antenna, BridgeAntenna)
        if self._chain.timeline.now_us < _BRIDGE_US:
            self._flying[frame.phy_payload] = frame
            antenna.begin(frame)
        if frame.sender in self._frames:
            self._frames[frame.sender] += 1

    def _say(self, mast: str, data: bytes) -> None:
        """What the bridge says on its cable; it may be ahead of the street by what it did since it woke."""
        board = self._boards[_BRIDGE][0]
        for said in self._decoder.feed(data):
            frame = self._flying.get(said.phy_payload) if said.kind == RECEIVED else None
            if frame is not None:
                self._frames[_BRIDGE] += 1
                reception = Reception(said.rssi_dbm, said.snr_qdb / 4)
                at_us = max(board.clock.now_us, self._chain.timeline.now_us)
                self._chain.timeline.at(at_us, partial(self._chain.hear, mast, frame, reception))


def _guest(scenario: Scenario, role: Role) -> NodeSpec | None:
    """A neighbour of the first node of *role*, with one bay or lamp; None if there is none."""
    for spec in scenario.nodes:
        if spec.role is role:
            name = f"board-{role.value}"
            place = (f"{scenario.site.insee}-{name}",)
            return replace(spec, name=name, place_ids=place, bays=1, heads=1, group="", feeder="", settings=())
    return None


def _breathe(values: Sequence[int | None], chips: Mapping[str, Any]) -> None:
    """Let the sensors of an air station see these; what is not known stays as it is."""
    known = {quantity: value for (quantity, _), value in zip(q.quantities_of(q.AIR_WITHOUT_PM4), values, strict=True)}
    dust = chips["particles"]
    dust.pm1, dust.pm2_5, dust.pm10 = [(known[kind] or 0) // 10 for kind in (q.PM1, q.PM2_5, q.PM10)]
    chips["co2"].co2 = known[q.CO2] or chips["co2"].co2
    weather = [known[kind] for kind in (q.TEMPERATURE, q.RELATIVE_HUMIDITY, q.PRESSURE)]
    dcel, rh_pct, dhpa = [0 if value is None else value for value in weather]
    chips["climate"].set_weather(dcel, 10 * rh_pct, dhpa)


def _breaches(soldered: Soldered) -> list[str]:
    return [text for chip in soldered.chips.values() for text in getattr(chip, "breaches", ())]
