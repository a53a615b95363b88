"""Plots drawn as SVG by ourselves: curves over time and bars, in both languages, coloured by the page's style sheet.

Nothing is told by colour alone: curves differ in their dashes, bars carry their figures, and every plot stands beside a
table of what it shows. Sizes are for a plot 480 units wide, which a phone shows at two thirds of that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from html import escape
from math import floor, log10

from simulator.report.saying import Text, day, short, time_of_day

WIDTH = 480
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 250, 58, 28, 30, 34
_MOST_TICKS = 6  # labels that fit side by side
_TICK_HOURS = (1, 2, 3, 4, 6, 12, 24, 48, 96, 168, 336, 672, 1344)
_HOURS_SAY = 48  # up to so many hours a time of day tells when; beyond it takes the day
_ROW = 30  # height of a bar with its label
_LABEL = 200  # width of the labels before the bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The horizontal axis: Unix time of the begin, length in s, width of a bin in s, and where it is local."""

    start_s: int
    lasts_s: float
    bin_s: int
    zone: tzinfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve with a value for each bin. style: 0 to 4, chooses colour and dashes. band: least and most around it.

    bridges: bins without a value that the curve passes over, where values come more rarely than bins.
    """

    label: Text
    values: Sequence[float | None]
    style: int = 0
    band: tuple[Sequence[float | None], Sequence[float | None]] | None = None
    bridges: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The vertical axis. low, high: in the unit that *title* names.

    powers: where its rungs are, each with its label, if it is logarithmic; low is above 0 then.
    """

    title: Text
    low: float
    high: float
    powers: Sequence[tuple[float, Text]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A stretch of time set apart, in s of the run."""

    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A row of a bar chart: what, how much, and the figure as it is written. style: as of `Line`."""

    label: Text
    value: float
    figure: Text
    style: int = 0


def texts(text: Text, attributes: str) -> str:
    """A text element for each language, one where they agree."""
    if text.en == text.fr:
        return f"<text {attributes}>{escape(text.en)}</text>"
    return (
        f'<text {attributes} class="en" lang="en">{escape(text.en)}</text>'
        f'<text {attributes} class="fr" lang="fr">{escape(text.fr)}</text>'
    )


def picture(width: float, height: float, parts: Iterable[str], described_by: str) -> str:
    """An SVG of that size in its own units, told to a screen reader by the element *described_by*."""
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{described_by}">{"".join(parts)}</svg>'


def time_plot(clock: Clock, scale: Scale, lines: Sequence[Line], shades: Sequence[Shade], described_by: str) -> str:
    """Curves over the run; where a value is not known the curve is broken."""
    parts = [_shade(clock, shade) for shade in shades]
    parts += [*_rungs(scale), *_hours(clock)]
    parts += [_band(clock, scale, line) for line in lines if line.band]
    parts += [_curve(clock, scale, line) for line in lines]
    return picture(WIDTH, _HEIGHT, parts, described_by)


def bar_plot(bars: Sequence[Bar], unit: Text, described_by: str, limit: tuple[float, Text] | None = None) -> str:
    """Horizontal bars with their figures; *limit*, a value and what it is, is drawn across them."""
    top = 22.0 if limit else 4.0
    most = max([bar.value for bar in bars] + [limit[0] if limit else 0]) or 1
    room = WIDTH - _LABEL - 72
    parts = []
    for row, bar in enumerate(bars):
        y = top + row * _ROW
        length = room * bar.value / most
        parts.append(texts(bar.label, f'x="{_LABEL - 8}" y="{y + 20:g}" text-anchor="end"'))
        size = f'width="{max(length, 1):.1f}" height="{_ROW - 10}"'
        parts.append(f'<rect class="bar s{bar.style}" x="{_LABEL}" y="{y + 5:g}" {size}/>')
        parts.append(texts(bar.figure, f'x="{_LABEL + length + 6:.1f}" y="{y + 20:g}"'))
    bottom = top + len(bars) * _ROW
    if limit:
        x = _LABEL + room * limit[0] / most
        parts.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom:g}"/>')
        parts.append(texts(limit[1], f'x="{x:.1f}" y="15" text-anchor="middle"'))
    parts.append(f'<line class="axis" x1="{_LABEL}" x2="{_LABEL}" y1="{top}" y2="{bottom:g}"/>')
    parts.append(texts(unit, f'x="{_LABEL}" y="{bottom + 18:g}"'))
    return picture(WIDTH, bottom + 26, parts, described_by)


