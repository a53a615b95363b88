"""The gateway under load: a process of its own, a real Mosquitto with a subscriber, all on the machine's cores."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Figure
from tests.fakes.fleet import Fleet

EUI = "aa555a0000000101"
_HOW = "whole process by /proc, Mosquitto and a subscriber beside it on the same cores; air readings with 3 repeats"
_TICK = os.sysconf("SC_CLK_TCK")


class Cabinet:
    """A gateway process and a broker in a temporary folder."""

    def __init__(self, folder: Path, devices: int, live_batch: int = 1) -> None:
        self.udp, self.mqtt = _free_port(socket.SOCK_DGRAM), _free_port(socket.SOCK_STREAM)
        self._folder = folder
        self._processes: list[subprocess.Popen[Any]] = []
        (folder / "store").mkdir(mode=0o700)
        (folder / "mosquitto.conf").write_text(f"listener {self.mqtt} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n")
        (folder / "gateway.toml").write_text(_toml(folder, self.udp, self.mqtt, live_batch))
        (folder / "fleet.json").write_text(json.dumps(Fleet(devices).devices()))
        self._lampyre("devices", "import", str(folder / "fleet.json"))
        broker = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert broker, "no Mosquitto: sh tests/mosquitto.sh"
        self._start([broker, "-c", str(folder / "mosquitto.conf")])
        self.gateway = self._start([sys.executable, "-m", "lampyre", "gateway", "run", "--config", self._config])
        self._await_socket()

    @property
    def _config(self) -> str:
        return str(self._folder / "gateway.toml")

    def load(self, devices: int, first_round: int, rounds: int, per_datagram: int, rate: float | None = None) -> "Run":
        """Let the town speak; what that took."""
        asked = {
            "udp": self.udp,
            "mqtt": self.mqtt,
            "eui": EUI,
            "devices": devices,
            "first_round": first_round,
            "rounds": rounds,
            "per_datagram": per_datagram,
            "window": 1800,
            "rate": rate,
        }
        town = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.load", json.dumps(asked)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert town.stdin
        assert town.stdout
        town.stdout.readline()
        before, written = self.cpu_s(), self.written_bytes()
        town.stdin.write("go\n")
        town.stdin.flush()
        told = json.loads(town.stdout.readline())
        town.wait()
        return Run(told, self.cpu_s() - before, self.written_bytes() - written)

    def cpu_s(self) -> float:
        """CPU seconds of the gateway since it started, all threads."""
        fields = Path(f"/proc/{self.gateway.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def resident_mb(self) -> float:
        """Of the gateway, now."""
        for line in Path(f"/proc/{self.gateway.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise AssertionError("no VmRSS")

    def written_bytes(self) -> int:
        """What the gateway had written to disk."""
        for line in Path(f"/proc/{self.gateway.pid}/io").read_text().splitlines():
            if line.startswith("write_bytes:"):
                return int(line.split()[1])
        raise AssertionError("no write_bytes")

    def close(self) -> None:
        """End what was started."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)

    def _lampyre(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "lampyre", "gateway", *arguments, "--config", self._config]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def _start(self, command: list[str]) -> subprocess.Popen[Any]:
        with (self._folder / f"{Path(command[0]).name}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def _await_socket(self) -> None:
        for _ in range(600):
            if (self._folder / "api.sock").exists():
                return
            assert self.gateway.poll() is None, "the gateway ended; see its log"
            time.sleep(0.05)
        raise AssertionError("the gateway did not start")


class Run:
    """What a load took."""

    def __init__(self, told: dict[str, Any], cpu_s: float, written_bytes: int) -> None:
        assert told["delivered"] >= told["sent"], f"not everything was delivered: {told}"
        self.uplinks = told["sent"]
        self.per_s = self.uplinks / told["seconds"]
        self.cpu_us = cpu_s / self.uplinks * 1e6
        self.written = written_bytes / self.uplinks


@contextmanager
def cabinet(devices: int, live_batch: int = 1) -> Iterator[Cabinet]:
    """A cabinet for a while."""
    with tempfile.TemporaryDirectory() as folder:
        running = Cabinet(Path(folder), devices, live_batch)
        try:
            yield running
        finally:
            running.close()


def figures() -> Iterator[Figure]:
    """Uplinks a second end to end, CPU for each, memory, bytes written."""
    with cabinet(100) as running:
        yield Figure(name="gateway.idle_mb", value=round(running.resident_mb(), 1), unit="MB", target=65)
        running.load(100, 0, 10, 4)  # the statuses, and what is slow only once
        run = running.load(100, 10, 300, 4)
        yield _rate("gateway.single.uplinks_per_s", run, 4000)
        yield _cpu("gateway.single.cpu_us", run, 250)


def _rate(name: str, run: Run, target: float) -> Figure:
    return Figure(name=name, value=round(run.per_s), unit="uplinks/s", target=target, more_is_better=True, how=_HOW)


def _cpu(name: str, run: Run, target: float) -> Figure:
    return Figure(name=name, value=round(run.cpu_us), unit="µs", target=target, how=_HOW)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _toml(folder: Path, udp: int, mqtt: int, live_batch: int) -> str:
    return f"""\
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975

[store]
folder = "{folder}/store"

[udp]
gateways = ["{EUI}"]
listen = "127.0.0.1:{udp}"

[mqtt]
host = "127.0.0.1"
port = {mqtt}
audience = "internal"
tls = false
live_batch = {live_batch}

[api]
socket = "{folder}/api.sock"

[clock]
trust = "always"
"""
