"""Whoever names an option, or the setting that goes with it, gets both."""

import pytest

from boards.catalogue.known import boards, load
from boards.catalogue.options import agreed, unknown
from boards.catalogue.wiring import connected

HELTEC = load("heltec-v3")


@pytest.mark.parametrize(
    ("options", "settings"),
    [((), {"detector": "distance"}), (("distance",), {}), (("distance",), {"detector": "distance"})],
)
def test_the_distance_sensor_is_wired_and_used_whichever_is_said(options, settings):
    found = agreed(HELTEC, "parking", options, {"heartbeat_s": 600} | settings)
    assert found == (("distance",), {"heartbeat_s": 600, "detector": "distance"})
    table = HELTEC.table("parking", found[0])
    assert table["distance"] == {"uart": 1, "tx": 47, "rx": 48}
    assert "field0" not in table


def test_what_neither_asks_for_stays_as_it_is():
    assert agreed(HELTEC, "parking", (), {"detector": "watched"}) == ((), {"detector": "watched"})
    assert agreed(HELTEC, "parking", ("lis3mdl",), {}) == (("lis3mdl",), {})
    assert agreed(HELTEC, "bridge", (), {}) == ((), {})


def test_a_second_bay_or_head_is_used_when_it_is_there():
    assert agreed(HELTEC, "parking", ("two-bays",), {})[1] == {"bays": 2}
    assert agreed(HELTEC, "light", (), {"heads": 2})[0] == ("two-heads",)


def test_what_does_not_agree_is_told():
    with pytest.raises(ValueError, match=r"^--option distance means detector = distance, and detector is watched; "):
        agreed(HELTEC, "parking", ("distance",), {"detector": "watched"})
    with pytest.raises(ValueError, match=r"^--option is 'dali'; for parking, heltec-v3 offers lis3mdl, two-bays, dist"):
        agreed(HELTEC, "parking", ("dali",), {})
    assert unknown(HELTEC, "light", ("dali",)) == ""


@pytest.mark.parametrize("board", boards(), ids=lambda board: board.id)
def test_every_board_takes_a_distance_sensor(board):
    [sensor] = connected(board, "parking", ("distance",))
    ends = {wire.terminal: wire.end for wire in sensor.wires}
    part = board.table("parking", ("distance",))["distance"]
    assert ends == {
        "1 VCC": board.supply,
        "2 GND": "GND",
        "3 RX": f"GPIO{part['tx']}",  # crossed: what we send, it receives
        "4 TX": f"GPIO{part['rx']}",
    }
