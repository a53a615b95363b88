"""The drivers as they are flashed, with short names and nothing that is not used, against the same chips."""

import contextlib
import io
import runpy

from tests.micropython.compile import REPOSITORY, compile_all
from tests.micropython.test_on_micropython import HERE, node

MOST_GARBAGE = 1024  # bytes left by one thing that a radio does; a wake does about ten of them, and may leave 16 kB


def test_they_do_there_what_their_sources_do_here(tmp_path):
    script = HERE / "hands.py"
    compile_all(tmp_path, script.read_text(encoding="utf-8"))
    done = node("run_script.mjs", REPOSITORY, tmp_path, script)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    here = io.StringIO()
    with contextlib.redirect_stdout(here):
        runpy.run_path(str(script))
    assert done.stdout.splitlines() == here.getvalue().splitlines()
    assert len(done.stdout.splitlines()) > 15


def test_a_radio_leaves_little_garbage(tmp_path):
    compile_all(tmp_path, (HERE / "garbage.py").read_text(encoding="utf-8"))
    done = node("run_script.mjs", REPOSITORY, tmp_path, HERE / "garbage.py")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    left = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in done.stdout.splitlines()}
    assert len(left) == 10
    assert all(size <= MOST_GARBAGE for size in left.values()), left
