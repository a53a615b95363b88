"""Every board of the catalogue, wired as its file says, joins and tells what its sensors see."""

import pytest

from boards.catalogue.known import load, names
from simulator.board.process import Host
from tests.board.street import MINUTE_US, Town


@pytest.fixture(name="host")
def _host():
    with Host(1) as host:
        yield host


@pytest.mark.parametrize("name", names())
def test_an_air_node_on_this_board_joins_and_reports(host, firmware, name):
    board_file = load(name)
    with Town(host) as town:
        board = town.node(0, firmware, board_file.table("air"))
        board.switch_on()
        town.run(17 * MINUTE_US)
        told = [message["values"] for message in town.messages if message["kind"] == "reading"]
        assert told
        assert None not in (told[-1]["pm2_5"], told[-1]["co2"], told[-1]["temperature"])
        assert board.brought_down == []
        for part, chip in board.chips.items():
            assert not getattr(chip, "breaches", None), part
        if "pmu" in board.chips:
            assert board.chips["pmu"].radio_mv() == 3300
            assert not board.chips["pmu"].gps_is_on()
