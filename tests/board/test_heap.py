"""What a node leaves on its heap, wake after wake."""

from statistics import median

import pytest

from tests.benchmarks.board_heap import AIM_B, CYCLES, GARBAGE_B, lived
from tests.board.street import HOUR_US, MINUTE_US

STEADY_B = 1_024


# What each takes at rest, and a little: an object that lives keeps the module of its class, and all that one imports.
@pytest.mark.parametrize(("role", "us", "most"), [("light", 50 * HOUR_US, AIM_B), ("bridge", 10 * MINUTE_US, 60_500)])
def test_ten_thousand_cycles_leave_the_heap_as_it_was(firmware, role, us, most):
    """Of the roles that never begin anew; the others do with each deep sleep."""
    found = lived(firmware, role, us)
    assert len(found.live) > CYCLES
    tenth = CYCLES // 10
    assert median(found.live) < most
    # The median: now and then a turn has what is loaded on demand.
    assert median(found.live[-tenth:]) <= median(found.live[tenth : 2 * tenth]) + STEADY_B
    usual = sorted(found.wakes)[: len(found.wakes) * 99 // 100]  # the rest load modules for what is rare
    assert max(usual, default=0) < GARBAGE_B
