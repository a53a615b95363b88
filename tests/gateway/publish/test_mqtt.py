"""The whole way out: store, publisher and paho against a real Mosquitto, and against worse ones."""

import asyncio
import json
import random
import ssl
import stat
import warnings
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from referencing import Registry, Resource

from gateway.publish import schemas
from gateway.publish.cursor import Cursor
from gateway.publish.delivery import Delivery
from gateway.publish.events import Replay, Stored
from gateway.publish.messages import state_of
from gateway.publish.mqtt import Mqtt, MqttSettings
from gateway.publish.publisher import Publisher, PublisherSettings
from gateway.readings.record import Kind
from protocol.event_table import EVENTS
from protocol.quantity_table import QUANTITIES
from tests.fakes.broker import PUBACK, Line, Mosquitto, StubBroker
from tests.fakes.certificates import Authority
from tests.fakes.clocks import FastClock
from tests.fakes.town import START_MS, MemoryOutbox, air_town, fill, messenger_of, record_of

PATIENCE_S = 30

_REGISTRY = Registry().with_resources(
    (schemas.schema(name)["$id"], Resource.from_contents(schemas.schema(name)))
    for name in (schemas.MESSAGE, schemas.BATCH, schemas.STATE)
)
VALID = {
    name: Draft202012Validator(schemas.schema(name), registry=_REGISTRY)
    for name in (schemas.MESSAGE, schemas.BATCH, schemas.STATE)
}


class Gateway:
    """What the engine will be: an outbox, a publisher, and paho, on one loop; its clock runs *speed* times as fast."""

    def __init__(self, outbox, devices, port, *, speed=1, ack_timeout_ms=20_000, **settings):
        self.outbox = outbox
        self.notes = []
        self.falls = []
        self.orders = []
        self._clock = FastClock(speed)
        messenger = messenger_of(air_town(devices))
        self.publisher = Publisher(
            PublisherSettings(batch_topic=messenger.batch_topic("{}"), ack_timeout_ms=ack_timeout_ms),
            messenger.messages_of,
            random.Random(1).random,
            outbox.cursor,
            outbox.last_id(),
            self._clock.now_ms(),
        )
        self._delivery = Delivery(self.publisher, outbox, self._clock, self.notes.append, self.falls.append)
        self._changed = asyncio.Event()
        self.mqtt = Mqtt(
            MqttSettings(
                **{"host": "127.0.0.1", "port": port, "client_id": "lampyre-92002"}
                | {"state_topic": "lampyre/92002/gateway/state", "orders_topic": "lampyre/92002/orders/give"}
                | {"online": state_of(True, "0.1.0"), "offline": state_of(False, "0.1.0"), "will_delay_s": 0}
                | settings
            ),
            self._woken,
        )

    def _woken(self):
        for event in self.mqtt.events():
            self._delivery.handle(event)
        self.orders += self.mqtt.orders()
        self._changed.set()

    async def __aenter__(self):
        self._delivery.start(self.mqtt)
        return self

    async def __aexit__(self, *_):
        self._delivery.stop()
        self.mqtt.close()

    def store(self, record):
        self._delivery.handle(Stored(self.outbox.append(record)))

    async def until(self, what: Callable[[], object]):
        """Wait until *what* is true; events of the broker are when it may become so."""

        async def watch():
            while not what():
                self._changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), 0.05)

        try:
            await asyncio.wait_for(watch(), PATIENCE_S)
        except TimeoutError:
            raise AssertionError(f"waited in vain: {self.publisher.figures()} {self.notes}") from None

    async def delivered(self):
        await self.until(lambda: self.publisher.figures().backlog == 0)


