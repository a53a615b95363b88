"""How many arrivals and departures a parking node tells right, by noise, in a model: never a street's accuracy."""

from collections.abc import Iterator

from simulator.bay.magnetics import Street
from simulator.bay.trial import streets, total, weeks
from tests.benchmarks.figures import Figure

SEEDS = range(3001, 3011)  # none of those used while tuning
TARGET_PCT = 99.5
TARGET_FALSE_PER_WEEK = 1


def figures() -> Iterator[Figure]:
    """For each noise; the targets are the nominal street's and hold for all that are clearer."""
    for street in streets():
        score = total(weeks(SEEDS, street))
        met = street.noise_ut <= Street().noise_ut
        how = f"{score.changes} changes in {score.weeks} bay-weeks of simulator/bay/magnetics.py, not of a street"
        yield Figure(
            name=f"parking.snr_{street.snr_db:.0f}_db.right_pct",
            value=round(score.right_pct, 2),
            unit="%",
            target=TARGET_PCT if met else None,
            more_is_better=True,
            how=how,
        )
        yield Figure(
            name=f"parking.snr_{street.snr_db:.0f}_db.false_per_week",
            value=round(score.false_per_week, 2),
            unit="1/week",
            target=TARGET_FALSE_PER_WEEK if met else None,
            how=how,
        )
