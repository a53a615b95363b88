"""Whatever the air, the node's power and the gateway's disk do: every record arrives once, as it was taken, and dated.

A real mind with its real log tells through a channel that loses frames both ways; it loses its power, also in the
middle of a write, and its log is wiped; the gateway loses commits, restarts, does not know the time, and comes back
from old backups. In the end the air clears, and everything that the node's log had must have arrived.
"""

import random

import orjson
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from firmware.events import Downlink
from firmware.store.log import EVENT, READING, Log, Record
from gateway.application import TownApplication
from gateway.links.link import Received
from gateway.network.application import Uplink
from gateway.network.events import Fate, FateOf
from gateway.network.registration import Registration, Role
from gateway.readings.node_log import doubted
from gateway.readings.record import Kind
from gateway.store.writes import AddQuarantine, AddRecord
from protocol.civil import DAY_S, from_gps
from protocol.events import BAY_LEFT, VOID
from tests.fakes.desk import BUILD_GPS_S, Desk
from tests.firmware.store.disks import PowerCut

_DAY, _SECOND = from_gps(BUILD_GPS_S + 10_000_000)
START_MS = (_DAY * DAY_S + _SECOND) * 1000  # Unix time when the town's time begins
HOUR_MS = 3_600_000
NODE = Registration(device=5, dev_eui=bytes(8), role=Role.PARKING)
BEST = Received(radio="udp:1", phy_payload=b"", freq_hz=868_100_000, dr=5)
INTERVAL_S = 900


class Street(Desk):
    """A node, the air and a gateway, on one time: milliseconds of the town since it began."""

    def __init__(self, rng, first_seq=0):
        self.rng = rng
        self.before_ms = 0  # the town's time when this run of the node began
        self.loss = 0.2
        self.failing = 0.0  # of the gateway's commits
        self.cuts = 0.1  # of the node's power, for each record
        self.taken = {}  # (epoch, seq): (kind, number and values, town's ms)
        self.records = {}  # what the store has: (epoch, seq): Record
        self.other = []
        self.undated = []  # records without a date though one before them had one
        self.again = 0  # records written under a key that is there
        self.boot = 0
        self.order_id = 1
        self.writing = None
        self.gateway_on = True
        self.queue = []
        self.start_gateway(None)
        super().__init__(told=False, room=rng.choice([51, 115, 222]))
        if first_seq:
            self.wipe(first_seq)

    # Time.

    def town_ms(self):
        return self.before_ms + self.now_ms

    # The node.

    def wipe(self, first_seq=0):
        """The flash was formatted; its log begins at *first_seq* because the one before had been there so long."""
        self.epoch = self.rng.choice([e for e in range(1, 50) if e != self.epoch])
        self.disk.files.clear()
        self.persisted.pop("seq", None)
        if first_seq:
            log = Log(self.disk, self.epoch)
            log.add(Record(first_seq, 1, 5, None, EVENT, BAY_LEFT, (0, 7)))
            self.disk.files = {f"{first_seq:08x}": self.disk.files["00000000"]}
            self.taken[self.epoch, first_seq] = (EVENT, [BAY_LEFT, 0, 7], None)
        self.restart(0)

    def restart(self, off_s):
        self.before_ms += self.now_ms + off_s * 1000
        self.power_up()

    def record(self):
        """Take a reading or tell an event, now; the power may go while it is written."""
        rng = self.rng
        epoch = self.log.epoch
        before = self.log.next_seq
        if rng.random() < self.cuts:
            self.disk.cut_after = rng.randrange(60)
        values = [rng.randrange(2), rng.randrange(50), rng.choice([None, rng.randrange(900)]), 215, 360]
        kind = EVENT if rng.random() < 0.3 else READING
        said = [BAY_LEFT, 0, rng.randrange(900)] if kind == EVENT else [0, *values]
        try:
            if kind == EVENT:
                self.event(said[0], *said[1:])
            else:
                self.read(*said[1:])
            self.disk.cut_after = None
        except PowerCut:
            at_ms = self.town_ms()
            self.disk.cut_after = None
            self.restart(rng.randrange(100_000))
            kept = [r.seq for r in self.log.find(before, 2**32) if (r.kind, r.number) != (EVENT, VOID)]
            if self.log.epoch == epoch and kept:
                self.taken[epoch, kept[0]] = (kind, said, at_ms)
            return
        newest = self.log.newest(1)[0]
        self.taken[epoch, newest.seq] = (kind, said, self.town_ms())

    def live(self, count):
        for _ in range(count):
            self.rest(INTERVAL_S + self.rng.randrange(-60, 60))
            self.record()

    # The gateway.

    def start_gateway(self, text):
        self.boot += 1
        self.gateway_ms = self.before_ms + getattr(self, "now_ms", 0)  # when its monotonic clock began
        self.knows_time = self.rng.random() < 0.8
        self.app = TownApplication(self.boot, [NODE], heard_before=[5] if text else (), next_order=self.order_id)
        self.order_id += 1000
        self.text = text
        self.known = self.app.first_log(text)
        self.queue = []

    def offset_ms(self):
        return START_MS + self.gateway_ms if self.knows_time else None

    def on_payload(self, f_port, payload):
        self.acked = False
        if not self.gateway_on or self.rng.random() < self.loss:
            return
        now_ms = self.town_ms() - self.gateway_ms
        uplink = Uplink(
            registration=NODE,
            session=self.rng.randrange(3),  # a re-join changes nothing
            f_cnt=7,
            f_port=f_port,
            payload=payload,
            received_ms=now_ms,
            offset_ms=self.offset_ms(),
            airtime_ms=self.airtime_ms,
            best=BEST,
        )
        answer = self.app.hear(uplink, self.known)
        if self.rng.random() < self.failing:
            self.app.commits_failed(now_ms)
            return
        if answer.log is not None:
            self.known = answer.log
            self.text = answer.log.to_text()
            assert self.app.first_log(self.text) == answer.log
        for write in answer.writes:
            self.store(write)
        self.acked = self.rng.random() >= self.loss
        self.queue += answer.downlinks
        if self.queue:
            down = self.queue.pop(0)
            self.app.fate(Fate(ref=down.ref, fate=FateOf.SENT), now_ms)
            if self.rng.random() >= self.loss:
                self._coming.append((self.now_ms, Downlink(down.f_port, down.payload, None)))
        due_ms = self.app.wake_at()
        if due_ms is not None and due_ms <= now_ms:
            for write in self.app.wake(now_ms).writes:
                self.store(write)

    def store(self, write):
        assert not isinstance(write, AddQuarantine), write
        if not isinstance(write, AddRecord):
            return
        record = write.record
        if record.kind not in (Kind.READING, Kind.EVENT):
            self.other.append(record)
            return
        key = (record.epoch, record.seq)
        kind, said, taken_ms = self.taken[key]
        assert orjson.loads(record.content) == said, key
        assert record.kind == (Kind.EVENT if kind == EVENT else Kind.READING), key
        self.again += key in self.records
        self.check_date(record, taken_ms)
        self.records[key] = record
        if record.observed_ms is None and any(
            epoch == record.epoch and seq < record.seq and other.observed_ms is not None
            for (epoch, seq), other in self.records.items()
        ):
            self.undated.append(key)

    def check_date(self, record, taken_ms):
        if record.observed_ms is None or taken_ms is None:
            return
        zero_ms = -START_MS if record.boot is None else self.gateway_ms
        off_ms = abs(record.observed_ms + zero_ms - taken_ms)
        assert off_ms <= record.time_error_s * 1000, f"{record} is {off_ms} ms off"

    def notices(self):
        return [orjson.loads(record.content) for record in self.other if record.kind is Kind.NOTICE]

    def missing(self):
        return [key for key in self.taken if key not in self.records]

    def clear_up(self):
        """The air clears, and the town waits until nothing is missing, or two weeks."""
        self.loss = self.failing = self.cuts = 0.0
        self.gateway_on = self.knows_time = True
        for _ in range(14 * 96):
            self.live(1)
            self.rest(60)
            if self.known.sure and not self.known.gaps and self.known.next_seq == self.log.next_seq:
                return
        raise AssertionError(f"{self.known.gaps} of {self.known.next_seq}, {self.log.next_seq} in the log")


