"""The figures of a report's page: each a sentence that says what it shows, a plot, a legend in words and a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from simulator.report.report import Curve, Over, Report
from simulator.report.saying import Text, joined, lasting, number, percent, same, short, time_of_day, when, zone_of
from simulator.report.svg import Bar, Clock, Line, Scale, Shade, bar_plot, nice_top, time_plot
from simulator.report.town import CLASSES, SILENT, SILENT_WORDS, class_of, gateway_shape, shape, town_map
from simulator.report.words import CAUSES, ROLES, word

Values = Sequence[float | None]
_MOST_ZONES = 5  # curves that can be told apart in one plot: as many as there are styles
_DURATIONS_S = (1.0, 10.0, 60.0, 600.0, 3600.0, 6 * 3600.0, 86_400.0, 5 * 86_400.0, 30 * 86_400.0)
_USUAL_S = 3600  # between two readings of a node, at most
AWAY = "gateway", "broker"  # what shades the plots
_AWAY = Text("shaded: gateway or broker away", "grisé\u00a0: passerelle ou courtier absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure. key: its id in the page. title: a sentence. legend: a sample as HTML with its words. rows: a table.

    head: of the table's columns.
    """

    key: str
    title: Text
    plot: str
    legend: Sequence[tuple[str, Text]] = ()
    head: Sequence[Text] = ()
    rows: Sequence[Sequence[Text]] = ()


def figures(report: Report) -> list[Figure]:
    """Those that the run has something to show for, in the order of the page."""
    over = report.over
    if over is None:
        return []
    makers: list[Callable[[Report, Over], Figure | None]] = [
        _delivery,
        _latency,
        _arrivals,
        _airtime,
        _spreading,
        _losses,
        _battery,
        _parking,
        _particles,
        _weather,
        _lamps,
        _power,
        _joins,
    ]
    return [figure for make in makers if (figure := make(report, over)) is not None]


def map_figure(report: Report) -> Figure | None:
    """Where what was delivered; None for a run without nodes."""
    if not report.spots:
        return None
    whole = sum(node.due_delivered == node.due > 0 for node in report.spots)
    title = Text(
        "{whole} of {all} nodes had every record delivered that had time to arrive.",
        "{whole} nœuds sur {all} ont vu livrer tout ce qui avait eu le temps d’arriver.",
    ).filled(whole=number(whole), all=number(sum(node.due > 0 for node in report.spots)))
    there = {class_of(node) for node in report.spots}
    names = [*(name for _, name in CLASSES), SILENT_WORDS]
    legend = [(_shape_sample(role, 0), word(ROLES, role)) for role in dict.fromkeys(node.role for node in report.spots)]
    legend += [(_shape_sample("air", each), names[each]) for each in range(SILENT + 1) if each in there]
    if report.gateways:
        legend.append((_sample(gateway_shape(12, 12)), Text("gateway", "passerelle")))
    poor = sorted(report.spots, key=lambda node: node.due_delivered / node.due if node.due else 0)[:20]
    return Figure(
        key="map",
        title=title,
        plot=town_map(report, "map-title"),
        legend=legend,
        head=[
            Text("the nodes with the least", "les nœuds qui en ont le moins"),
            Text("role", "rôle"),
            Text("zone", "zone"),
            Text("delivered", "livrés"),
            Text("frames received", "trames reçues"),
        ],
        rows=[
            [
                same(node.name),
                word(ROLES, node.role),
                same(node.zone or "–"),
                percent(node.due_delivered, node.due),
                percent(node.received, node.sent),
            ]
            for node in poor
        ],
    )


