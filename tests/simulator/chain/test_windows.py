"""A scenario runs where Windows is: without the modules and functions of POSIX."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
# Python's documentation marks each of these "Availability: Unix", or "not Windows".
RUN = """
import os, signal, socket, sys
for name in ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog"):
    sys.modules[name] = None
for name in ("fork", "getuid", "geteuid", "getgid", "chown", "fchown", "fchmod", "statvfs", "uname", "pread", "pwrite",
             "sched_getaffinity", "sync", "O_DIRECTORY", "O_NOFOLLOW", "O_CLOEXEC"):
    delattr(os, name)
for name in ("SIGHUP", "SIGKILL", "SIGUSR1", "SIGUSR2", "pthread_kill"):
    delattr(signal, name)
del socket.AF_UNIX
import simulator.cli
simulator.cli.app(["run", "twenty-nodes", "--hours", "0.5", "--json", sys.argv[1]], standalone_mode=False)
"""


def test_nothing_of_a_run_is_posix_alone(tmp_path):
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-c", RUN, report], cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    assert report.is_file(), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
