"""Captures: what is written is read again, a crash costs a line, a full card costs the capture and nothing else."""

import json
import random
import resource
import signal
from pathlib import Path

import pytest

from gateway.links.capture import FLUSH_MS, Capture, CaptureError, Line, read_capture
from gateway.links.link import Outcome, Received, Transmit, TransmitResult

HEARD = Received(
    radio="udp:aa555a0000000101",
    phy_payload=bytes.fromhex("40 01 02 03"),
    freq_hz=868_100_000,
    dr=5,
    counter_us=4_294_967_295,
    rssi_dbm=-107,
    snr_db=-11.25,
)
ON_CABLE = Received(radio="cable:70b3d57ed0000001", phy_payload=b"\x40", freq_hz=0, dr=5)
TRANSMIT = Transmit(
    token=7, radio=HEARD.radio, phy_payload=b"\x60", freq_hz=869_525_000, dr=3, power_dbm=14, counter_us=5_000_000
)
RESULT = TransmitResult(token=7, outcome=Outcome.TOO_LATE)


@pytest.fixture(name="path")
def _path(tmp_path):
    return tmp_path / "capture.jsonl"


def test_everything_comes_back_in_its_order(path):
    capture = Capture(path, "antony-centre")
    capture.write(HEARD, 1_000, None)
    capture.write(ON_CABLE, 1_001, 1_760_000_000_000)
    capture.write(TRANSMIT, 1_002, 1_760_000_000_000)
    capture.write(RESULT, 1_003, None)
    capture.close()
    assert list(read_capture(path)) == [
        Line("antony-centre", 0, 1_000, None, HEARD),
        Line("antony-centre", 0, 1_001, 1_760_000_001_001, ON_CABLE),
        Line("antony-centre", 0, 1_002, 1_760_000_001_002, TRANSMIT),
        Line("antony-centre", 0, 1_003, None, RESULT),
    ]


def test_the_format_is_the_documented_one(path):
    capture = Capture(path, "antony-centre")
    capture.write(HEARD, 1_000, None)
    capture.write(TRANSMIT, 1_002, 10)
    capture.write(RESULT, 1_003, 10)
    capture.close()
    header, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert header == {"lampyre_capture": 1, "site": "antony-centre"}
    assert lines == [
        {
            "kind": "received",
            "ms": 1_000,
            "unix_ms": None,
            "radio": "udp:aa555a0000000101",
            "freq_hz": 868_100_000,
            "dr": 5,
            "counter_us": 4_294_967_295,
            "rssi_dbm": -107,
            "snr_db": -11.25,
            "phy_payload": "40010203",
        },
        {
            "kind": "transmit",
            "ms": 1_002,
            "unix_ms": 1_012,
            "token": 7,
            "radio": "udp:aa555a0000000101",
            "freq_hz": 869_525_000,
            "dr": 3,
            "counter_us": 5_000_000,
            "power_dbm": 14,
            "phy_payload": "60",
        },
        {"kind": "result", "ms": 1_003, "unix_ms": 1_013, "token": 7, "outcome": "too_late"},
    ]


def test_nobody_else_may_read_it_even_where_somebody_has_made_it(path):
    Capture(path, "s").close()
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    Capture(path, "s").close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_each_start_is_a_session_of_the_same_file(path):
    for site in ("first", "second"):
        capture = Capture(path, site)
        capture.write(HEARD, 5, None)
        capture.close()
    assert [(line.site, line.session, line.ms) for line in read_capture(path)] == [("first", 0, 5), ("second", 1, 5)]


def test_a_line_torn_anywhere_costs_itself_and_no_other(path):
    capture = Capture(path, "s")
    capture.write(HEARD, 1, None)
    capture.write(RESULT, 2, None)
    capture.close()
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in range(1, last):
        path.write_bytes(whole[:-cut])
        expected = [HEARD, RESULT] if cut == 1 else [HEARD]  # without its line end it is whole all the same
        assert [line.captured for line in read_capture(path)] == expected
        capture = Capture(path, "s")
        capture.write(RESULT, 3, None)
        capture.close()
        assert [line.captured for line in read_capture(path)] == [*expected, RESULT]


def test_bytes_of_any_kind_in_between_are_passed_over(path):
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    capture = Capture(path, "s")
    capture.write(HEARD, 1, None)
    capture.flush()
    junk = [
        b"null",
        b"[]",
        b"{}",
        b'{"kind":"weather","ms":1,"unix_ms":null}',
        b'{"kind":"result","ms":1,"unix_ms":null,"token":"7","outcome":"sent"}',
        b'{"kind":"result","ms":1,"unix_ms":null,"token":7,"outcome":"sung"}',
        b'{"kind":"received","ms":1,"unix_ms":null,"radio":"r","freq_hz":1,"dr":5,"counter_us":null,"phy_payload":"4"}',
        b"\xff" * 1_000_000,
        *(dice.randbytes(dice.randrange(200)).replace(b"\n", b"") for _ in range(200)),
    ]
    with path.open("ab") as file:
        file.write(b"\n".join(junk) + b"\n")
    capture.write(RESULT, 2, None)
    capture.close()
    assert [line.captured for line in read_capture(path)] == [HEARD, RESULT], f"seed {seed}"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"time,radio\n1,2\n", "does not begin with a capture's header"),
        (b'{"kind":"result"}\n', "does not begin with a capture's header"),
        (b'{"lampyre_capture":2,"site":"s"}\n', "is a capture of version 2; this program reads 1"),
    ],
)
def test_a_file_of_another_kind_is_refused(path, content, says):
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=says):
        list(read_capture(path))


def test_it_never_takes_more_than_twice_its_size_and_loses_nothing_between_the_two(path):
    capture = Capture(path, "s", max_bytes=10_000)
    for ms in range(1_000):
        capture.write(HEARD, ms, None)
    capture.close()
    older = path.with_name("capture.jsonl.1")
    assert sorted(path.parent.iterdir()) == [path, older]
    assert path.stat().st_size <= 10_000
    assert older.stat().st_size <= 10_000
    assert older.stat().st_mode & 0o777 == 0o600
    times = [line.ms for file in (older, path) for line in read_capture(file)]
    assert times == list(range(times[0], 1_000))


def test_what_was_written_is_in_the_file_a_second_later(path):
    capture = Capture(path, "s")
    capture.write(HEARD, FLUSH_MS, None)
    assert len(list(read_capture(path))) == 1
    capture.write(HEARD, FLUSH_MS + 1, None)
    assert len(list(read_capture(path))) == 1  # a card is not written for every frame
    capture.write(HEARD, 2 * FLUSH_MS, None)
    assert len(list(read_capture(path))) == 3
    capture.close()


def test_a_full_disk_ends_the_capture_and_not_the_gateway(path):
    capture = Capture(path, "s")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, before[1]))
    try:
        for ms in range(100_000):
            capture.write(HEARD, ms, None)
        capture.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert capture.error == f"{path}: File too large; the capture ends here, the gateway goes on"
    capture.write(HEARD, 0, None)
    capture.close()
    lines = list(read_capture(path))
    assert lines
    assert [line.ms for line in lines] == list(range(len(lines)))


def test_a_place_where_nothing_can_be_written_is_told_at_the_start(tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        Capture(Path(tmp_path / "missing" / "capture.jsonl"), "s")
