"""What a board's pins are used for, and whether each can do that and nothing else wants it."""

import dataclasses
from collections.abc import Iterator
from enum import Enum

from boards.catalogue.board import Board, Parts
from boards.catalogue.pins import SPI_BUSES
from protocol.errors import ProtocolError
from protocol.settings import Settings


class Does(Enum):
    """What a pin has to do."""

    INPUT = "input"
    OUTPUT = "output"
    BOTH = "input and output"
    ANALOG = "analogue input"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A GPIO and the key that uses it. section: as in the file, such as `node.radio`. wakes: ends a sleep."""

    gpio: int
    section: str
    key: str
    does: Does
    wakes: bool = False

    @property
    def part(self) -> str:
        """The part of /board.json, such as `radio`."""
        return self.section.rpartition(".")[2]

    def __str__(self) -> str:
        return f"[{self.section}] {self.key}"


SIGNALS = ("motion", "mains")  # parts that the node has to hear of while it sleeps

_DOES = {
    **dict.fromkeys(("sck", "mosi", "cs", "reset", "rx_enable", "tx", "control", "relay"), Does.OUTPUT),
    **dict.fromkeys(("miso", "busy", "dio0", "dio1", "rx", "int"), Does.INPUT),
    **dict.fromkeys(("scl", "sda"), Does.BOTH),
}
_PIN_DOES = {
    "battery": Does.ANALOG,
    **dict.fromkeys(("led", "rail", "lamp0", "lamp1"), Does.OUTPUT),
    **dict.fromkeys(SIGNALS, Does.INPUT),
}


def uses(board: Board, role: str, options: tuple[str, ...] = ()) -> list[Use]:
    """The pins of a board in a role with options, as `Board.joined` has it: by GPIO."""
    found = []
    for name, (section, part) in board.joined(role, options).items():
        for entry in dataclasses.fields(part):
            gpio = getattr(part, entry.name)
            does = _PIN_DOES.get(name) if entry.name == "pin" else _DOES.get(entry.name)
            if does is not None and gpio is not None:
                wakes = entry.name == "int" or name in SIGNALS or (entry.name.startswith("dio") and bool(part.wakes))
                found.append(Use(gpio=gpio, section=f"{section}.{name}", key=entry.name, does=does, wakes=wakes))
    return sorted(found, key=lambda use: use.gpio)


def faults_of(board: Board) -> list[str]:
    """A sentence for each pin that cannot be what the file says, and for each that two things want."""
    faults = []
    for role, options in _combinations(board):
        found = uses(board, role, options)
        for use in found:
            faults += [f"{use} = {use.gpio}: {fault}" for fault in _impossible(board, use)]
        faults += _twice(board, found) + _buses(board, role, options)
    faults += [*_falling(board), *_settings_faults(board)]
    faults += [
        f"[strapping] {text} is no strapping pin of an {board.chip.name}; remove the line"
        for text in board.strapping
        if not text.isdigit() or int(text) not in board.chip.strapping
    ]
    if board.node.radio is None:
        faults.append("[node.radio] is missing; every board has a radio")
    else:
        faults += _radio_faults(board)
    for number in board.headers:
        if number not in board.chip.gpios or number in board.silicon.memory:
            faults.append(f"headers: there is no GPIO{number} on an {board.package}; remove it")
    return list(dict.fromkeys(faults))


def _combinations(board: Board) -> Iterator[tuple[str, tuple[str, ...]]]:
    for role in board.roles or ("",):
        yield role, ()
        for name, option in board.options.items():
            if role in option.roles:
                yield role, (name,)


def _impossible(board: Board, use: Use) -> Iterator[str]:
    chip = board.chip
    gpio = use.gpio
    if gpio not in chip.gpios:
        yield f"an {chip.name} has no GPIO{gpio}"
        return
    if gpio in board.silicon.memory:
        yield f"GPIO{gpio} belongs to the flash or the PSRAM of an {board.package}; take another"
    if gpio in chip.input_only and use.does in (Does.OUTPUT, Does.BOTH):
        yield f"GPIO{gpio} of an {chip.name} is an input only; take another"
    if use.does is Does.ANALOG and gpio not in chip.adc1:
        listed = ", ".join(map(str, sorted(chip.adc1)))
        yield f"GPIO{gpio} is no input of ADC1; take one of {listed}"
    if use.wakes and gpio not in chip.rtc:
        yield f"GPIO{gpio} of an {chip.name} cannot end a sleep; take an RTC pin, or leave this out"
    if gpio in chip.usb and any(usb.native for usb in board.usb):
        yield f"GPIO{gpio} is the USB socket's; take another"
    if gpio in chip.console and any(not usb.native for usb in board.usb):
        yield f"GPIO{gpio} is the console's, which the USB bridge listens to; take another"
    if gpio in chip.strapping and str(gpio) not in board.strapping:
        yield f"GPIO{gpio} matters at reset ({chip.strapping[gpio]}); say in [strapping] why this does no harm"
    if not use.section.startswith("node.") and gpio not in board.headers:
        yield f"GPIO{gpio} is not on the board's headers; take one of {', '.join(map(str, board.headers))}"


def _twice(board: Board, found: list[Use]) -> list[str]:
    faults = []
    taken: dict[int, str] = {}
    for what, gpios in board.on_board.items():
        for gpio in gpios:
            taken[gpio] = f"[on_board] {what}"
    for use in found:
        if use.gpio in taken:
            faults.append(f"{use} = {use.gpio}: {taken[use.gpio]} has GPIO{use.gpio} already; take another")
        taken[use.gpio] = str(use)
    return faults


def _buses(board: Board, role: str, options: tuple[str, ...]) -> list[str]:
    """No two parts share a UART, and the console's is nobody's on a board with a bridge."""
    faults = []
    taken: dict[int, str] = {}
    for name, (section, part) in board.joined(role, options).items():
        uart = getattr(part, "uart", None)
        if uart is None:
            continue
        where = f"[{section}.{name}] uart = {uart}"
        if uart in taken:
            faults.append(f"{where}: {taken[uart]} has it already; take another")
        if uart == 0:
            faults.append(f"{where}: it is the console's; write 1 or 2")
        taken[uart] = name
    return faults


def _falling(board: Board) -> Iterator[str]:
    """Of the pins that may end a sleep one may do so by falling (`esp32.wake_on_ext0`); options may meet."""
    falling: dict[str, str] = {}
    for role, options in _combinations(board):
        for name, (section, part) in board.joined(role, options).items():
            if name in SIGNALS and not part.level:
                falling.setdefault(name, f"[{section}.{name}]")
    if len(falling) > 1:
        first, second = falling.values()
        yield f"{second} level = 0: one pin can end a sleep by falling, and {first} has it; turn one signal round"


def _settings_faults(board: Board) -> Iterator[str]:
    """Settings that a node of the option's roles does not take."""
    for name, option in board.options.items():
        for role in option.roles if option.settings else ():
            try:
                Settings.from_names({"role": role, "dev_eui": "00" * 8, "join_eui": "00" * 8, **option.settings})
            except ProtocolError as error:
                yield f"[options.{name}.settings] {str(error).removeprefix('settings: ')}"
        for part in option.without:
            if part not in {entry.name for entry in dataclasses.fields(Parts)}:
                yield f"[options.{name}] without names {part}; there is no such part"


def _radio_faults(board: Board) -> Iterator[str]:
    radio = board.radio
    needed = ("busy", "dio1") if radio.chip == "sx1262" else ("dio0",)
    for key in needed:
        if getattr(radio, key) is None:
            yield f"[node.radio] needs {key}: an {radio.chip} does not work without"
    if radio.spi not in SPI_BUSES:
        yield f"[node.radio] spi is {radio.spi}; write 1 or 2"
