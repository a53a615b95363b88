"""A comparison as one HTML page that needs nothing else, in English and French, on the frame of the report's page."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from html import escape

from simulator.lighting.compare import FULL, Comparison, Figures
from simulator.lighting.street import CLASSES, UNITS
from simulator.report.page import document, figure_html, heading_html, table_html
from simulator.report.plots import Figure, html_of, line_sample
from simulator.report.saying import EN, MONTHS, Text, joined, number, percent, same, short, time_of_day, zone_of
from simulator.report.svg import Bar, Clock, Line, Scale, bar_plot, time_plot

_NAME_FULL = Text("full light", "plein éclairage")
_NIGHT_BIN_S = 600
_SHOWN = {
    "winter": Text("a Tuesday in January", "un mardi de janvier"),
    "summer": Text("a Saturday in June", "un samedi de juin"),
}
_BODY_NOTE = Text(
    "Levels are found by the code that lamps run; orders of the gateway (events, darkness by day, presence) are put "
    "above them as its door does. People, weather and the sun are the same for every programme. Fades of a minute, the "
    "moon and light of windows are left out; power goes with the level above what a driver takes for itself. People "
    "are a model with plausible hours, no count of any street.",
    "Les niveaux sont trouvés par le code même des lampes\u00a0; les ordres de la passerelle (événements, obscurité de "
    "jour, présence) s’y ajoutent comme elle le fait. Passants, météo et soleil sont les mêmes pour tous les "
    "programmes. Les fondus d’une minute, la lune et la lumière des fenêtres sont négligés\u00a0; la puissance suit le "
    "niveau, en plus de ce que prend l’alimentation. Les passants sont un modèle aux heures plausibles, sans comptage.",
)


def comparison_page(comparison: Comparison, language: str = EN) -> str:
    """An HTML document that opens in *language* and holds both."""
    street = comparison.street
    title = f"{street.name}, {street.year}"
    told = Text(
        "{lamps} lamps of {watts} W, {dark} h of darkness, {people} times somebody below a lamp in it, seed {seed}.",
        "{lamps} lampes de {watts} W, {dark} h d’obscurité, {people} fois quelqu’un sous une lampe, graine {seed}.",
    ).filled(
        lamps=number(street.lamps),
        watts=short(street.watts),
        dark=number(comparison.dark_h),
        people=number(comparison.people),
        seed=str(street.seed),
    )
    makers: Sequence[Callable[[Comparison], Figure | None]] = (_energy, _night("winter"), _night("summer"), _months)
    makers = (*makers, _classes, _passages, _curfew)
    figures = [figure for make in makers if (figure := make(comparison)) is not None]
    body = [
        f'<header><h1>{escape(title)}</h1>\n<p class="faint">{html_of(told)}</p></header>',
        heading_html(Text("Side by side", "Côte à côte")),
        table_html(_HEAD, [_row(each) for each in comparison.figures]),
        f'<p class="faint">{html_of(_BODY_NOTE)}</p>',
        heading_html(Text("What the year showed", "Ce que l’année a montré")),
        '<div class="figures">\n' + "\n".join(figure_html(figure) for figure in figures) + "\n</div>",
    ]
    return document(title, language, body)


def name_of(figures: Figures) -> Text:
    """What a programme is called."""
    return _NAME_FULL if figures.name == FULL else same(figures.name)


_HEAD = (
    Text("programme", "programme"),
    same("kWh"),
    Text("saved", "économie"),
    same("€"),
    Text("CO₂, kg", "CO₂, kg"),
    Text("passages met with light", "passages éclairés"),
    Text("night without any light", "nuit sans lumière"),
    Text("curfew, klm·h a lamp", "couvre-feu, klm·h par lampe"),
    Text("hours lit, of a lamp", "heures allumées, par lampe"),
)


def _row(each: Figures) -> list[Text]:
    return [
        name_of(each),
        number(each.kwh),
        percent(each.saved_pct, 100) if each.saved_pct > 0 else short(round(each.saved_pct, 1)),
        number(each.eur),
        number(each.co2_kg),
        same("–") if each.met_pct is None else percent(each.met_pct, 100),
        percent(each.dark_pct, 100),
        number(each.curfew_lmh / 1000),
        number(each.lit_h),
    ]


def _energy(comparison: Comparison) -> Figure:
    least = min(comparison.figures, key=lambda each: each.kwh)
    title = Text(
        "{name} takes least: {kwh} kWh a year, {saved} less than full light.",
        "{name} consomme le moins\u00a0: {kwh} kWh par an, {saved} de moins que le plein éclairage.",
    ).filled(name=name_of(least), kwh=number(least.kwh), saved=percent(least.saved_pct, 100))
    bars = [
        Bar(label=name_of(each), value=each.kwh, figure=number(each.kwh), style=style)
        for style, each in enumerate(comparison.figures)
    ]
    return Figure(
        key="energy",
        title=title,
        plot=bar_plot(bars, Text("kWh a year", "kWh par an"), "energy-title"),
        head=[_HEAD[0], same("kWh"), same("€"), same("CO₂, kg")],
        rows=[[name_of(each), number(each.kwh), number(each.eur), number(each.co2_kg)] for each in comparison.figures],
    )


def _night(which: str) -> Callable[[Comparison], Figure]:
    def make(comparison: Comparison) -> Figure:
        zone = zone_of(comparison.street.time_zone)
        start = datetime(comparison.street.year, 1 if which == "winter" else 6, 15, 12, tzinfo=zone).astimezone(UTC)
        clock = Clock(start_s=int(start.timestamp()), lasts_s=86_400, bin_s=_NIGHT_BIN_S, zone=zone)
        lines = [
            Line(label=name_of(each), values=each.outcome.shown[which], style=style)
            for style, each in enumerate(comparison.figures)
        ]
        key = f"night-{which}"
        title = Text("{night}: how bright the street is.", "{night}\u00a0: la clarté de la rue.").filled(
            night=Text(_SHOWN[which].en.capitalize(), _SHOWN[which].fr.capitalize())
        )
        return Figure(
            key=key,
            title=title,
            plot=time_plot(clock, Scale(title=same("%"), low=0, high=100), lines, (), f"{key}-title"),
            legend=_legend(comparison),
            head=[Text("from", "de"), *(name_of(each) for each in comparison.figures)],
            rows=[
                [
                    time_of_day(clock.start_s + at * _NIGHT_BIN_S, zone),
                    *(_level(each.outcome.shown[which][at]) for each in comparison.figures),
                ]
                for at in range(0, 144, 3)
            ],
        )

    return make


def _months(comparison: Comparison) -> Figure:
    full = comparison.figures[0].outcome.taken_kwh
    title = Text(
        "At full light the longest month takes {most} kWh, the shortest {least}.",
        "Au plein éclairage, le mois le plus long prend {most} kWh, le plus court {least}.",
    ).filled(most=number(max(full)), least=number(min(full)))
    bars = [
        Bar(
            label=joined((_MONTHS[month], name_of(each)), "\u00a0· "),
            value=each.outcome.taken_kwh[month],
            figure=number(each.outcome.taken_kwh[month]),
            style=style,
        )
        for month in (0, 5, 9)
        for style, each in enumerate(comparison.figures)
    ]
    return Figure(
        key="months",
        title=title,
        plot=bar_plot(bars, Text("kWh in the month", "kWh dans le mois"), "months-title"),
        head=[Text("month", "mois"), *(name_of(each) for each in comparison.figures)],
        rows=[
            [_MONTHS[month], *(number(each.outcome.taken_kwh[month]) for each in comparison.figures)]
            for month in range(12)
        ],
    )


def _classes(comparison: Comparison) -> Figure:
    street = comparison.street
    reached = [name for name, least in CLASSES[street.classes] if least <= street.full]
    unit = UNITS[street.classes]
    shown = reached or [CLASSES[street.classes][-1][0]]
    worst = max(comparison.figures, key=lambda each: each.below_h[shown[-1]])
    title = Text(
        "{name} leaves the street below {level} (EN 13201-2) for {hours} of {dark} hours of darkness.",
        "{name} laisse la rue sous {level} (EN 13201-2) pendant {hours} des {dark} heures d’obscurité.",
    ).filled(
        name=name_of(worst),
        level=shown[-1],
        hours=number(worst.below_h[shown[-1]]),
        dark=number(comparison.dark_h),
    )
    bars = [
        Bar(
            label=joined((same(level), name_of(each)), "\u00a0· "),
            value=each.below_h[level],
            figure=number(each.below_h[level]),
            style=style,
        )
        for level in shown
        for style, each in enumerate(comparison.figures[1:], 1)
    ]
    return Figure(
        key="classes",
        title=title,
        plot=bar_plot(bars, Text("hours below the class", "heures sous la classe"), "classes-title"),
        head=[Text("class", "classe"), same(unit), *(name_of(each) for each in comparison.figures)],
        rows=[
            [same(level), short(least), *(number(each.below_h[level]) for each in comparison.figures)]
            for level, least in CLASSES[street.classes]
        ],
    )


def _passages(comparison: Comparison) -> Figure | None:
    """By the hour of the night: what lies behind the share."""
    if not comparison.people:
        return None
    hours = [hour % 24 for hour in range(12, 36) if comparison.figures[0].outcome.passed[hour % 24]]
    zone = zone_of(comparison.street.time_zone)
    start = datetime(comparison.street.year, 1, 15, hours[0], tzinfo=zone)
    clock = Clock(start_s=int(start.timestamp()), lasts_s=3600 * len(hours), bin_s=3600, zone=zone)
    lines = [
        Line(
            label=name_of(each),
            values=[100 * each.outcome.met[hour] / each.outcome.passed[hour] for hour in hours],
            style=style,
        )
        for style, each in enumerate(comparison.figures)
    ]
    dimmest = min(comparison.figures, key=lambda each: each.met_pct or 0)
    title = Text(
        "With {name} {share} of those who pass in the dark have light.",
        "Avec {name}, {share} de ceux qui passent la nuit ont de la lumière.",
    ).filled(name=name_of(dimmest), share=percent(dimmest.met_pct or 0, 100))
    return Figure(
        key="passages",
        title=title,
        plot=time_plot(clock, Scale(title=same("%"), low=0, high=100), lines, (), "passages-title"),
        legend=_legend(comparison),
        head=[Text("hour", "heure"), Text("passages", "passages"), *(name_of(each) for each in comparison.figures)],
        rows=[
            [
                same(f"{hour:02}"),
                number(comparison.figures[0].outcome.passed[hour]),
                *(percent(each.outcome.met[hour], each.outcome.passed[hour]) for each in comparison.figures),
            ]
            for hour in hours
        ],
    )


def _curfew(comparison: Comparison) -> Figure:
    street = comparison.street
    most = max(comparison.figures, key=lambda each: each.curfew_lmh)
    title = Text(
        "Between {begin} and {end} a lamp of {name} gives {light} klm·h a year.",
        "Entre {begin} et {end}, une lampe de {name} donne {light} klm·h par an.",
    ).filled(begin=street.curfew_from, end=street.curfew_to, name=name_of(most), light=number(most.curfew_lmh / 1000))
    bars = [
        Bar(label=name_of(each), value=each.curfew_lmh / 1000, figure=number(each.curfew_lmh / 1000), style=style)
        for style, each in enumerate(comparison.figures)
    ]
    return Figure(
        key="curfew",
        title=title,
        plot=bar_plot(bars, Text("klm·h a year, of one lamp", "klm·h par an et par lampe"), "curfew-title"),
        head=[_HEAD[0], same("klm·h")],
        rows=[[name_of(each), number(each.curfew_lmh / 1000)] for each in comparison.figures],
    )


def _legend(comparison: Comparison) -> list[tuple[str, Text]]:
    return [(line_sample(style), name_of(each)) for style, each in enumerate(comparison.figures)]


def _level(value: float | None) -> Text:
    return same("–") if value is None else number(value)


_MONTHS = tuple(Text(english, french) for english, french in MONTHS)