def every_record_arrived(street, lost_with=()):
    """But for those of logs that were wiped; nothing was declared lost beside them."""
    left = [key for key in street.missing() if key[0] not in lost_with]
    assert left == [], left


def some(share):
    """A share of the profile's examples: each of these is the life of a street."""
    return settings(max_examples=max(3, settings().max_examples // share), phases=[Phase.explicit, Phase.generate])


SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from([0, 65_500, 131_000]))
@some(40)
def test_over_a_lossy_air_every_record_arrives_once_and_dated(seed, first_seq):
    street = Street(random.Random(seed), first_seq)
    street.knows_time = True
    street.loss = street.rng.choice([0.2, 0.5, 0.7])
    street.live(120)
    street.clear_up()
    every_record_arrived(street)
    assert street.again == 0
    assert street.undated == [], "only what has no dated neighbour before it has no date"


@given(SEEDS)
@some(40)
def test_commits_that_fail_and_a_gateway_that_is_away_lose_nothing(seed):
    street = Street(random.Random(seed), 65_400)
    street.failing = 0.3
    street.live(40)
    street.gateway_on = False
    street.live(street.rng.randrange(120))
    street.gateway_on = True
    street.live(40)
    street.start_gateway(street.text)
    street.live(20)
    street.clear_up()
    every_record_arrived(street)
    assert street.again == 0
    assert [notice for notice in street.notices() if notice["notice"] == "records_lost"] == []


@given(SEEDS)
@some(40)
def test_a_restored_backup_and_a_wiped_log_fold_nothing_away(seed):
    rng = random.Random(seed)
    street = Street(rng)
    wiped = []
    backup = (street.text, {})
    for _ in range(rng.randrange(1, 5)):
        street.live(rng.randrange(1, 40))
        if rng.random() < 0.4:
            backup = (street.text, dict(street.records))
        if rng.random() < 0.4:
            wiped.append(street.epoch)
            street.wipe(rng.choice([0, 0, 40, 65_530]))
            street.live(rng.randrange(1, 20))
        if rng.random() < 0.6:
            text, street.records = rng.choice(
                [(None, {}), ("not what was written", {}), (doubted(backup[0]), backup[1])]
            )
            street.start_gateway(text)
    street.live(5)
    street.clear_up()
    every_record_arrived(street, wiped)
