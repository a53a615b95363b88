"""What is planted must be found: each pitfall of the chips, put into our driver, turns a driver test red."""

import pytest

from tests.firmware.drivers.pitfalls import PITFALLS, TESTS, first_red


@pytest.mark.parametrize(("driver", "title", "old", "new"), PITFALLS, ids=lambda value: str(value)[:60])
def test_a_planted_pitfall_is_found(driver, title, old, new):
    assert first_red(driver, old, new), f"no test notices in {driver}.py: {title}"


@pytest.mark.parametrize("driver", TESTS)
def test_without_a_pitfall_all_is_green(driver):
    """What turned red above was no accident."""
    assert first_red(driver) == ""


def test_a_pitfall_that_fits_nowhere_is_refused():
    with pytest.raises(ValueError, match=r"sx1262\.py has 0 places like this, expected 1"):
        first_red("sx1262", "no such line", "")
