"""What a crash says on a board is where it happened in the repository, whatever was done to the sources on the way."""

import re

import pytest

from simulator.board.process import Host
from tests.board.roles import MISLED_ONCE, NODES, board_of, plant
from tests.board.street import HOUR_US, MINUTE_US, Town
from tests.micropython.compile import PACKAGES, REPOSITORY

_FRAME = re.compile(r'File "(\w+)", line (\d+)')


@pytest.mark.parametrize("role", NODES)
def test_each_line_of_it_is_a_line_of_the_sources(firmware, role):
    with Host(1) as host, Town(host, (f"{role}-001",), role) as town:
        board = board_of(town, 0, firmware, planted=True)
        said = []
        board.cable = said.append
        board.switch_on()
        town.run(20 * MINUTE_US)
        plant(board, MISLED_ONCE)
        town.run(2 * HOUR_US)
    trace = b"".join(said).decode("latin-1").partition("Traceback")[2]
    frames = _FRAME.findall(trace)
    assert frames[0][0] == "start"
    assert {"alive", role} < {module for module, _ in frames}
    for module, line in frames:
        text = line_of(module, int(line))
        assert "now" in text or "_ms" in text or "turn(" in text, (module, line, text)
    error = board.nvs.read("lampyre", "error").decode()
    assert error.startswith(f"{frames[-1][0]}:{frames[-1][1]} ")


def line_of(module, line):
    """Of the one file of that name."""
    (path,) = [path for package in PACKAGES for path in (REPOSITORY / package).rglob(f"{module}.py")]
    return path.read_text(encoding="utf-8").splitlines()[line - 1]
