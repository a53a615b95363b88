"""`lampyre` in a process of its own, which takes pseudo-terminals for a hub: `-m tests.boards.tool PORTS PATIENCE …`.

PORTS: paths with commas between. PATIENCE: how many times as long answers may take; esptool's are in esptool.cfg. On
stderr, last, it says how much memory the process had at the most, in kB.
"""

import sys
import time
from pathlib import Path

from boards.flashing import cli
from boards.node import console, ports


def main():
    """Flash."""
    paths, patience = sys.argv.pop(1).split(","), float(sys.argv.pop(1))
    hub = [ports.Port(path=path, location=f"1-{number}") for number, path in enumerate(paths)]
    ports.find = lambda: hub  # a pseudo-terminal is on no USB
    console.RealClock.now_s = lambda _: time.monotonic() / patience
    try:
        cli.app()
    finally:
        # Not getrusage: what the process that started this one had counts there, too.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        [peak] = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        sys.stderr.write(f"\n{peak}\n")


if __name__ == "__main__":
    main()
