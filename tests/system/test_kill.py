"""`kill -9`, fifty times under load: what was accepted is delivered, what was lost is asked for again, once each.

The gateway is a process of its own beside a real broker; half of the kills fall into a commit, when its log has begun
to grow. Then the same store lives on for virtual days with nodes that answer what they are asked.
"""

import asyncio
import contextlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from gateway.readings.record import Kind
from gateway.store.records import records_after
from protocol.quantities import AIR_FULL, quantities_of
from protocol.quantity_table import Quantity
from tests.fakes.broker import Mosquitto
from tests.fakes.fleet import EPOCH, values
from tests.fakes.forwarders import DATR
from tests.fakes.talkers import Talker
from tests.system.street import GATEWAY_EUI, Street
from tests.system.test_day import Subscriber

KILLS = 50
TALKERS = 40
PER_S = 600  # uplinks, unconfirmed: a commit of 256 every 0.43 s
_PUSH, _PUSH_ACK, _PULL, _PULL_RESP, _PULL_ACK = range(5)
_LONGEST_S = 60.0  # that a commit, a start or an end is waited for
_INTO_A_COMMIT = 15_000  # bytes written since the start: a start writes less, and a commit of 256 uplinks more


class Cabinet:
    """The gateway's process, its forwarder's socket, and talkers that never stop."""

    def __init__(self, street: Street, dice: random.Random) -> None:
        self.talkers = [Talker(number) for number in range(TALKERS)]
        self.sent = 0
        self._street = street
        self._dice = dice
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", street.udp_port))
        self._socket.setblocking(False)
        self._log = (street.folder / "gateway.log").open("wb")
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.system.zygote", str(street.write_config())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._token = 0
        self._begun_s = 0.0
        self._pulled = False
        self._push_acks = 0  # datagrams of uplinks that a gateway has taken

    def start(self) -> int:
        """Start a gateway; its pid. It is there when it answers a keepalive."""
        self._receive()  # what the one before said last is no sign of this one
        pid = int(self._ask("start"))
        self._pulled = False
        until_s = time.monotonic() + _LONGEST_S
        while not self._pulled:
            assert time.monotonic() < until_s, f"the gateway does not answer; {self._log.name} may say why"
            self._send(_PULL, b"")
            self._receive()
            time.sleep(0.005)  # for the other process
        return pid

    def reap(self, pid: int) -> int:
        """How the process ended that was told to."""
        return int(self._ask(f"reap {pid}"))

    def open_logs(self) -> None:
        """Let all talkers say their status, and end in an orderly way: what was heard is on disk then."""
        pid = self.start()
        before = self._push_acks
        for talker in self.talkers:
            self._push(talker.status())
        self._talk(lambda: self._push_acks >= before + TALKERS, _LONGEST_S)
        assert self._push_acks >= before + TALKERS
        os.kill(pid, signal.SIGTERM)
        assert self.reap(pid) == 0
        self._begun_s = time.monotonic()

    def live_and_die(self, in_a_commit: bool) -> None:
        """One life of the gateway, under load, to its sudden end."""
        pid = self.start()
        if in_a_commit:
            written = _written(pid) + _INTO_A_COMMIT + self._dice.randrange(10_000)
            self._talk(lambda: _written(pid) >= written, _LONGEST_S)
            assert _written(pid) >= written
        else:
            self._talk(lambda: False, self._dice.uniform(0.1, 0.9))
        os.kill(pid, signal.SIGKILL)
        assert self.reap(pid) == signal.SIGKILL

    def close(self) -> None:
        assert self._zygote.stdin
        self._zygote.stdin.close()
        try:
            self._zygote.wait(20)
        except subprocess.TimeoutExpired:  # it waits for a gateway that does not end
            self._zygote.kill()
            self._zygote.wait(20)
        assert self._zygote.stdout
        self._zygote.stdout.close()
        self._log.close()
        self._socket.close()

    def _talk(self, done: Any, at_most_s: float) -> None:
        """Let the talkers talk, at their pace, until *done*."""
        until_s = time.monotonic() + at_most_s
        while not done() and time.monotonic() < until_s:
            while self._begun_s and self.sent < (time.monotonic() - self._begun_s) * PER_S:
                self._push(self.talkers[self.sent % TALKERS].speak())
                self.sent += 1
            self._receive()

    def _push(self, phy_payload: bytes) -> None:
        rxpk = {
            "tmst": int(time.monotonic() * 1e6) & 0xFFFFFFFF,
            "freq": 868.1,
            "stat": 1,
            "modu": "LORA",
            "datr": DATR[5],
            "codr": "4/5",
            "lsnr": 7.5,
            "rssi": -80,
            "size": len(phy_payload),
            "data": b64encode(phy_payload).decode(),
        }
        self._send(_PUSH, json.dumps({"rxpk": [rxpk]}).encode())

    def _send(self, kind: int, body: bytes) -> None:
        self._token = (self._token + 1) & 0xFFFF
        with contextlib.suppress(ConnectionRefusedError):  # nobody is there just now: lost, as on the air
            self._socket.send(bytes([2]) + self._token.to_bytes(2, "big") + bytes([kind]) + GATEWAY_EUI + body)

    def _receive(self) -> None:
        while True:
            try:
                data = self._socket.recv(65_536)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self._take(data)

    def _take(self, data: bytes) -> None:
        self._pulled = self._pulled or data[3] == _PULL_ACK
        self._push_acks += data[3] == _PUSH_ACK
        if data[3] == _PULL_RESP:
            txpk = json.loads(data[4:])["txpk"]
            assert any(talker.hear(txpk) for talker in self.talkers)

    def _ask(self, line: str) -> str:
        assert self._zygote.stdin
        assert self._zygote.stdout
        self._zygote.stdin.write(line + "\n")
        self._zygote.stdin.flush()
        assert select.select([self._zygote.stdout], [], [], _LONGEST_S)[0], f"nothing came of {line!r}"
        return self._zygote.stdout.readline()


