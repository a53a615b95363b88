"""The map of a report: streets, nodes by role and by how much of theirs was delivered, gateways."""

from collections.abc import Sequence
from html import escape

from simulator.report.report import NodeFigures, Report
from simulator.report.saying import Text, same
from simulator.report.svg import WIDTH, picture, texts

_EDGE = 22  # around the outermost spots, for their shapes and labels
_NAMED = 1500  # nodes that answer to a pointer with name and figures; more make the page heavy
CLASSES = (  # at least this share of records that had time for it delivered, its name
    (0.999, Text("99.9 % or more of its records delivered", "99,9 % ou plus de ses relevés livrés")),
    (0.99, Text("99 to 99.9 %", "99 à 99,9 %")),
    (0.9, Text("90 to 99 %", "90 à 99 %")),
    (0.0, Text("less than 90 %", "moins de 90 %")),
)
SILENT = len(CLASSES)  # the class of a node that had nothing to tell
SILENT_WORDS = Text("told nothing", "n’a rien dit")


def class_of(node: NodeFigures) -> int:
    """Which of CLASSES a node is in, or SILENT."""
    if not node.due:
        return SILENT
    share = node.due_delivered / node.due
    return next(number for number, (least, _) in enumerate(CLASSES) if share >= least)


def shape(role: str, x: float, y: float, size: float) -> str:
    """The outline of a role: a square for parking, a circle for air, a triangle for light, a diamond for others."""
    if role == "air":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}"'
    if role == "parking":
        return f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size:.1f}" height="{2 * size:.1f}"'
    corners = [(0, -1.2), (1.1, 0.9), (-1.1, 0.9)] if role == "light" else [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
    points = " ".join(f"{x + size * dx:.1f},{y + size * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{points}"'


def gateway_shape(x: float, y: float) -> str:
    """A mast with two waves."""
    return (
        f'<g class="mast"><path d="M{x:.1f},{y - 4:.1f} l-5,14 h10 z"/><circle cx="{x:.1f}" cy="{y - 6:.1f}" r="3"/>'
        f'<path class="wave" d="M{x - 8:.1f},{y - 12:.1f} a10,10 0 0 0 0,12 M{x + 8:.1f},{y - 12:.1f} '
        f'a10,10 0 0 1 0,12"/></g>'
    )


def town_map(report: Report, described_by: str) -> str:
    """Metres to scale, north above; nodes that lost readings are drawn last and larger, so that they are seen."""
    points = [(spot.x_m, spot.y_m) for spot in report.spots] + [(each.x_m, each.y_m) for each in report.gateways]
    points += [point for street in report.streets for point in street]
    left, top = min(x for x, _ in points), max(y for _, y in points)
    wide, high = max(x for x, _ in points) - left, top - min(y for _, y in points)
    scale = (WIDTH - 2 * _EDGE) / max(wide, high * 0.7, 50)  # pixels a metre; not taller than half as wide again
    across = _EDGE + (WIDTH - 2 * _EDGE - scale * wide) / 2

    def place(x_m: float, y_m: float) -> tuple[float, float]:
        return across + scale * (x_m - left), _EDGE + scale * (top - y_m)

    parts = [_street([place(*point) for point in street]) for street in report.streets]
    size = 4.0 if len(report.spots) <= 300 else 3.0 if len(report.spots) <= _NAMED else 2.0
    named = len(report.spots) <= _NAMED
    parts += [_node(node, *place(node.x_m, node.y_m), size, named) for node in sorted(report.spots, key=class_of)]
    for gateway in report.gateways:
        x, y = place(gateway.x_m, gateway.y_m)
        parts.append(gateway_shape(x, y))
        side, anchor = (12, "start") if x < WIDTH * 0.7 else (-12, "end")
        placed = f'x="{x + side:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}" class="name"'
        parts.append(texts(same(gateway.name), placed))
    height = 2 * _EDGE + scale * high + 24
    parts.append(_ruler(scale, wide, height - 10))
    return picture(WIDTH, height, parts, described_by)


def _street(points: Sequence[tuple[float, float]]) -> str:
    return f'<polyline class="street" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _node(node: NodeFigures, x: float, y: float, size: float, named: bool) -> str:
    number = class_of(node)
    opened = shape(node.role, x, y, size * (1.0, 1.1, 1.35, 1.6, 1.2)[number])
    tag = opened[1 : opened.index(" ")]
    if not named:
        return f'{opened} class="node k{number}"/>'
    told = f"{node.name}: {node.due_delivered}/{node.due}"  # the same in every language: a title has but one
    return f'{opened} class="node k{number}"><title>{escape(told)}</title></{tag}>'


def _ruler(scale: float, wide_m: float, y: float) -> str:
    """A tenth to a half of the width in a round number of metres."""
    metres = next((step for step in (5000, 2000, 1000, 500, 200, 100, 50, 20) if step <= max(wide_m, 40) / 2), 10)
    label = f"{metres} m" if metres < 1000 else f"{metres // 1000} km"
    return f'<line class="axis" x1="{_EDGE}" x2="{_EDGE + scale * metres:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>' + texts(
        same(label), f'x="{_EDGE + scale * metres + 6:.1f}" y="{y + 5:.1f}"'
    )
