"""The virtual boards that ran beside a district's nodes: for the terminal, and as a section of the page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from simulator.report.page import heading_html, table_html
from simulator.report.plots import html_of
from simulator.report.report import Report
from simulator.report.saying import Text, counted, number, same, short
from simulator.report.words import ROLES, word

_NONE = same("–")
_BRIDGE = "bridge"
_BOOTS = Text("boot", "démarrage"), Text("boots", "démarrages")
_FRAMES = Text("frame", "trame"), Text("frames", "trames")
_HEAD = (
    same(""),
    Text("boots", "démarrages"),
    Text("wakes", "réveils"),
    Text("ms each, of this computer", "ms chacun, de cet ordinateur"),
    Text("heap, usually, kB", "tas, d’habitude, ko"),
    Text("heap, at most, kB", "tas, au plus, ko"),
    Text("frames sent", "trames émises"),
    Text("its neighbour’s frames", "trames du voisin"),
    Text("its neighbour’s battery, years", "pile du voisin, ans"),
)
_ABOUT = Text(
    "Real MicroPython runs them, their chips (of {files}) are simulated down to the bytes on the bus, and they share "
    "the air and the gateway with the district. Each stands beside a node of the fleet, its neighbour, in the same "
    "street and the same weather; its bay has cars of its own. What they measure is no part of the other figures of "
    "this page.",
    "Un vrai MicroPython les anime, leurs puces (de {files}) sont simulées jusqu’aux octets du bus, et elles partagent "
    "l’air et la passerelle du quartier. Chacune se tient à côté d’un nœud de la flotte, son voisin, dans la même rue "
    "et par le même temps\u00a0; sa place a ses propres voitures. Ce qu’elles mesurent ne compte pas dans les autres "
    "chiffres de cette page.",
)
_ABOUT_HEAP = Text(
    "The heap is what is alive in a board’s memory where a turn begins, after a collection: the median and the most of "
    "some fifty turns in a day, those after a start among them. A plain ESP32 has about 112 kB for it.",
    "Le tas est ce qui est occupé dans la mémoire d’une carte au début d’un tour, une fois les déchets ramassés\u00a0: "
    "médiane et maximum d’une cinquantaine de tours par jour, ceux d’après un démarrage compris. Un ESP32 simple offre "
    "environ 112 ko.",
)
_ABOUT_BRIDGE = Text(
    "The bridge was plugged in for ten minutes; its frames are those that it handed to the gateway.",
    "Le pont a été branché dix minutes\u00a0; ses trames sont celles qu’il a remises à la passerelle.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What one of them did. board: of whose file. neighbour: the fleet's node beside it, "" for none.

    wakes: from sleeps of either kind. took_s: real time of its interpreter. heap_alive_b, heap_most_b: usually and at
    most, of what was looked at (`Board.heap_b`); None: nothing was. failures: what it was brought down by, and what its
    chips' datasheets forbid.
    """

    role: str
    board: str
    neighbour: str
    boots: int
    wakes: int
    took_s: float
    frames: int
    heap_alive_b: int | None
    heap_most_b: int | None
    failures: tuple[str, ...]

    @property
    def ms_per_wake(self) -> float | None:
        """Real time of its interpreter; None: it never woke."""
        return self.took_s * 1000 / self.wakes if self.wakes else None

    def to_json(self) -> dict[str, Any]:
        """Its entry among the JSON report's `boards`."""
        told = asdict(self) | {"ms_per_wake": self.ms_per_wake}
        return {key: value for key, value in told.items() if key != "took_s"}


def told(visits: Sequence[Visit]) -> list[Text]:
    """Sentences for the terminal."""
    lines = [
        Text(
            "beside them, whole firmware on virtual boards, down to the bytes on the bus:",
            "à côté d’eux, le micrologiciel entier sur des cartes virtuelles, jusqu’aux octets du bus\u00a0:",
        )
    ]
    for visit in visits:
        said = Text("  {role}: {boots}, {frames}", "  {role}\u00a0: {boots}, {frames}")
        if visit.role == _BRIDGE:
            said = Text(
                "  {role}, for ten minutes: {frames} handed to the gateway",
                "  {role}, dix minutes\u00a0: {frames} remises à la passerelle",
            )
        boots, frames = counted(visit.boots, *_BOOTS), counted(visit.frames, *_FRAMES)
        lines.append(said.filled(role=word(ROLES, visit.role), boots=boots, frames=frames))
        lines += [same(f"    {failure}") for failure in visit.failures]
    return lines


def section(visits: Sequence[Visit], report: Report) -> str:
    """HTML of what they did in a run; "" when there were none."""
    if not visits:
        return ""
    boards = counted(len(visits), Text("board", "carte"), Text("boards", "cartes"))
    failures = [(visit, failure) for visit in visits for failure in visit.failures]
    title = Text(
        "{boards} ran the firmware itself, and nothing broke.",
        "{boards}\u00a0: le micrologiciel lui-même, et rien n’a cassé.",
    )
    if failures:
        title = Text(
            "{boards} ran the firmware itself, and something broke.",
            "{boards}\u00a0: le micrologiciel lui-même, et quelque chose a cassé.",
        )
    items = "".join(
        f'<li class="broken"><span class="mark" aria-hidden="true">✗</span>{html_of(word(ROLES, visit.role))}'
        f"<br><code>{escape(failure)}</code></li>"
        for visit, failure in failures
    )
    files = ", ".join(sorted({f"{visit.board}.toml" for visit in visits}))
    about = f"<p>{html_of(_ABOUT.filled(files=files))}{_bridge(visits)}</p><p>{html_of(_ABOUT_HEAP)}</p>"
    broken = f'<ul class="claims">{items}</ul>' if items else ""
    table = table_html(_HEAD, [_row(visit, report) for visit in visits])
    return "\n".join((heading_html(title.filled(boards=boards)), about, broken, table))


def _bridge(visits: Sequence[Visit]) -> str:
    return f" {html_of(_ABOUT_BRIDGE)}" if any(visit.role == _BRIDGE for visit in visits) else ""


def _row(visit: Visit, report: Report) -> list[Text]:
    beside = next((spot for spot in report.spots if spot.name == visit.neighbour), None)
    return [
        word(ROLES, visit.role),
        number(visit.boots),
        number(visit.wakes) if visit.wakes else _NONE,
        _NONE if visit.ms_per_wake is None else short(visit.ms_per_wake),
        _kilobytes(visit.heap_alive_b),
        _kilobytes(visit.heap_most_b),
        number(visit.frames),
        _NONE if beside is None else number(beside.sent),
        _NONE if beside is None or beside.years is None else short(round(beside.years, 1)),
    ]


def _kilobytes(size_b: int | None) -> Text:
    return _NONE if size_b is None else number(size_b / 1000)
