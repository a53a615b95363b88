"""The gateway under load: a process of its own, a real Mosquitto with a subscriber, all on the machine's cores."""

import json
import os
import random
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

from gateway.application import TownApplication
from gateway.engine import Engine
from gateway.links.link import RadioReport
from gateway.links.semtech import parse, radio_name, read_push
from gateway.network.registration import Abp, Registration, Role
from gateway.network.server import Server
from gateway.network.settings import NetworkSettings
from gateway.store.devices import add_devices
from gateway.store.opening import Store
from gateway.store.writer import Result
from tests.benchmarks.figures import Figure
from tests.benchmarks.load import PROBERS
from tests.fakes.fleet import Fleet, datagrams

EUI = "aa555a0000000101"
_HOW = (
    "the gateway's process by /proc, Mosquitto, a subscriber and the sender beside it on the same cores, 4 rxpk a "
    "datagram, air readings with 3 repeats; at full speed the best of three, between a tenth and nine tenths of the run"
)
_TICK = os.sysconf("SC_CLK_TCK")
_MANY = 5000
_TURNS = 3  # of what is taken at full speed the best counts: what else the machine does only ever slows it
_PACE = 10_000.0  # uplinks/s offered: faster than it is, yet no burst of all at once that would then wait for copies
# ThingsBoard IoT Gateway 3.8.5 on two cores as here, taken on 2026-11-22: 40,000 messages by MQTT, without any radio
# or cryptography, 200 devices, SQLite storage that it does not make durable; with 5,000 devices it stalls.
_PEER_PER_S = {"thingsboard_gateway": 2762.0}
_PEER_CPU_US = {"thingsboard_gateway": 366.0}
_PEER_IDLE_MB = {"thingsboard_gateway": 62.0}


