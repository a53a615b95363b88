"""`python -m tests.board.copied FOLDER`: the files of a board's flash, compiled, for the boards of `make demo`."""

import sys
from pathlib import Path

from tests.board.street import compiled


def main(folder: Path) -> None:
    """Write them below *folder*."""
    for path, content in compiled().items():
        file = folder / path[1:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
