"""Records: for this user alone, whole, one run at a time, and with keys no longer than they must."""

import stat
import subprocess
import sys
import threading

import pytest

from boards import kept
from boards.causes import BoardError, Cause
from boards.enrolment.identity import eui_of_mac, fresh, random_eui
from boards.flashing.record import Record, Records

MAC = "240ac4010203"


def test_a_record_is_kept_and_read_again(tmp_path):
    records = Records(tmp_path / "boards")
    with records.hold(MAC, "port") as record:
        record.wish = {"board": "t3-s3"}
        record.take(fresh(bytes(8)))
        records.write(record)
    assert records.read(MAC) == record
    assert records.all() == [record]
    path = tmp_path / "boards" / f"{MAC}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_keys_are_shown_by_nothing():
    record = Record(MAC)
    identity = fresh(bytes(8))
    record.take(identity)
    for text in (repr(record), repr(identity), repr(record.identity)):
        assert identity.app_key.hex() not in text
        assert repr(identity.app_key) not in text
    assert record.identity == identity
    record.forget_keys()
    assert record.identity is None


def test_a_board_is_one_runs_at_a_time(tmp_path):
    records = Records(tmp_path)
    with records.hold(MAC, "port"):
        with pytest.raises(BoardError) as caught, records.hold(MAC, "port"):
            pass
        assert caught.value.cause is Cause.BOARD_TAKEN
        with records.hold("240ac4010204", "port"):
            pass
    with records.hold(MAC, "port"):
        pass


def test_another_process_has_it_until_it_ends(tmp_path):
    code = (
        "import sys; from pathlib import Path; from boards.flashing.record import Records\n"
        f"with Records(Path({str(tmp_path)!r})).hold({MAC!r}, 'port'):\n"
        " print('has it', flush=True)\n sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"has it\n"
        with pytest.raises(BoardError), Records(tmp_path).hold(MAC, "port"):
            pass
        other.kill()
    with Records(tmp_path).hold(MAC, "port"):
        pass


def test_who_waits_for_a_file_that_another_never_lets_go_of_is_told(tmp_path):
    with kept.alone(tmp_path / "devices.csv"):
        with pytest.raises(BoardError) as caught, kept.alone(tmp_path / "devices.csv", wait_s=0.1):
            pass
        assert caught.value.cause is Cause.FILE_BUSY
    with kept.alone(tmp_path / "devices.csv"):
        pass


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"format": 2}', b'{"format": 1, "mac": "x", "more": 1}', b"\xff"])
def test_a_record_that_cannot_be_read_is_named_and_left(tmp_path, raw):
    (tmp_path / f"{MAC}.json").write_bytes(raw)
    with pytest.raises(BoardError) as caught:
        Records(tmp_path).read(MAC)
    assert caught.value.cause is Cause.FILE_WRONG
    assert (tmp_path / f"{MAC}.json").read_bytes() == raw


def test_a_dev_eui_is_nobodys_or_the_chips():
    """IEEE, Guidelines for Use of EUI: of the first byte, bit 1 is set for local numbers, bit 0 for groups."""
    euis = {random_eui() for _ in range(1000)}
    assert len(euis) == 1000
    assert {eui[0] & 3 for eui in euis} == {2}
    assert eui_of_mac(bytes.fromhex("240ac4010203")).hex() == "240ac4fffe010203"


def test_two_threads_have_two_boards(tmp_path):
    records = Records(tmp_path)
    both = threading.Barrier(2, timeout=120)

    def run(mac):
        with records.hold(mac, mac) as record:
            both.wait()
            records.write(record)

    threads = [threading.Thread(target=run, args=(mac,)) for mac in ("240ac4010203", "240ac4010204")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(records.all()) == 2
