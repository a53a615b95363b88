"""From frames of a lamp to the work list: through network server, application and a real store that may fail."""

import json

import apsw
import orjson
import pytest
from jsonschema import Draft202012Validator

from gateway.governance.dataset import Sharing
from gateway.governance.defaults import datasets_of
from gateway.lighting.faults import FaultKind
from gateway.lighting.truth import Kept, LampTruth
from gateway.network.registration import Role
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place, PlaceKind
from gateway.publish import schemas
from gateway.publish.messages import Messenger
from gateway.readings import content
from gateway.readings.record import Kind, Record
from gateway.store import lamps
from gateway.store.faults import FaultKind as DiskFault
from gateway.store.records import records_after
from protocol.events import POWER_LOST
from protocol.quantities import LIGHT_ONE_HEAD
from protocol.telemetry import F_PORT_READINGS, Reading, encode_readings
from tests.fakes.devices import Device
from tests.gateway.engines import OFFSET_MS, Bench
from tests.gateway.lighting.lamps import DAY_MS, FIRST_MS, FixedNights, Lamp

VALID = Draft202012Validator(schemas.schema(schemas.MESSAGE))
QUARTER_MS = 900_000


class Unplanned(FixedNights):
    """A town that plans nothing."""

    def planned(self, device: int, at_s: int) -> None:
        return None


class Street:
    """One lamp behind a whole engine; its readings are told in frames."""

    def __init__(self, folder) -> None:
        self.lamp = Device(1, role=Role.LIGHT, class_c=True)
        self.bench = Bench(folder, self.lamp, Device(2))
        self.f_cnt = 0
        self.seq = 0
        self.wh = 5000
        self.begin()
        self.bench.hear(self.lamp.status(self.count(), 0))
        # The clock of a Bench is a number: let it be the noon of `lamps.py`.
        self.bench.pass_ms((FIRST_MS - OFFSET_MS - self.bench.now_ms) % DAY_MS)

    def begin(self) -> None:
        """A start of the gateway with what is on disk."""
        self.bench.begin()
        read = self.bench.read
        kept = Kept(
            lamps.load_states(read),
            tuple(lamps.load_faults(read)),
            tuple(lamps.load_outages(read)),
            lamps.last_nights(read),
        )
        self.bench.application.judge_lamps(LampTruth(Unplanned(), kept, 1, self.bench.now_ms))

    def count(self) -> int:
        self.f_cnt += 1
        return self.f_cnt - 1

    def read(self, level: int, watts: float, times: int = 1) -> None:
        for _ in range(times):
            self.bench.pass_ms(QUARTER_MS - 300)
            self.wh += round(watts / 4)
            values = (level, round(10 * watts), 2300 + self.seq % 5, 200, self.wh, 180, 0)
            reading = Reading(self.seq, 1, 100_000, values)
            self.seq += 1
            payload, _ = encode_readings(LIGHT_ONE_HEAD, [reading], 1, 100_000, 222)
            self.bench.hear(self.lamp.frame(self.count(), F_PORT_READINGS, payload))

    def night(self, watts: float = 42.0) -> None:
        """From noon to noon: half the night at full light, half of it at half."""
        self.read(0, 0.4, 24)
        self.read(100, watts, 24)
        self.read(50, watts * 0.525, 24)
        self.read(0, 0.4, 24)

    def said(self, kind: Kind) -> list[dict]:
        return [orjson.loads(record.content) for record in self.bench.records(kind)]


@pytest.fixture(name="street")
def _street(tmp_path):
    street = Street(tmp_path)
    yield street
    street.bench.close()


def test_a_fault_is_on_the_list_and_told_and_over_again(street):
    street.night()
    street.read(0, 0.4, 24)
    street.read(100, 0.3, 4)
    [fault] = lamps.load_faults(street.bench.read)
    assert (fault.kind, fault.over_ms) == (FaultKind.LAMP_FAILED, None)
    assert [(each["fault"], each["state"]) for each in street.said(Kind.FAULT)] == [("lamp_failed", "there")]
    street.read(100, 42, 4)
    assert lamps.load_faults(street.bench.read) == []
    assert len(lamps.load_faults(street.bench.read, since_ms=0)) == 1
    assert [each["state"] for each in street.said(Kind.FAULT)] == ["there", "over"]


def test_a_restart_neither_forgets_a_fault_nor_tells_it_again(street):
    street.night()
    street.read(0, 0.4, 24)
    street.read(100, 0.3, 4)
    street.begin()
    street.read(100, 0.3, 8)
    assert [each["state"] for each in street.said(Kind.FAULT)] == ["there"]
    street.read(100, 42, 4)
    assert [each["state"] for each in street.said(Kind.FAULT)] == ["there", "over"]


def test_what_a_full_disk_refused_is_written_once_it_is_not(street):
    street.night()
    street.read(0, 0.4, 24)
    street.read(100, 42, 1)
    street.bench.break_disk(apsw.FullError)
    street.read(100, 0.3, 3)
    assert street.bench.results[-1].error.kind is DiskFault.FULL
    assert lamps.load_faults(street.bench.read) == []
    street.bench.mend_disk()
    street.bench.pass_ms(120_000)
    street.read(100, 0.3, 2)
    [fault] = lamps.load_faults(street.bench.read)
    assert fault.kind is FaultKind.LAMP_FAILED