def _delivery(report: Report, over: Over) -> Figure | None:
    if not report.readings["taken"]:
        return None
    delivered = _settled(report, over, _shares(over.delivered, over.taken))
    frames = [
        None if not sent else 100 * max(0, sent - lost) / sent for sent, lost in zip(over.sent, over.lost, strict=True)
    ]
    known = [value for value in (*delivered, *frames) if value is not None]
    low = max(0, min(90, 10 * int(min(known) // 10)))
    title = Text(
        "{share} of the records that had time to arrive did, though {lost} of the frames were lost.",
        "{share} des relevés ayant eu le temps d’arriver l’ont fait, alors que {lost} des trames se sont perdues.",
    ).filled(
        share=due_share(report),
        lost=percent(sum(report.lost.values()), report.uplinks["sent"]),
    )
    lines = [
        Line(label=Text("readings taken then that arrived", "relevés pris alors et arrivés"), values=delivered),
        Line(
            label=Text("frames sent then that were received", "trames émises alors et reçues"), values=frames, style=1
        ),
    ]
    return _over_time("delivery", title, report, over, Scale(title=_unit("%"), low=low, high=100), lines)


def _latency(report: Report, over: Over) -> Figure | None:
    slowest = max((value for value in over.p90_s if value is not None), default=None)
    if slowest is None:
        return None
    title = Text(
        "Half of the readings arrived within {half}, 99 of 100 within {most}.",
        "La moitié des relevés est arrivée en {half}, 99 sur 100 en {most}.",
    ).filled(half=lasting(report.latency_s["p50"]), most=lasting(report.latency_s["p99"]))
    lines = [
        Line(
            label=Text("half of them were faster", "la moitié est plus rapide"),
            values=_settled(report, over, over.p50_s),
        ),
        Line(
            label=Text("nine of ten were faster", "neuf sur dix sont plus rapides"),
            values=_settled(report, over, over.p90_s),
            style=1,
        ),
    ]
    rungs = [value for value in _DURATIONS_S if value < 2 * slowest]
    high = max(_DURATIONS_S[2], slowest * 1.2)
    powers = [(value, lasting(value)) for value in rungs or _DURATIONS_S[:2]]
    scale = Scale(title=Text("time taken", "délai"), low=powers[0][0], high=high, powers=powers)
    return _over_time("latency", title, report, over, scale, lines)


def _arrivals(report: Report, over: Over) -> Figure | None:
    """The outage and how it was made good; nothing to see where nothing had to wait."""
    most = max(over.backlog)
    if not most:
        return None
    title = Text(
        "What waited, {most} messages at most, was delivered afterwards.",
        "Ce qui attendait, {most} messages au plus, a été livré ensuite.",
    ).filled(most=number(most))
    lines = [
        Line(label=Text("readings taken", "relevés pris"), values=over.taken),
        Line(label=Text("readings that came to the city", "relevés arrivés à la ville"), values=over.arrived, style=1),
        Line(
            label=Text("messages waiting for the broker", "messages en attente du courtier"),
            values=over.backlog,
            style=2,
        ),
    ]
    width = lasting(over.bin_s)
    scale = Scale(
        title=Text("number in {width}", "nombre en {width}").filled(width=width),
        low=0,
        high=nice_top(max(most, *over.arrived, *over.taken)),
    )
    return _over_time("arrivals", title, report, over, scale, lines)


def _airtime(report: Report, over: Over) -> Figure | None:
    if not report.sub_bands:
        return None
    bars = []
    fullest, of = 0.0, report.sub_bands[0]
    for use in report.sub_bands:
        senders = [
            (use.mean_pct, Text("node on average", "nœud en moyenne"), 0),
            (use.busiest_pct, Text("busiest node", "nœud le plus actif"), 1),
            (use.gateway_pct, Text("busiest gateway", "passerelle la plus active"), 2),
        ]
        for value, sender, style in senders:
            share = 100 * value / use.limit_pct
            if not value:
                continue
            label = joined((same(use.name), sender), "\u00a0· ")
            bars.append(Bar(label=label, value=share, figure=_pct(share), style=style))
            fullest, of = max((fullest, of), (share, use), key=lambda pair: pair[0])
    title = Text(
        "Nobody used more than {share} of the airtime allowed in an hour (sub-band {band}).",
        "Personne n’a pris plus de {share} du temps d’antenne permis en une heure (sous-bande {band}).",
    )
    if fullest > 100:
        title = Text(
            "In sub-band {band} {share} of the airtime allowed in an hour was used.",
            "Dans la sous-bande {band}, {share} du temps d’antenne permis en une heure a été pris.",
        )
    limit = (100.0, Text("limit", "limite"))
    unit = Text("% of the limit of the sub-band", "% de la limite de la sous-bande")
    return Figure(
        key="airtime",
        title=title.filled(share=_pct(fullest), band=of.name),
        plot=bar_plot(bars, unit, "airtime-title", limit),
        head=[
            Text("sub-band (EN 300 220-2)", "sous-bande (EN 300 220-2)"),
            Text("limit, % of an hour", "limite, % d’une heure"),
            Text("node on average", "nœud en moyenne"),
            Text("busiest node", "nœud le plus actif"),
            Text("busiest gateway", "passerelle la plus active"),
        ],
        rows=[
            [
                same(use.name),
                short(use.limit_pct),
                short(use.mean_pct),
                joined((short(use.busiest_pct), same(use.busiest)), " "),
                joined((short(use.gateway_pct), same(use.gateway)), " "),
            ]
            for use in report.sub_bands
        ],
    )


def _spreading(report: Report, over: Over) -> Figure | None:
    if not report.spreading:
        return None
    return _counted(
        "spreading",
        {same(name): count for name, count in report.spreading.items()},
        Text("{most} carried {share} of the frames.", "{most} a porté {share} des trames."),
        Text("frames sent, by spreading factor", "trames émises, par facteur d’étalement"),
        report.uplinks["sent"],
    )


def _losses(report: Report, over: Over) -> Figure | None:
    lost = {cause: count for cause, count in report.lost.items() if count}
    if not lost:
        return None
    ordered = sorted(lost, key=lambda cause: -lost[cause])
    return _counted(
        "losses",
        {word(CAUSES, cause): lost[cause] for cause in ordered},
        Text(
            "Most frames that were lost had one cause: {most} ({share}).",
            "Première cause de perte\u00a0: {most} ({share}).",
        )
        if lost[ordered[0]] * 2 > sum(lost.values())
        else Text(
            "The most frequent cause of loss was: {most} ({share}).", "Première cause de perte\u00a0: {most} ({share})."
        ),
        Text("frames lost", "trames perdues"),
        sum(lost.values()),
    )


def _battery(report: Report, over: Over) -> Figure | None:
    years = sorted(node.years for node in report.spots if node.years is not None)
    if not years:
        return None
    width = max(1, int(nice_top((years[-1] - int(years[0])) / 8)))
    first, last = int(years[0]) // width * width, int(years[-1]) // width * width
    bars = [
        (from_year, sum(from_year <= value < from_year + width for value in years))
        for from_year in range(first, last + 1, width)
    ]
    tenth = next((role.battery_p10_years for role in report.roles if role.battery_p10_years is not None), None)
    title = Text(
        "At this pace nine cells of ten would last longer than {years} years.",
        "À ce rythme, neuf piles sur dix dureraient plus de {years} ans.",
    ).filled(years=short(years[0] if tenth is None else tenth))
    named = {
        Text(f"{from_year} to {from_year + width} years", f"{from_year} à {from_year + width} ans"): count
        for from_year, count in bars
    }
    return _counted("battery", named, title, Text("nodes on batteries", "nœuds sur pile"), len(years))


def _parking(report: Report, over: Over) -> Figure | None:
    if not over.bays:
        return None
    zones = list(over.bays)[:_MOST_ZONES]
    fullest = max(
        ((value, zone, at) for zone in zones for at, value in enumerate(over.bays[zone]) if value is not None),
        key=lambda peak: peak[0],
    )
    share, zone, at = fullest
    title = Text(
        "At most {share} of the bays were taken{where}, about {time}.",
        "Au plus {share} des places étaient prises{where}, vers {time}.",
    ).filled(share=_pct(100 * share), where=f" ({zone})" if zone else "", time=_time(report, over, at))
    lines = []
    for style, name in enumerate(zones):
        lines.append(
            Line(label=_of_zone(name, Text("in truth", "en vérité")), values=_times_100(over.bays[name]), style=style)
        )
    if len(zones) <= 2:
        for style, name in enumerate(zones, start=len(zones)):
            if name in over.told:
                lines.append(
                    Line(
                        label=_of_zone(name, Text("as the city knew", "vu par la ville")),
                        values=_times_100(over.told[name]),
                        style=style,
                    )
                )
    return _over_time("parking", title, report, over, Scale(title=_unit("%"), low=0, high=100), lines)


def _particles(report: Report, over: Over) -> Figure | None:
    return _quantities(
        "particles",
        report,
        over,
        [("pm2_5", Text("PM2.5", "PM2,5")), ("pm10", same("PM10")), ("no2", same("NO₂"))],
        same("µg/m³"),
        Text(
            "{name} peaked at {value} µg/m³ on average, about {time}.",
            "{name} a culminé à {value} µg/m³ en moyenne, vers {time}.",
        ),
    )


def _weather(report: Report, over: Over) -> Figure | None:
    return _quantities(
        "temperature",
        report,
        over,
        [("temperature", Text("temperature", "température"))],
        same("°C"),
        Text("It was {value} °C at the warmest, about {time}.", "Il a fait {value} °C au plus chaud, vers {time}."),
    )


def _lamps(report: Report, over: Over) -> Figure | None:
    if not over.lamps:
        return None
    zones = list(over.lamps)[:_MOST_ZONES]
    lit = [
        max((value for zone in zones if (value := over.lamps[zone][at]) is not None), default=0)
        for at in range(len(over.sent))
    ]
    hours = sum(value > 1 for value in lit) * over.bin_s / 3600
    title = Text(
        "Lamps shone for about {hours} of {all} hours.", "Les lampes ont éclairé environ {hours} heures sur {all}."
    ).filled(hours=number(hours), all=short(round(report.hours, 1)))
    lines = [
        Line(label=same(zone) if zone else Text("all lamps", "toutes les lampes"), values=over.lamps[zone], style=style)
        for style, zone in enumerate(zones)
    ]
    scale = Scale(title=Text("mean level, %", "niveau moyen, %"), low=0, high=100)
    return _over_time("lamps", title, report, over, scale, lines)


def _power(report: Report, over: Over) -> Figure | None:
    return _quantities(
        "power",
        report,
        over,
        [("power", Text("power of a lamp", "puissance d’une lampe"))],
        same("W"),
        Text(
            "A lamp took {value} W at most on average, about {time}.",
            "Une lampe a pris au plus {value} W en moyenne, vers {time}.",
        ),
    )


def _joins(report: Report, over: Over) -> Figure | None:
    """How a fleet came back; where all joined in the first moments there is nothing to see."""
    if sum(over.joined[1:]) < 0.02 * report.nodes:
        return None
    total, grown = 0, []
    for count in over.joined:
        total += count
        grown.append(total)
    title = Text("Nodes were let in {count} times.", "Des nœuds ont été admis {count} fois.").filled(
        count=number(total)
    )
    lines = [Line(label=Text("joins so far", "adhésions jusque-là"), values=grown)]
    return _over_time(
        "joins", title, report, over, Scale(title=Text("joins", "adhésions"), low=0, high=nice_top(total)), lines
    )


def _quantities(
    key: str, report: Report, over: Over, names: Sequence[tuple[str, Text]], unit: Text, title: Text
) -> Figure | None:
    """Means over all nodes; the first has a band from the least to the most that any node told."""
    there = [(label, over.values[name]) for name, label in names if name in over.values]
    if not there:
        return None
    lines = [
        Line(
            label=label,
            values=curve.mean,
            style=style,
            band=(curve.least, curve.most) if not style else None,
            bridges=_USUAL_S // over.bin_s,
        )
        for style, (label, curve) in enumerate(there)
    ]
    label, first = there[0]
    value, at = max((value, -at) for at, value in enumerate(first.mean) if value is not None)
    low, high = _range([curve for _, curve in there])
    text = title.filled(name=label, value=short(round(value, 1)), time=_time(report, over, -at))
    band = (
        '<i class="key band s0"></i>',
        Text("from the least to the most of any node", "du moindre au plus fort des nœuds"),
    )
    return _over_time(key, text, report, over, Scale(title=unit, low=low, high=high), lines, [band])


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    lows = [value for curve in curves for value in (*curve.least, *curve.mean) if value is not None]
    highs = [value for value in curves[0].most if value is not None]
    highs += [value for curve in curves for value in curve.mean if value is not None]
    low, high = min(0.0, *lows), max(*highs, 1.0)
    return (-nice_top(-low) if low < 0 else 0.0), nice_top(high)


def _over_time(
    key: str,
    title: Text,
    report: Report,
    over: Over,
    scale: Scale,
    lines: Sequence[Line],
    more: Sequence[tuple[str, Text]] = (),
) -> Figure:
    clock = Clock(start_s=report.start_s, lasts_s=report.hours * 3600, bin_s=over.bin_s, zone=zone_of(report.time_zone))
    shades = [Shade(from_s=each.from_s, to_s=each.to_s) for each in report.outages if each.what in AWAY]
    legend = [(line_sample(line.style), line.label) for line in lines]
    legend += more
    if shades:
        legend.append(('<i class="key away"></i>', _AWAY))
    return Figure(
        key=key,
        title=title,
        plot=time_plot(clock, scale, lines, shades, f"{key}-title"),
        legend=legend,
        head=[Text("from", "de"), *(line.label for line in lines)],
        rows=[
            [_time(report, over, at, begin=True), *(_cell(line.values[at]) for line in lines)]
            for at in range(len(over.sent))
        ],
    )


def _counted(key: str, counts: dict[Text, int], title: Text, unit: Text, whole: int) -> Figure:
    most = max(counts, key=lambda name: counts[name])
    bars = [Bar(label=name, value=count, figure=percent(count, whole)) for name, count in counts.items()]
    return Figure(
        key=key,
        title=title.filled(most=most, share=percent(counts[most], whole)),
        plot=bar_plot(bars, unit, f"{key}-title"),
        head=[same(""), unit, Text("share", "part")],
        rows=[[name, number(count), percent(count, whole)] for name, count in counts.items()],
    )


def _shares(parts: Sequence[int], wholes: Sequence[int]) -> list[float | None]:
    return [100 * part / whole if whole else None for part, whole in zip(parts, wholes, strict=True)]


def due_share(report: Report) -> Text:
    """Of the records that the radio has had time for, the share that came."""
    share = report.figures.get("delivered")
    return same("–") if share is None else percent(share, 1)


def _settled(report: Report, over: Over, values: Values) -> list[float | None]:
    """Without the bins at the end whose readings may still be on their way."""
    settled = int((report.hours * 3600 - report.grace_s) // over.bin_s)
    return [value if at < settled else None for at, value in enumerate(values)]


def _times_100(values: Values) -> list[float | None]:
    return [None if value is None else 100 * value for value in values]


def _of_zone(zone: str, text: Text) -> Text:
    return joined((same(zone), text)) if zone else text


def _time(report: Report, over: Over, at: int, begin: bool = False) -> Text:
    """When a bin is, its begin or its middle; with the day where there are several."""
    unix_s = report.start_s + at * over.bin_s + (0 if begin else over.bin_s // 2)
    zone = zone_of(report.time_zone)
    return time_of_day(unix_s, zone) if report.hours <= 24 else when(unix_s, zone)


def _pct(value: float) -> Text:
    text = short(round(value, 2))
    return Text(f"{text.en}\u202f%", f"{text.fr}\u202f%")


def _unit(text: str) -> Text:
    return same(text)


def _cell(value: float | None) -> Text:
    return same("–") if value is None else short(value)


def _sample(drawn: str) -> str:
    return f'<svg class="key" viewBox="0 0 24 24" aria-hidden="true">{drawn}</svg>'


def line_sample(style: int) -> str:
    """The sample of a curve for a legend."""
    return _sample(f'<line class="curve s{style}" x1="0" x2="24" y1="12" y2="12"/>')


def _shape_sample(role: str, number_of_class: int) -> str:
    return _sample(f'{shape(role, 12, 12, 6)} class="node k{number_of_class}"/>')


def html_of(text: Text) -> str:
    """A text as HTML, in a span for each language where they differ."""
    if text.en == text.fr:
        return escape(text.en)
    return f'<span class="en" lang="en">{escape(text.en)}</span><span class="fr" lang="fr">{escape(text.fr)}</span>'
