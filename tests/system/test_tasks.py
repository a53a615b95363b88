"""A part of the gateway that falls over, and a gateway that is told to stop: nothing that was accepted is lost."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import settings

from gateway.chores import Tidying
from gateway.engine import Engine
from gateway.links.udp import UdpLink
from gateway.network.deduplication import Deduplication
from gateway.network.mac_dialogue import Talk
from gateway.publish.publisher import Publisher
from gateway.readings.intake import Intake
from protocol.lorawan.frames import parse_frame
from tests.fakes.broker import Mosquitto
from tests.fakes.talkers import Talker
from tests.system.street import Street
from tests.system.test_day import Subscriber
from tests.system.test_kill import Cabinet, stored

TERMS = 200 if settings.get_current_profile_name() == "soak" else 20
_PUSH_ACK = 1


class Falls:
    """A method of a class that raises the next *times* times it is called, once it is *armed*."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, where: type, name: str, times: int) -> None:
        self.left = times
        self.armed = False
        self.calls = 0
        method = getattr(where, name)

        def falling(*arguments: Any) -> Any:
            self.calls += self.armed
            if self.armed and self.left:
                self.left -= 1
                raise RuntimeError("on purpose")
            return method(*arguments)

        monkeypatch.setattr(where, name, falling)


async def patiently(street: Street, done: Any) -> None:
    """Let virtual and real time pass until *done*."""
    while not done():
        await street.live(1)
        await asyncio.sleep(0.01)


async def talk(street: Street, talker: Talker, turns: int) -> None:
    for _ in range(turns):
        street.say(talker.speak())
        await street.live(20)


async def with_a_fall(street: Street, port: int, talker: Talker, fall: Falls) -> list[dict[str, Any]]:
    """Readings before and after the fall; what was published of them in the end."""
    subscriber = Subscriber(port)
    street.register([talker.registration()])
    await street.begin()
    street.say(talker.status())
    await street.live(2)
    await talk(street, talker, 3)
    fall.armed = True
    while fall.left:
        await talk(street, talker, 1)
        await asyncio.sleep(0.01)
    await talk(street, talker, 3)
    seqs = set(range(talker.taken))
    await patiently(street, lambda: {message["key"]["seq"] for message in subscriber.of("reading")} == seqs)
    await street.end()
    told = subscriber.of("reading") + subscriber.of("notice")
    subscriber.close()
    return told


@pytest.mark.parametrize("times", [1, 10])
@pytest.mark.parametrize("method", ["handle", "wake"])
def test_a_publisher_that_falls_over_is_started_again_and_nothing_is_lost(tmp_path, monkeypatch, caplog, method, times):
    fall = Falls(monkeypatch, Publisher, method, times)
    talker = Talker(1)
    with Mosquitto(tmp_path) as broker:
        street = Street(tmp_path, broker.port, 1)
        told = asyncio.run(asyncio.wait_for(with_a_fall(street, broker.port, talker, fall), timeout=300))
    assert street.gateway.engine.counts["alarm:publisher_restarted"] == times
    assert "the publisher fell over (RuntimeError: on purpose)" in caplog.text
    said: dict[int, Any] = {}
    for message in told:
        if message["kind"] == "reading":  # what was not acknowledged is sent again, the same
            message.pop("historical")
            assert said.setdefault(message["key"]["seq"], message) == message
    assert street.gateway.failure is None


def test_a_chore_that_raises_is_named_and_has_its_next_turn_and_nobody_else_minds(tmp_path, monkeypatch):
    fall = Falls(monkeypatch, Tidying, "turn", 2)
    talker = Talker(1)
    with Mosquitto(tmp_path) as broker:
        street = Street(tmp_path, broker.port, 1)
        told = asyncio.run(asyncio.wait_for(with_a_fall(street, broker.port, talker, fall), timeout=300))
    notices = [message for message in told if message["kind"] == "notice"]
    assert sum("tidying: on purpose" in str(message) for message in notices) == 2
    assert street.gateway.failure is None


@pytest.mark.parametrize(("where", "method"), [(Intake, "hear"), (Talk, "wants"), (Deduplication, "add")])
def test_a_frame_that_makes_the_gateway_stumble_is_refused_and_nothing_is_lost(tmp_path, monkeypatch, where, method):
    """What was in it comes with the next one, or is asked for again; the process never ended."""
    fall = Falls(monkeypatch, where, method, 3)
    talker = Talker(1)
    with Mosquitto(tmp_path) as broker:
        street = Street(tmp_path, broker.port, 1)
        told = asyncio.run(asyncio.wait_for(with_a_fall(street, broker.port, talker, fall), timeout=300))
    assert sum("RuntimeError: on purpose" in str(message) for message in told if message["kind"] == "notice") == 3
    assert street.gateway.engine.counts["refused:fault"] == 3
    assert street.gateway.failure is None


