"""The gateway's process without the command line, which it would carry for years; `lampyre gateway run` becomes it."""

import sys
from pathlib import Path

from gateway.process import run


def main(arguments: list[str]) -> int:
    """Run with the path of gateway.toml and, behind it, of a capture if one is wanted."""
    config, *capture = (Path(argument) for argument in arguments)
    return run(config, capture[0] if capture else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
