"""A day of a small fleet: whole nodes, Semtech UDP, the gateway, a real Mosquitto; the clock alone is virtual."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from referencing import Registry, Resource

import gateway.publish.schemas
from gateway.api.station import OrderForm
from gateway.network.registration import Abp, Registration, Role
from gateway.operate.importing import Batch
from gateway.places.place import Installed, Place, PlaceKind
from protocol.lorawan.frames import UPLINK
from protocol.lorawan.security import SessionKeys, seal_data
from tests.fakes.broker import Mosquitto
from tests.system.street import INTERVAL_S, JOIN_EUI, START_S, Street

HOUR_S = 3600
AIRS, LAMPS = 3, 2
FOREIGN_EUI = bytes.fromhex("02000000000300ff")
FOREIGN = Abp(dev_addr=0x26011234, nwk_s_key=bytes(range(16)), app_s_key=bytes(range(16, 32)))
SEED = 20260101


class Subscriber:
    """Everything the broker was told, in order."""

    def __init__(self, port: int) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda client, userdata, message: self.messages.append(
            (message.topic, message.payload)
        )
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", 1)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Messages of one kind, batches taken apart."""
        found = []
        for topic, payload in self.messages:
            if topic.endswith(("/state", "/health")):
                continue
            said = json.loads(payload)
            found += [one for one in (said if isinstance(said, list) else [said]) if one["kind"] == kind]
        return found


def validator() -> Any:
    folder = Path(gateway.publish.schemas.__file__).parent
    schemas = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    registry: Any = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
    )
    return jsonschema.Draft202012Validator(schemas["message"], registry=registry)


def fleet(street: Street) -> tuple[list[bytes], list[bytes], Batch]:
    """Switch the nodes on; air nodes, lamps, and what the operator registers."""
    airs = [street.air_node(number, bytes([number]) * 16) for number in range(1, AIRS + 1)]
    lamps = [street.lamp(number, bytes([0x40 + number]) * 16, bytes([0x80 + number]) * 16) for number in (1, 2)]
    registrations = [
        Registration(device=0, dev_eui=eui, role=Role.AIR, join_eui=JOIN_EUI, app_key=bytes([eui[-1]]) * 16)
        for eui in airs
    ]
    registrations += [
        Registration(
            device=0,
            dev_eui=eui,
            role=Role.LIGHT,
            join_eui=JOIN_EUI,
            app_key=bytes([0x40 + eui[-1]]) * 16,
            gen_app_key=bytes([0x80 + eui[-1]]) * 16,
            class_c=True,
        )
        for eui in lamps
    ]
    registrations.append(Registration(device=0, dev_eui=FOREIGN_EUI, role=Role.FOREIGN, abp=FOREIGN))
    places = [Place(place_id=f"92002-station-{eui[-1]}", kind=PlaceKind.STATION) for eui in airs]
    places += [Place(place_id=f"92002-lamp-{eui[-1]}", kind=PlaceKind.LAMP) for eui in lamps]
    installed = [
        Installed(place_id=place.place_id, dev_eui=eui, instance=0, from_ms=0)
        for place, eui in zip(places, [*airs, *lamps], strict=True)
    ]
    return airs, lamps, Batch(registrations=tuple(registrations), places=tuple(places), installed=tuple(installed))


def windows(street: Street) -> Counter[str]:
    """How downlinks went out: in RX1 or RX2 of an uplink, or at once."""
    found: Counter[str] = Counter()
    ends = {frame.end_us & 0xFFFFFFFF: frame for frame in street.uplinks}
    for _, txpk in street.emitted:
        if txpk.get("imme"):
            found["at once"] += 1
            continue
        # The foreign device was never told to wait longer than the standard's second.
        for delay_s, window in ((1, "rx1"), (2, "rx2"), (5, "rx1"), (6, "rx2")):
            frame = ends.get(txpk["tmst"] - delay_s * 1_000_000 & 0xFFFFFFFF)
            if frame is not None:
                found[window] += 1
                same = round(txpk["freq"] * 1e6) == frame.freq_hz
                assert same == (window == "rx1"), txpk
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def order(street: Street, target: bytes | int, verb: str, **arguments: object) -> list[int]:
    """Give an order as somebody with the API does, and let it go out."""
    given = asyncio.ensure_future(
        street.gateway.station.give_order(OrderForm(target=target, verb=verb, arguments=arguments))
    )
    await street.until(given.done)
    await street.live(60)
    return list(given.result())


async def the_day(folder: Path, broker: Mosquitto) -> tuple[Street, Subscriber, dict[str, Any]]:
    subscriber = Subscriber(broker.port)
    street = Street(folder, broker.port, SEED, loss=0.05)
    await street.begin()
    airs, lamps, batch = fleet(street)
    adding = asyncio.ensure_future(street.gateway.station.add(batch))
    await street.until(adding.done)
    adding.result()
    await street.live(HOUR_S)
    seen: dict[str, Any] = {"airs": airs, "lamps": lamps}

    # A street that is lit by hand, lamp by lamp and then as a group.
    await order(street, lamps[0], "set_level", level_pct=40, fade_s=2, hold_s=HOUR_S)
    seen["one"] = [street.bodies[lamp.hex()].lamps.get(0) for lamp in lamps]
    making = asyncio.ensure_future(street.gateway.station.set_group("rue Auguste-Mounié", tuple(lamps)))
    await street.until(making.done)
    group = making.result().number
    for lamp in lamps:
        await order(street, lamp, "join_group", group=group, place=0)
    await street.live(HOUR_S)
    await order(street, group, "set_level", level_pct=70, fade_s=2, hold_s=HOUR_S)
    await street.live(600)
    seen["group"] = [street.bodies[lamp.hex()].lamps.get(0) for lamp in lamps]

    # RX1 is taken for a while, so that answers go out in RX2.
    street.radio.judge = lambda txpk: (
        None if txpk.get("imme") or txpk["freq"] == 869.525 else {"txpk_ack": {"error": "COLLISION_PACKET"}}
    )
    await order(street, airs[0], "identify", seconds=5)
    await street.live(2 * HOUR_S)
    street.radio.judge = lambda txpk: None

    # A foreign device, and what is not to be accepted of it.
    keys = SessionKeys(FOREIGN.nwk_s_key, FOREIGN.app_s_key)
    frames = [seal_data(keys, UPLINK, FOREIGN.dev_addr, f_cnt, 7, b"foreign %d" % f_cnt) for f_cnt in range(3)]
    forged = frames[2][:-1] + bytes([frames[2][-1] ^ 1])
    for frame in [*frames, *frames[:2], forged, forged, forged]:  # the air loses some
        street.say(frame)
        await street.live(30)
    seen["asked"] = dict(street.gateway.engine.counts)
    await street.live(24 * HOUR_S - street.clock.now_ms() / 1000)
    await street.end()
    seen["health"] = [payload for topic, payload in subscriber.messages if topic.endswith("/health")]
    subscriber.close()
    return street, subscriber, seen


