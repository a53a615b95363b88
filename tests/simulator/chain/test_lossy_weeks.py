"""Promise 2 of the design: lossy radio does not mean lossy data, at every data rate, without confirmed traffic."""

from hypothesis import settings

from tests.simulator.chain.lossy_weeks import WEEKS, Week, outcomes

SOAK = settings.get_current_profile_name() == "soak"
NODES = (6, 6) if SOAK else (1, 1)  # air and parking
DIRECTLY_S = 5


def test_weeks_of_losses_lose_no_record_and_tell_it_within_the_hour_that_the_radio_allows():
    """At DR0, DR3, DR5 and under ADR; the truths hold, and duty cycle and dates are among them."""
    for week, outcome in zip(WEEKS, outcomes(WEEKS, *NODES), strict=True):
        figures = outcome["figures"]
        assert outcome["broken"] == [], week.name
        assert figures["settled"] >= 0.999, week.name
        assert figures["settled_soon"] >= 0.99, week.name
        assert figures["confirmed_uplinks"] == 0, week.name
        assert figures["dating_error_max_s"] <= DIRECTLY_S, week.name
        assert outcome["heard"] < 0.95, f"{week.name}: hardly anything was lost on the air, so nothing was shown"
        assert outcome["events"] > 50, f"{week.name}: hardly a car came"


def test_without_repeating_or_asking_again_more_is_lost_or_comes_late():
    weeks = [Week(5, True, repeat, resend) for repeat, resend in ((True, True), (False, True), (True, False))]
    whole, terse, deaf = (outcome["figures"] for outcome in outcomes(weeks, 1, 1, days=4))
    assert terse["settled_soon"] < whole["settled_soon"]
    assert deaf["settled"] < 0.97 < 0.999 <= whole["settled"]
