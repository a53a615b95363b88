"""The wiring page of a board: a file for the workshop that needs nothing else, in English or French."""

from dataclasses import dataclass
from html import escape

from boards.catalogue.board import Board
from boards.catalogue.drawing import drawing
from boards.catalogue.use import Does, Use, uses
from boards.catalogue.wiring import connected
from boards.messages import told

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:50rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2rem}p.s{color:#555;margin-top:.2rem}
svg{max-width:100%;height:auto}ul.w{background:#fff6e0;border-left:4px solid #b86e00;padding:.6rem 1rem .6rem 2rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}th,td{text-align:left;padding:.3rem .5rem}
th{border-bottom:2px solid #44605a}td{border-bottom:1px solid #ddd;vertical-align:top}td:first-child{font-weight:600}
footer{margin-top:2rem;color:#555;font-size:.85rem}@media print{body{margin:0;max-width:none}h2{break-after:avoid}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a page says beside names."""

    before: str
    connect: str
    nothing: str
    pins: str
    heads: tuple[str, ...]
    own: str
    header: str
    wakes: str
    at_reset: str
    sources: str
    made: str
    does: dict[Does, str]
    roles: dict[str, str]


_WORDS = {
    "en": _Words(
        before="Before power comes on",
        connect="What to connect",
        nothing="Nothing: the board as it is.",
        pins="Every pin in use",
        heads=("Pin", "For", "Does", "Where", "To know"),
        own="on the board",
        header="header",
        wakes="wakes the node",
        at_reset="at reset",
        sources="From: ",
        made="Made by `lampyre boards wiring` from",
        does={Does.INPUT: "input", Does.OUTPUT: "output", Does.BOTH: "both ways", Does.ANALOG: "analogue input"},
        roles={"parking": "parking node", "air": "air node", "light": "streetlight controller", "bridge": "bridge"},
    ),
    "fr": _Words(
        before="Avant de mettre sous tension",
        connect="Ce qu'il faut relier",
        nothing="Rien : la carte telle quelle.",
        pins="Toutes les broches utilisées",
        heads=("Broche", "Pour", "Fait", "Où", "À savoir"),
        own="sur la carte",
        header="connecteur",
        wakes="réveille le nœud",
        at_reset="au démarrage",
        sources="D'après : ",
        made="Produit par `lampyre boards wiring` à partir de",
        does={
            Does.INPUT: "entrée",
            Does.OUTPUT: "sortie",
            Does.BOTH: "les deux sens",
            Does.ANALOG: "entrée analogique",
        },
        roles={
            "parking": "nœud de stationnement",
            "air": "nœud de qualité de l'air",
            "light": "contrôleur d'éclairage",
            "bridge": "pont",
        },
    ),
}
LANGUAGES = tuple(_WORDS)


def wiring_page(board: Board, role: str, options: tuple[str, ...] = (), language: str = "en") -> str:
    """The page as HTML. Raises KeyError for a language or an option that there is not."""
    words = _WORDS[language]
    french = language == "fr"
    devices = connected(board, role, options)
    warnings = list(board.warnings_fr if french else board.warnings)
    warnings += [note for one in devices if (note := one.device.note_fr if french else one.device.note)]
    chosen = [board.options[name].what_fr if french else board.options[name].what for name in options]
    about = ", ".join([board.maker, board.package, told(f"{board.flash_mb} MB", language), board.image])
    rows = "".join(_row(board, use, words, language) for use in uses(board, role, options))
    picture = drawing(board, devices, language) if devices else f"<p>{escape(words.nothing)}</p>"
    heads = "".join(f"<th>{escape(head)}</th>" for head in words.heads)
    title = f"{board.name}{' :' if french else ':'} {words.roles[role]}"
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
<p class="s">{escape("; ".join([about, *chosen]))}</p>
<h2>{words.before}</h2>
<ul class="w">{"".join(f"<li>{escape(warning)}</li>" for warning in warnings)}</ul>
<h2>{words.connect}</h2>
{picture}
<h2>{words.pins}</h2>
<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
<footer><p>{words.sources}{escape("; ".join(board.sources))}.</p>
<p>{words.made} boards/{board.id}.toml.</p></footer>
</body></html>
"""


def _row(board: Board, use: Use, words: _Words, language: str) -> str:
    own = use.section.startswith("node.")
    notes = [words.wakes] if use.wakes else []
    if str(use.gpio) in board.strapping:
        notes.append(f"{words.at_reset}: {told(board.strapping[str(use.gpio)], language)}")
    cells = (
        f"GPIO{use.gpio}",
        f"{use.part} {use.key}",
        words.does[use.does],
        words.own if own else words.header,
        "; ".join(notes),
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
