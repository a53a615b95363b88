"""Sentences for people, in English and French: `texts/messages.toml` has one for each cause."""

import functools
import importlib.resources
import locale
import os
import tomllib

from boards.causes import BoardError

LANGUAGES = ("en", "fr")


def sentence(error: BoardError, language: str) -> str:
    """What happened and what to do."""
    return _table()[error.cause.name][language].format(**error.facts)


def language_of(asked: str = "") -> str:
    """The language that was asked for, else the one that the computer is set to, else English."""
    for name in (asked, os.environ.get("LC_ALL"), os.environ.get("LC_MESSAGES"), os.environ.get("LANG")):
        if name:
            return name[:2].lower() if name[:2].lower() in LANGUAGES else "en"
    name = locale.getlocale()[0] or ""  # Windows says French_France
    return "fr" if name.lower().startswith("fr") else "en"


@functools.cache
def _table() -> dict[str, dict[str, str]]:
    text = importlib.resources.files("boards").joinpath("texts/messages.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
