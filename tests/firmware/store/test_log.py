from firmware.store.log import EVENT, MAX_SEGMENTS, NEWEST, READING, SEGMENT_LEN, Log, Record
from protocol.events import BAY_LEFT, BAY_TAKEN, VOID
from tests.firmware.store.disks import Disk, PowerCut
from tests.protocol.expect import Dice, hexa, refused

VALUES = (84, 96, 112, None, 431, -37, 63, 10132)


def reading(seq, values=VALUES):
    return Record(seq, 3, 900 * seq, 1_400_000_000 + 900 * seq, READING, 3, values)


def said(record):
    """What a record says, to compare."""
    return (record.seq, record.boot, record.uptime_s, record.gps_s, record.kind, record.number, record.values)


def filled(disk, count, first=0):
    log = Log(disk, 7)
    for seq in range(first, first + count):
        assert log.add(reading(seq))
    return log


def test_a_record_byte_by_byte():
    disk = Disk()
    log = Log(disk, 0x1234)
    log.add(Record(5, 2, 60, None, READING, 0, (1, None)))
    log.add(Record(6, 2, 61, 1_400_000_000, EVENT, BAY_LEFT, (0, 840)))
    # Written by hand from RFC 8949 §3; the CRC-32 are zlib's.
    assert disk.files["00000000"] == hexa(
        """
        05 82 19 1234 00 1e4fb0a3
        09 87 05 02 183c f6 00 01 f6 15cb48a7
        0f 87 06 02 183d 1a 53724e00 22 00 19 0348 8b3a6dbc
        """
    )


def test_what_goes_in_comes_out():
    disk = Disk()
    log = Log(disk, 7)
    kept = [
        reading(0),
        Record(1, 3, 2**31, None, EVENT, BAY_TAKEN, (1, 900)),
        Record(2, 2**32 - 1, 0, 2**32 - 1, READING, 6, (None, -(2**32), 2**32 - 1)),
        Record(2**32 - 2, 4, 5, None, EVENT, 99, ()),
    ]
    for record in kept:
        assert log.add(record)
    for again in (log, Log(disk, 8), Log(Disk(), 8, log.image())):
        assert (again.epoch, again.next_seq) == (7, 2**32 - 1)
        assert [said(record) for record in again.newest(9)] == [said(record) for record in reversed(kept)]
    assert [said(record) for record in Log(disk, 8).find(0, 2**32)] == [said(record) for record in kept]


def test_a_new_log_has_the_given_epoch_and_tells_it_until_it_was_told():
    disk = Disk()
    log = Log(disk, 7)
    assert (log.epoch, log.epoch_is_new, log.next_seq, log.newest(3)) == (7, True, 0, [])
    log.add(reading(0))
    log = Log(disk, 8)
    assert (log.epoch, log.epoch_is_new) == (7, True)
    assert Log(disk, 8, log.image()).epoch_is_new
    log.epoch_told()
    log.epoch_told()
    assert not log.epoch_is_new
    assert not Log(disk, 8).epoch_is_new
    assert not Log(disk, 8, log.image()).epoch_is_new
    for seq in range(1, 200):  # into the next segment
        log.add(reading(seq))
    assert len(disk.files) == 2
    del disk.files["00000000"]
    log = Log(disk, 8)
    assert (log.epoch, log.epoch_is_new) == (7, False)


def test_what_memory_has_is_found_without_reading_the_flash():
    """A segment full of records is a hundred kilobytes of objects on its way through the heap."""
    disk = Disk()
    log = filled(disk, 20)
    disk.files.clear()
    first = 20 - NEWEST
    assert [record.seq for record in log.find(first, NEWEST)] == list(range(first, 20))
    assert [record.seq for record in log.find(first + 1, 2)] == [first + 1, first + 2]
    assert list(log.find(first - 1, 2)) == []  # one that memory lacks, and the flash has lost


def test_newest_are_the_newest_across_segments():
    disk = Disk()
    log = Log(disk, 7)
    seq = 0
    while len(disk.files) < 2:
        log.add(reading(seq))
        seq += 1
    for again in (log, Log(disk, 8), Log(disk, 8, log.image())):
        assert [record.seq for record in again.newest(NEWEST + 1)] == [seq - 1 - back for back in range(NEWEST)]
        assert [record.seq for record in again.newest(2)] == [seq - 1, seq - 2]


def test_nothing_is_read_after_a_sleep():
    disk = Disk()
    image = filled(disk, 50).image()
    assert len(image) <= 330
    disk.reads = 0
    log = Log(disk, 8, image)
    log.add(reading(50))
    assert disk.reads == 0
    assert [record.seq for record in Log(disk, 8).find(48, 9)] == [48, 49, 50]


