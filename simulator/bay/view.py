"""What a person sees of the parking trial: a table by noise, and what it is worth."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table

from simulator.bay.magnetics import Street
from simulator.bay.trial import Score


def accuracy_table(results: Iterable[tuple[Street, Score]]) -> RenderableType:
    """A line for each street."""
    table = Table(title="Parking: arrivals and departures told right within a minute", title_justify="left")
    for heading in ("Noise", "Signal to noise", "Bay-weeks", "Changes", "Right", "False a week"):
        table.add_column(heading, justify="right")
    for street, score in results:
        table.add_row(
            f"{street.noise_ut:g} µT",
            f"{street.snr_db:.0f} dB",
            f"{score.weeks}",
            f"{score.changes}",
            f"{score.right_pct:.2f} %",
            f"{score.false_per_week:.2f}",
        )
    return Group(
        table,
        "Of a model (simulator/bay/magnetics.py names its sources), not of a street: accuracy in the field is for the "
        "field to say.",
    )