class Subscriber:
    """A consumer of the city, on a paho client with a thread of its own and a session that the broker keeps."""

    def __init__(self, port, client_id="city", topic="lampyre/#"):
        self.got = []
        self._keys = set()
        self._looked = 0
        self._subscribed = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv311, clean_session=False
        )
        self.client.max_inflight_messages_set(0)
        self.client.on_message = lambda client, userdata, message: self.got.append(message)
        self.client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self.client.on_subscribe = lambda *_: loop.call_soon_threadsafe(self._subscribed.set)
        self._port = port

    async def __aenter__(self):
        self.client.connect("127.0.0.1", self._port)
        self.client.loop_start()
        await asyncio.wait_for(self._subscribed.wait(), PATIENCE_S)
        return self

    async def __aexit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def keys(self):
        """(DevEUI, seq) of all there was."""
        for message in self.got[self._looked :]:
            self._looked += 1
            said = orjson.loads(message.payload)
            for one in said if isinstance(said, list) else [said]:
                if "key" in one:
                    self._keys.add((one["key"]["dev_eui"], one["key"]["seq"]))
        return self._keys

    def messages(self):
        """Everything published, batches taken apart, each checked against its schema."""
        messages = []
        for message in self.got:
            if message.topic.endswith("/state"):
                VALID[schemas.STATE].validate(json.loads(message.payload))
                continue
            said = json.loads(message.payload)
            if message.topic.endswith("/batch"):
                VALID[schemas.BATCH].validate(said)
            for one in said if isinstance(said, list) else [said]:
                VALID[schemas.MESSAGE].validate(one)
                assert one["dataset"] == message.topic.split("/")[2]
                messages.append(one)
        return messages


def keys_of(messages):
    return sorted((one["key"]["dev_eui"], one["key"]["seq"]) for one in messages)


def rows_of(outbox, devices):
    town = air_town(devices)
    return sorted((town.device(record.device).dev_eui, record.seq) for _, record in outbox.rows)


def test_a_round_trip_through_a_real_broker_validated_by_the_schemas(tmp_path):
    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 20, 10)
        with Mosquitto(tmp_path) as broker:
            async with Subscriber(broker.port) as city, Gateway(outbox, 20, broker.port) as gateway:
                await gateway.delivered()
                for device in range(1, 21):
                    gateway.store(record_of(device, 10))
                gateway.store(record_of(3, 11, kind=Kind.EVENT, content=b"[9]"))
                gateway.store(record_of(4, 11, kind=Kind.STATUS, content=b'{"version":"0.1.0","reset_cause":1}'))
                await gateway.delivered()
                await gateway.until(lambda: len(city.keys()) >= 222)
                messages = city.messages()
                assert keys_of(messages) == rows_of(outbox, 20)
                assert [one["historical"] for one in messages] == [True] * 200 + [False] * 22
                state = city.got[0]
                assert (state.topic, json.loads(state.payload)["state"]) == ("lampyre/92002/gateway/state", "online")
            assert outbox.cursor == Cursor(222)

    asyncio.run(run())


def test_a_broker_that_restarts_gets_what_it_missed(tmp_path):
    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 10, 1)
        lines = ("listener @port@ 127.0.0.1", "allow_anonymous true", "persistence true", "max_queued_messages 0")
        broker = Mosquitto(tmp_path, lines).start()
        async with Subscriber(broker.port):
            pass  # its session outlives it and the broker, so that whatever comes first is kept for it
        broker.stop()
        try:
            async with Gateway(outbox, 10, broker.port, speed=500, ack_timeout_ms=200_000) as gateway:
                await gateway.until(lambda: gateway.notes)
                assert gateway.notes[0].name == "broker_lost"
                assert "Connection refused; records wait in the store" in gateway.notes[0].detail
                await gateway.until(lambda: gateway.publisher.figures().connects >= 9)
                broker.start()
                async with Subscriber(broker.port) as city:
                    await gateway.delivered()
                    await gateway.until(lambda: len(city.keys()) >= 10)
                broker.stop()
                for device in range(1, 11):
                    gateway.store(record_of(device, 1))
                await gateway.until(lambda: not gateway.publisher.figures().connected)
                broker.start()
                async with Subscriber(broker.port) as city:
                    await gateway.delivered()
                    # A city that went before its last PUBACKs were heard is told those again.
                    await gateway.until(lambda: [seq for _, seq in list(city.keys())].count(1) >= 10)
            joined = [line for line in broker.said if "as lampyre-92002 (" in line]
            assert len(joined) == 2
            assert all("(p5," in line for line in joined)  # an outage is no reason to speak the older version
        finally:
            broker.kill()

    asyncio.run(run())


