"""The parking role beside modelled bays, with seeds that were not used while it was tuned (1 to 150)."""

from simulator.bay.magnetics import Street
from simulator.bay.trial import NOISES_UT, Score, streets, total, week, weeks
from simulator.energy.endurance import WATCHES, Watch
from simulator.stimuli.cycles import DAY_S

UNSEEN = range(2001, 2011)


def test_arrivals_and_departures_are_told_right() -> None:
    score = total(weeks(UNSEEN, Street()))
    assert score.changes > 700
    assert score.right_pct >= 99.5, score
    assert score.false_per_week <= 1
    assert score.samples <= score.weeks * 7 * _a_day(WATCHES[0]).samples


def test_a_sensor_that_watches_by_itself_is_as_good_and_asks_for_less() -> None:
    score = total(weeks(UNSEEN[:4], Street(), watched=True))
    assert score.right_pct >= 99.5, score
    assert score.false_per_week <= 1
    assert score.wakes <= score.weeks * 7 * _a_day(WATCHES[1]).wakes
    assert score.samples <= score.weeks * 7 * _a_day(WATCHES[1]).samples


def _a_day(watch: Watch) -> Score:
    """What the energy ledger reckons with."""
    wakes = DAY_S * 1_000_000 // watch.sleep_us
    return Score(weeks=1, changes=1, right=1, false=0, samples=wakes * watch.samples, wakes=wakes)


def test_a_bay_drowned_in_noise_is_told_as_it_is() -> None:
    """The trial would find a detector that fails: here it must."""
    score = week(UNSEEN[0], Street(noise_ut=8.0))
    assert score.right_pct < 90


def test_scores_add_up() -> None:
    one = Score(weeks=1, changes=10, right=9, false=3, samples=100)
    both = total(iter([one, Score(weeks=1, changes=30, right=30, false=0, samples=50)]))
    assert (both.right_pct, both.false_per_week, both.samples) == (97.5, 1.5, 150)


def test_the_sweep_goes_through_the_nominal_street() -> None:
    assert [street.noise_ut for street in streets()] == list(NOISES_UT)
    assert Street() in streets()
