"""Captures of a gateway, written by the gateway's own code and read back as frames at any speed."""

import json
from pathlib import Path

import pytest

from gateway.links.capture import Capture
from gateway.links.link import Outcome, Received, Transmit, TransmitResult
from simulator.scenario.model import CaptureSpec
from simulator.stimuli.capture import CapturedFrame, CaptureError, captured_frames, paced, played

UNIX_MS = 1_772_434_800_000


def heard(number: int) -> Received:
    return Received(
        radio="udp:aa555a0000000101",
        phy_payload=bytes([0x40, number]),
        freq_hz=868_100_000 + number,
        dr=5,
        counter_us=number * 1000,
        rssi_dbm=None if number == 3 else -90 - number,
        snr_db=None if number == 3 else -7.25,
    )


def capture(folder: Path, sessions: int = 1, frames: int = 5) -> Path:
    path = folder / "street.capture"
    for session in range(sessions):
        writing = Capture(path, "antony")
        offset_ms = UNIX_MS + session * 3_600_000 - 1000
        for number in range(frames):
            writing.write(heard(session * frames + number), 1000 + number * 2000, offset_ms)
        order = Transmit(token=1, radio="r", phy_payload=b"`", freq_hz=1, dr=0, power_dbm=14, counter_us=None)
        writing.write(order, 99_000, offset_ms)
        writing.write(TransmitResult(token=1, outcome=Outcome.SENT), 99_001, offset_ms)
        writing.close()
    return path


def read(path: Path) -> tuple[list[CapturedFrame], str]:
    """What was read, and the error that ended it."""
    found = []
    try:
        for frame in captured_frames(path):
            found.append(frame)  # noqa: PERF402
    except CaptureError as error:
        return found, str(error).replace(str(path), path.name)
    return found, ""


def test_what_a_gateway_heard_comes_back_as_it_was(tmp_path):
    frames, error = read(capture(tmp_path))
    assert error == ""
    assert [frame.phy_payload for frame in frames] == [heard(number).phy_payload for number in range(5)]
    for number, frame in enumerate(frames):
        original = heard(number)
        for name in ("radio", "freq_hz", "dr", "counter_us", "rssi_dbm", "snr_db"):
            assert getattr(frame, name) == getattr(original, name)
        assert frame.ms == 1000 + 2000 * number
        assert frame.unix_ms == UNIX_MS + 2000 * number
        assert frame.line == 2 + number
        assert frame.session == 0


@pytest.mark.parametrize(("speed", "gap_us"), [(1.0, 2_000_000), (10.0, 200_000), (0.5, 4_000_000)])
def test_frames_are_paced_at_any_speed(tmp_path, speed, gap_us):
    times = [time_us for time_us, _ in paced(captured_frames(capture(tmp_path)), 7_000_000, speed)]
    assert times == [7_000_000 + number * gap_us for number in range(5)]


def test_a_scenario_says_where_from_when_on_and_how_fast(tmp_path):
    spec = CaptureSpec(file=capture(tmp_path), gateway="roof", from_s=90.5, speed=4.0)
    assert [time_us for time_us, _ in played(spec)] == [90_500_000 + number * 500_000 for number in range(5)]


def test_between_sessions_passes_what_the_wall_clock_said(tmp_path):
    times = [time_us for time_us, _ in paced(captured_frames(capture(tmp_path, sessions=2)), 0)]
    assert times[4] == 8_000_000
    assert times[5] == 3_600_000_000


def test_without_a_wall_clock_sessions_follow_at_once_and_time_never_runs_back():
    frames = [_frame(0, 5000, None), _frame(0, 4000, None), _frame(0, 6000, None), _frame(1, 100, None)]
    assert [time_us for time_us, _ in paced(frames, 0)] == [0, 0, 2_000_000, 2_000_000]


def _frame(session: int, ms: int, unix_ms: int | None) -> CapturedFrame:
    return CapturedFrame(
        line=1,
        session=session,
        ms=ms,
        unix_ms=unix_ms,
        radio="r",
        freq_hz=868_100_000,
        dr=5,
        counter_us=None,
        rssi_dbm=None,
        snr_db=None,
        phy_payload=b"",
    )


def test_a_capture_cut_short_is_replayed_up_to_there_and_says_where(tmp_path):
    path = capture(tmp_path)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]) + lines[4][:50])
    frames, error = read(path)
    assert [frame.line for frame in frames] == [2, 3, 4]
    assert error == (
        "street.capture, line 5: the file ends in the middle of this line; it was cut short, and is replayed up to "
        "here: copy it again, or delete the line"
    )


def test_wherever_a_capture_is_cut_all_whole_lines_are_replayed(tmp_path):
    path = capture(tmp_path)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole), 7):
        path.write_bytes(whole[:cut])
        frames, error = read(path)
        ended = whole[:cut].count(b"\n")
        torn = not whole[:cut].endswith((b"\n", b"}"))
        assert len(frames) == min(5, ended - 1 + (not torn and not whole[:cut].endswith(b"\n")))
        assert (f"line {ended + 1}:" in error) is torn


def test_a_line_that_a_crash_tore_is_passed_over(tmp_path):
    path = capture(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    writing = Capture(path, "antony")  # the gateway starts again
    writing.write(heard(9), 500, None)
    writing.close()
    frames, error = read(path)
    assert error == ""
    assert frames[-1].session == 1
    assert frames[-1].phy_payload == heard(9).phy_payload


def test_a_broken_line_in_the_middle_is_told(tmp_path):
    path = capture(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"some words\n", *lines[4:]]))
    frames, error = read(path)
    assert len(frames) == 2
    assert error == "street.capture, line 4: no JSON object: 'some words'…; delete the line"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"dr": None}, "dr is 'None'; expected a number"),
        ({"ms": "soon"}, "ms is 'soon'; expected a number"),
        ({"counter_us": True}, "counter_us is 'True'; expected a number"),
        ({"snr_db": "loud"}, "snr_db is 'loud'; expected a number"),
        ({"phy_payload": "40 4"}, "phy_payload is '40 4'; expected pairs of hex digits"),
        ({"freq_hz": ...}, "freq_hz is missing; delete the line"),
    ],
)
def test_a_field_that_somebody_edited_is_told(tmp_path, changed, expected):
    path = capture(tmp_path)
    lines = path.read_text().splitlines()
    fields = {**json.loads(lines[2]), **changed}
    lines[2] = json.dumps({name: value for name, value in fields.items() if value is not ...})
    path.write_text("\n".join(lines) + "\n")
    frames, error = read(path)
    assert len(frames) == 1
    assert error == f"street.capture, line 3: {expected}"


def test_files_of_other_kinds_are_told(tmp_path):
    path = tmp_path / "street.capture"
    path.write_text('{"kind": "received"}\n')
    assert read(path)[1] == "street.capture, line 1: no capture's header; is it one of Lampyre's captures?"
    path.write_text('{"lampyre_capture": 2, "site": "x"}\n')
    assert read(path)[1] == "street.capture, line 1: version 2; this program reads 1"
    path.write_bytes(bytes(100_000))
    assert "no capture's header" in read(path)[1]
    path.write_text("")
    assert read(path)[1] == "street.capture is empty; a capture begins with a header"
    path.unlink()
    assert read(path)[1].startswith("street.capture: cannot be read: ")


def test_kinds_of_later_versions_are_passed_over(tmp_path):
    path = capture(tmp_path)
    path.write_text(path.read_text() + '{"kind":"beacon","ms":1}\n')
    assert len(read(path)[0]) == 5