def test_a_mistake_in_judging_costs_no_reading(street):
    class Broken(LampTruth):
        def heard(self, *arguments):
            raise ZeroDivisionError("on purpose")

    street.bench.application.judge_lamps(Broken(FixedNights(), Kept({}), 1))
    street.read(100, 42, 3)
    assert len(street.bench.records(Kind.READING)) == 3
    assert "lamp_not_judged" in street.bench.watcher.alarms


def test_a_night_is_kept_and_told_for_the_lamp_and_its_groups(street):
    street.night()
    street.read(0, 0.4, 16)  # to four in the afternoon
    nights = [row.night for row in lamps.nights_between(street.bench.read, 0, 1 << 30)]
    assert len(nights) == 1
    counted = 24 * round(42 / 4) + 24 * round(42 * 0.525 / 4)
    assert nights[0].energy_wh == pytest.approx(counted, abs=12)
    of_lamp, of_group = street.said(Kind.NIGHT)
    assert "group" not in of_lamp
    assert of_group["group"] == "street"
    assert of_group["lamps"] == 1
    assert of_lamp["energy_wh"] == of_group["energy_wh"]


def test_messages_are_as_their_schema_says(street):
    street.night()
    street.read(0, 0.4, 24)
    street.read(100, 0.3, 4)
    lamp = street.lamp.registration()
    place = Place(place_id="92002-lamp-a1", kind=PlaceKind.LAMP)
    installed = Installed(place_id=place.place_id, dev_eui=lamp.dev_eui, instance=0, from_ms=0)
    messenger = Messenger(
        prefix="lampyre",
        site="92002",
        directory=Directory([lamp], [place], [installed]),
        datasets=datasets_of("town"),
        door=Sharing.INTERNAL,
        resolve=lambda boot, ms: None,
    )
    topics = {}
    for stored in records_after(street.bench.read, 0, 10_000).records:
        if stored.record.kind in (Kind.FAULT, Kind.OUTAGE, Kind.NIGHT):
            [message] = messenger.messages_of(stored.id, stored.record) or ()
            VALID.validate(json.loads(message.payload))
            topics[message.topic] = json.loads(message.payload)
    fault = topics["lampyre/92002/light/92002-lamp-a1/fault"]
    assert fault["fault"]["fault"] == "lamp_failed"
    assert (fault["place"], fault["instance"], fault["dataset"]) == ("92002-lamp-a1", 0, "light")
    assert topics["lampyre/92002/energy/92002-lamp-a1/night"]["night"]["lamps"] == 1
    assert topics["lampyre/92002/energy/night"]["night"]["group"] == "street"


def test_thirty_lamps_that_lose_their_power_are_one_event_on_the_list(tmp_path):
    """The truth alone, with readings of `lamps.py`: a feeder that goes out at 21:00."""
    import random

    town = FixedNights()
    town.feeders = dict.fromkeys(range(30), "centre")
    truth = LampTruth(town, Kept({}), 1)
    dice = random.Random(4)
    posts = [Lamp(device, dice) for device in range(30)]
    readings = [
        (record.observed_ms, post.device, record)
        for post in posts
        for record in post.readings(FIRST_MS, FIRST_MS + DAY_MS)
        if not 9 <= (record.observed_ms - FIRST_MS) / 3_600_000 < 11
    ]
    writes = []
    at_ms = FIRST_MS
    for observed_ms, device, record in sorted(readings, key=lambda each: each[:2]):
        while at_ms + 30_000 <= observed_ms:
            at_ms += 30_000
            writes += truth.wake(at_ms - FIRST_MS, FIRST_MS)
        writes += truth.heard(device, 900, [record], observed_ms - FIRST_MS, FIRST_MS)
    outages = [write.outage for write in writes if isinstance(write, lamps.KeepOutage)]
    assert [outage.over_ms is None for outage in outages] == [True, False]
    assert outages[1].lamps == 30
    assert not [write for write in writes if isinstance(write, lamps.KeepFault)]
    assert truth.faults() == truth.outages() == []


def gasp(observed_ms):
    """The records of an uplink that tells of a lamp's last gasp."""
    return [Record(Kind.EVENT, 1, 1, 1, FIRST_MS, None, observed_ms, 1, content.event(POWER_LOST, ()))]


@pytest.mark.parametrize(("ago_ms", "tells"), [(0, True), (60_000, True), (60_001, False), (None, False)])
def test_a_last_gasp_counts_for_a_minute_later_the_lamp_that_tells_it_has_power(ago_ms, tells):
    town = FixedNights()
    town.feeders = dict.fromkeys(range(3), "centre")
    truth = LampTruth(town, Kept({}, heard=(0, 1, 2)), 1)
    observed_ms = None if ago_ms is None else FIRST_MS - ago_ms
    writes = [write for device in range(3) for write in truth.heard(device, None, gasp(observed_ms), 0, FIRST_MS)]
    outages = [write.outage for write in writes if isinstance(write, lamps.KeepOutage)]
    assert [outage.gasps for outage in outages if outage.over_ms is None] == [3] * tells, outages
