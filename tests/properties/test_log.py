"""Whatever happens to the power and in which order, the log has what was acknowledged; on littlefs, too."""

import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firmware.store.counters import Reserved
from firmware.store.log import EVENT, MAX_SEGMENTS, READING, SEGMENT_LEN, Log, Record
from protocol.events import VOID
from tests.firmware.store.disks import Disk, PowerCut
from tests.properties.flash import BLOCK_LEN, Flash, LittleFiles

CUTS = 2000


def said(record):
    return (record.seq, record.boot, record.uptime_s, record.gps_s, record.kind, record.number, record.values)


def any_record(rng, seq):
    values = tuple(
        rng.choice([None, rng.randrange(-(2**32), 2**32), rng.randrange(50)]) for _ in range(rng.randrange(10))
    )
    gps_s = rng.choice([None, rng.randrange(2**32)])
    if rng.random() < 0.3:
        return Record(seq, rng.randrange(99), rng.randrange(2**32), gps_s, EVENT, rng.randrange(1, 99), values[:4])
    return Record(seq, rng.randrange(99), rng.randrange(2**32), gps_s, READING, rng.randrange(7), values)


def test_two_thousand_power_cuts_on_littlefs():
    """Facts N-1: value ∈ {acked, acked + 1}, nothing unreadable; one flash lives through all of them."""
    rng = random.Random(2026)
    flash = Flash(40, rng)
    files = LittleFiles(flash)
    files.format()
    epoch = None  # none was acknowledged yet
    acked: dict[int, tuple] = {}
    next_seq = 0
    cuts = 0
    while cuts < CUTS:
        flash.power_on()
        files = LittleFiles(flash)
        files.mount()
        try:
            # A record takes about 40 operations; now and then the cut comes while the log is opened or formatted.
            flash.cut_in = rng.randrange(400)
            log = Log(files, rng.randrange(2**16))
            assert epoch in (None, log.epoch), f"cut {cuts}: epoch {log.epoch} after {epoch}"
            epoch = log.epoch
            assert log.next_seq in (next_seq, next_seq + 1), f"cut {cuts}: next {log.next_seq} after {next_seq}"
            if log.next_seq > next_seq:  # whole, though nobody was told
                acked[next_seq] = said(log.newest(1)[0])
            for seq, record in zip(range(log.next_seq - 1, -1, -1), log.newest(9), strict=False):
                assert said(record) == acked[seq]
            next_seq = log.next_seq
            if cuts % 50 == 0:
                found = [said(record) for record in log.find(0, 2**32)]
                assert found == [acked[seq] for seq in range(log.oldest_seq(), next_seq)]
            while True:
                record = any_record(rng, next_seq)
                assert log.add(record)
                acked[next_seq] = said(record)
                next_seq += 1
        except PowerCut:
            cuts += 1
    assert next_seq > 3 * MAX_SEGMENTS * SEGMENT_LEN // 50  # the ring went round


def test_what_a_record_costs_the_flash():
    """The wear that `firmware/store/log.py` states."""
    flash = Flash(200, random.Random(1))
    files = LittleFiles(flash)
    files.format()
    log = Log(files, 7)
    flash.programmed = flash.erased = 0
    for seq in range(1000):
        log.add(Record(seq, 3, 900 * seq, 1_400_000_000, READING, 3, (84, 96, 112, None, 431, -37, 63, 10132)))
    assert 0.9 <= flash.erased / 1000 <= 1.1
    assert BLOCK_LEN / 2 <= flash.programmed / 1000 <= BLOCK_LEN / 2 + 300


class Node(RuleBasedStateMachine):
    """A node that counts with Reserved and keeps a log, on a disk that may tear any write."""

    def __init__(self):
        super().__init__()
        self.disk = Disk()
        self.bound = 0  # what is persisted
        self.rtc = (b"", None)
        self.acked = {}
        self.given = set()
        self.boots = 0
        self.rng = random.Random(0)
        self.boot()

    def boot(self):
        image, exact = self.rtc
        self.rtc = (b"", None)  # believed once
        self.boots += 1
        self.log = Log(self.disk, self.boots, image)
        self.seq = Reserved("seq", max(self.bound, self.log.next_seq), 8, exact)
        void = self.seq.void(self.log.next_seq)
        if void:
            assert void[1] <= 8
            self.keep(Record(void[0], self.boots, 0, None, EVENT, VOID, (void[1],)))

    def keep(self, record):
        assert self.log.add(record)
        self.acked[record.seq] = said(record)

    def take(self):
        value, persist = self.seq.take()
        if persist:
            self.bound = persist.value
        assert value not in self.given
        self.given.add(value)
        return value

    @rule(count=st.integers(1, 150))
    def records(self, count):
        for _ in range(count):
            self.keep(any_record(self.rng, self.take()))

    @rule()
    def sleep(self):
        self.rtc = (self.log.image(), self.seq.next)
        self.boot()

    @rule()
    def crash(self):
        self.boot()

    @rule(count=st.integers(0, 200))
    def power_goes(self, count):
        self.disk.cut_after = count
        while True:
            record = any_record(self.rng, self.take())
            try:
                self.keep(record)
            except PowerCut:
                break
        self.disk.cut_after = None
        if record.seq not in [found.seq for found in Log(self.disk, 0).newest(1)]:
            self.given.discard(record.seq)  # it was never told, so its number may come again
        else:
            self.acked[record.seq] = said(record)
        self.boot()

    @rule(nothing=st.none())
    @precondition(lambda self: self.boots > 3)
    def epoch_is_told(self, nothing):
        self.log.epoch_told()

    @invariant()
    def epoch_stays(self):
        assert self.log.epoch == 1

    @invariant()
    def newest_are_known(self):
        newest = sorted(self.acked)[:-4:-1]
        assert [said(record) for record in self.log.newest(len(newest))] == [self.acked[seq] for seq in newest]

    def teardown(self):
        """Everything younger than the ring's depth is there, once, and is what it was."""
        found = {record.seq: said(record) for record in Log(self.disk, 0).find(0, 2**32)}
        assert len(self.disk.files) <= MAX_SEGMENTS + 1
        kept = [seq for seq in self.acked if seq >= self.log.oldest_seq()]
        assert found == {seq: self.acked[seq] for seq in kept}
        if len(kept) < len(self.acked):
            assert sum(map(len, self.disk.files.values())) >= (MAX_SEGMENTS - 1) * (SEGMENT_LEN - 300)


TestNode = Node.TestCase
TestNode.settings = settings(max_examples=40, stateful_step_count=40, suppress_health_check=[HealthCheck.too_slow])


def test_a_million_resets_repeat_no_number():
    """Facts N-2: 10^6 resets, 0 reused, gap ≤ block."""
    rng = random.Random(7)
    bound, last, exact = 0, -1, None
    for _ in range(1_000_000):
        counter = Reserved("f_cnt_up", bound, 32, exact)
        exact = None
        for _ in range(rng.choice((0, 1, 1, 2, 40))):
            value, persist = counter.take()
            if persist and rng.random() < 0.1:
                break  # the power went before it was written: the number was not used
            if persist:
                bound = persist.value
            assert last < value <= last + 33
            last = value
        else:
            if rng.random() < 0.3:
                exact = counter.next  # an orderly sleep