def _written(pid: int) -> int:
    """How many bytes the process has written to files, whether they are on disk or not."""
    for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines():
        if line.startswith("wchar:"):
            return int(line.split()[1])
    raise AssertionError("no wchar")


class AnsweringStreet(Street):
    """A street of talkers, which hear every downlink."""

    talkers: Sequence[Talker] = ()

    def _emit(self, txpk: dict[str, Any]) -> None:
        assert any(talker.hear(txpk) for talker in self.talkers)


class Town:
    """What arrived, by device and number; the same key twice must be the same message."""

    def __init__(self, subscriber: Subscriber) -> None:
        self.readings: dict[tuple[str, int], dict[str, Any]] = {}
        self._subscriber = subscriber
        self._seen = 0

    def has(self, keys: set[tuple[str, int]]) -> bool:
        """Whether all of these arrived."""
        self.look()
        return keys <= self.readings.keys()

    def look(self) -> None:
        """Take in what is new."""
        new, self._seen = self._subscriber.messages[self._seen :], len(self._subscriber.messages)
        for topic, payload in new:
            if not topic.endswith(("/reading", "/batch")):
                continue
            said = json.loads(payload)
            for message in said if isinstance(said, list) else [said]:
                if message["kind"] == "reading":
                    self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        key = message["key"]
        assert key["epoch"] == EPOCH
        told = {name: value for name, value in message.items() if name != "historical"}
        assert self.readings.setdefault((key["dev_eui"], key["seq"]), told) == told, f"two records with the key {key}"


def stored(path: Path) -> Iterator[tuple[int, int]]:
    """(device, seq) of every reading that is on disk."""
    database = apsw.Connection(str(path))  # as a start would: it plays back what the log holds
    try:
        after = 0
        while True:
            page = records_after(database, after, 1000)
            assert not page.damaged
            for _, record in page.records:
                if record.kind is Kind.READING:
                    assert record.device is not None
                    assert record.seq is not None
                    yield record.device, record.seq
            if not page.more:
                return
            after = page.last_id
    finally:
        database.close()


async def after_the_kills(street: AnsweringStreet, town: Town, accepted: set[tuple[str, int]]) -> None:
    """Deliver what is stored; then let nodes and gateway find each other again for virtual days."""
    await street.begin()
    await street.until(lambda: town.has(accepted))
    taken = {(talker.dev_eui.hex(), seq) for talker in street.talkers for seq in range(talker.taken)}
    for _ in range(200):
        for talker in street.talkers:
            for _ in range(8 if talker.owes() else 1):
                street.say(talker.speak())
                await street.live(4)
        await street.live(1200)
        if town.has(taken):
            await street.end()
            return
    missing = taken - town.readings.keys()
    raise AssertionError(f"{len(missing)} of {len(taken)} readings were never delivered, such as {sorted(missing)[:5]}")


def test_fifty_kills_under_load_lose_nothing_and_double_nothing(tmp_path, request):
    seed = request.config.getoption("hypothesis_seed")
    dice = random.Random(f"{seed}/kills")
    with Mosquitto(tmp_path) as broker:
        street = AnsweringStreet(tmp_path, broker.port, 1)
        subscriber = Subscriber(broker.port)
        town = Town(subscriber)
        cabinet = Cabinet(street, dice)
        street.talkers = cabinet.talkers
        try:
            street.register([talker.registration() for talker in cabinet.talkers])
            cabinet.open_logs()
            for number in range(KILLS):
                cabinet.live_and_die(in_a_commit=number % 2 == 0)
        finally:
            cabinet.close()
        euis = {number: talker.dev_eui.hex() for number, talker in enumerate(cabinet.talkers, 1)}
        on_disk = list(stored(tmp_path / "store" / "gateway.sqlite"))
        accepted = {(euis[device], seq) for device, seq in on_disk}
        assert len(accepted) == len(on_disk), "a record was stored twice"
        taken = sum(talker.taken for talker in cabinet.talkers)
        assert taken > KILLS * 50
        assert 0 < len(accepted) < taken, f"seed {seed}: nothing was at stake"
        asyncio.run(asyncio.wait_for(after_the_kills(street, town, accepted), timeout=900))
        town.look()
        subscriber.close()
    names = [(Quantity(number).name, 10 ** Quantity(number).decimals) for number, _ in quantities_of(AIR_FULL)]
    for (eui, seq), message in town.readings.items():
        number = int(eui[-6:], 16)
        told = [round(message["values"][name] * factor) for name, factor in names]
        assert told == list(values(number, seq)), f"seed {seed}: {message}"
