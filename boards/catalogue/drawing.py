"""A board and what hangs on it as a drawing (SVG): left the pins, right the devices, a line for each wire between."""

import textwrap
from html import escape

from boards.catalogue.board import Board
from boards.catalogue.wiring import Connected

_ROW = 20
_WIDTH = 760
_LEFT, _LEFT_WIDTH = 20, 200
_LETTERS = 24  # of a title, in that width
_RIGHT, _RIGHT_WIDTH = 450, 290
_HEAD = 34
_GAP = 16
# Colours that people with any colour vision can tell apart (Okabe and Ito, 2008), by what a wire carries.
_COLOURS = {
    "scl": "#b86e00",
    "sda": "#0072b2",
    "tx": "#00795a",
    "rx": "#c14d00",
    "int": "#b0507f",
    "pin": "#4b4b8f",
    "relay": "#7a5c3e",
}
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1b1b}.t{font-weight:600}.s{fill:#555}"
    ".b{fill:#f3f6f4;stroke:#44605a}.d{fill:#fff;stroke:#888}path{fill:none;stroke-width:2.2}"
)


def drawing(board: Board, devices: tuple[Connected, ...], language: str) -> str:
    """The SVG, complete in itself."""
    gpios = list(dict.fromkeys(wire.gpio for one in devices for wire in one.wires if wire.gpio is not None))
    heights = [_HEAD + _ROW * len(one.wires) for one in devices]
    height = max(sum(heights) + _GAP * (len(devices) + 1), 2 * _HEAD + _ROW * len(gpios) + 2 * _GAP)
    head = _HEAD + _ROW * (len(textwrap.wrap(board.name, _LETTERS)) - 1)
    first_y = (height - head - _ROW * len(gpios)) // 2 + head
    pin_y = {gpio: first_y + _ROW * place + _ROW // 2 for place, gpio in enumerate(gpios)}
    boxes, lines = [], []
    top = _GAP
    for one, box_height in zip(devices, heights, strict=True):
        boxes.append(_device(one, top, box_height, language))
        for place, wire in enumerate(one.wires):
            if wire.gpio is not None:
                y = top + _HEAD + _ROW * place + _ROW // 2
                lines.append(_line(pin_y[wire.gpio], y, _COLOURS[wire.key], f"GPIO{wire.gpio} - {wire.terminal}"))
        top += box_height + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(board.name)}"><style>{_STYLE}</style>'
        + _board(board, pin_y, first_y - head, head + _ROW * len(gpios) + 6)
        + "".join(lines + boxes)
        + "</svg>"
    )


def _board(board: Board, pin_y: dict[int, int], top: int, height: int) -> str:
    names = textwrap.wrap(board.name, _LETTERS)
    texts = [_text(_LEFT + 10, top + 22 + _ROW * place, name, "t") for place, name in enumerate(names)]
    texts += [_text(_LEFT + _LEFT_WIDTH - 10, y + 4, f"GPIO{gpio}", "", "end") for gpio, y in pin_y.items()]
    return f'<rect class="b" x="{_LEFT}" y="{top}" width="{_LEFT_WIDTH}" height="{height}" rx="8"/>' + "".join(texts)


def _device(one: Connected, top: int, height: int, language: str) -> str:
    title = one.device.what_fr if language == "fr" else one.device.what
    if one.part.endswith("1"):
        title += " 2"  # the second of its kind
    texts = [_text(_RIGHT + 10, top + 22, title, "t")]
    for place, wire in enumerate(one.wires):
        y = top + _HEAD + _ROW * place + 14
        texts.append(_text(_RIGHT + 10, y, wire.terminal))
        texts.append(_text(_RIGHT + _RIGHT_WIDTH - 10, y, wire.end, "s", "end"))
    return f'<rect class="d" x="{_RIGHT}" y="{top}" width="{_RIGHT_WIDTH}" height="{height}" rx="6"/>' + "".join(texts)


def _line(from_y: int, to_y: int, colour: str, title: str) -> str:
    left, right = _LEFT + _LEFT_WIDTH, _RIGHT
    middle = (left + right) // 2
    path = f"M{left} {from_y}C{middle} {from_y} {middle} {to_y} {right} {to_y}"
    return f'<path d="{path}" stroke="{colour}"><title>{escape(title)}</title></path>'


def _text(x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> str:
    classes = f' class="{kind}"' if kind else ""
    end = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x}" y="{y}"{classes}{end}>{escape(text)}</text>'
