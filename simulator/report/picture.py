"""The live picture of a run in a terminal: how far it is, the district's map, what arrives, what happened last."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text as Line

from protocol.region import data_rate
from simulator.report.collector import READING, RECEIVED, Collector
from simulator.report.saying import Text, lasting, number, percent, same, short, when, zone_of
from simulator.report.street_map import StreetMap
from simulator.report.words import CAUSES, happening, whose, word

_FIGURES_WIDTH = 40
_LEAST_MAP = 30  # columns; a narrower terminal shows figures alone
_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = ".:-=+*%#"
_EVENTS = 5
_COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run goes: real seconds since its begin, and how far it has come in virtual µs."""

    real_s: float
    now_us: int

    @property
    def times(self) -> float:
        """How many virtual seconds pass in a real one."""
        return self.now_us / 1e6 / self.real_s if self.real_s > 0 else 0.0


class Picture:
    """Draws what a collector holds; the map is laid out anew when the terminal changes its size."""

    def __init__(self, collector: Collector, language: str, plain: bool) -> None:
        self._collector = collector
        self._language = language
        self._plain = plain
        self._zone = zone_of(collector.district.time_zone)
        self._map: StreetMap | None = None
        self._size = (0, 0)

    def draw(self, pace: Pace, width: int, height: int) -> RenderableType:
        """The whole picture in so many columns and lines."""
        events = self._events(_EVENTS if height >= 22 else 2)
        body: RenderableType = self._figures()
        map_width = width - _FIGURES_WIDTH - 3
        if map_width >= _LEAST_MAP:
            town, legend = self._laid_out(map_width, max(height - 6 - len(events), 8)).draw(pace.now_us)
            grid = Table.grid(padding=(0, 3, 0, 0))
            grid.add_column(width=map_width)
            grid.add_column(width=_FIGURES_WIDTH)
            grid.add_row(Group(town, Line(), legend), self._figures())
            body = grid
        return Group(*self._head(pace, width), Line(), body, Line(), *events)

    def _laid_out(self, width: int, height: int) -> StreetMap:
        if self._map is None or self._size != (width, height):
            self._size = width, height
            self._map = StreetMap(self._collector, width, height - 3, self._language, self._plain)
        return self._map

    def _head(self, pace: Pace, width: int) -> list[Line]:
        """Name, time and pace, and a bar for how far it is."""
        district = self._collector.district
        share = min(1.0, pace.now_us / 1e6 / (district.hours * 3600))
        first = Line(no_wrap=True, overflow="ellipsis")
        first.append(district.name, "bold")
        first.append("  " + when(district.start_s + pace.now_us / 1e6, self._zone).to(self._language), "bold cyan")
        speed = Text(
            "  {times} times real time, {rate} frames/s, seed {seed}",
            "  {times} fois le temps réel, {rate} trames/s, graine {seed}",
        ).filled(
            times=number(pace.times),
            rate=number(sum(self._collector.data_rates.values()) / max(pace.real_s, 0.001)),
            seed=str(district.seed),
        )
        first.append(speed.to(self._language), "dim")
        full, empty = ("#", "-") if self._plain else ("━", "─")
        done = int((width - 6) * share)
        bar = Line(no_wrap=True)
        bar.append(full * done, "green")
        bar.append(empty * (width - 6 - done), "bright_black")
        bar.append(f" {100 * share:3.0f} %")
        return [first, bar]

    def _figures(self) -> RenderableType:
        collector = self._collector
        delivered = sum(tally.delivered for tally in collector.tallies.values())
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column()
        rows: list[tuple[Text, Text | Line]] = [
            (Text("readings", "relevés"), self._of(delivered, collector.logged[READING])),
            (Text("frames", "trames"), self._of(collector.fates[RECEIVED], collector.fates.total())),
            (Text("arriving", "arrivées"), self._arriving()),
            (Text("lost", "perdues"), self._lost()),
            (Text("spreading", "étalement"), self._spreading()),
        ]
        rows += self._senses()
        rows += [
            (same(""), same("")),
            (Text("gateways", "passerelles"), self._gateways()),
        ]
        if collector.has_broker:
            rows.append((Text("broker", "courtier"), self._broker()))
        if collector.broken:
            broken = Line(", ".join(collector.broken), "bold red")
            rows.append((Text("broken", "rompu"), broken))
        for label, value in rows:
            shown = value if isinstance(value, Line) else value.to(self._language)
            table.add_row(label.to(self._language), shown)
        return table

    def _of(self, part: int, whole: int) -> Line:
        line = Line()
        line.append(percent(part, whole).to(self._language), "bold")
        told = Text("  {part} of {whole}", "  {part} sur {whole}").filled(part=number(part), whole=number(whole))
        return line.append(told.to(self._language), "dim")

    def _arriving(self) -> Line:
        """Readings by when they came, a column for each of the last bins; a gap and a peak are an outage."""
        series = self._collector.series
        last = max((at for at, taken in enumerate(series.taken) if taken), default=0)
        shown = series.arrived[max(0, last - _COLUMNS) : last]  # the last one is not over yet
        usual = max(1, 2 * sum(shown) // max(1, len(shown)))  # what came at once after an outage is cut off
        bars = _PLAIN_BARS if self._plain else _BARS
        return Line("".join(bars[min(count * len(bars) // (usual + 1), len(bars) - 1)] for count in shown), "cyan")

    def _lost(self) -> Text:
        fates = self._collector.fates
        causes = sorted((fate for fate in fates if fate != RECEIVED), key=lambda fate: -fates[fate])
        parts = [
            Text("{count} {cause}", "{count} {cause}").filled(count=number(fates[cause]), cause=word(CAUSES, cause))
            for cause in causes[:3]
        ]
        return _lines(parts) if parts else Text("none", "aucune")

    def _spreading(self) -> Line:
        rates = self._collector.data_rates
        parts = []
        for dr in sorted(rates, reverse=True):
            name = f"SF{data_rate(dr)[0]}" if data_rate(dr)[0] else "FSK"
            parts.append(f"{name} {percent(rates[dr], rates.total()).to(self._language)}")
        return Line("\n".join("  ".join(parts[at : at + 2]) for at in range(0, len(parts), 2)) or "–")

    def _senses(self) -> list[tuple[Text, Text]]:
        """What the street is like now: bays, lamps, air."""
        collector = self._collector
        rows = []
        bays = sum(tally.bays for tally in collector.tallies.values())
        if bays:
            taken = sum(tally.occupied for tally in collector.tallies.values())
            rows.append(
                (
                    Text("bays", "places"),
                    Text("{part} of {all} taken", "{part} prises sur {all}").filled(
                        part=number(taken), all=number(bays)
                    ),
                )
            )
        levels = [level for each in collector.lamps.values() if (level := each.mean) is not None]
        if levels:
            shown = short(round(sum(levels) / len(levels), 1))
            rows.append((Text("lamps", "lampes"), Text("at {level} %", "à {level} %").filled(level=shown)))
        particles = [value for value in collector.values["pm2_5"].means() if value is not None]
        if particles:
            shown = short(round(particles[-1], 1))
            rows.append((Text("PM2.5", "PM2,5"), Text("{value} µg/m³", "{value} µg/m³").filled(value=shown)))
        return rows

    def _gateways(self) -> Line:
        line = Line()
        for name, up in self._collector.gateways_up.items():
            mark = ("A" if self._plain else "▲") if up else "x"
            line.append(f"{mark} {name}  ", "cyan" if up else "bold red")
            if not up:
                line.append(Text("(away)  ", "(absente)  ").to(self._language), "red")
        return line

    def _broker(self) -> Line:
        collector = self._collector
        if collector.broker_up:
            return Line(Text("connected", "connecté").to(self._language), "green")
        away = Text("away, {count} wait", "absent, {count} attendent")
        return Line(away.filled(count=number(collector.backlog)).to(self._language), "bold red")

    def _events(self, count: int) -> list[Line]:
        """The latest happenings, oldest first; always as many lines, so that the picture does not jump."""
        lines = []
        for each in list(self._collector.latest)[-count:]:
            line = Line(no_wrap=True, overflow="ellipsis")
            line.append(
                when(self._collector.district.start_s + each.time_us / 1e6, self._zone).to(self._language), "dim"
            )
            line.append("  " + happening(each.what).to(self._language))
            if each.subject:
                line.append("  " + whose(each.subject, each.count).to(self._language), "cyan")
            lines.append(line)
        return lines + [Line()] * (count - len(lines))


def progress_line(collector: Collector, pace: Pace, language: str) -> str:
    """How far a run is, in one line, for what is not a terminal."""
    share = pace.now_us / 1e6 / (collector.district.hours * 3600)
    delivered = sum(tally.delivered for tally in collector.tallies.values())
    return (
        Text(
            "{share} % in {spent}: {delivered} of {taken} readings delivered, {frames} frames, {times} times real time",
            "{share} % en {spent}\u00a0: {delivered} relevés livrés sur {taken}, {frames} trames, {times} fois le réel",
        )
        .filled(
            share=f"{100 * share:.0f}",
            delivered=number(delivered),
            taken=number(collector.logged[READING]),
            frames=number(collector.data_rates.total()),
            times=number(pace.times),
            spent=lasting(pace.real_s),
        )
        .to(language)
    )


def is_plain(console: Console) -> bool:
    """Whether the terminal cannot show more than ASCII."""
    return not console.encoding.lower().startswith("utf")


def _lines(texts: Sequence[Text]) -> Text:
    return Text("\n".join(text.en for text in texts), "\n".join(text.fr for text in texts))
