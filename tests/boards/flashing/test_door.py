"""`lampyre flash --gateway https://…` into a gateway process, by the door that `lampyre gateway api open` opens."""

import contextlib
import json
import socket
import subprocess
import sys
import time

import pytest

from boards.catalogue.known import load
from boards.enrolment.gateway import Gateway
from boards.flashing import cli
from protocol.settings import Settings
from simulator.commands.station import Station
from simulator.scenario.reading import load_scenario
from simulator.scenario.shipped import scenario_path
from tests.boards.bench import Bench
from tests.boards.desk import IMAGE
from tests.boards.flashing.test_cli import typed
from tests.boards.forwarder import EUI

PATIENCE_S = 30  # a running gateway looks for a new pass every two seconds
RUN_S = 120  # of a command that is done in some seconds


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def opened(station, port):
    """The two lines that the gateway's owner hands to the technician, once somebody listens there."""
    words = ("-m", "lampyre", "gateway", "api", "open", "--hours", "1", "--listen", f"127.0.0.1:{port}")
    done = subprocess.run(
        [sys.executable, *words, "--config", station.config], capture_output=True, text=True, check=True, timeout=RUN_S
    )
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return done.stdout
        time.sleep(0.05)
    raise AssertionError(station.log.read_text())


@pytest.fixture(name="device", scope="module")
def _device(code):
    with Bench(hurry=0.05) as bench:
        device = bench.device(6, load("heltec-v3").table("parking"), image=IMAGE)
        device.pull()
        for path, data in code.slot.items():
            device.board.put(f"/a/{path}", data)
        device.plug()
        yield device


def test_a_board_is_flashed_into_a_gateway_at_its_door_and_into_no_other(device, code_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("LAMPYRE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/cache").symlink_to(code_folder)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "image.bin").write_bytes(IMAGE)
    door, strangers = tmp_path / "door.txt", tmp_path / "strangers.txt"
    port = free_port()
    address = f"https://127.0.0.1:{port}"
    what = ("--board", "heltec-v3", "--role", "parking", "--name", "bay-12", "--place", "92002-bay-12")
    flash = (cli.app, "--port", device.path, *what, "--image", "image.bin", "--gateway", address, "--language", "en")
    with Station(tmp_path, load_scenario(scenario_path("demo")), [EUI]) as station:
        lines = opened(station, port)
        door.write_text(lines)
        strangers.write_text(f"{lines.split()[0]}\nsha256:{'5a' * 32}\n")
        refused = typed(*flash, "--token-file", strangers, exit_code=1)
        assert "its certificate is not the one that the token file names; nothing was sent to it" in refused.stderr
        done = typed(*flash, "--token-file", door)
        typed(*flash, "--token-file", door)  # once is enough, and twice is once
        kept = device.board.nvs.read
        dev_eui = Settings.decode(kept("lampyre", "settings")).dev_eui.hex()
        keys = {name: kept("lampyre", name).hex() for name in ("app_key", "gen_app_key")}
        owner = Gateway(str(tmp_path / "api.sock"))
        assert owner.has_keys_of({"dev_eui": dev_eui} | keys)
        words = (sys.executable, "-m", "lampyre", "gateway", "devices", "list", "--json", "--config", station.config)
        listed = subprocess.run(words, capture_output=True, text=True, check=True, timeout=RUN_S).stdout
    [row] = [json.loads(line) for line in listed.splitlines()]
    assert (row["dev_eui"], row["name"], row["role"]) == (dev_eui, "bay-12", "parking")
    assert f"keys in {address}" in done.stdout
    assert not (tmp_path / "devices.csv").exists()
    [record] = (tmp_path / "home/boards").glob("*.json")
    seen = refused.output + done.output + listed + record.read_text() + station.log.read_text()
    assert not any(secret in seen for secret in (*keys.values(), lines.split()[0]))
