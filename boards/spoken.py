"""Command lines whose help and complaints are in the technician's language: the classes for Typer's commands."""

import functools
import inspect
import sys
from collections.abc import Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from boards.messages import language_of, told

_TITLES = ("ARGUMENTS_PANEL_TITLE", "OPTIONS_PANEL_TITLE", "COMMANDS_PANEL_TITLE", "ERRORS_PANEL_TITLE")
_FRAMES = (*_TITLES, "DEFAULT_STRING", "REQUIRED_LONG_STRING", "RICH_HELP", "ABORTED_TEXT")


class Command(TyperCommand):
    """A command that speaks the language of `--language`, or the computer's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words; the language is needed before any of them is understood, or not."""
        language = _language_in(args)
        _speak(self, ctx, language)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            raise _complaint(error, language) from None


class Group(TyperGroup):
    """Commands that belong together."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See `Command`."""
        language = _language_in(args)
        _speak(self, ctx, language)
        for command in self.commands.values():
            _speak(command, ctx, language)
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            raise _complaint(error, language) from None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that was asked for; the words are those behind the group's own."""
        try:
            return super().resolve_command(ctx, args)
        except Exception as error:
            raise _complaint(error, _language_in(args)) from None


def _language_in(args: Sequence[str]) -> str:
    for number, word in enumerate(args):
        name, equals, value = word.partition("=")
        if name == "--language":
            return language_of(value if equals else "".join(args[number + 1 : number + 2]))
    return language_of()


def _speak(command: Any, ctx: Any, language: str) -> None:
    """Have a command's help in a language. Typer makes commands anew for each call, but its frames are one for all."""
    if language != "en" or "typer.rich_utils" in sys.modules:  # else nobody has changed them, and they take a while
        from typer import rich_utils

        for name, english in _frames().items():
            setattr(rich_utils, name, told(english, language))
    command.help = "\n\n".join(told(" ".join(each.split()), language) for each in _paragraphs(command.help))
    for parameter in command.get_params(ctx):
        if getattr(parameter, "help", None):
            parameter.help = told(parameter.help, language)
        panel = getattr(parameter, "rich_help_panel", None)
        if panel:
            parameter.rich_help_panel = told(panel, language)


@functools.cache
def _frames() -> dict[str, str]:
    """What Typer writes around a help, as it was before anything here changed it."""
    from typer import rich_utils

    return {name: getattr(rich_utils, name) for name in _FRAMES if hasattr(rich_utils, name)}


def _paragraphs(text: str | None) -> list[str]:
    return inspect.cleandoc(text or "").split("\n\n")


def _complaint(error: Exception, language: str) -> Exception:
    """A complaint about words in the language; anything else as it is."""
    if type(error).__name__ == "NoArgsIsHelpError" or not hasattr(error, "format_message"):
        return error
    said: Any = error
    text = told(said.format_message(), language)
    said.format_message = lambda: text
    return error
