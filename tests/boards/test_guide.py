"""The technician's page shows what there is: its pictures, boards and options, the same in both languages."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from boards.catalogue import cli as boards_cli
from boards.catalogue.known import names
from boards.flashing import cli
from boards.node import cli as node_cli
from tests.boards.pictures import DRAWN, LANGUAGES, PICTURES, SCENES, picture_of, screen_of, wiring_of

PAGE = (Path(__file__).parents[2] / "boards" / "README.md").read_text(encoding="utf-8")
ENGLISH, FRENCH = PAGE.split("\n---\n")


@pytest.mark.parametrize(("board", "role"), DRAWN)
def test_a_drawing_is_what_the_boards_file_says(board, role):
    kept = (PICTURES / f"wiring-{board}-{role}.svg").read_text(encoding="utf-8")
    assert kept == wiring_of(board, role), "run `make pictures`"


def test_every_picture_is_there_and_an_svg():
    shown = set(re.findall(r"\]\(pictures/(.+?\.svg)\)", PAGE))
    there = {path.name for path in PICTURES.iterdir()}
    runs = {f"{scene}-{language}.svg" for scene in SCENES for language in LANGUAGES}
    assert shown <= there
    assert there == runs | {f"wiring-{board}-{role}.svg" for board, role in DRAWN}
    assert runs <= shown
    for name in there:
        ElementTree.fromstring((PICTURES / name).read_text(encoding="utf-8"))


def test_no_picture_shows_a_key_or_this_machine_or_fetches_anything():
    for path in PICTURES.iterdir():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b[0-9a-f]{32}\b", text), path.name
        assert "/tmp/" not in text
        assert not re.search(r"url\(.?http|href=", text), path.name
        assert "Traceback" not in text


def test_both_languages_say_the_same():
    for pattern in (r"^## ", r"!\[", r"^\|", r"^```", r"^\d\. "):
        english = len(re.findall(pattern, ENGLISH.partition("## For developers")[0], re.MULTILINE))
        assert english == len(re.findall(pattern, FRENCH, re.MULTILINE)), pattern


def test_all_boards_are_named():
    for text in (ENGLISH, FRENCH):
        rows = [line for line in text.splitlines() if line.startswith("| `")]
        assert {name for row in rows for name in re.findall(r"`([\w-]+)`", row.split("|")[1])} >= set(names())


def test_every_option_of_the_page_is_one():
    runner = CliRunner()
    helps = [runner.invoke(cli.app, ["--help"], env={"COLUMNS": "200"}).output]
    for app in (boards_cli.app, node_cli.app):
        for command in app.registered_commands:
            name = (command.name or command.callback.__name__).replace("_", "-")
            helps.append(runner.invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output)
    known = set(re.findall(r"--[a-z-]+", " ".join(helps)))
    others = {"--follow", "--now", "--user"}  # of `lampyre gateway uplinks`, systemctl and pip
    assert set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", PAGE)) - others <= known


def test_a_terminal_is_read_as_it_ends():
    """A bar that is drawn three times is one line; colours stay."""
    said = "one\r\n\r\x1b[2Ktwo \x1b[31mred\x1b[0m\r\n\x1b[1A\r\x1b[2Kthree\r\n\x1b[?25hfour"
    assert screen_of(said) == ["one", "three", "four"]
    picture = picture_of("title", "lampyre flash", "a \x1b[32mgreen\x1b[0m word")
    assert "green" in picture
    ElementTree.fromstring(picture)