def test_a_line_cut_dozens_of_times_loses_nothing(tmp_path):
    seed = 5
    dice = random.Random(seed)

    async def run():
        outbox = MemoryOutbox()
        with Mosquitto(tmp_path) as broker:
            async with (
                Subscriber(broker.port) as city,
                Line(broker.port) as line,
                Gateway(outbox, 10, line.port, speed=200) as gateway,
            ):
                seq = 0
                while line.connections < 40:
                    await gateway.until(lambda: gateway.publisher.figures().connected)
                    for _ in range(dice.randrange(1, 10)):
                        for device in range(1, 11):
                            gateway.store(record_of(device, seq))
                        seq += 1
                        await asyncio.sleep(0)
                    line.cut()
                    await gateway.until(lambda: not gateway.publisher.figures().connected)
                await gateway.delivered()
                await gateway.until(lambda: len(city.keys()) >= seq * 10)
                assert sorted(city.keys()) == rows_of(outbox, 10), f"seed {seed}"
                health = "lampyre/92002/gateway/health"
                gateway.mqtt.publish_state(health, b"{}")
                await gateway.until(lambda: city.got[-1].topic == health)

    asyncio.run(run())


def test_lost_pubacks_make_repetitions_only(tmp_path):
    dice = random.Random(6)

    async def run():
        outbox = MemoryOutbox()
        with Mosquitto(tmp_path) as broker:
            async with (
                Subscriber(broker.port) as city,
                Line(broker.port, lambda kind: kind == PUBACK and dice.random() < 0.3) as line,
                Gateway(outbox, 50, line.port, speed=100) as gateway,
            ):
                await gateway.until(lambda: gateway.publisher.figures().connected)
                for seq in range(4):
                    for device in range(1, 51):
                        gateway.store(record_of(device, seq))
                await gateway.delivered()
                await gateway.until(lambda: len(city.keys()) >= 200)
                assert sorted(set(keys_of(city.messages()))) == rows_of(outbox, 50)
                assert len(city.messages()) > 200
                assert outbox.parked == {}

    asyncio.run(run())


def test_a_line_that_falls_silent_is_left_for_a_new_one(tmp_path):
    async def run():
        outbox = MemoryOutbox()
        with Mosquitto(tmp_path) as broker:
            async with (
                Subscriber(broker.port) as city,
                Line(broker.port) as line,
                Gateway(outbox, 2, line.port, speed=50) as gateway,
            ):
                await gateway.until(lambda: gateway.publisher.figures().connected)
                line.stall()
                gateway.store(record_of(1, 0))
                gateway.store(record_of(2, 0))
                await gateway.until(lambda: len(gateway.notes) > 1)
                assert "a PUBACK did not come within 20 s" in gateway.notes[1].detail
                line.flow()
                await gateway.delivered()
                await gateway.until(lambda: len(city.keys()) == 2)

    asyncio.run(run())


def test_a_line_that_falls_silent_while_nothing_is_published_is_noticed_by_its_pings(tmp_path, monkeypatch):
    """Within one and a half keepalives; paho alone would take two."""

    async def run():
        loop = asyncio.get_running_loop()
        real, begun_s = loop.time, loop.time()
        monkeypatch.setattr(loop, "time", lambda: begun_s + 60 * (real() - begun_s))  # paho's own clock is as ever
        with Mosquitto(tmp_path) as broker:
            async with Line(broker.port) as line, Gateway(MemoryOutbox(), 1, line.port) as gateway:
                while not gateway.publisher.figures().connected:
                    await asyncio.sleep(0.05)
                line.stall()
                stalled_s = loop.time()
                while len(gateway.notes) < 2:
                    await asyncio.sleep(0.05)
                    assert loop.time() - stalled_s < 120
                assert "has not said anything for a while, not even to a ping" in gateway.notes[1].detail
                assert loop.time() - stalled_s > 30

    asyncio.run(run())


