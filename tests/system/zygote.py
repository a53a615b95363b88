"""A process that has imported the gateway and forks one when it is told to: a start costs 50 ms instead of a second.

`python -m tests.system.zygote GATEWAY_TOML` reads lines: `start` forks a gateway and answers its pid, `reap PID` waits
for its end and answers how it ended, as `os.waitpid` tells it.
"""

import os
import sys
from pathlib import Path

from gateway import process


def main() -> None:
    """Serve until the standard input ends."""
    config = Path(sys.argv[1])
    for line in sys.stdin:
        if line == "start\n":
            pid = os.fork()
            if pid == 0:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(2, 1)
                os._exit(process.run(config))
            print(pid, flush=True)
        else:
            print(os.waitpid(int(line.split()[1]), 0)[1], flush=True)


if __name__ == "__main__":
    main()
