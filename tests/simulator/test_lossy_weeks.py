"""Promise 2 of the design: lossy radio does not mean lossy data, at every data rate, without confirmed traffic."""

import pytest
from hypothesis import settings

from simulator.truths.breaches import DUTY_CYCLE, NOTHING_INVENTED
from tests.simulator.lossy_weeks import WEEKS, Week, run_week
from tests.simulator.runs import broken

SOAK = settings.get_current_profile_name() == "soak"
NODES = (6, 6) if SOAK else (1, 1)  # air and parking
DIRECTLY_S = 5


@pytest.mark.parametrize("week", WEEKS, ids=lambda week: week.name)
def test_a_week_of_losses_loses_no_record_and_tells_it_within_the_hour(week):
    chain, report = run_week(week, *NODES)
    assert broken(report) == set(), chain.witness.breaches.sentences("again")  # duty cycle and dates among them
    figures = report.figures
    assert figures["settled"] >= 0.999
    assert figures["settled_soon"] >= least_soon(week)
    assert figures["confirmed_uplinks"] == 0
    assert figures["dating_error_max_s"] <= DIRECTLY_S
    share = report.uplinks["received"] / report.uplinks["sent"]
    assert share < 0.95, "nothing was lost on the air, so nothing was shown"
    assert chain.witness.records.taken[1] > 50, "hardly a car came"


def least_soon(week: Week) -> float:
    """At DR0 a frame has room for three readings, and half of the duty cycle lets one go each nine minutes.

    So what a burst of many hours kept back takes longer than an hour to be told.
    """
    return 0.90 if week.dr == 0 and week.bursts else 0.99


@pytest.mark.parametrize(("repeat", "resend"), [(False, False), (True, False), (False, True)])
def test_without_repetition_or_without_asking_again_more_is_lost_or_late(repeat, resend):
    _, whole = run_week(Week(5, bursts=True), 1, 1)
    _, less = run_week(Week(5, bursts=True, repeat=repeat, resend=resend), 1, 1)
    assert (less.figures["settled"], less.figures["settled_soon"]) < (
        whole.figures["settled"],
        whole.figures["settled_soon"],
    )
    if not resend:
        assert less.figures["settled"] < 0.97
    assert {DUTY_CYCLE, NOTHING_INVENTED}.isdisjoint(broken(less))