@pytest.mark.parametrize("code", range(0x80, 0x9A))
def test_a_puback_code_once_delays_a_row_and_for_ever_parks_it(code):
    """A connection ends over a code that MQTT 5 does not give to a PUBACK (§3.4.2.1); with the rows it is the same."""
    once = set()

    def answer(topic, payload):
        device = orjson.loads(payload)["key"]["dev_eui"][-1]
        if device == "2":
            return code
        if device == "1" and payload not in once:
            once.add(payload)
            return code
        return 0

    async def run():
        outbox = MemoryOutbox()
        async with (
            StubBroker(answer) as broker,
            Gateway(outbox, 4, broker.port, speed=500, ack_timeout_ms=100_000) as gateway,
        ):
            await gateway.until(lambda: gateway.publisher.figures().connected)
            gateway.store(record_of(1, 0))
            gateway.store(record_of(2, 0))

            def go_on():
                if gateway.publisher.figures().backlog < 20:
                    gateway.store(record_of(3 + len(outbox.rows) % 2, len(outbox.rows)))
                return outbox.parked

            await gateway.until(go_on)
            await gateway.delivered()
            assert list(outbox.parked) == [2]
            keys = [orjson.loads(payload)["key"] for _, payload in broker.accepted]
            accepted = {(key["dev_eui"], key["seq"]) for key in keys}
            assert sorted(accepted) == [row for row in rows_of(outbox, 4) if row[0][-1] != "2"]
            assert gateway.publisher.figures().refused >= 4

    asyncio.run(run())


@pytest.mark.parametrize("version", [4, 5])
def test_a_broker_that_keeps_orders_to_itself_is_told_of(version, caplog):
    async def run():
        async with (
            StubBroker(versions=(version,), suback=0x80) as broker,
            Gateway(MemoryOutbox(), 1, broker.port, speed=200) as gateway,
        ):
            await gateway.until(lambda: caplog.text)

    asyncio.run(run())
    assert "does not let us read lampyre/92002/orders/give: no order can be given there" in caplog.text


def test_a_broker_of_mqtt_3_1_1_gets_its_own_version():
    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 3, 1)
        async with StubBroker(versions=(4,)) as broker:
            async with Gateway(outbox, 3, broker.port, speed=200) as gateway:
                await gateway.delivered()
                assert broker.connects == [5, 4]
                assert "Unsupported protocol version" in gateway.notes[0].detail
            assert len(broker.accepted) == 3

    asyncio.run(run())


def test_what_mosquittos_access_list_refuses_is_parked_with_the_reason(tmp_path):
    acl = tmp_path / "acl"
    acl.write_text("topic write lampyre/92002/air/92002-station-1/#\ntopic write lampyre/92002/gateway/#\n")

    async def run():
        outbox = MemoryOutbox()
        lines = ("listener @port@ 127.0.0.1", "allow_anonymous true", f"acl_file {acl}")
        with Mosquitto(tmp_path, lines) as broker:
            async with Gateway(outbox, 2, broker.port, speed=100) as gateway:
                await gateway.until(lambda: gateway.publisher.figures().connected)
                gateway.store(record_of(1, 0))
                refused = [outbox.last_id() + 1]
                gateway.store(record_of(2, 0))
                for seq in range(1, 4):
                    gateway.store(record_of(1, seq))

                def go_on():
                    gateway.store(record_of(1, outbox.last_id()))
                    return outbox.parked

                await gateway.until(go_on)
                await gateway.delivered()
        assert list(outbox.parked) == refused
        assert "0x87" in outbox.parked[refused[0]]
        assert "check the broker's access list" in outbox.parked[refused[0]]

    asyncio.run(run())


