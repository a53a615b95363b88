"""What a person sees of a run: a live table of the nodes, and the summary at the end."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from protocol.region import data_rate
from simulator.chain import Chain
from simulator.report.report import Report

_FRAME_LINES = 8  # title, head, borders and what else a terminal needs around the rows


def live_table(chain: Chain, height: int) -> RenderableType:
    """The nodes as they are now, one row each, as many as a terminal of *height* lines shows."""
    rows = max(1, height - _FRAME_LINES)
    minutes = chain.timeline.now_us // 60_000_000
    settings = chain.settings
    table = Table(
        title=f"{settings.nodes} air nodes, seed {settings.seed}: "
        f"{minutes // 60:02}:{minutes % 60:02} of {settings.hours}:00 h",
        title_justify="left",
    )
    table.add_column("Node")
    for heading in ("Spreading", "Readings", "Delivered", "PM2.5 µg/m³", "CO₂ ppm", "Air °C"):
        table.add_column(heading, justify="right")
    views = list(chain.views.values())
    for view in views[:rows]:
        latest = view.latest or {}
        table.add_row(
            view.name,
            "–" if view.dr is None else f"SF{data_rate(view.dr)[0]}",
            str(view.taken),
            str(view.delivered),
            *(_shown(latest.get(name)) for name in ("pm2_5", "co2", "temperature")),
        )
    if len(views) > rows:
        return Group(table, Text(f"… and {len(views) - rows} more"))
    return table


def summary(report: Report) -> RenderableType:
    """What the run showed, in sentences."""
    taken, delivered = report.readings["taken"], report.readings["delivered"]
    sent, received = report.uplinks["sent"], report.uplinks["received"]
    lines = [
        f"{delivered} of {taken} readings delivered ({_percent(delivered, taken)})",
        f"{received} of {sent} frames received ({_percent(received, sent)}); lost: "
        + ", ".join(f"{count} by {cause}" for cause, count in report.lost.items()),
        f"{report.airtime_s:.0f} s on the air in {report.hours} h by {report.nodes} nodes",
    ]
    text = Text("\n".join(lines))
    for truth in report.truths:
        text.append("\n✓ " if truth.held else "\n✗ ", style="green" if truth.held else "bold red")
        text.append(truth.name)
    for expectation in report.expectations:
        text.append("\n✓ " if expectation.held else "\n✗ ", style="green" if expectation.held else "bold red")
        text.append(f"{expectation.name} (it is {expectation.value})")
    text.append(f"\ndigest {report.digest}", style="dim")
    return text


def _shown(value: float | int | None) -> str:
    return "–" if value is None else str(value)


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
