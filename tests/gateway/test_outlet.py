"""Orders that come by MQTT, through a broker of our own, to a station that says yes, no, or not now."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import apsw
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from gateway.api.station import OrderForm, RefusedError, UnavailableError
from gateway.config.load import parse_config
from gateway.outlet import Outlet, order_form
from gateway.places.directory import Directory
from gateway.publish.events import Stored
from gateway.readings.record import Kind, own_record
from gateway.store.database import PAGE_SIZE, open_database, read_database
from gateway.store.migrate import migrate
from gateway.store.orders import write_order
from gateway.store.records import RecordWriter
from gateway.store.writes import KeepOrder
from gateway.timekeeping import SystemClock
from tests.fakes.broker import Mosquitto
from tests.fakes.writers import InlineWriter

EUI = "0200000000000001"
TOPIC = "lampyre/92002/orders/give"
LEVEL = {"dev_eui": EUI, "verb": "set_level", "arguments": {"level_pct": 40}, "reference": "a-1"}
PATIENCE_S = 20


class City:
    """The other end of the broker: sends orders and hears what is said."""

    def __init__(self, port: int) -> None:
        self.got: dict[str, bytes] = {}
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, userdata, message: self.got.update({message.topic: message.payload})
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("lampyre/#", 1)
        self._client.loop_start()

    def send(self, payload: bytes) -> None:
        self._client.publish(TOPIC, payload, 1).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Bench:
    """given: forms that the station heard. answers: what it says to the next ones. failures: why it must not go on."""

    def __init__(self, folder: Path, port: int) -> None:
        self.given: list[OrderForm] = []
        self.told: list[str] = []
        self.failures: list[str] = []
        self.answers: list[Exception] = []
        self.asked = 0
        self.disk = asyncio.Event()  # cleared: it takes its time
        self.disk.set()
        self._folder, self._port = folder, port
        self._path = folder / "gateway.sqlite"
        self.database = open_database(self._path)
        migrate(self.database)

    async def start(self) -> None:
        text = f"""
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
[store]
folder = "{self._folder}"
[mqtt]
host = "127.0.0.1"
port = {self._port}
audience = "internal"
tls = false
client_id = "outlet"
"""
        config = parse_config(text.encode(), self._folder / "gateway.toml")
        assert config.mqtt is not None
        self.read = read_database(self._path)
        self.outlet = Outlet(
            config.mqtt,
            config.site,
            config.datasets,
            Directory(),
            lambda boot, ms: None,
            self.read,
            InlineWriter(lambda: self.database, lambda result: None).call,
            SystemClock(),
            lambda name, detail: self.told.append(name),
            self.failures.append,
            0,
        )
        self.outlet.start(self._give)

    def stop(self) -> None:
        self.outlet.stop()
        self.read.close()

    async def until(self, what: Callable[[], object]) -> None:
        async def watch() -> None:
            while not what():
                await asyncio.sleep(0.01)

        try:
            await asyncio.wait_for(watch(), PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"waited in vain: {self.given} {self.told}") from None

    async def _give(self, form: OrderForm) -> None:
        self.asked += 1
        await self.disk.wait()
        if self.answers:
            raise self.answers.pop(0)
        self.given.append(form)


def with_broker(folder: Path, act: Callable[[Bench, City], Awaitable[None]]) -> Bench:
    """Let *act* happen between an outlet and a city that a real broker joins."""

    async def live(broker: Mosquitto) -> Bench:
        bench = Bench(folder, broker.port)
        city = City(broker.port)
        await bench.start()
        assert not bench.outlet.answered
        await bench.until(lambda: bench.outlet.answered)
        await bench.until(lambda: "lampyre/92002/gateway/state" in city.got)
        try:
            await act(bench, city)
        finally:
            bench.stop()
            await asyncio.to_thread(city.close)
        return bench

    with Mosquitto(folder) as broker:
        return asyncio.run(live(broker))


def test_an_order_by_mqtt_is_given_once_however_often_it_comes(tmp_path):
    async def act(bench: Bench, city: City) -> None:
        assert json.loads(city.got["lampyre/92002/gateway/state"])["state"] == "online"
        for order in (LEVEL, LEVEL, {**LEVEL, "reference": "a-2"}):
            await asyncio.to_thread(city.send, json.dumps(order).encode())
        await bench.until(lambda: len(bench.given) == 2)

    bench = with_broker(tmp_path, act)
    assert [form.source for form in bench.given] == ["mqtt a-1", "mqtt a-2"]
    assert bench.given[0].target == bytes.fromhex(EUI)
    assert "order_refused" not in bench.told


def test_a_repetition_does_not_overtake_the_order_on_its_way_to_the_disk(tmp_path):
    async def act(bench: Bench, city: City) -> None:
        bench.disk.clear()
        for order in (LEVEL, LEVEL, {**LEVEL, "reference": "a-2"}):
            await asyncio.to_thread(city.send, json.dumps(order).encode())
        await bench.until(lambda: bench.asked)
        bench.disk.set()
        await bench.until(lambda: len(bench.given) >= 2)

    assert [form.source for form in with_broker(tmp_path, act).given] == ["mqtt a-1", "mqtt a-2"]


def test_what_cannot_be_an_order_is_told_and_does_not_come_again(tmp_path):
    async def act(bench: Bench, city: City) -> None:
        bench.answers = [RefusedError("there is no verb explode")]
        for payload in (b"{", json.dumps(LEVEL).encode()):
            await asyncio.to_thread(city.send, payload)
        await bench.until(lambda: bench.told.count("order_refused") == 2)
        bench.stop()
        await bench.start()  # the broker keeps our session: what was not acknowledged would come again
        await bench.until(lambda: bench.outlet.answered)
        await asyncio.to_thread(city.send, json.dumps({**LEVEL, "reference": "last"}).encode())
        await bench.until(lambda: bench.given)

    bench = with_broker(tmp_path, act)
    assert [form.source for form in bench.given] == ["mqtt last"]


def test_an_order_that_could_not_be_kept_is_given_again_by_the_broker(tmp_path):
    async def act(bench: Bench, city: City) -> None:
        bench.answers = [UnavailableError("the disk is full")]
        await asyncio.to_thread(city.send, json.dumps(LEVEL).encode())
        await bench.until(lambda: "order_not_kept" in bench.told)
        assert bench.given == []
        bench.stop()
        await bench.start()
        await bench.until(lambda: bench.given)

    bench = with_broker(tmp_path, act)
    assert [form.source for form in bench.given] == ["mqtt a-1"]


def test_an_order_that_was_kept_before_a_restart_is_the_same_one_after(tmp_path):
    async def act(bench: Bench, city: City) -> None:
        bench.stop()
        kept = KeepOrder(
            id=1,
            target_device=None,
            target_group=1,
            wire_id=1,
            verb="set_level",
            description="",
            payload=b"",
            source="mqtt a-1",
            made_ms=0,
            expiry_gps_s=0,
            state="queued",
            detail="",
            tries=0,
            changed_ms=0,
        )
        with bench.database:
            write_order(bench.database, kept)
        await bench.start()
        await bench.until(lambda: bench.outlet.answered)
        for reference in ("a-1", "a-9"):
            await asyncio.to_thread(city.send, json.dumps({**LEVEL, "reference": reference}).encode())
        await bench.until(lambda: bench.given)

    bench = with_broker(tmp_path, act)
    assert [form.source for form in bench.given] == ["mqtt a-9"]


@pytest.mark.parametrize("begun", [False, True], ids=["when it begins", "later"])
def test_a_file_that_cannot_be_read_any_more_ends_the_process(tmp_path, begun):
    """A new publisher would read the same pages, for ever."""

    def noise(database: apsw.Connection, table: str) -> None:
        [(page,)] = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
        database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        with (tmp_path / "gateway.sqlite").open("r+b") as file:
            file.seek((page - 1) * PAGE_SIZE)
            file.write(b"\xff" * PAGE_SIZE)

    async def live(broker: Mosquitto) -> None:
        bench = Bench(tmp_path, broker.port)
        if not begun:
            noise(bench.database, "node_order")
        else:
            RecordWriter().append(bench.database, [own_record(Kind.NOTICE, b"{}", 0, None)])
            noise(bench.database, "record")
        await bench.start()
        bench.outlet.handle(Stored(1))
        await bench.until(lambda: bench.failures)
        assert f"{tmp_path}/gateway.sqlite: its content is damaged; at the next start" in bench.failures[0]
        bench.stop()

    with Mosquitto(tmp_path) as broker:
        asyncio.run(live(broker))


def test_an_order_form():
    group: dict[str, Any] = {"group": 3, "verb": "resume_programme"}
    assert order_form(json.dumps(group).encode()) == OrderForm(
        target=3, verb="resume_programme", arguments={}, expires_in_s=3600, source="mqtt"
    )


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"{", "not JSON"),
        (b"[]", "a JSON object"),
        (b'{"verb": "identify"}', "dev_eui or group"),
        (b'{"dev_eui": "0200000000000001", "group": 1, "verb": "identify"}', "dev_eui or group"),
        (b'{"dev_eui": "0200000000000001", "verb": "identify", "colour": 1}', "nothing else"),
        (b'{"dev_eui": "0200000000000001", "verb": 1}', "verb is text"),
        (b'{"dev_eui": "0200000000000001", "verb": "identify", "arguments": []}', "verb is text"),
        (b'{"dev_eui": "0200000000000001", "verb": "identify", "expires_in_s": true}', "whole seconds"),
        (b'{"dev_eui": "02", "verb": "identify"}', "02"),
        (b'{"group": "one", "verb": "identify"}', "write its number"),
        (b'{"group": 1, "verb": "identify", "reference": 7}', "at most 64"),
        (b'{"group": 1, "verb": "identify", "reference": "' + b"x" * 65 + b'"}', "at most 64"),
    ],
)
def test_what_is_no_order_form_says_what_to_write(said, sentence):
    with pytest.raises(ValueError, match=sentence):
        order_form(said)