def test_a_broker_that_takes_small_packets_only_says_so_and_is_believed():
    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 5, 40)
        small = b"\x27\x00\x00\x04\x00" + b"\x21\x00\x05"  # Maximum Packet Size 1024, Receive Maximum 5
        async with StubBroker(properties=small) as broker:
            async with Gateway(outbox, 5, broker.port) as gateway:
                await gateway.delivered()
            assert max(len(payload) for _, payload in broker.accepted) < 1024
            assert sum(payload.count(b'"schema"') for _, payload in broker.accepted) == 200

    asyncio.run(run())


@pytest.mark.parametrize(("refuse", "said"), [(0x87, "Not authorized"), (0x86, "Bad user name or password")])
def test_a_refused_connection_is_said_and_tried_again(refuse, said):
    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 1, 1)
        async with StubBroker(refuse=refuse) as broker, Gateway(outbox, 1, broker.port, speed=100) as gateway:
            await gateway.until(lambda: gateway.notes)
            assert f"refused us: {said}" in gateway.notes[0].detail
            broker.refuse = 0
            await gateway.delivered()
            assert set(broker.connects) == {5}

    asyncio.run(run())


def test_a_broker_that_hangs_up_on_mqtt_5_is_tried_with_the_older_version():
    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 1, 1)
        async with StubBroker(refuse=None) as broker, Gateway(outbox, 1, broker.port, speed=200) as gateway:
            await gateway.until(lambda: len(broker.connects) >= 5)
            assert broker.connects[:5] == [5, 5, 5, 4, 5]
            broker.refuse = 0
            await gateway.delivered()

    asyncio.run(run())


def test_offline_is_said_by_the_broker_when_the_gateway_dies_and_by_us_when_it_stops(tmp_path):
    async def run():
        with Mosquitto(tmp_path) as broker:
            async with Subscriber(broker.port) as city, Line(broker.port) as line:
                for end in ("dies", "stops"):
                    city.got.clear()
                    async with Gateway(MemoryOutbox(), 1, line.port) as gateway:
                        await gateway.until(lambda: len(city.got) >= 1)
                        if end == "dies":
                            line.cut()
                            await gateway.until(lambda: len(city.got) >= 2)
                    watch = asyncio.get_running_loop().time() + PATIENCE_S
                    while len(city.got) < 2 and asyncio.get_running_loop().time() < watch:
                        await asyncio.sleep(0.01)
                    states = [json.loads(message.payload)["state"] for message in city.got[:2]]
                    assert states == ["online", "offline"], end
                    city.messages()

    asyncio.run(run())


def test_an_order_is_given_again_until_it_is_acknowledged(tmp_path):
    async def run():
        with Mosquitto(tmp_path) as broker:
            async with (
                Subscriber(broker.port) as city,
                Line(broker.port) as line,
                Gateway(MemoryOutbox(), 1, line.port, speed=50) as gateway,
            ):
                await gateway.until(lambda: city.got)  # online: subscribing follows at once
                line_up = lambda: gateway.publisher.figures().connected  # noqa: E731
                await gateway.until(line_up)
                given = json.dumps({"verb": "identify", "dev_eui": "0200000000000001"}).encode()
                await gateway.until(lambda: any("SUBSCRIBE from lampyre-92002" in line for line in broker.said))
                city.client.publish("lampyre/92002/orders/give", given, 1)
                await gateway.until(lambda: gateway.orders)
                assert gateway.orders[0].payload == given
                line.cut()
                await gateway.until(lambda: len(gateway.orders) == 2)
                assert gateway.orders[1].payload == given
                gateway.mqtt.acknowledge(gateway.orders[0])  # of a connection that is gone: nothing happens
                gateway.mqtt.acknowledge(gateway.orders[1])
                await gateway.until(lambda: any("PUBACK from lampyre-92002" in line for line in broker.said))
                line.cut()
                await gateway.until(lambda: not line_up())
                await gateway.until(line_up)
                city.client.publish("lampyre/92002/orders/give", b"next", 1)
                await gateway.until(lambda: len(gateway.orders) == 3)
                assert gateway.orders[2].payload == b"next"

    asyncio.run(run())