def test_an_image_that_says_nothing_is_not_believed():
    disk = Disk()
    good = filled(disk, 3).image()
    for image in (
        b"garbage",
        good[:-1],
        b"\x80",
        b"\x86\x07\x01\xf6\x00\x00\x40",
        b"\x86\x1a\xff\xff\xff\xff\0\0\0\0\x40",
    ):
        assert (Log(disk, 8, image).epoch, Log(disk, 8, image).next_seq) == (7, 3)
    assert Log(disk, 8, b"\x86\x07\x01\x03\x00\x00\x00").newest(1) == []  # frames that are no bytes


def test_find_reads_no_more_segments_than_it_must():
    disk = Disk()
    log = filled(disk, 1000)
    assert len(disk.files) > 8
    disk.reads = 0
    assert [record.seq for record in log.find(500, 3)] == [500, 501, 502]
    assert disk.reads <= 2
    assert [record.seq for record in log.find(998, 30000)] == [998, 999]
    assert list(log.find(1000, 5)) == []


def test_a_void_record_answers_for_all_the_numbers_it_counts():
    disk = Disk()
    log = filled(disk, 3)
    log.add(Record(3, 4, 0, None, EVENT, VOID, (29,)))
    assert log.next_seq == 32
    log.add(reading(32))
    for again in (log, Log(disk, 8)):
        assert again.next_seq == 33
        assert [record.seq for record in again.find(2, 1)] == [2]
        assert [record.seq for record in again.find(3, 1)] == [3]
        assert [record.seq for record in again.find(31, 1)] == [3]
        assert [record.seq for record in again.find(31, 2)] == [3, 32]
        assert [record.seq for record in again.find(32, 9)] == [32]
    assert Record(3, 4, 0, None, EVENT, VOID, ()).after() == 4
    assert Record(3, 4, 0, None, EVENT, VOID, (None,)).after() == 4


def test_the_ring_keeps_what_it_promises_and_no_more():
    disk = Disk()
    log = Log(disk, 7)
    for seq in range(4000):
        log.add(reading(seq))
    assert len(disk.files) == MAX_SEGMENTS
    assert max(len(data) for data in disk.files.values()) <= SEGMENT_LEN
    assert sum(len(data) for data in disk.files.values()) >= 60_000
    first = log.oldest_seq()
    assert [record.seq for record in log.find(0, 4000)] == list(range(first, 4000))
    assert Log(disk, 8).oldest_seq() == first


def days(records_a_day):
    """Days that the ring keeps of a day of these (count, record), at the latest times that five bytes can say."""
    disk = Disk()
    log = Log(disk, 7)
    dice = Dice(1)
    for seq in range(4000):
        turn = dice.below(sum(count for count, _ in records_a_day))
        for count, record in records_a_day:  # noqa: B007 - used behind the loop
            if turn < count:
                break
            turn -= count
        log.add(Record(2**20 + seq, 999, 2**31 + seq, 2**31, record.kind, record.number, record.values))
    return (log.next_seq - log.oldest_seq()) // sum(count for count, _ in records_a_day)


def test_seven_days_fit():
    air = Record(0, 0, 0, 0, READING, 3, (1234, 1234, 1234, 1234, 2431, -137, 63, 10132, 999))
    bays = Record(0, 0, 0, 0, READING, 1, (1, 1440, 1234, 0, 1440, 1234, -137, 360))
    change = Record(0, 0, 0, 0, EVENT, BAY_LEFT, (1, 43_200))
    light = Record(0, 0, 0, 0, READING, 6, (100, 0, 100, 0, 1234, 2301, 1234, 123_456_789, 451))
    assert days([(96, air)]) == 12
    assert days([(24, bays), (240, change)]) == 8
    assert days([(24, light), (20, change)]) == 35


def test_a_cut_at_any_byte_costs_the_record_that_was_being_written():
    for cut_after in range(60):
        disk = Disk()
        log = filled(disk, 3)
        disk.cut_after = cut_after
        try:
            log.add(reading(3))
            acked = 4
        except PowerCut:
            acked = 3
        disk.cut_after = None
        log = Log(disk, 8)
        assert log.epoch == 7
        assert log.next_seq in (acked, acked + 1)
        for seq in range(log.next_seq, 6):
            log.add(reading(seq))
        assert [said(record) for record in Log(disk, 8).find(0, 9)] == [said(reading(seq)) for seq in range(6)]


