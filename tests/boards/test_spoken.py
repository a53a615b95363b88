"""A technician whose computer speaks French reads French: help, complaints, and all that the tool says itself."""

import ast
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from boards.catalogue import cli as boards_cli
from boards.catalogue.known import boards
from boards.causes import BoardError, Cause
from boards.enrolment.registry import COLUMNS
from boards.flashing import cli as flash_cli
from boards.messages import sentence, told
from boards.node import cli as node_cli

BOARDS = Path(__file__).parents[2] / "boards"
FIRMWARE = BOARDS.parent / "firmware"
APPS = {"flash": flash_cli.app, "node": node_cli.app, "boards": boards_cli.app}
SAID = {"detail", "why", "help", "rich_help_panel"}  # arguments and names that hold what people read
SAYING = {"told", "notes", "ValueError", "_WrongError", "MessageError"}  # what is called with it
# What is the same in both, and what is never shown: in a registry or a record an error's own words may quote a key.
SAME = {"image", "HTTP x", *COLUMNS}
NEVER = {"no list of rows", "no column dev_eui", "a row is longer or shorter than the header"}
NEVER |= {"format x is of another version of Lampyre"}
PACKING = "firmware"  # who packs it reads English


def pieces(node):
    """The texts that an expression may be, with x for whatever is put in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)]
    if isinstance(node, ast.IfExp):
        return pieces(node.body) + pieces(node.orelse)
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in pieces(value)]
    return []


def said_in(path):
    """Everything in a file that stands where people read it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[:1] if name in SAYING else []
            for value in [*first, *(given.value for given in node.keywords if given.arg in SAID)]:
                yield from pieces(value)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in {*SAID, "what"}:
            yield from pieces(node.value)


def sources():
    yield from (path for path in BOARDS.rglob("*.py") if path.relative_to(BOARDS).parts[0] != PACKING)
    yield from (FIRMWARE / "body" / name for name in ("selftest.py",))


@pytest.mark.parametrize("path", sorted(sources()), ids=lambda path: path.stem)
def test_all_that_is_said_has_its_french(path):
    words = [text for text in said_in(path) if re.search(r"[a-z]{3}", text)]
    assert [text for text in words if told(text, "fr") == text and text not in SAME | NEVER] == []


def test_what_boards_say_of_their_pins_has_its_french():
    notes = {note for board in boards() for note in board.strapping.values()}
    assert [note for note in notes if told(note, "fr") == note] == []


def helps():
    for name, app in APPS.items():
        commands = [(command.name or command.callback.__name__).strip("_") for command in app.registered_commands]
        yield from [(name,)] if name == "flash" else [(name,), *((name, command) for command in commands)]


@pytest.mark.parametrize("words", list(helps()), ids=" ".join)
def test_help_is_in_the_language_and_english_stays_english(words):
    name, *command = words
    runner = CliRunner()
    shown = {
        language: runner.invoke(APPS[name], [*command, "--help"], env={"LC_ALL": f"{language}_FR.UTF-8"}).stdout
        for language in ("fr", "en")
    }
    assert "Montrer cette aide et finir." in shown["fr"]
    assert "Show this message and exit." in shown["en"]
    english = re.findall(r"[A-Za-z]{4,}", shown["fr"])
    assert not {"This", "with", "which", "default", "Show", "Commands", "Where"} & set(english), shown["fr"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("flash", "--lst"), "L'option --lst n'existe pas"),
        (("flash", "--latitude", "99"), "Valeur refusée pour '--latitude' : écrivez 66 au plus"),
        (("node", "logs", "--count", "x"), "écrivez un nombre entier"),
        (("node", "foo"), "La commande « foo » n'existe pas."),
        (("boards", "wiring", "heltec-v3", "--role", "foo"), "--role vaut « foo » ; heltec-v3 a parking, air"),
    ],
)
def test_what_was_typed_wrongly_is_said_in_the_language(words, says):
    name, *rest = words
    said = CliRunner().invoke(APPS[name], rest, env={"LC_ALL": "fr_FR.UTF-8", "COLUMNS": "160"})
    assert said.exit_code == 2
    assert says in said.stderr


def test_the_option_says_the_language_of_complaints_too():
    for words in (("--language", "fr"), ("--language=fr",)):
        said = CliRunner().invoke(flash_cli.app, ["--lst", *words], env={"LC_ALL": "en_GB.UTF-8"})
        assert "n'existe pas" in said.stderr


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("settings: heartbeat_s is 5; write 300..3600", "réglages : heartbeat_s vaut 5 ; écrivez 300..3600"),
        (
            'settings: detector is 3; write "field" or "distance"',
            'réglages : detector vaut 3 ; écrivez "field" ou "distance"',
        ),
        ("settings: a{b} is [x]; write 1", "réglages : a{b} vaut [x] ; écrivez 1"),
        (
            "settings: a is 1; write 2; settings: b is 3; write 4",
            "réglages : a vaut 1 ; écrivez 2 ; réglages : b vaut 3 ; écrivez 4",
        ),
        ("something that nobody knows", "something that nobody knows"),
        ("", ""),
    ],
)
def test_what_stands_in_its_places_is_kept(english, french):
    assert told(english, "fr") == french
    assert told(english, "en") == english


def test_the_detail_of_a_sentence_is_in_its_language():
    error = BoardError(Cause.SELF_TEST, port="COM3", detail="radio does not answer; nvs does not answer")
    assert "COM3 a échoué : radio ne répond pas ; nvs ne répond pas. Vérifiez" in sentence(error, "fr")
    assert "COM3 failed: radio does not answer; nvs does not answer. Check" in sentence(error, "en")