def test_a_password_that_others_may_read_is_not_used(tmp_path):
    secret = tmp_path / "password"
    secret.write_text("lumière\n")
    secret.chmod(0o644)

    async def run():
        async with StubBroker() as broker:
            outbox = MemoryOutbox()
            fill(outbox, 1, 1)
            async with Gateway(outbox, 1, broker.port, speed=100, username="gateway", password_file=secret) as gateway:
                await gateway.until(lambda: gateway.notes)
                assert "may be read by others (mode 0644); chmod 600 it" in gateway.notes[0].detail
                assert broker.connects == []
                secret.chmod(stat.S_IRUSR | stat.S_IWUSR)
                await gateway.delivered()

    asyncio.run(run())


def test_a_broker_killed_after_its_puback_is_made_whole_by_a_replay(tmp_path):
    """facts/reliability.md §0.6: by default a PUBACK of Mosquitto does not mean that it is on disk."""

    async def run():
        outbox = MemoryOutbox()
        lines = ("listener @port@ 127.0.0.1", "allow_anonymous true", "persistence true", "max_queued_messages 0")
        broker = Mosquitto(tmp_path, lines)
        broker.start()
        try:
            async with Subscriber(broker.port):
                pass  # its session stays, as that of a consumer that is away for an hour
            async with Gateway(outbox, 10, broker.port, speed=50) as gateway:
                await gateway.until(lambda: gateway.publisher.figures().connected)
                for seq in range(20):
                    for device in range(1, 11):
                        gateway.store(record_of(device, seq))
                await gateway.delivered()
                broker.kill()
                await gateway.until(lambda: not gateway.publisher.figures().connected)
                broker.start()
                async with Subscriber(broker.port) as city:
                    gateway._delivery.handle(Replay(1, outbox.last_id()))
                    await gateway.delivered()
                    await gateway.until(lambda: len(city.keys()) >= 200)
                    assert sorted(set(keys_of(city.messages()))) == rows_of(outbox, 10)
        finally:
            broker.kill()

    asyncio.run(run())


NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("expired", "certificate has expired"),
        ("not yet valid", "certificate is not yet valid): is the clock right?"),
        ("wrong host", "IP address mismatch, certificate is not valid for '127.0.0.1'"),
        ("unknown authority", "unable to get local issuer certificate"),
        ("revoked client", ""),
        ("no client certificate", ""),
    ],
)
def test_no_connection_without_trust_and_nothing_lost(tmp_path, fault, said):
    authority = Authority("Lampyre test")
    other = Authority("Somebody else")
    span = {"expired": (NOW - 3 * DAY, NOW - DAY), "not yet valid": (NOW + DAY, NOW + 3 * DAY)}.get(
        fault, (NOW - DAY, NOW + DAY)
    )
    host = "127.0.0.9" if fault == "wrong host" else "127.0.0.1"
    bad = (other if fault == "unknown authority" else authority).issue(host, *span)
    good = authority.issue("127.0.0.1", NOW - DAY, NOW + DAY)
    client = authority.issue("gateway", NOW - DAY, NOW + DAY)
    files = {
        "ca.pem": authority.pem(),
        "bad.pem": bad.pem(),
        "bad.key": bad.key_pem(),
        "good.pem": good.pem(),
        "good.key": good.key_pem(),
        "client.pem": client.pem(),
        "client.key": client.key_pem(),
        "crl.pem": authority.revoke([client] if fault == "revoked client" else [], NOW - DAY, NOW + DAY),
        "no.pem": authority.revoke([], NOW - DAY, NOW + DAY),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)

    def lines(certificate: str, crl: str) -> tuple[str, ...]:
        return (
            "listener @port@ 127.0.0.1",
            f"cafile {tmp_path}/ca.pem",
            f"certfile {tmp_path}/{certificate}.pem",
            f"keyfile {tmp_path}/{certificate}.key",
            "require_certificate true",
            f"crlfile {tmp_path}/{crl}.pem",
            "tls_version tlsv1.2",
            "allow_anonymous true",
            "max_queued_messages 0",
        )

    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 2, 2)
        options = {"tls": True, "ca_file": tmp_path / "ca.pem"}
        if fault != "no client certificate":
            options |= {"cert_file": tmp_path / "client.pem", "key_file": tmp_path / "client.key"}
        broker = Mosquitto(tmp_path, lines("bad", "crl"))
        broker.start()
        try:
            async with Gateway(outbox, 2, broker.port, speed=50, **options) as gateway:
                await gateway.until(lambda: gateway.notes)
                assert gateway.notes[0].name == "broker_lost"
                assert said in gateway.notes[0].detail
                gateway.store(record_of(1, 2))
                await gateway.until(lambda: gateway.publisher.figures().connects >= 3)
                assert not any("connected from" in line for line in broker.said if "client" in line)
                assert gateway.publisher.figures().accepted == 0
                assert gateway.publisher.figures().backlog == 5
                if fault == "no client certificate":
                    return
                broker.kill()
                broker._lines = lines("good", "no")
                broker.start()
                await gateway.delivered()
        finally:
            broker.kill()

    asyncio.run(run())


