"""The boards' tables are what the node takes, and say of each board what is known about it."""

import json

import pytest

from boards.catalogue.known import load, names
from firmware.body.board import MAX_LEN, board_of, read_board
from protocol.errors import SettingsError
from simulator.energy.currents import BOARDS

TABLES = [
    (board, role, options)
    for board in map(load, names())
    for role in (*board.roles, "bridge")
    for options in ((), *((option,) for option in board.options_for(role)))
]


@pytest.mark.parametrize(
    ("board", "role", "options"),
    TABLES,
    ids=[f"{board.id}-{role}-{''.join(options)}" for board, role, options in TABLES],
)
def test_what_goes_to_the_board_is_what_the_node_takes(board, role, options, tmp_path):
    text = json.dumps(board.table(role, options))
    assert len(text) <= MAX_LEN
    (tmp_path / "board.json").write_text(text, encoding="utf-8")
    found = read_board(str(tmp_path / "board.json"))
    assert found.name == board.name
    assert found.part("radio")
    again = read_board(str(tmp_path / "board.json"), checked=True)
    assert again.name == board.name
    assert [again.part(part) for part in json.loads(text)] == [found.part(part) for part in json.loads(text)]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_deep_sleep_begins_where_it_saves_what_a_boot_costs(board):
    """The same figures as the energy ledger's."""
    even_ms = board.boot_uas * 1000 // (board.light_ua - board.deep_ua)
    assert abs(load(board.name).node.sleep.deep_from_ms - even_ms) <= 1_000


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "board.json is no table"),
        ({"radio": 5}, "board.json: radio is 5; expected a table"),
        ({"coffee": {}}, "board.json: there is no part 'coffee'; expected one of battery climate"),
        ({"i2c": {"scl": 1}}, "board.json: i2c has no sda"),
        ({"i2c": {"scl": 1, "sda": "two"}}, "board.json: i2c sda is 'two'; expected a number"),
        ({"led": {"pin": 1, "colour": 2}}, "board.json: led has no use for colour; expected pin lit"),
        ({"field0": {"chip": "hmc5883"}}, "board.json: field0 chip is 'hmc5883'; expected one of sx1262"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_a_sentence(given, says):
    with pytest.raises(SettingsError, match=says.replace("(", r"\(")):
        board_of(given)


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "cannot be read: it was cut"), (" " * (MAX_LEN + 1), f"has more than {MAX_LEN} characters")],
)
def test_a_file_that_is_no_table_is_refused_with_a_sentence(text, says, tmp_path):
    (tmp_path / "board.json").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=says):
        read_board(str(tmp_path / "board.json"))
    with pytest.raises(SettingsError, match=r"board.json is missing: the flashing tool writes it"):
        read_board(str(tmp_path / "nothing.json"))
