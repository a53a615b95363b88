"""A street of virtual boards with their firmware on them, one air, and a real gateway's cores at its end."""

import json
import tomllib

from boards.firmware.compiling import slot
from protocol.settings import Settings
from simulator.air.model import plain
from simulator.air.radio import RadioAir
from simulator.board.antenna import Antenna
from simulator.board.board import Board
from simulator.board.process import Host
from simulator.board.soldering import Soldered
from simulator.chain.broker import Broker
from simulator.chain.cabinet import Cabinet, CabinetSettings, Member
from simulator.streams import Stream
from simulator.timeline import Timeline
from tests.micropython.compile import REPOSITORY, sources

START_S = 1_798_761_600  # 2027-01-01: after the firmware was built
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
APP_KEY = bytes(range(16))
JOIN_EUI = bytes([2, 0, 0, 0, 0, 0, 0xFF, 0xFF])
AIR_PARTS = {
    "particles": {"uart": 1, "tx": 4, "rx": 5},
    "co2": {"chip": "scd41"},
    "climate": {"chip": "bme280"},
}


def compiled():
    """The firmware as it is copied to a board: path on the board and content; roles keep the names of their classes."""
    files = {f"/a/{path}": content for path, content in slot(sources(), "Parking Air Light Bridge handle").items()}
    files["/boot.py"] = (REPOSITORY / "firmware/boot.py").read_bytes()
    return files


def table_of(board, **parts):
    """The table of a board file, and more parts on it."""
    node = tomllib.loads((REPOSITORY / "boards" / f"{board}.toml").read_text(encoding="utf-8"))["node"]
    return node | parts


class Town:
    """uplinks: as they began. accepted_, refused_: as the gateway tells. messages: what it publishes."""

    def __init__(self, host: Host, members=("air-001",), role="air", make_cabinet=Cabinet, **more) -> None:
        self.host = host
        self.role = role
        self.timeline = Timeline()
        self.uplinks = []
        self.accepted_ = []
        self.refused_ = []
        self.messages = []
        self.downlinks = 0
        self.air = RadioAir(self.timeline, 1, plain(), self.begins)
        self.air.attach("mast", self._hear)
        broker = Broker(
            self.timeline,
            Stream(1, "broker"),
            lambda _, payload: self.messages.append(json.loads(payload)),
            lambda: None,
        )
        settings = CabinetSettings(start_s=START_S, site="92002", radios=("mast",))
        self.cabinet = make_cabinet(self.timeline, settings, Stream(1, "gateway"), broker, self)
        self.cabinet.enrol([self._member(name, number, role, **more) for number, name in enumerate(members)])
        self.cabinet.begin()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cabinet.close()

    def _member(self, name, number, role, **more):
        return Member(
            name=name,
            dev_eui=dev_eui(number),
            join_eui=JOIN_EUI,
            app_key=APP_KEY,
            role=role,
            places=(f"92002-{name}",),
            class_c=role == "light",
            **more,
        )

    def begins(self, frame):
        """An uplink begins."""
        self.uplinks.append(frame)

    def node(self, number, files, table, role=None, **settings):
        """A board with its chips, its firmware and its settings, without power yet."""
        role = role or self.role
        name = f"{role}-{number + 1:03}"
        board = Board(name, self.host.link(), self.timeline, bytes([2, 0, 0, 0, 0, number]))
        antenna = board.antenna = self.antenna(name, role, board)
        board.chips = Soldered(board.hardware, antenna, {k: v for k, v in table.items() if k != "name"}).chips
        for path, content in files.items():
            board.put(path, content)
        board.put("/board.json", json.dumps(table).encode())
        given = {"role": role, "dev_eui": dev_eui(number).hex()} | settings
        if role != "bridge":
            given["join_eui"] = JOIN_EUI.hex()
        board.nvs.write("lampyre", "settings", Settings.from_names(given).encode())
        board.nvs.write("lampyre", "app_key", APP_KEY)
        return board

    def antenna(self, name, role, board):
        """What its radio has."""
        return Antenna(name, self.timeline, self.air, board.clock, board.stirred)

    def run(self, us):
        self.timeline.run(self.timeline.now_us + us)

    def _hear(self, frame, reception):
        self.cabinet.receive("mast", frame, round(reception.rssi_dbm), reception.snr_db)

    # What the cabinet tells.

    def emit(self, radio, phy_payload, freq_hz, dr, power_dbm):
        self.downlinks += 1
        self.air.emit(radio, phy_payload, freq_hz, dr, power_dbm)

    def accepted(self, name, f_cnt, records, dr, radios):
        self.accepted_.append((name, f_cnt, records))

    def refused(self, reason, name):
        self.refused_.append((reason, name))

    def committed(self, records):
        pass

    def alarmed(self, alarm, detail):
        pass

    def began(self, records):
        pass

    def ended(self, orderly):
        pass


def dev_eui(number):
    return bytes([2, 0, 0, 0, 0, 0, 0, number + 1])