def test_tls_1_1_is_refused(tmp_path):
    authority = Authority("Lampyre test")
    ours = authority.issue("127.0.0.1", NOW - DAY, NOW + DAY)
    for name, content in {"ca": authority.pem(), "cert": ours.pem(), "key": ours.key_pem()}.items():
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        lax = ssl.create_default_context(cafile=tmp_path / "ca")
        lax.set_ciphers("ALL:@SECLEVEL=0")
        lax.minimum_version = ssl.TLSVersion.TLSv1_1

    async def run():
        outbox = MemoryOutbox()
        fill(outbox, 1, 1)
        async with StubBroker(tls=context) as broker:
            _, writer = await asyncio.open_connection("127.0.0.1", broker.port, ssl=lax)
            assert writer.get_extra_info("ssl_object").version() == "TLSv1.1"  # there is somebody to refuse
            writer.close()
            async with Gateway(outbox, 1, broker.port, tls=True, ca_file=tmp_path / "ca") as gateway:
                await gateway.until(lambda: gateway.notes)
                assert "TLS failed" in gateway.notes[0].detail
                assert broker.connects == []

    asyncio.run(run())


def test_the_times_in_the_messages_are_those_of_the_records(tmp_path):
    async def run():
        async with StubBroker() as broker:
            async with Gateway(MemoryOutbox(), 1, broker.port) as gateway:
                await gateway.until(lambda: gateway.publisher.figures().connected)
                gateway.store(record_of(1, 0, START_MS + 1))
                await gateway.delivered()
            (_, payload) = broker.accepted[0]
            assert orjson.loads(payload)["received"] == "2026-11-22T07:00:00.001Z"

    asyncio.run(run())


def test_the_schemas_are_schemas_and_name_every_quantity_and_event():
    for name in VALID:
        Draft202012Validator.check_schema(schemas.schema(name))
    message = schemas.schema(schemas.MESSAGE)
    values = message["$defs"]["values"]["properties"]
    assert {name: said["description"].split(":")[0].split("(", 1)[0] for name, said in values.items()}.keys() == {
        row[0] for row in QUANTITIES
    }
    for name, unit, *_ in QUANTITIES:
        assert values[name]["description"].split(": ")[0] == unit
    event = next(one for one in message["oneOf"] if one["title"] == "Event")
    assert event["properties"]["event"]["anyOf"][0]["enum"] == [name for name, _ in EVENTS]
    details = {detail for _, names in EVENTS for detail in names} - {"instance"}
    assert event["properties"]["details"]["properties"].keys() == details


def test_the_schemas_lie_in_the_package():
    assert (Path(schemas.__file__).parent / "message.json").is_file()
