"""The real mpremote at a virtual board's serial port."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from simulator.board.board import State
from simulator.board.terminal import Terminal, serve_all
from tests.board.conftest import Bench

MAIN = "import machine\nprint('main runs')\n\n\ndef turn():\n    machine.lightsleep(100)\n"
TIMEOUT_S = 20  # mpremote waits for ever for a board that does not answer


BOARDS = 8  # at once, as the flashing tool does it


class Desk:
    """Boards on cables, and mpremote beside them."""

    def __init__(self, timeline, *terminals):
        self._timeline = timeline
        self._terminals = terminals
        self._over = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._over:
            serve_all(self._terminals, self._timeline, 0.01)

    def __call__(self, *command, at=0):
        """Exit code and what it says; each is a session of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", self._terminals[at].path, *command],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode().replace("\r\n", "\n")

    def end(self):
        self._over = True
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive(), "nobody serves the boards any more"


@pytest.fixture(name="desk", scope="module")
def _desk():
    with Bench(1) as bench:
        board = bench.board(MAIN, strict=False)
        bench.run(1)
        with Terminal(board, bench.timeline) as terminal:
            desk = Desk(bench.timeline, terminal)
            yield desk
            desk.end()


def test_it_runs_code_and_tells_what_it_raised(desk):
    assert desk("exec", "print(6 * 7)") == (0, "42\n")
    code, said = desk("exec", "1/0")
    assert code == 1
    assert said.endswith("ZeroDivisionError: divide by zero\n")
    assert desk("exec", "import time; time.sleep(0.2); print('slept')") == (0, "slept\n")


def test_a_file_goes_there_and_back_whole(desk, tmp_path):
    here = tmp_path / "big.bin"
    here.write_bytes(bytes(range(256)) * 40)
    assert desk("cp", str(here), ":big.bin")[0] == 0
    assert "big.bin" in desk("ls")[1]
    assert desk("cp", ":big.bin", str(tmp_path / "back.bin"))[0] == 0
    assert (tmp_path / "back.bin").read_bytes() == here.read_bytes()
    assert desk("rm", ":big.bin")[0] == 0
    assert "big.bin" not in desk("ls")[1]


def test_folders_and_what_is_not_there(desk, tmp_path):
    (tmp_path / "note.txt").write_text("here\n")
    assert desk("mkdir", "box", "+", "cp", str(tmp_path / "note.txt"), ":box/note.txt")[0] == 0
    assert desk("cat", ":box/note.txt")[1].endswith("here\n")
    code, said = desk("cat", ":none.txt")
    assert code == 1
    assert "No such file" in said
    assert sorted(desk("ls")[1].split()[3::2]) == ["box/", "main.py"]  # and nothing that no board has


def test_a_script_runs_from_here(desk, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("".join(f"value_{number} = {number}\n" for number in range(200)) + "print(value_199)\n")
    assert desk("run", str(script)) == (0, "199\n")  # longer than raw-paste's window, many times


def test_a_session_goes_on_or_begins_anew(desk):
    assert desk("exec", "kept = 5")[0] == 0
    assert desk("resume", "exec", "print(kept)") == (0, "5\n")
    assert desk("exec", "print('kept' in globals())") == (0, "False\n")


def test_a_reset_is_one(desk):
    assert desk("exec", "import machine; machine.RTC().memory(b'x')")[0] == 0
    assert desk("reset", "+", "sleep", "1")[0] == 0  # an impatient Ctrl-C would stop it from resetting
    code, said = desk("resume", "exec", "import machine; print(machine.reset_cause(), machine.RTC().memory())")
    assert (code, said) == (0, "2 b'x'\n")


def test_eight_boards_at_once_on_lines_as_slow_as_real_ones(tmp_path):
    here = tmp_path / "big.bin"
    here.write_bytes(os.urandom(16_000))
    with Bench(BOARDS) as bench:
        boards = [bench.board(MAIN, strict=False) for _ in range(BOARDS)]
        bench.run(1)
        desk = Desk(bench.timeline, *[Terminal(board, bench.timeline, baud=460_800) for board in boards])

        def copy(at):
            return desk("cp", str(here), f":{at}.bin", at=at)

        with ThreadPoolExecutor(BOARDS) as pool:
            copies = list(pool.map(copy, range(BOARDS)))
        desk.end()
        assert [code for code, _ in copies] == [0] * BOARDS, copies
        assert [board.files()[f"/{at}.bin"] for at, board in enumerate(boards)] == [here.read_bytes()] * BOARDS


def test_a_paced_line_takes_a_gulp_at_a_time_and_then_rests():
    with Bench(1) as bench:
        board = bench.board(MAIN, strict=False)
        with Terminal(board, bench.timeline, baud=460_800) as terminal:
            theirs = os.open(terminal.path, os.O_RDWR | os.O_NOCTTY)
            os.write(theirs, bytes(1000))
            terminal.take(100.0)  # the board boots: what is typed waits
            assert len(board.stdin) == 46  # a millisecond of 46,080 bytes a second
            terminal.take(100.0)  # one gulp late, as it was idle before
            assert not terminal.listens(100.0)
            assert terminal.due_s(100.0) == pytest.approx(100.001, abs=0.000_01)
            assert terminal.listens(100.001)
            board.printed += bytes(100)
            terminal.give(100.0)
            assert len(board.printed) == 8  # one gulp, and the one late
            os.close(theirs)


def test_a_cable_that_is_pulled_takes_port_and_power(tmp_path):
    here = tmp_path / "big.bin"
    here.write_bytes(bytes(20_000))
    with Bench(1) as bench:
        board = bench.board(MAIN, strict=False)
        bench.run(1)
        terminal = Terminal(board, bench.timeline, cut_after=5_000)
        desk = Desk(bench.timeline, terminal)
        code, said = desk("cp", str(here), ":big.bin")
        desk.end()
        assert terminal.pulled
        assert code != 0, said
        assert board.state is State.OFF
        assert len(board.files().get("/big.bin", b"")) < 5_000
        board.switch_on()
        with Terminal(board, bench.timeline) as again:
            desk = Desk(bench.timeline, again)
            assert desk("exec", "print(6 * 7)") == (0, "42\n")
            desk.end()
