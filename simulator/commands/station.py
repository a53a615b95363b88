"""A gateway process of our own: its configuration and devices in a folder, and its local API to read from."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from protocol.region import PLANS
from simulator.fleet.fleet import Registered
from simulator.scenario.model import Scenario

_STARTS_S = 30.0  # until it must have opened its API; it takes one or two
_STOPS_S = 15.0
_PAGE = 500
_ASK_S = 10.0


class StationError(Exception):
    """The gateway could not be started; the text is what it said."""


class Station:
    """Run it as a context: written, started and ready inside, stopped afterwards; its files stay in *folder*.

    euis: of the radios it may hear. Raises StationError.
    """

    def __init__(self, folder: Path, scenario: Scenario, euis: Iterable[bytes]) -> None:
        self.config = folder / "gateway.toml"
        self.log = folder / "gateway.log"
        self.address = "127.0.0.1", _free_udp_port()
        self._socket = folder / "api.sock"
        self._folder = folder
        (folder / "store").mkdir(mode=0o700)
        site = scenario.site
        heard = ", ".join(f'"{eui.hex()}"' for eui in euis)
        self.config.write_text(
            f'[site]\ninsee = "{site.insee}"\nname = {json.dumps(site.name, ensure_ascii=False)}\n'
            f"latitude_deg = {site.latitude_deg}\nlongitude_deg = {site.longitude_deg}\n"
            f'timezone = "{site.time_zone}"\n'
            f'[store]\nfolder = "{(folder / "store").as_posix()}"\n'
            f'[network]\nplan = "{scenario.radio.plan}"\n'
            f"rx_delay_s = {scenario.radio.rx_delay_s}\nrx2_dr = {scenario.radio.rx2_dr}\n"
            f'[udp]\ngateways = [{heard}]\nlisten = "127.0.0.1:{self.address[1]}"\n'
            f'[api]\nsocket = "{self._socket.as_posix()}"\nmode = "0600"\n'
            '[clock]\ntrust = "always"\n',
            encoding="utf-8",
        )

    def enrol(self, registered: Sequence[Registered], zones: Mapping[str, str]) -> None:
        """Register the nodes; before it is entered. zones: by node name."""
        devices = self._folder / "devices.json"
        devices.write_text(json.dumps([_row(each, zones.get(each.name, "")) for each in registered]), encoding="utf-8")
        done = subprocess.run(
            [*self._command("devices", "import"), str(devices)], capture_output=True, text=True, check=False
        )
        devices.unlink()  # it holds keys
        if done.returncode:
            raise StationError(f"the gateway did not take the devices: {done.stderr.strip()}")

    def __enter__(self) -> "Station":
        """Start it, and wait until it can be asked."""
        with self.log.open("wb") as log:
            # In a group of its own: Ctrl-C is for us, and the gateway ends when we have read what it has.
            self._process = subprocess.Popen(self._command("run"), stdout=log, stderr=log, process_group=0)
        until_s = time.monotonic() + _STARTS_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until_s:
                self._stop()
                said = self.log.read_text(encoding="utf-8", errors="replace").strip()
                raise StationError(f"the gateway did not start; {self.log} says: {said[-500:]}")
            time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it in good order."""
        self._stop()

    def readings(self, after: int) -> tuple[list[dict[str, Any]], int]:
        """What it accepted after a cursor, oldest first, as it is published; and the next cursor."""
        rows = self._ask(f"/v1/readings?after={after}&limit={_PAGE}")["readings"]
        return rows, rows[-1]["id"] if rows else after

    def _answers(self) -> bool:
        try:
            self._ask("/v1/health")
        except (OSError, http.client.HTTPException):
            return False
        return True

    def _ask(self, target: str) -> dict[str, Any]:
        connection = http.client.HTTPConnection("localhost", timeout=_ASK_S)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(_ASK_S)
        try:
            connection.sock.connect(str(self._socket))
            connection.request("GET", target)
            told: dict[str, Any] = json.loads(connection.getresponse().read())
            return told
        finally:
            connection.close()

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(_STOPS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "lampyre", "gateway", *words, "--config", str(self.config)]


def possible() -> bool:
    """Whether this machine has what it takes: the gateway's API is a Unix socket."""
    return hasattr(socket, "AF_UNIX") and os.name == "posix"


def _row(registered: Registered, zone: str) -> dict[str, str | int]:
    """A device as `lampyre gateway devices import` reads it."""
    return {
        "dev_eui": registered.dev_eui.hex(),
        "role": registered.role.value,
        "name": registered.name,
        "join_eui": registered.join_eui.hex(),
        "app_key": registered.app_key.hex(),
        "gen_app_key": registered.gen_app_key.hex(),
        "class_c": "yes" if registered.class_c else "no",
        "plan": PLANS[registered.plan].name,
        "min_dr": registered.min_dr,
        "place": registered.places[0] if registered.places else "",
        "instance": 0,
        "zone": zone,
    }


def _free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
