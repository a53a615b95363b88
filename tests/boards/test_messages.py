"""Every cause has its sentence in both languages, with all its facts and no others."""

import string
import tomllib
from pathlib import Path

import pytest

from boards.causes import FACTS, BoardError, Cause
from boards.messages import LANGUAGES, language_of, sentence

TABLE = tomllib.loads((Path(__file__).parents[2] / "boards/texts/messages.toml").read_text(encoding="utf-8"))


def test_there_is_an_entry_for_each_cause_and_no_other():
    assert set(TABLE) - {"french"} == {cause.name for cause in Cause} == {cause.name for cause in FACTS}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
def test_a_sentence_says_what_is_known(cause, language):
    text = TABLE[cause.name][language]
    places = {name for _, name, _, _ in string.Formatter().parse(text) if name}
    assert places <= set(FACTS[cause])
    said = sentence(BoardError(cause, **{name: f"<{name}>" for name in FACTS[cause]}), language)
    assert said.endswith(".")
    assert "{" not in said


@pytest.mark.parametrize("cause", Cause)
def test_both_languages_say_the_same_facts(cause):
    places = [
        {name for _, name, _, _ in string.Formatter().parse(TABLE[cause.name][language]) if name}
        for language in LANGUAGES
    ]
    assert places[0] == places[1]


@pytest.mark.parametrize(
    ("asked", "system", "language"),
    [("fr", "en_GB.UTF-8", "fr"), ("", "fr_FR.UTF-8", "fr"), ("", "de_DE.UTF-8", "en"), ("de", "fr_FR.UTF-8", "en")],
)
def test_the_language_is_the_one_asked_for_or_the_computers(monkeypatch, asked, system, language):
    monkeypatch.setenv("LC_ALL", system)
    assert language_of(asked) == language
