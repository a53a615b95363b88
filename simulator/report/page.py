"""The report as one HTML page that needs nothing else: no network, no other file; for phones too, in two languages.

Which language shows is one attribute of the document; a script of three lines changes it. The page forbids itself any
other source (Content-Security-Policy), so that nobody who opens it is noticed anywhere.
"""

import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from simulator.report.plots import AWAY, Figure, due_share, figures, html_of, map_figure
from simulator.report.report import Away, Expectation, Group, Report, Truth
from simulator.report.saying import (
    EN,
    FR,
    Text,
    date,
    joined,
    lasting,
    number,
    percent,
    same,
    short,
    time_of_day,
    when,
    zone_of,
)
from simulator.report.words import (
    ATTACKS,
    CAUSES,
    FAULTS,
    REASONS,
    ROLES,
    claim,
    happening,
    measured,
    truth,
    whose,
    word,
)

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_NAV = '<nav><button value="en" lang="en">English</button> <button value="fr" lang="fr">Français</button></nav>'
_STOPPED = Text("This run was stopped before its end.", "Ce passage a été arrêté avant sa fin.")
_FIGURE = re.compile("[>\\d–-]")  # how a cell with a figure begins
_SCRIPT = """
const buttons = document.querySelectorAll("nav button");
const show = (language) => {
  document.documentElement.lang = language;
  buttons.forEach((button) => button.setAttribute("aria-pressed", button.value === language));
};
buttons.forEach((button) => button.addEventListener("click", () => show(button.value)));
show(document.documentElement.lang);
"""
_ABOUT_MODEL = Text(
    "Where a simulator of this kind was held against radios in the field, it delivered 3 to 6 percentage points more "
    "than was measured. Read the shares of frames as those of a good day; whether data survives losses is what this "
    "page shows.",
    "Comparés à de vraies radios sur le terrain, les simulateurs de ce genre ont livré 3 à 6 points de pourcentage de "
    "plus que mesuré. Lisez les parts de trames comme celles d’un bon jour\u00a0; ce que cette page montre, c’est si "
    "les données survivent aux pertes.",
)


def page(report: Report, language: str = EN, more: Sequence[str] = ()) -> str:
    """An HTML document that opens in *language* ("en" or "fr") and holds both. more: sections of others, as HTML."""
    title = report.name or "Lampyre"
    body = [
        _head(report),
        _tiles(report),
        _claims(report),
        _model(report),
        _figures(report),
        _groups(report),
        *more,
        _troubles(report),
        _replay(report),
    ]
    return document(title, language, body)


