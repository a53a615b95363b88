"""Flash that wears out and writes that are torn, and what the real log makes of them."""

import errno

import pytest

from firmware.store.log import READING, Log, Record
from simulator.fleet.files import MemoryFiles, PowerCut


def record(seq: int) -> Record:
    return Record(seq, 1, 60 * seq, None, READING, 3, (seq, None))


def test_it_is_a_folder():
    files = MemoryFiles()
    files.append("a", b"12")
    files.append("a", b"34")
    assert (files.names(), files.read("a")) == (["a"], b"1234")
    files.remove("a")
    assert files.names() == []
    with pytest.raises(FileNotFoundError):
        files.read("a")


def test_a_torn_write_costs_the_record_that_was_being_written_and_no_other():
    files = MemoryFiles()
    log = Log(files, 7)
    for seq in range(3):
        assert log.add(record(seq))
    files.tears = True
    with pytest.raises(PowerCut):
        log.add(record(3))
    again = Log(files, 8)
    assert (again.epoch, again.next_seq) == (7, 3)
    assert again.add(record(3))
    assert [kept.seq for kept in Log(files, 9).find(0, 10)] == [0, 1, 2, 3]


def test_worn_flash_refuses_as_often_as_it_is_told():
    answers = [False, True, True, False]
    files = MemoryFiles()
    log = Log(files, 7)
    files.refuses = lambda: answers.pop(0)
    assert log.add(record(0))
    assert not log.add(record(1))  # it tries another block, in vain
    assert log.add(record(2))
    files.refuses = lambda: True
    with pytest.raises(OSError, match="the flash is worn") as raised:
        files.append("a", b"1")
    assert raised.value.errno == errno.EIO
