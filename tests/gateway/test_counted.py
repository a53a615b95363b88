"""Nobody reads `1 faults`."""

import pytest

from gateway.counted import compte, counted


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (counted(0, "fault"), "0 faults"),
        (counted(1, "fault"), "1 fault"),
        (counted(2, "record goes", "records go"), "2 records go"),
        (compte(0, "lampe"), "0 lampe"),
        (compte(1, "dernier message", "derniers messages"), "1 dernier message"),
        (compte(2, "lampe"), "2 lampes"),
    ],
)
def test_a_noun_agrees_with_its_number(said, expected):
    assert said == expected