class Cabinet:
    """A gateway process and a broker in a temporary folder."""

    def __init__(self, folder: Path, devices: int, live_batch: int = 1) -> None:
        self.devices = devices
        self._udp, self._mqtt = _free_port(socket.SOCK_DGRAM), _free_port(socket.SOCK_STREAM)
        self._folder = folder
        self._processes: list[subprocess.Popen[Any]] = []
        limits = "max_queued_messages 0\nmax_inflight_messages 0\n"  # for a subscriber slower than we are
        (folder / "store").mkdir(mode=0o700)
        (folder / "mosquitto.conf").write_text(f"listener {self._mqtt} 127.0.0.1\nallow_anonymous true\n{limits}")
        (folder / "gateway.toml").write_text(_toml(folder, self._udp, self._mqtt, live_batch))
        (folder / "fleet.json").write_text(json.dumps(Fleet(devices, PROBERS).devices()))
        self._lampyre("devices", "import", str(folder / "fleet.json"))
        broker = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert broker, "no Mosquitto: sh tests/mosquitto.sh"
        self._start([broker, "-c", str(folder / "mosquitto.conf")])
        self._gateway = self._start([sys.executable, "-m", "lampyre", "gateway", "run", "--config", self._config])
        self._await_socket()

    @property
    def _config(self) -> str:
        return str(self._folder / "gateway.toml")

    def load(self, first_round: int, rounds: int, rate: float | None = None, probes: bool = False) -> "Run":
        """Let the whole fleet speak so many times; what that took. probes: time confirmed uplinks beside it."""
        asked = {
            "udp": self._udp,
            "mqtt": self._mqtt,
            "eui": EUI,
            "devices": self.devices,
            "first_round": first_round,
            "rounds": rounds,
            "per_datagram": 4,
            "window": 4000,  # fewer than wait for their copies at most
            "rate": rate,
            "probes": probes,
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
        before, written = self._cpu_s(), self._written_bytes()
        town.stdin.write("go\n")
        town.stdin.flush()
        told = json.loads(town.stdout.readline())
        town.wait()
        return Run(told, self._cpu_s() - before, self._written_bytes() - written)

    def resident_mb(self) -> float:
        """Of the gateway, now."""
        return round(_labelled(Path(f"/proc/{self._gateway.pid}/status"), "VmRSS:") * 1024 / 1e6, 1)

    def close(self) -> None:
        """End what was started."""
        for process in reversed(self._processes):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)

    def _cpu_s(self) -> float:
        """CPU seconds of the gateway since it started, all threads."""
        fields = Path(f"/proc/{self._gateway.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def _written_bytes(self) -> int:
        return _labelled(Path(f"/proc/{self._gateway.pid}/io"), "write_bytes:")

    def _lampyre(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "lampyre", "gateway", *arguments, "--config", self._config]
        subprocess.run(command, check=True, capture_output=True)

    def _start(self, command: list[str]) -> subprocess.Popen[Any]:
        with (self._folder / f"{Path(command[0]).name}-{len(self._processes)}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        self._processes.append(process)
        return process

    def _await_socket(self) -> None:
        for _ in range(600):
            if (self._folder / "api.sock").exists():
                return
            assert self._gateway.poll() is None, "the gateway ended; see its log"
            time.sleep(0.05)
        raise AssertionError("the gateway did not start")


class Run:
    """What a load took. answers_ms: from the end of the dedup window to PULL_RESP, sorted."""

    def __init__(self, told: dict[str, Any], cpu_s: float, written_bytes: int) -> None:
        assert told["delivered"] >= told["sent"], f"not everything was delivered: {told}"
        self.uplinks = told["sent"]
        self.per_s = told["per_s"]
        self.cpu_us = cpu_s / self.uplinks * 1e6
        self.written = written_bytes / self.uplinks
        self.answers_ms = sorted(told["answers_ms"])


@contextmanager
def cabinet(devices: int, live_batch: int = 1) -> Iterator[Cabinet]:
    """A cabinet whose fleet has opened its logs."""
    with tempfile.TemporaryDirectory() as folder:
        running = Cabinet(Path(folder), devices, live_batch)
        try:
            yield running
        finally:
            running.close()


def figures() -> Iterator[Figure]:
    """Uplinks a second end to end, CPU for each, answers, memory, bytes written."""
    core_us = min(core_and_store_us() for _ in range(2 * _TURNS))
    yield Figure(name="gateway.core_and_store.cpu_us", value=round(core_us), unit="µs", target=60, how=_HOW)
    with cabinet(100) as running:
        yield Figure(
            name="gateway.idle_mb", value=running.resident_mb(), unit="MB", target=65, peer=_PEER_IDLE_MB, how=_HOW
        )
        running.load(0, 10)
        runs = [running.load(10 + 250 * turn, 250, rate=_PACE) for turn in range(_TURNS)]
        yield _rate("gateway.single.uplinks_per_s", runs, 4000)
        yield _cpu("gateway.single.cpu_us", runs, 250)
        run = running.load(760, 100, rate=500, probes=True)
        p99 = run.answers_ms[len(run.answers_ms) * 99 // 100]
        yield Figure(
            name="gateway.answer_p99_ms",
            value=round(p99, 1),
            unit="ms",
            target=50,
            how="ACK of a confirmed uplink, which waits for its commit, at 500 uplinks/s; " + _HOW,
        )
        run = running.load(860, 3, rate=5.6)
        yield Figure(name="gateway.written_bytes", value=round(run.written), unit="B/uplink", target=2500, how=_HOW)
    with cabinet(100, live_batch=50) as running:
        running.load(0, 10)
        runs = [running.load(10 + 500 * turn, 500, rate=_PACE) for turn in range(_TURNS)]
        yield _rate("gateway.batched.uplinks_per_s", runs, 8000)
        yield _cpu("gateway.batched.cpu_us", runs, 120)
    yield from _many()


def _many() -> Iterator[Figure]:
    """What a town costs more than a street, at the same rate."""
    with cabinet(12) as running:
        running.load(0, 100)
        few = running.load(100, 1500, rate=1000)
    with cabinet(_MANY - PROBERS) as running:  # all that one gateway registers
        running.load(0, 1, rate=250)
        time.sleep(15)  # the registry's snapshot, which follows a street that has just been registered
        many = running.load(1, 4, rate=1000)
        ratio = many.cpu_us / few.cpu_us
        name = "gateway.5000_devices"
        yield Figure(name=f"{name}.mb", value=running.resident_mb(), unit="MB", target=90, how=_HOW)
        yield Figure(name=f"{name}.cost_ratio", value=round(ratio, 2), unit="of 12", target=1.2, how=_HOW)


def core_and_store_us(uplinks: int = 20_000, devices: int = 100) -> float:
    """CPU µs for a frame from its datagram to its commit, in this process, without socket and without MQTT."""
    fleet = Fleet(devices)
    told: list[Result] = []
    radio = radio_name(bytes.fromhex(EUI))
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "gateway.sqlite")
        database = store.connect()
        with database:
            added = add_devices(database, [_registration(row) for row in fleet.devices()])
        database.close()
        application = TownApplication(1, added)
        server = Server(NetworkSettings(), added, (), (), application, random.Random(1))
        engine = Engine(server, application, 1, lambda transmit: None, _Nobody())
        writer = store.writer(told.append)
        engine.write_with(writer)
        engine.hear(RadioReport(radio=radio, online=True, detail=""), 0)
        engine.set_clock(1_767_225_600_000, 0)
        now_ms = 0
        spent_s = 0.0
        for first, rounds in ((0, 10), (10, uplinks // devices)):
            made = list(datagrams(fleet.frames(first, rounds), bytes.fromhex(EUI), 4))
            begin = time.process_time()
            for datagram in made:
                now_ms += 2
                for received in read_push(parse(datagram).body, radio).frames:
                    engine.hear(received, now_ms)
                engine.wake(now_ms)
                while told:
                    engine.written(told.pop(0), now_ms)
            engine.wake(now_ms + 1000)
            writer.call(lambda database: None).result()
            spent_s = time.process_time() - begin
        writer.close()
        store.close()
    return spent_s / uplinks * 1e6


class _Nobody:
    """Watches nothing."""

    def accepted(self, *_: object) -> None: ...

    def refused(self, *_: object) -> None: ...

    def alarmed(self, *_: object) -> None: ...

    def radio(self, *_: object) -> None: ...


def _registration(row: dict[str, str]) -> Registration:
    abp = Abp(
        dev_addr=int(row["dev_addr"], 16),
        nwk_s_key=bytes.fromhex(row["nwk_s_key"]),
        app_s_key=bytes.fromhex(row["app_s_key"]),
    )
    return Registration(device=0, dev_eui=bytes.fromhex(row["dev_eui"]), role=Role.AIR, abp=abp)


def _rate(name: str, runs: list[Run], target: float) -> Figure:
    return Figure(
        name=name,
        value=round(max(run.per_s for run in runs)),
        unit="uplinks/s",
        target=target,
        more_is_better=True,
        peer=_PEER_PER_S,
        how=_HOW,
    )


def _cpu(name: str, runs: list[Run], target: float) -> Figure:
    cpu_us = min(run.cpu_us for run in runs)
    return Figure(name=name, value=round(cpu_us), unit="µs", target=target, peer=_PEER_CPU_US, how=_HOW)


def _labelled(path: Path, label: str) -> int:
    for line in path.read_text(encoding="ascii").splitlines():
        if line.startswith(label):
            return int(line.split()[1])
    raise AssertionError(f"no {label} in {path}")


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
