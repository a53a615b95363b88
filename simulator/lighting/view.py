"""A comparison as a table in the terminal."""

from rich.console import Group, RenderableType
from rich.table import Table

from simulator.lighting.compare import Comparison, Figures
from simulator.lighting.page import name_of
from simulator.lighting.street import CLASSES, UNITS
from simulator.report.saying import Text


def comparison_table(comparison: Comparison, language: str) -> RenderableType:
    """A column for each programme, beside full light."""
    street = comparison.street
    said = Text("{name}, {year}: {lamps} lamps of {watts} W", "{name}, {year}\u00a0: {lamps} lampes de {watts} W")
    title = said.filled(name=street.name, year=str(street.year), lamps=street.lamps, watts=f"{street.watts:g}")
    table = Table(title=title.to(language), title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for each in comparison.figures:
        table.add_column(name_of(each).to(language), justify="right")
    for heading, cells in _rows(comparison):
        table.add_row(heading.to(language), *cells)
    foot = Text(
        "{people} times somebody was below a lamp in the dark; {dark} h lie between sunset and sunrise.",
        "{people} fois quelqu’un était sous une lampe la nuit\u00a0; {dark} h séparent coucher et lever du soleil.",
    ).filled(people=comparison.people, dark=f"{comparison.dark_h:.0f}")
    return Group(table, foot.to(language))


def _rows(comparison: Comparison) -> list[tuple[Text, list[str]]]:
    street = comparison.street

    def row(heading: Text, *cells: str) -> tuple[Text, list[str]]:
        return heading, list(cells)

    every = comparison.figures
    unit = UNITS[street.classes]
    rows = [
        row(Text("kWh a year", "kWh par an"), *(f"{each.kwh:.0f}" for each in every)),
        row(Text("saved of full light, %", "économie, %"), *(f"{each.saved_pct:.1f}" for each in every)),
        row(Text("€ a year", "€ par an"), *(f"{each.eur:.0f}" for each in every)),
        row(Text("CO₂, kg a year", "CO₂, kg par an"), *(f"{each.co2_kg:.0f}" for each in every)),
        row(Text("passages met with light, %", "passages éclairés, %"), *map(_met, every)),
        row(Text("night without any light, %", "nuit sans lumière, %"), *(f"{each.dark_pct:.1f}" for each in every)),
        row(
            Text(
                f"light {street.curfew_from} to {street.curfew_to}, klm·h a lamp",
                f"lumière de {street.curfew_from} à {street.curfew_to}, klm·h par lampe",
            ),
            *(f"{each.curfew_lmh / 1000:.0f}" for each in every),
        ),
    ]
    rows += [
        row(
            Text(f"hours below {name} ({least:g} {unit})", f"heures sous {name} ({least:g} {unit})"),
            *(f"{each.below_h[name]:.0f}" for each in every),
        )
        for name, least in CLASSES[street.classes]
        if least <= street.full
    ]
    return rows


def _met(each: Figures) -> str:
    return "–" if each.met_pct is None else f"{each.met_pct:.1f}"