def missing_one_byte(last):
    """A disk with records 0 and 1, and all of a record 2 but its last byte, which is *last*."""
    for value in range(5000):
        disk = Disk()
        filled(disk, 2).add(reading(2, (value,)))
        if disk.files["00000000"][-1] == last:
            disk.files["00000000"] = disk.files["00000000"][:-1]
            return disk
    raise AssertionError("no such record")


def test_what_is_written_behind_a_torn_record_never_completes_it():
    length = _length_byte(reading(2))
    disk = missing_one_byte(length)
    Log(disk, 8).add(reading(2))
    assert [said(record) for record in Log(disk, 8).find(0, 9)] == [said(reading(seq)) for seq in range(3)]
    assert sorted(disk.files) == ["00000000", "00000002"]
    disk = missing_one_byte(3)  # the length of a head with a small epoch
    log = Log(disk, 8)
    log.epoch_told()
    log.add(reading(2))
    log = Log(disk, 8)
    assert not log.epoch_is_new
    assert [said(record) for record in log.find(0, 9)] == [said(reading(seq)) for seq in range(3)]


def _length_byte(record):
    disk = Disk()
    log = Log(disk, 7)
    before = len(disk.files["00000000"])
    log.add(record)
    return disk.files["00000000"][before]


def test_a_cut_at_any_byte_where_a_segment_ends():
    whole = Disk()
    log = Log(whole, 7)
    while log.oldest_seq() == 0:
        log.add(reading(log.next_seq))
    turn = log.next_seq - 1  # the record that began a segment too many and cost the oldest
    for cut_after in range(70):
        disk = Disk()
        filled(disk, turn)
        log = Log(disk, 8)
        disk.cut_after = cut_after
        try:
            log.add(reading(turn))
            acked = turn + 1
        except PowerCut:
            acked = turn
        disk.cut_after = None
        log = Log(disk, 8)
        assert log.epoch == 7
        assert log.next_seq in (acked, acked + 1)
        for seq in range(log.next_seq, turn + 3):
            log.add(reading(seq))
        log = Log(disk, 8)
        assert [record.seq for record in log.find(200, 9999)] == list(range(200, turn + 3))
        disk.files = {name: disk.files[name] for name in sorted(disk.files)[-1:]}
        assert Log(disk, 8).epoch == 7  # the newest segment tells the epoch by itself


def test_a_cut_while_a_log_is_made():
    for cut_after in range(12):
        disk = Disk()
        disk.cut_after = cut_after
        try:
            Log(disk, 7)
            assert cut_after > 8
        except PowerCut:
            assert cut_after <= 8
        disk.cut_after = None
        log = Log(disk, 8)
        assert log.epoch == (8 if cut_after < 8 else 7)
        log.add(reading(0))
        assert Log(disk, 9).epoch == log.epoch
        assert [record.seq for record in Log(disk, 9).find(0, 9)] == [0]


def test_a_bad_byte_costs_one_record():
    dice = Dice(3)
    for _ in range(30):
        disk = Disk()
        filled(disk, 60)
        data = bytearray(disk.files["00000000"])
        at = dice.below(len(data))
        data[at] ^= 1 + dice.below(255)
        disk.files["00000000"] = bytes(data)
        if at < 10:  # the head: whose records are these?
            assert (Log(disk, 8).epoch, list(Log(disk, 9).find(0, 99))) == (8, [])
            continue
        found = list(Log(disk, 8).find(0, 99))
        assert len(found) == 59
        for record in found:
            assert said(record) == said(reading(record.seq))


def test_segments_that_are_gone_cost_what_was_in_them():
    disk = Disk()
    log = filled(disk, 400)
    names = sorted(disk.files)
    disk.files[names[1]] = b""
    del disk.files[names[0]]
    log = Log(disk, 8)
    assert (log.epoch, log.next_seq) == (7, 400)
    assert [record.seq for record in log.find(0, 999)] == list(range(int(names[2], 16), 400))
    disk.files[names[-1]] = bytes(4000)  # what was in the newest is gone; its name says where numbers go on at least
    log = Log(disk, 8)
    assert (log.epoch, log.next_seq) == (7, int(names[-1], 16))
    log.add(reading(500))
    assert [record.seq for record in Log(disk, 8).find(450, 99)] == [500]


def test_an_unreadable_log_is_formatted_anew():
    disk = Disk()
    log = filled(disk, 300)
    log.epoch_told()
    for name in disk.files:
        disk.files[name] = bytes(len(disk.files[name]))
    log = Log(disk, 8)
    assert (log.epoch, log.epoch_is_new, log.next_seq, log.newest(1)) == (8, True, 0, [])
    assert list(disk.files) == ["00000000"]