def document(title: str, language: str, body: Sequence[str]) -> str:
    """A whole document with the page's style and policy, of parts that hold both languages."""
    return (
        f'<!doctype html>\n<html lang="{FR if language == FR else EN}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_style()}</style>\n</head>\n<body>\n"
        + "\n".join([_NAV, *body])
        + f"\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _style() -> str:
    return files("simulator.report").joinpath("page.css").read_text(encoding="utf-8")


def _head(report: Report) -> str:
    told = Text(
        "{nodes} virtual nodes and {gateways} gateways from {day}, {time} on, for {hours} h, seed {seed}.",
        "{nodes} nœuds virtuels et {gateways} passerelles à partir du {day}, {time}, pendant {hours} h, graine {seed}.",
    ).filled(
        nodes=number(report.nodes),
        gateways=number(len(report.gateways)),
        day=date(report.start_s, zone_of(report.time_zone)),
        time=time_of_day(report.start_s, zone_of(report.time_zone)),
        hours=short(round(report.hours, 1)),
        seed=str(report.seed),
    )
    stopped = "" if report.complete else f"<p><strong>{html_of(_STOPPED)}</strong></p>"
    heading = f"<h1>{escape(report.name or 'Lampyre')}</h1>"
    return f'<header>{heading}\n<p class="faint">{html_of(told)}</p>{stopped}</header>'


def _tiles(report: Report) -> str:
    claims: list[Truth | Expectation] = [*report.truths, *(report.expectations if report.complete else ())]
    tiles = [
        (
            due_share(report),
            Text("of records older than {age} delivered", "des relevés de plus de {age} livrés").filled(
                age=lasting(report.grace_s)
            ),
        )
        if report.grace_s
        else (
            percent(report.readings["delivered"], report.readings["taken"]),
            Text("of {all} readings delivered", "de {all} relevés livrés").filled(all=number(report.readings["taken"])),
        ),
        (
            percent(report.uplinks["received"], report.uplinks["sent"]),
            Text("of {all} frames received", "de {all} trames reçues").filled(all=number(report.uplinks["sent"])),
        ),
    ]
    if report.events.get("taken"):
        tiles.append(
            (
                percent(report.events["delivered"], report.events["taken"]),
                Text("of {all} events delivered", "de {all} événements livrés").filled(
                    all=number(report.events["taken"])
                ),
            )
        )
    if report.latency_s.get("p50") is not None:
        tiles.append((lasting(report.latency_s["p50"]), Text("until half were there", "pour la moitié des relevés")))
    tiles.append(
        (
            Text("{held} of {all}", "{held} sur {all}").filled(held=sum(each.held for each in claims), all=len(claims)),
            Text("truths and expectations held", "vérités et attentes tenues"),
        )
    )
    items = "".join(f"<li><b>{html_of(figure)}</b> {html_of(label)}</li>" for figure, label in tiles)
    return f'<ul class="tiles">{items}</ul>'


def _claims(report: Report) -> str:
    truths = "".join(_claim(html_of(truth(each.name)), each.held, each.event) for each in report.truths)
    expectations = "".join(
        _claim(f"{html_of(claim(each.name))} <span class='faint'>({html_of(_reached(each))})</span>", each.held)
        for each in report.expectations
    )
    parts = [heading_html(Text("What had to be true", "Ce qui devait être vrai")), f'<ul class="claims">{truths}</ul>']
    if expectations and report.complete:
        parts += [
            heading_html(Text("What was expected", "Ce qui était attendu")),
            f'<ul class="claims">{expectations}</ul>',
        ]
    return "\n".join(parts)


def _claim(what: str, held: bool, event: str = "") -> str:
    mark, said = ("✓", Text("held", "tenu")) if held else ("✗", Text("did not hold", "non tenu"))
    return (
        f'<li class="{"held" if held else "broken"}"><span class="mark" aria-hidden="true">{mark}</span>{what}'
        f"{'' if held else ' – ' + html_of(said)}{f'<br><code>{escape(event)}</code>' if event else ''}</li>"
    )


def _reached(expectation: Expectation) -> Text:
    if expectation.value is None:
        return Text("there was nothing to measure", "rien à mesurer")
    value = measured(expectation.name.partition(" ")[0], expectation.value)
    return Text("it is {value}", "c’est {value}").filled(value=value)


def _model(report: Report) -> str:
    used = Text("Radio model of this run: {model}.", "Modèle radio de ce passage\u00a0: {model}.").filled(
        model=Text(report.model, report.model_fr)
    )
    heading = heading_html(Text("How far to trust the radio", "Jusqu’où se fier à la radio"))
    return f"{heading}\n<p>{html_of(used)} {html_of(_ABOUT_MODEL)}</p>"


def _figures(report: Report) -> str:
    there = [figure for figure in (map_figure(report), *figures(report)) if figure is not None]
    drawn = "\n".join(figure_html(figure) for figure in there)
    heading = heading_html(Text("What the run showed", "Ce que le passage a montré"))
    return f'{heading}\n<div class="figures">\n{drawn}\n</div>'


def figure_html(figure: Figure) -> str:
    """A figure with its title, legend, and the table of what it shows."""
    legend = "".join(f"<li>{sample}{html_of(words)}</li>" for sample, words in figure.legend)
    return (
        f'<figure id="{figure.key}"><figcaption id="{figure.key}-title">{html_of(figure.title)}</figcaption>\n'
        + figure.plot
        + (f'<ul class="legend">{legend}</ul>' if legend else "")
        + f"<details><summary>{html_of(Text('The figures as a table', 'Les chiffres en tableau'))}</summary>"
        + f"{table_html(figure.head, figure.rows)}</details></figure>"
    )


def table_html(head: Sequence[Text], rows: Sequence[Sequence[Text]]) -> str:
    """Columns of figures are ranged to the right, of words to the left."""
    ranged = ["" if all(_FIGURE.match(row[at].en) for row in rows) else ' class="words"' for at in range(len(head))]
    columns = "".join(f'<th scope="col"{kind}>{html_of(each)}</th>' for kind, each in zip(ranged, head, strict=True))
    lines = "".join(
        "<tr>" + "".join(f"<td{kind}>{html_of(cell)}</td>" for kind, cell in zip(ranged, row, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="table" tabindex="0"><table><thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _groups(report: Report) -> str:
    parts = []
    for heading, groups, table in (
        (Text("By role", "Par rôle"), report.roles, ROLES),
        (Text("By zone", "Par zone"), report.zones, {}),
    ):
        if groups:
            rows = [_group(group, word(table, group.name)) for group in groups]
            known = [at for at in range(len(_GROUP_HEAD)) if any(row[at] != _NONE for row in rows)]
            parts.append(heading_html(heading))
            parts.append(table_html([_GROUP_HEAD[at] for at in known], [[row[at] for at in known] for row in rows]))
    if any(each.fates or each.downlinks for each in report.gateways):
        parts.append(heading_html(Text("By gateway", "Par passerelle")))
        head = [
            Text("gateway", "passerelle"),
            Text("frames received", "trames reçues"),
            Text("sent", "émises"),
            Text("lost there", "perdues là"),
        ]
        rows = [
            [
                same(each.name),
                percent(each.fates.get("received", 0), sum(each.fates.values())),
                number(each.downlinks),
                _listed(
                    {word(CAUSES, fate): count for fate, count in each.fates.items() if fate != "received" and count}
                ),
            ]
            for each in report.gateways
        ]
        parts.append(table_html(head, rows))
    return "\n".join(parts)


_NONE = same("–")
_GROUP_HEAD = (
    same(""),
    Text("nodes", "nœuds"),
    Text("frames received", "trames reçues"),
    Text("readings delivered", "relevés livrés"),
    Text("events delivered", "événements livrés"),
    Text("half within", "la moitié en"),
    Text("99 of 100 within", "99 sur 100 en"),
    Text("battery, years", "pile, ans"),
)


def _group(group: Group, name: Text) -> list[Text]:
    return [
        name,
        number(group.nodes),
        percent(group.received, group.sent),
        percent(group.delivered, group.taken),
        percent(group.events_delivered, group.events_taken),
        lasting(group.latency_p50_s),
        lasting(group.latency_p99_s),
        same("–") if group.battery_p50_years is None else short(round(group.battery_p50_years, 1)),
    ]


def _troubles(report: Report) -> str:
    """Outages, happenings, refusals and attacks, of those that there were."""
    zone, parts = zone_of(report.time_zone), []
    if report.outages:
        rows = [
            [
                when(report.start_s + each.from_s, zone),
                lasting(each.to_s - each.from_s),
                word(FAULTS, each.what),
                whose(each.subject or "–", each.count),
            ]
            for each in _told_apart(report.outages)
        ]
        head = [Text("from", "de"), Text("for", "durée"), Text("what", "quoi"), Text("where", "où")]
        parts += [
            heading_html(Text("What was away or wrong", "Ce qui manquait ou n’allait pas")),
            table_html(head, rows),
        ]
    if report.refused or report.attacks:
        parts.append(heading_html(Text("What the gateway refused", "Ce que la passerelle a refusé")))
        parts.append(
            f"<p>{html_of(_listed({word(REASONS, name): count for name, count in report.refused.items()}))}</p>"
        )
    if report.attacks:
        parts.append(heading_html(Text("What the attacker sent", "Ce que l’attaquant a envoyé")))
        parts.append(
            f"<p>{html_of(_listed({word(ATTACKS, name): count for name, count in report.attacks.items()}))}</p>"
        )
    if report.happenings:
        rows = [
            [when(report.start_s + each.time_s, zone), happening(each.what), whose(each.subject or "–", each.count)]
            for each in report.happenings
        ]
        more = Text(", the first {count} of them", ", les {count} premiers").filled(count=number(len(rows)))
        summary = joined((Text("Events", "Événements"), more if report.unnoted else same("")), "")
        head = [Text("when", "quand"), Text("what", "quoi"), Text("where", "où")]
        parts.append(f"<details><summary>{html_of(summary)}</summary>{table_html(head, rows)}</details>")
    return "\n".join(parts)


def _told_apart(outages: Sequence[Away]) -> list[Away]:
    """Without that gateway or broker are away, where a fault of that time says why."""
    whys = {(each.from_s, each.to_s) for each in outages if each.what not in AWAY}
    return [each for each in outages if each.what not in AWAY or (each.from_s, each.to_s) not in whys]


def _listed(counts: dict[Text, int]) -> Text:
    if not counts:
        return Text("nothing", "rien")
    return joined(
        [
            Text("{name}: {count}", "{name}\u00a0: {count}").filled(name=name, count=number(count))
            for name, count in counts.items()
        ]
    )


def _replay(report: Report) -> str:
    of = Text("Digest of all frames, messages and figures:", "Empreinte de toutes trames, messages et chiffres\u00a0:")
    heading = heading_html(Text("The same again", "La même chose encore"))
    return (
        f"{heading}\n<pre><code>{escape(report.replay)}</code></pre>"
        f'<p class="faint">{html_of(of)} <code>{report.digest}</code></p>'
    )


def heading_html(text: Text) -> str:
    """A section's heading."""
    return f"<h2>{html_of(text)}</h2>"
