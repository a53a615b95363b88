"""The real mpremote at a virtual board's serial port."""

import subprocess
import sys
import threading

import pytest

from simulator.board.terminal import Terminal
from tests.board.conftest import Bench

MAIN = "import machine\nprint('main runs')\n\n\ndef turn():\n    machine.lightsleep(100)\n"
TIMEOUT_S = 20  # mpremote waits for ever for a board that does not answer


class Desk:
    """A board on a cable, and mpremote beside it."""

    def __init__(self, terminal):
        self._terminal = terminal
        self._over = False
        self._error = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while not self._over:
            self._terminal.serve(0.01)

    def __call__(self, *command):
        """Exit code and what it says; each is a session of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", self._terminal.path, *command],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return done.returncode, (done.stdout + done.stderr).decode().replace("\r\n", "\n")

    def end(self):
        self._over = True
        self._thread.join()


@pytest.fixture(name="desk", scope="module")
def _desk():
    with Bench(1) as bench:
        board = bench.board(MAIN, strict=False)
        bench.run(1)
        with Terminal(board, bench.timeline) as terminal:
            desk = Desk(terminal)
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
