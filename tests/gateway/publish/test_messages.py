"""What records say to the city: expected messages written by hand, and all of them checked against the schema."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gateway.governance.dataset import Sharing
from gateway.network.registration import Registration, Role
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place, PlaceKind
from gateway.publish import messages, schemas
from gateway.publish.messages import UnreadableRecordError, iso_utc, state_of
from gateway.readings.record import Kind
from protocol.event_table import EVENTS
from protocol.quantity_table import QUANTITIES, SETS
from tests.fakes.town import START_MS, messenger_of, record_of

VALID = Draft202012Validator(schemas.schema(schemas.MESSAGE))
HOUR_MS = 3_600_000
FAULT = b"""{"fault": "lamp_failed", "state": "there", "head": 0, "since_ms": 1795326300000, "over_ms": null,
 "evidence": {"by": "meter", "level_pct": 100, "power_w": 0.3, "expected_w": 42.1}}"""
OUTAGE = b"""{"feeder": "centre", "cause": "outage", "state": "over", "since_ms": 1795326300000,
 "over_ms": 1795329900000,
 "lamps": 40, "known": 40, "gasps": 7, "others_heard": true}"""
NIGHT = b"""{"night": 20778, "group": "zone/centre", "lamps": 40, "energy_wh": 13120.0, "reckoned_wh": 0.0,
 "full_wh": 24310.5, "lit_s": 2073600, "dark_s": 2079600, "covered_s": 3456000, "switches": 80}"""
AIR, PARKING, LAMP, FOREIGN, NOWHERE = 1, 2, 3, 4, 5
EUIS = {row: bytes((2, 0, 0, 0, 0, 0, 0, row)) for row in (AIR, PARKING, LAMP, FOREIGN, NOWHERE)}


def town():
    roles = {AIR: Role.AIR, PARKING: Role.PARKING, LAMP: Role.LIGHT, FOREIGN: Role.FOREIGN, NOWHERE: Role.PARKING}
    return Directory(
        [Registration(device=row, dev_eui=EUIS[row], role=role) for row, role in roles.items()],
        [
            Place(place_id="92002-station-mairie", kind=PlaceKind.STATION),
            Place(place_id="92002-bay-12", kind=PlaceKind.BAY),
            Place(place_id="92002-bay-13", kind=PlaceKind.BAY),
            Place(place_id="92002-lamp-rue-auguste-mounie-7", kind=PlaceKind.LAMP),
        ],
        [
            Installed(place_id="92002-station-mairie", dev_eui=EUIS[AIR], instance=0, from_ms=0),
            Installed(place_id="92002-bay-12", dev_eui=EUIS[PARKING], instance=0, from_ms=0),
            Installed(place_id="92002-bay-13", dev_eui=EUIS[PARKING], instance=1, from_ms=0),
            Installed(place_id="92002-lamp-rue-auguste-mounie-7", dev_eui=EUIS[LAMP], instance=0, from_ms=0),
        ],
    )


def said(record, row_id=1, historical=False, **options):
    """(topic, message) pairs, each valid."""
    pairs = []
    for message in messenger_of(town(), **options).messages_of(row_id, record, historical):
        body = json.loads(message.payload)
        VALID.validate(body)
        assert message.topic.split("/")[2] == message.dataset == body["dataset"]
        pairs.append((message.topic, body))
    return pairs


def test_a_reading_of_air_in_full():
    ((topic, message),) = said(record_of(AIR, 17))
    assert topic == "lampyre/92002/air/92002-station-mairie/reading"
    assert message == {
        "schema": 1,
        "kind": "reading",
        "key": {"dev_eui": "0200000000000001", "epoch": 7, "seq": 17},
        "dataset": "air",
        "place": "92002-station-mairie",
        "instance": 0,
        "observed": "2026-11-22T06:59:58.000Z",
        "time_error_s": 1,
        "received": "2026-11-22T07:00:00.000Z",
        "historical": False,
        "values": {
            "pm1": 1.2,
            "pm2_5": 3.4,
            "pm4": 4.5,
            "pm10": 6.7,
            "co2": 450,
            "temperature": 21.3,
            "relative_humidity": 55,
            "pressure": 1013.2,
        },
        "implausible": [],
    }


def test_two_bays_are_two_places_and_what_is_there_once_goes_with_the_first():
    (first, second) = said(record_of(PARKING, 0, content=b"[1,1,7,312,0,45,14,85,361]"))
    assert first[0] == "lampyre/92002/parking/92002-bay-12/reading"
    assert first[1]["values"] == {
        "occupied": 1,
        "state_duration": 7,
        "field_deviation": 31.2,
        "temperature": 8.5,
        "battery_voltage": 3.61,
    }
    assert second[0] == "lampyre/92002/parking/92002-bay-13/reading"
    assert second[1]["values"] == {"occupied": 0, "state_duration": 45, "field_deviation": 1.4}
    assert (first[1]["instance"], second[1]["instance"]) == (0, 1)
    assert first[1]["key"] == second[1]["key"]


def test_unknown_is_null_and_implausible_is_kept_and_named():
    ((_, message),) = said(record_of(AIR, 0, content=b"[3,null,34,45,67,99999,-450,55,10132]"))
    assert message["values"]["pm1"] is None
    assert message["values"]["co2"] == 99999
    assert message["values"]["temperature"] == -45
    assert message["implausible"] == ["co2", "temperature"]


def test_rare_and_newer_quantities():
    content = json.dumps({"13": 400, str(13 | 1 << 8): 9, "200": 77}).encode()
    (here, there) = said(record_of(AIR, 0, content=content))
    assert here[1]["values"] == {"no2": 40, "quantity_200": 77}
    assert here[1]["unscaled"] == ["quantity_200"]
    assert there[0] == "lampyre/92002/unplaced/0200000000000001/reading"
    assert there[1]["place"] is None
    assert there[1]["values"] == {"no2": 0.9}


def test_a_newer_set_keeps_its_numbers():
    ((_, message),) = said(record_of(AIR, 0, content=b"[99,1,null,-3]"))
    assert message["values"] == {"set_99_value_0": 1, "set_99_value_1": None, "set_99_value_2": -3}
    assert len(message["unscaled"]) == 2


def test_an_event_goes_to_the_bay_it_is_about():
    ((topic, message),) = said(record_of(PARKING, 3, kind=Kind.EVENT, content=b"[2,1,840]"))
    assert topic == "lampyre/92002/parking/92002-bay-13/event"
    assert (message["event"], message["details"], message["instance"]) == ("bay_left", {"stay_s": 840}, 1)


@pytest.mark.parametrize(
    ("content", "event", "details"),
    [
        (b"[9]", "power_lost", {}),
        (b"[11,12]", "sensor_failed", {"quantity": "co2"}),
        (b"[11,250]", "sensor_failed", {"quantity": 250}),
        (b"[3,0,12,400]", "lamp_failed", {"power_dw": 12, "expected_dw": 400}),
        (b"[10,60,5]", "power_back", {"outage_s": 60, "detail_1": 5}),
        (b"[99,1,-2]", "event_99", {"detail_0": 1, "detail_1": -2}),
    ],
)
def test_events_by_name(content, event, details):
    ((_, message),) = said(record_of(LAMP, 3, kind=Kind.EVENT, content=content))
    assert (message["event"], message["details"]) == (event, details)
    assert message["dataset"] == "light"


def test_what_belongs_to_no_place():
    status = record_of(LAMP, 4, kind=Kind.STATUS, content=b'{"version":"0.1.0","battery_mv":null}')
    raw = record_of(FOREIGN, 9, kind=Kind.RAW, content=b'{"f_port":2,"payload":"0aff"}', observed_ms=None)
    order = record_of(LAMP, None, kind=Kind.ORDER, content=b'{"order":5,"state":"done"}', observed_ms=None)
    group = record_of(None, None, kind=Kind.ORDER, content=b'{"order":6,"state":"sent"}', observed_ms=None)
    notice = record_of(AIR, None, kind=Kind.NOTICE, content=b'{"notice":"silent"}', observed_ms=None)
    ((topic, message),) = said(status)
    assert topic == "lampyre/92002/devices/0200000000000003/status"
    assert message["status"] == {"version": "0.1.0", "battery_mv": None}
    ((topic, message),) = said(raw)
    assert topic == "lampyre/92002/foreign/0200000000000004/raw"
    assert (message["raw"], message["key"]["seq"]) == ({"f_port": 2, "payload": "0aff"}, 9)
    ((topic, message),) = said(order, 31)
    assert topic == "lampyre/92002/orders/0200000000000003/result"
    assert (message["order"]["state"], message["key"]) == ("done", {"dev_eui": "0200000000000003", "row": 31})
    ((topic, _),) = said(group, 32)
    assert topic == "lampyre/92002/orders/group/result"
    ((topic, message),) = said(notice, 33)
    assert topic == "lampyre/92002/gateway/notice"
    assert (message["notice"], message["key"]["row"], message["observed"]) == ({"notice": "silent"}, 33, None)


def test_a_device_that_is_nowhere_is_unplaced():
    ((topic, message),) = said(record_of(NOWHERE, 0, content=b"[0,1,7,312,85,361]"))
    assert topic == "lampyre/92002/unplaced/0200000000000005/reading"
    assert (message["dataset"], message["place"]) == ("unplaced", None)


def test_a_replaced_device_leaves_its_history_to_the_place_and_the_new_one_goes_on():
    directory = Directory(
        [Registration(device=row, dev_eui=EUIS[row], role=Role.PARKING) for row in (1, 2)],
        [Place(place_id="92002-bay-12", kind=PlaceKind.BAY)],
        [
            Installed(place_id="92002-bay-12", dev_eui=EUIS[1], instance=0, from_ms=START_MS, to_ms=START_MS + HOUR_MS),
            Installed(place_id="92002-bay-12", dev_eui=EUIS[2], instance=0, from_ms=START_MS + HOUR_MS),
        ],
    )
    messenger = messenger_of(directory)

    def topic(device, at_ms):
        record = record_of(device, 0, at_ms + HOUR_MS, content=b"[0,1,7,312,85,361]", observed_ms=at_ms)
        return messenger.messages_of(1, record)[0].topic

    assert topic(1, START_MS + HOUR_MS - 1) == "lampyre/92002/parking/92002-bay-12/reading"
    assert topic(1, START_MS + HOUR_MS) == "lampyre/92002/unplaced/0200000000000001/reading"
    assert topic(2, START_MS + HOUR_MS) == "lampyre/92002/parking/92002-bay-12/reading"
    assert topic(2, START_MS + HOUR_MS - 1) == "lampyre/92002/unplaced/0200000000000002/reading"


def test_a_door_opens_only_for_its_class():
    """Sharing is a promise: what a class does not allow never becomes a message."""
    messenger = messenger_of(town(), Sharing.OPEN)
    lamp = record_of(LAMP, 0, content=b"[5,80,400,2301,180,1000,251,0]")
    assert messenger.messages_of(1, lamp) == ()
    assert messenger.messages_of(2, record_of(NOWHERE, 0, content=b"[0,1,7,312,85,361]")) == ()
    assert messenger.messages_of(3, record_of(AIR, 0, kind=Kind.STATUS, content=b"{}")) == ()
    assert len(messenger.messages_of(4, record_of(AIR, 0))) == 1
    assert messenger.withheld == {"light": 1, "unplaced": 1, "devices": 1}


def test_times_from_before_the_clock_was_known_are_told_with_their_error():
    record = record_of(AIR, 0, 60_000, boot=3, observed_ms=50_000)
    assert messenger_of(town()).messages_of(1, record) is None
    asked = []
    ((_, message),) = said(record, resolve=lambda boot, ms: asked.append((boot, ms)) or (START_MS, 2))
    assert asked == [(3, 60_000)]
    assert (message["received"], message["observed"]) == ("2026-11-22T07:00:00.000Z", "2026-11-22T06:59:50.000Z")
    assert message["time_error_s"] == 3


def test_sent_again_it_is_the_same_to_the_byte_but_for_historical():
    messenger = messenger_of(town())
    record = record_of(PARKING, 0, content=b"[1,1,7,312,0,45,14,85,361]")
    live = messenger.messages_of(9, record)
    late = messenger.messages_of(9, record, True)
    assert messenger_of(town()).messages_of(9, record) == live
    for one, other in zip(live, late, strict=True):
        assert other.payload == one.payload.replace(b'"historical":false', b'"historical":true') != one.payload


@pytest.mark.parametrize(
    ("device", "kind", "content"),
    [
        (AIR, Kind.READING, b"[3,1,2]"),
        (AIR, Kind.READING, b"[]"),
        (AIR, Kind.READING, b"7"),
        (AIR, Kind.READING, b'["3",1]'),
        (AIR, Kind.READING, b'[3,"a",34,45,67,450,213,55,10132]'),
        (AIR, Kind.READING, b'{"x":1}'),
        (AIR, Kind.EVENT, b"[]"),
        (AIR, Kind.EVENT, b'{"event":1}'),
        (AIR, Kind.STATUS, b"[1]"),
        (AIR, Kind.STATUS, b"\xff"),
        (None, Kind.READING, b"[99,1]"),
        (77, Kind.READING, b"[99,1]"),
    ],
)
def test_what_nobody_can_read_is_said_with_its_row(device, kind, content):
    with pytest.raises(UnreadableRecordError, match=r"^row 12\b"):
        messenger_of(town()).messages_of(12, record_of(device, 1, kind=kind, content=content))


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_times_are_what_datetime_says(unix_ms):
    wanted = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=unix_ms)
    assert iso_utc(unix_ms) == wanted.isoformat(timespec="milliseconds").replace("+00:00", "Z").zfill(24)


@given(
    number=st.integers(0, len(SETS) + 2),
    values=st.lists(st.none() | st.integers(-(2**31), 2**31), min_size=9, max_size=9),
)
def test_any_values_of_any_set_are_valid_messages(number, values):
    size = len(SETS[number]) if number < len(SETS) else 9
    for _, message in said(record_of(PARKING, 5, content=json.dumps([number, *values[:size]]).encode())):
        for name, value in message["values"].items():
            row = next((row for row in QUANTITIES if row[0] == name), None)
            if row is not None and value is not None:
                assert round(value * 10 ** row[2]) in values
                outside = not row[3] <= round(value * 10 ** row[2]) <= row[4]
                assert (name in message["implausible"]) == outside


@given(number=st.integers(0, 40), details=st.lists(st.integers(-(2**31), 2**31), max_size=4))
def test_any_event_is_a_valid_message(number, details):
    ((_, message),) = said(record_of(LAMP, 5, kind=Kind.EVENT, content=json.dumps([number, *details]).encode()))
    fields = EVENTS[number][1] if number < len(EVENTS) else ()
    told = "instance" in fields[: len(details)] and details[0] >= 0
    assert message["instance"] == (details[0] if told else 0)
    assert len(message["details"]) == len(details) - told


def test_the_state_of_the_gateway():
    valid = Draft202012Validator(schemas.schema(schemas.STATE))
    for online in (True, False):
        valid.validate(json.loads(state_of(online, "0.1.0")))
    assert json.loads(state_of(False, "0.1.0"))["state"] == "offline"


def test_the_readme_shows_messages_that_this_code_makes():
    readme = (Path(messages.__file__).parent / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"`(lampyre/\S+)`\n\n```json\n(.+?)\n```", readme, re.DOTALL)
    made = [
        *said(record_of(AIR, 17), 1),
        *said(record_of(PARKING, 3, kind=Kind.EVENT, content=b"[2,1,840]"), 2),
        *said(record_of(LAMP, 4, kind=Kind.STATUS, content=b'{"version":"0.1.0","battery_mv":null}'), 3),
        *said(record_of(AIR, None, kind=Kind.NOTICE, content=b'{"notice":"silent"}', observed_ms=None), 33),
        *said(record_of(LAMP, None, kind=Kind.FAULT, content=FAULT), 34),
        *said(record_of(None, None, kind=Kind.OUTAGE, content=OUTAGE), 35),
        *said(record_of(None, None, kind=Kind.NIGHT, content=NIGHT), 36),
    ]
    assert [(topic, json.loads(text)) for topic, text in examples] == made