def test_other_files_are_left_alone():
    disk = Disk()
    for name in ("notes.txt", "1", "0000000G", "00000000.bak", "-0000001"):
        disk.files[name] = b"x"
    log = filled(disk, 2)
    assert Log(disk, 8).next_seq == 2
    assert len(disk.files) == 6
    assert log.oldest_seq() == 0


def test_whole_frames_of_another_version_are_stepped_over():
    disk = Disk()
    log = filled(disk, 2)
    strange = Record(2, 3, 0, None, READING, 3, (b"bytes",))
    log.add(strange)
    log.add(reading(3))
    assert [record.seq for record in Log(disk, 8).find(0, 9)] == [0, 1, 3]


def test_a_segment_of_another_epoch_tells_nothing():
    disk = Disk()
    other = filled(Disk(), 1).epoch
    log = filled(disk, 400)
    stranger = Disk()
    Log(stranger, other + 1).add(reading(5))
    disk.files["00000000"] = stranger.files["00000000"]
    assert [record.seq for record in Log(disk, 8).find(0, 9)] == []
    assert log.epoch == 7


def test_a_flash_that_refuses_leaves_the_records_in_memory():
    disk = Disk()
    log = filled(disk, 3)
    disk.full = True
    assert not log.add(reading(3))
    assert not log.add(reading(4))
    assert [record.seq for record in log.newest(2)] == [4, 3]
    assert log.next_seq == 5
    assert len(disk.files) == 1
    disk.full = False
    assert log.add(reading(5))
    assert [record.seq for record in Log(disk, 8).find(0, 9)] == [0, 1, 2, 5]
    assert Log(disk, 8).epoch == 7


class Deaf(Disk):
    """A disk with one file that cannot be read."""

    def read(self, name):
        if name == "00000000":
            raise OSError(84, "bad")
        return Disk.read(self, name)


def test_a_file_that_cannot_be_read_costs_what_was_in_it():
    disk = Deaf()
    log = filled(disk, 200)
    assert [record.seq for record in Log(disk, 8).find(0, 999)][-1] == 199
    assert next(log.find(0, 999)).seq == sorted([int(name, 16) for name in disk.files])[1]


class Small(Disk):
    """A disk with room for three segments."""

    def append(self, name, data):
        if sum(len(content) for content in self.files.values()) + len(data) > 3 * SEGMENT_LEN:
            raise OSError(28, "full")
        Disk.append(self, name, data)


def test_a_full_disk_costs_the_oldest():
    disk = Small()
    log = filled(disk, 1000)
    assert log.oldest_seq() < 800
    assert [record.seq for record in Log(disk, 8).find(0, 9999)] == list(range(log.oldest_seq(), 1000))


def test_a_disk_that_stays_full_costs_one_segment():
    disk = Disk()
    log = filled(disk, 500)
    segments = len(disk.files)
    disk.full = True
    for seq in range(500, 520):
        assert not log.add(reading(seq))
    assert len(disk.files) == segments - 1


class Broken(Disk):
    """A disk on which nothing works."""

    def names(self):
        raise OSError(5, "broken")

    def append(self, name, data):
        raise OSError(5, "broken")


def test_without_any_flash_the_node_still_counts():
    log = Log(Broken(), 7)
    assert (log.epoch, log.epoch_is_new) == (7, True)
    assert not log.add(reading(12))
    assert (log.next_seq, log.oldest_seq(), list(log.find(0, 99))) == (13, 13, [])
    assert log.newest(1)[0].seq == 12


class Sticky(Disk):
    """A disk that removes nothing and has one bad file."""

    bad = ""

    def remove(self, name):
        raise OSError(5, "broken")

    def append(self, name, data):
        if name == self.bad:
            raise OSError(84, "bad")
        Disk.append(self, name, data)


def test_a_file_gone_bad_is_left_for_the_next():
    disk = Sticky()
    log = filled(disk, 3)
    disk.bad = "00000000"
    assert log.add(reading(3))
    assert sorted(disk.files) == ["00000000", "00000003"]
    for seq in range(4, 2500):
        log.add(reading(seq))
    assert len(disk.files) > MAX_SEGMENTS
    assert [record.seq for record in log.find(0, 9)] == list(range(9))


def test_a_record_too_long_for_a_frame_is_refused():
    says = "log: a record takes 261 bytes; expected at most 255"
    refused(says, Log(Disk(), 7).add, reading(0, (2**31,) * 50))