@pytest.fixture(scope="module", name="day")
def _day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Street, Subscriber, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("day")
    with Mosquitto(folder) as broker:
        return asyncio.run(asyncio.wait_for(the_day(folder, broker), timeout=240))


def test_everybody_joins_and_no_reading_is_lost_doubled_or_changed(day):
    street, subscriber, seen = day
    told: dict[str, dict[int, dict[str, Any]]] = {}
    for message in subscriber.of("reading"):
        key = message["key"]
        assert key["seq"] not in told.setdefault(key["dev_eui"], {}), f"published twice: {message}"
        told[key["dev_eui"]][key["seq"]] = message
    names = ("pm1", "pm2_5", "pm4", "pm10", "co2", "temperature", "relative_humidity", "pressure")
    decimals = (1, 1, 1, 1, 0, 1, 0, 1)
    for eui in seen["airs"]:
        taken = street.readings[eui.hex()]
        assert len(taken) == 24 * HOUR_S // INTERVAL_S
        # The last one's frame may be lost, or still be waited for when the day ends.
        assert set(range(len(taken) - 2)) <= set(told[eui.hex()]) <= set(range(len(taken)))
        for seq, message in told[eui.hex()].items():
            values = taken[seq]
            assert values is not None
            said = [round(message["values"][name] * 10**digits) for name, digits in zip(names, decimals, strict=True)]
            assert said == list(values)
            assert message["place"] == f"92002-station-{eui[-1]}"
            assert message["implausible"] == []


def test_every_message_is_as_its_schema_says(day):
    _, subscriber, _ = day
    check = validator()
    kinds = ("reading", "event", "status", "raw", "order", "notice")
    messages = [message for kind in kinds for message in subscriber.of(kind)]
    for message in messages:
        check.validate(message)
    assert {message["kind"] for message in messages} >= {"reading", "status", "raw", "order"}


def test_answers_go_out_in_rx1_and_rx2_and_to_lamps_at_once(day):
    street, _, _ = day
    found = windows(street)
    assert found["rx1"] > 0
    assert found["rx2"] > 0
    assert found["at once"] > 0
    assert found.total() == len(street.emitted)


def test_a_lamp_obeys_an_order_at_once_and_a_group_obeys_one_frame(day):
    _, subscriber, seen = day
    assert seen["one"][0] == (40, 2)
    assert seen["one"][1] != (40, 2)
    assert seen["group"] == [(70, 2)] * LAMPS
    results = Counter((message["order"]["verb"], message["order"]["state"]) for message in subscriber.of("order"))
    assert results["set_level", "done"] == 2
    assert results["join_group", "done"] == LAMPS
    assert results["identify", "done"] == 1


def test_a_foreign_device_is_read_out_and_what_is_wrong_is_refused_for_the_right_reason(day):
    _, subscriber, seen = day
    raw = [message for message in subscriber.of("raw") if message["key"]["dev_eui"] == FOREIGN_EUI.hex()]
    assert [bytes.fromhex(message["raw"]["payload"]) for message in raw] == [b"foreign %d" % n for n in range(3)]
    assert seen["asked"]["refused:replayed"] >= 1
    assert 1 <= seen["asked"]["refused:wrong_mic"] <= 3


def test_nodes_were_told_the_time_and_how_to_send(day):
    """ADR: they start where they joined and end at DR5, since the gateway hears them at 7.5 dB."""
    street, _, seen = day
    for eui in seen["airs"]:
        own = [frame for frame in street.uplinks if frame.sender == eui.hex()]
        assert own[-1].dr == 5
        assert {frame.freq_hz for frame in own[-30:]} - {868_100_000, 868_300_000, 868_500_000}, "CFList channels"
        assert own[-1].power_dbm < 16


def test_what_was_heard_was_captured(day):
    street, _, _ = day
    lines = (street.folder / "capture.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = Counter(json.loads(line).get("kind") for line in lines)
    assert kinds["received"] > 3 * 90
    assert kinds["transmit"] >= len(street.emitted)


def test_readings_are_dated_within_the_error_they_admit(day):
    _, subscriber, _ = day
    day_begins = datetime.fromtimestamp(START_S, UTC).isoformat()
    for message in subscriber.of("reading"):
        assert day_begins < message["observed"] <= message["received"]
        age_s = (moment(message["received"]) - moment(message["observed"])).total_seconds()
        assert message["time_error_s"] <= 2 + 0.03 / 0.97 * age_s  # a node's clock may be off by 3 %
