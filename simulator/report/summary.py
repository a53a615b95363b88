"""What a run showed, in sentences for the terminal."""

from rich.text import Text as Line

from simulator.report.plots import due_share
from simulator.report.report import Report
from simulator.report.saying import Text, joined, lasting, number, percent, same, short
from simulator.report.words import CAUSES, REASONS, claim, measured, truth, word

STOPPED = Text(
    "stopped before its end: what was expected of the whole is not judged",
    "arrêté avant la fin\u00a0: ce qu’on attendait du tout n’est pas jugé",
)


def summary(report: Report, language: str) -> Line:
    """A few lines; what did not hold stands out."""
    lines = [
        Text(
            "{delivered} of {taken} readings delivered ({share})", "{delivered} relevés livrés sur {taken} ({share})"
        ).filled(
            delivered=number(report.readings["delivered"]),
            taken=number(report.readings["taken"]),
            share=percent(report.readings["delivered"], report.readings["taken"]),
        ),
        *_more(report),
        _frames(report),
        Text(
            "{airtime} on the air in {hours} h by {nodes} nodes", "{airtime} d’antenne en {hours} h par {nodes} nœuds"
        ).filled(airtime=lasting(report.airtime_s), hours=short(round(report.hours, 2)), nodes=number(report.nodes)),
    ]
    if not report.complete:
        lines.append(STOPPED)
    shown = Line("\n".join(line.to(language) for line in lines))
    for each in report.truths:
        _claim(shown, truth(each.name), each.held, language)
        if each.event:
            shown.append(f"\n  {each.event}")
    for expectation in report.expectations if report.complete else ():
        reached = Text("nothing to measure", "rien à mesurer")
        if expectation.value is not None:
            reached = Text("it is {value}", "c’est {value}").filled(
                value=measured(expectation.name.partition(" ")[0], expectation.value)
            )
        told = Text("{claim} ({reached})", "{claim} ({reached})").filled(claim=claim(expectation.name), reached=reached)
        _claim(shown, told, expectation.held, language)
    return shown.append(f"\n{Text('digest', 'empreinte').to(language)} {report.digest}", "dim")


def _more(report: Report) -> list[Text]:
    """Events and latency, where there were any, and how much arrived of what had time for it."""
    lines = []
    if report.grace_s and report.figures.get("delivered") is not None:
        told = Text("of all records older than {age}: {share}", "de tout ce qui a plus de {age}\u00a0: {share}")
        lines.append(told.filled(age=lasting(report.grace_s), share=due_share(report)))
    if report.events.get("taken"):
        lines.append(
            Text(
                "{delivered} of {taken} events delivered ({share})",
                "{delivered} événements livrés sur {taken} ({share})",
            ).filled(
                delivered=number(report.events["delivered"]),
                taken=number(report.events["taken"]),
                share=percent(report.events["delivered"], report.events["taken"]),
            )
        )
    if report.latency_s.get("p50") is not None:
        lines.append(
            Text(
                "half of the readings came within {half}, 99 of 100 within {most}",
                "la moitié des relevés est venue en {half}, 99 sur 100 en {most}",
            ).filled(half=lasting(report.latency_s["p50"]), most=lasting(report.latency_s["p99"]))
        )
    return lines


def _frames(report: Report) -> Text:
    lost = joined(
        same("{count} ({cause})").filled(count=number(count), cause=word(CAUSES, cause))
        for cause, count in report.lost.items()
        if count
    )
    line = Text(
        "{received} of {sent} frames received ({share})", "{received} trames reçues sur {sent} ({share})"
    ).filled(
        received=number(report.uplinks["received"]),
        sent=number(report.uplinks["sent"]),
        share=percent(report.uplinks["received"], report.uplinks["sent"]),
    )
    if lost.en:
        line = joined((line, Text("; lost: {lost}", "\u00a0; perdues\u00a0: {lost}").filled(lost=lost)), "")
    if report.refused:
        refused = joined(
            same("{count} ({reason})").filled(count=number(count), reason=word(REASONS, reason))
            for reason, count in report.refused.items()
        )
        line = joined((line, Text("; refused: {all}", "\u00a0; refusées\u00a0: {all}").filled(all=refused)), "")
    return line


def _claim(shown: Line, text: Text, held: bool, language: str) -> None:
    shown.append("\n✓ " if held else "\n✗ ", "green" if held else "bold red")
    shown.append(text.to(language), "" if held else "bold red")