@pytest.mark.parametrize(("where", "method"), [(UdpLink, "receive"), (Engine, "wake"), (Engine, "written")])
def test_what_must_not_be_half_alive_ends_the_gateway_with_a_sentence(tmp_path, monkeypatch, where, method):
    """What was accepted before is on disk when it has ended."""
    fall = Falls(monkeypatch, where, method, 1)
    talker = Talker(1)

    async def live(port: int) -> Street:
        street = Street(tmp_path, port, 1)
        street.register([talker.registration()])
        await street.begin()
        street.say(talker.status())
        await street.live(2)
        await talk(street, talker, 3)
        fall.armed = True
        street.say(talker.speak())
        living = asyncio.ensure_future(street.live(30))
        await street.gateway.ended.wait()
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        fall.armed = False
        await street.gateway.stop()
        street.radio.close()
        return street

    with Mosquitto(tmp_path) as broker:
        street = asyncio.run(asyncio.wait_for(live(broker.port), timeout=300))
    assert street.gateway.failure == "RuntimeError: on purpose"
    assert {seq for _, seq in stored(tmp_path / "store" / "gateway.sqlite")} >= {0, 1, 2}


_FALLING = """
import sys
from pathlib import Path
from gateway import process
from gateway.links.udp import UdpLink
async def receive(self):
    raise RuntimeError("on purpose")
UdpLink.receive = receive
sys.exit(process.run(Path(sys.argv[1])))
"""


def test_the_process_says_why_it_ends_and_that_it_did_not_end_well(tmp_path):
    config = Street(tmp_path, 1, 1).write_config()
    ended = subprocess.run(
        [sys.executable, "-c", _FALLING, str(config)], stderr=subprocess.PIPE, text=True, timeout=300, check=False
    )
    assert ended.returncode == 1
    assert "the gateway ends: RuntimeError: on purpose" in ended.stderr


class Stopped(Cabinet):
    """A cabinet that knows which readings the gateway acknowledged to have heard, and when."""

    def __init__(self, street: Street, dice: random.Random) -> None:
        super().__init__(street, dice)
        self.heard: dict[tuple[str, int], float] = {}
        self._under_way: dict[bytes, tuple[str, int]] = {}
        self._taken = [0] * len(self.talkers)
        self._by_addr = {talker.dev_addr: number for number, talker in enumerate(self.talkers)}

    def live_and_stop(self) -> tuple[int, float, set[tuple[str, int]]]:
        """How it ended, after how long, and what it had heard 300 ms before."""
        pid = self.start()
        self._talk(lambda: False, self._dice.uniform(0.4, 0.7))
        at_s = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        self._talk(lambda: False, 0.02)
        ended = self.reap(pid)
        return ended, time.monotonic() - at_s, {key for key, when_s in self.heard.items() if when_s < at_s - 0.3}

    def _push(self, phy_payload: bytes) -> None:
        super()._push(phy_payload)
        number = self._by_addr[parse_frame(phy_payload).dev_addr]
        talker = self.talkers[number]
        if talker.taken > self._taken[number]:
            self._taken[number] = talker.taken
            self._under_way[self._token.to_bytes(2, "big")] = (talker.dev_eui.hex(), talker.taken - 1)

    def _take(self, data: bytes) -> None:
        if data[3] == _PUSH_ACK and data[1:3] in self._under_way:
            self.heard[self._under_way.pop(data[1:3])] = time.monotonic()
        super()._take(data)


def test_a_gateway_that_is_told_to_stop_under_load_stops_soon_and_keeps_what_it_heard(tmp_path, request):
    seed = request.config.getoption("hypothesis_seed")
    with Mosquitto(tmp_path) as broker:
        street = Street(tmp_path, broker.port, 1)
        cabinet = Stopped(street, random.Random(f"{seed}/stops"))
        try:
            street.register([talker.registration() for talker in cabinet.talkers])
            cabinet.open_logs()
            for _ in range(TERMS):
                ended, took_s, heard = cabinet.live_and_stop()
                assert ended == 0
                assert took_s < 5
        finally:
            cabinet.close()
    euis = {number: talker.dev_eui.hex() for number, talker in enumerate(cabinet.talkers, 1)}
    on_disk = {(euis[device], seq) for device, seq in stored(tmp_path / "store" / "gateway.sqlite")}
    assert len(heard) > TERMS * 50
    assert not heard - on_disk, f"seed {seed}"