def nice_top(value: float) -> float:
    """The next 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if value <= step * power * (1 + 1e-9))


def _x(clock: Clock, time_s: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * min(max(time_s / clock.lasts_s, 0), 1)


def _y(scale: Scale, value: float) -> float:
    if scale.powers:
        share = (log10(max(value, scale.low)) - log10(scale.low)) / (log10(scale.high) - log10(scale.low))
    else:
        share = (value - scale.low) / (scale.high - scale.low)
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(max(share, 0), 1)


def _shade(clock: Clock, shade: Shade) -> str:
    left, right = _x(clock, shade.from_s), _x(clock, shade.to_s)
    return (
        f'<rect class="away" x="{left:.1f}" y="{_TOP}" width="{max(right - left, 1.5):.1f}" '
        f'height="{_HEIGHT - _TOP - _BOTTOM}"/>'
    )


def _rungs(scale: Scale) -> list[str]:
    """The vertical axis: lines across, each with its value, and above them the unit."""
    parts = [texts(scale.title, 'x="2" y="16"')]
    for value, label in scale.powers or [(tick, short(tick)) for tick in _ticks(scale)]:
        y = _y(scale, value)
        parts.append(f'<line class="rung" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(texts(label, f'x="{_LEFT - 7}" y="{y + 5:.1f}" text-anchor="end"'))
    return parts


def _ticks(scale: Scale) -> list[float]:
    step = nice_top((scale.high - scale.low) / 4)
    first, last = round(scale.low / step), round(scale.high / step)
    return [number * step for number in range(first, last + 1) if scale.low <= number * step * (1 + 1e-9)]


def _hours(clock: Clock) -> list[str]:
    """The horizontal axis: local hours, or days where there are many."""
    hours = clock.lasts_s / 3600
    steps = _TICK_HOURS if hours <= _HOURS_SAY else [step for step in _TICK_HOURS if step >= 24]
    step = next((step for step in steps if hours / step <= _MOST_TICKS), steps[-1])
    bottom = _HEIGHT - _BOTTOM
    parts = [f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}"/>']
    for unix_s in _round_hours(clock, step):
        x = _x(clock, unix_s - clock.start_s)
        label = time_of_day(unix_s, clock.zone) if step < 24 else day(unix_s, clock.zone)
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>')
        parts.append(texts(label, f'x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="middle"'))
    return parts


def _round_hours(clock: Clock, step: int) -> list[int]:
    """Unix times within the run at which the local hour is a multiple of *step*, from a local midnight on."""
    begin = datetime.fromtimestamp(clock.start_s, clock.zone)
    midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    rounds = []
    for number in range(int((clock.lasts_s / 3600 + 24) // step) + 2):
        hours = number * step
        local = midnight + timedelta(days=hours // 24, hours=hours % 24)  # wall time: a midnight stays a midnight
        unix_s = int(local.timestamp())
        if clock.start_s <= unix_s <= clock.start_s + clock.lasts_s:
            rounds.append(unix_s)
    return rounds


def _middle_s(clock: Clock, number: int) -> float:
    """The middle of a bin, of which the last one may be cut short."""
    return (number * clock.bin_s + min((number + 1) * clock.bin_s, clock.lasts_s)) / 2


def _runs(values: Sequence[float | None], bridges: int) -> list[list[tuple[int, float]]]:
    """Stretches of known values with their bins; up to *bridges* unknown ones do not end a stretch."""
    runs: list[list[tuple[int, float]]] = []
    for number, value in enumerate(values):
        if value is None:
            continue
        if not runs or number - runs[-1][-1][0] > bridges + 1:
            runs.append([])
        runs[-1].append((number, value))
    return runs


def _point(clock: Clock, scale: Scale, number: int, value: float) -> str:
    return f"{_x(clock, _middle_s(clock, number)):.1f},{_y(scale, value):.1f}"


def _curve(clock: Clock, scale: Scale, line: Line) -> str:
    parts = []
    for run in _runs(line.values, line.bridges):
        points = [_point(clock, scale, number, value) for number, value in run]
        if len(points) == 1:
            x, y = points[0].split(",")
            parts.append(f'<circle class="dot s{line.style}" cx="{x}" cy="{y}" r="2.5"/>')
        else:
            parts.append(f'<polyline class="curve s{line.style}" points="{" ".join(points)}"/>')
    return "".join(parts)


def _band(clock: Clock, scale: Scale, line: Line) -> str:
    least, most = line.band or ((), ())
    parts = []
    for run in _runs(least, line.bridges):
        above = [(number, high) for number, _ in run if (high := most[number]) is not None]
        points = [_point(clock, scale, number, value) for number, value in [*run, *above[::-1]]]
        parts.append(f'<polygon class="band s{line.style}" points="{" ".join(points)}"/>')
    return "".join(parts)
