"""Sentences for people, in English and French, from one table: `texts/messages.toml`.

A cause has its sentence in both. Everything else that a technician reads is written in English where it is said, by
the node and by libraries too, and has its French under that English: `told` looks it up at the edge.
"""

import functools
import importlib.resources
import locale
import os
import re
import tomllib
from typing import Any

from boards.causes import BoardError

LANGUAGES = ("en", "fr")
_FRENCH = "french"  # the section of what has no cause
_APART = re.compile(r"; (?=settings: )")  # what is wrong with several settings
_PLACE = re.compile(r"\{(\w+)\}")
_MAX_LEN = 4096  # of what is looked up: a node's longest line


def sentence(error: BoardError, language: str) -> str:
    """What happened and what to do."""
    facts = {name: told(fact, language) for name, fact in error.facts.items()}
    text: str = _table()[error.cause.name][language]
    return text.format(**facts).replace("?.", "?")


def told(text: str, language: str) -> str:
    """What is said in English, in that language; as it is, if the table does not have it.

    What stands in its places, such as a setting's name, is looked up as well.
    """
    if language != "fr" or not text or len(text) > _MAX_LEN:
        return text
    exact: str | None = _table()[_FRENCH].get(text)
    if exact is not None:
        return exact
    faults = _APART.split(text)
    if len(faults) > 1:
        return " ; ".join(told(fault, language) for fault in faults)
    parts = text.split("; ")
    known = [told(part, language) for part in parts] if len(parts) > 1 else parts
    if not set(parts) & set(known):  # a list of things that the table has one by one
        return " ; ".join(known)
    for pattern, french in _patterns():
        match = pattern.fullmatch(text)
        if match:
            return french.format(**{name: told(said, language) for name, said in match.groupdict().items()})
    return text


def language_of(asked: str = "") -> str:
    """The language that was asked for, else the one that the computer is set to, else English."""
    for name in (asked, os.environ.get("LC_ALL"), os.environ.get("LC_MESSAGES"), os.environ.get("LANG")):
        if name:
            return name[:2].lower() if name[:2].lower() in LANGUAGES else "en"
    name = locale.getlocale()[0] or ""  # Windows says French_France
    return "fr" if name.lower().startswith("fr") else "en"


@functools.cache
def _table() -> dict[str, dict[str, Any]]:
    text = importlib.resources.files("boards").joinpath("texts/messages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The entries with places, in the table's order: the first that fits counts."""
    return tuple(
        (re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(english).replace(r"\{", "{").replace(r"\}", "}"))), french)
        for english, french in _table()[_FRENCH].items()
        if _PLACE.search(english)
    )
