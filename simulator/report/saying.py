"""Texts in both languages of the report, and how each writes numbers, shares, durations and times of day."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

EN, FR = "en", "fr"
LANGUAGES = (EN, FR)
_THIN = "\u202f"  # the space of French thousands, and before a percent sign; no line breaks there
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAYS_FR = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
MONTHS = (
    ("January", "janvier"),
    ("February", "février"),
    ("March", "mars"),
    ("April", "avril"),
    ("May", "mai"),
    ("June", "juin"),
    ("July", "juillet"),
    ("August", "août"),
    ("September", "septembre"),
    ("October", "octobre"),
    ("November", "novembre"),
    ("December", "décembre"),
)


class Text(NamedTuple):
    """The same said in English and in French."""

    en: str
    fr: str

    def to(self, language: str) -> str:
        """It in "en" or "fr"."""
        return self.fr if language == FR else self.en

    def filled(self, **parts: "Text | str | int") -> "Text":
        """With {names} replaced, each in its language."""
        texts = {name: part if isinstance(part, Text) else same(str(part)) for name, part in parts.items()}
        return Text(
            self.en.format(**{name: text.en for name, text in texts.items()}),
            self.fr.format(**{name: text.fr for name, text in texts.items()}),
        )


def same(text: str) -> Text:
    """What both languages write alike, such as a name."""
    return Text(text, text)


def joined(texts: Iterable[Text], between: str = ", ") -> Text:
    """One after the other."""
    listed = list(texts)
    return Text(between.join(text.en for text in listed), between.join(text.fr for text in listed))


def number(value: float, decimals: int = 0) -> Text:
    """1,234.5 and 1 234,5."""
    written = f"{value:,.{decimals}f}"
    return Text(written, written.replace(",", _THIN).replace(".", ","))


def counted(count: int, one: Text, many: Text) -> Text:
    """A number with its noun: French has 0 in the singular, English has not."""
    written = number(count)
    english, french = one.en if count == 1 else many.en, one.fr if count < 2 else many.fr
    return Text(f"{written.en} {english}", f"{written.fr} {french}")


def short(value: float) -> Text:
    """With as many digits as a label needs: three, and no empty decimals."""
    if value and abs(value) < 0.01:
        return Text(f"{value:.1g}", f"{value:.1g}".replace(".", ","))
    decimals = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = number(value, decimals)
    return Text(_bare(text.en, "."), _bare(text.fr, ",")) if decimals else text


def percent(part: float, whole: float) -> Text:
    """A share; what is not all is never rounded up to all, nor what is something down to nothing."""
    if not whole:
        return same("–")
    share = 100 * part / whole
    decimals = 1 if part == whole or 1 <= share < 99 else 2
    written = number(share, decimals)
    if part < whole and round(share, decimals) >= 100:
        written = Text("> 99.99", "> 99,99")
    elif part == whole:
        written = same("100")
    return Text(f"{written.en}{_THIN}%", f"{written.fr}{_THIN}%")


def lasting(seconds: float | None) -> Text:
    """A duration in the unit that suits it."""
    if seconds is None:
        return same("–")
    for limit, size, unit in ((1, 0.001, "ms"), (120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return joined((short(round(seconds / size, 1)), same(unit)), "\u00a0")
    days = short(round(seconds / 86_400, 1))
    return Text(f"{days.en}\u00a0days", f"{days.fr}\u00a0jours")


def zone_of(name: str) -> tzinfo:
    """The time zone called so; UTC where this machine has no table of them."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def time_of_day(unix_s: float, zone: tzinfo) -> Text:
    """14:05 and 14 h 05."""
    local = datetime.fromtimestamp(unix_s, zone)
    return Text(f"{local:%H:%M}", f"{local:%H}\u00a0h\u00a0{local:%M}")


def day(unix_s: float, zone: tzinfo) -> Text:
    """Mon 2 and lun. 2."""
    local = datetime.fromtimestamp(unix_s, zone)
    return Text(f"{_DAYS_EN[local.weekday()]} {local.day}", f"{_DAYS_FR[local.weekday()]} {local.day}")


def date(unix_s: float, zone: tzinfo) -> Text:
    """2 March 2026 and 2 mars 2026."""
    local = datetime.fromtimestamp(unix_s, zone)
    english, french = MONTHS[local.month - 1]
    first = "1er" if local.day == 1 else str(local.day)
    return Text(f"{local.day} {english} {local.year}", f"{first} {french} {local.year}")


def when(unix_s: float, zone: tzinfo) -> Text:
    """Day and time."""
    return joined((day(unix_s, zone), time_of_day(unix_s, zone)), " ")


def _bare(written: str, point: str) -> str:
    return written.rstrip("0").rstrip(point)
