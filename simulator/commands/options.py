"""What options of several commands may be."""

from enum import Enum


class Language(Enum):
    """Of picture, summary and page."""

    EN = "en"
    FR = "fr"
