"""The French order of 27 December 2018 on light nuisances, as far as it speaks of hours, read against a programme.

The order (arrêté du 27 décembre 2018 relatif à la prévention, à la réduction et à la limitation des nuisances
lumineuses, NOR TREP1831126A, amended on 29 May 2019 by NOR TREP1915954A) sorts installations by the letters of article
1 and says in article 2 when each may be lit. What it says of colour, upward light and density (articles 3 and 4) no
programme knows. A finding is a warning and no refusal: prefect and mayor grant exceptions, and security may need light.
Streets (letter a) may be lit all night, unless they belong to a closed place of business.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from protocol.civil import DAY_S
from protocol.dimming import Site, lighting_day

from .plan import Installation, LightProgramme

_EPOCH = datetime(1970, 1, 1)
_NIGHTS = 366
_NOON_MIN = 720
_DAY_MIN = 1440
_SEVEN_MIN = _DAY_MIN + 7 * 60  # the next morning
_ONE_MIN = _DAY_MIN + 60  # one in the morning
_SLACK_S = 60  # of a sun table and of a fade
_TENTH_S = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What article 2 asks of a kind of installation. paragraph: as it is cited; says, dit: in English and French.

    after_sunset: not lit before sunset. off_min: off by then at the latest, in minutes from the midnight before the
    evening, 1500 is one in the morning; after_closing_min: or so long after closing time, where that is given. later:
    whichever is later counts; else closing time counts alone where it is given. again_min: lit again no sooner than
    then, or an hour before opening if that is sooner; None: not before the next sunset.
    """

    paragraph: str
    says: str
    dit: str
    after_sunset: bool = False
    off_min: int | None = None
    after_closing_min: int | None = None
    later: bool = False
    again_min: int | None = None


ARTICLES: dict[Installation, Article] = {
    Installation.ROAD: Article(
        paragraph="article 2, I",
        says="light of a closed place of business is off one hour after its activity ends, and on again at 7:00 or one"
        " hour before it begins",
        dit="l’éclairage d’un lieu d’activité clos est éteint une heure après la fin de l’activité et rallumé à 7 h, ou"
        " une heure avant son début",
        after_closing_min=60,
        again_min=_SEVEN_MIN,
    ),
    Installation.HERITAGE: Article(
        paragraph="article 2, II",
        says="heritage is lit from sunset at the earliest to 1:00 at the latest",
        dit="le patrimoine est éclairé au plus tôt du coucher du soleil et au plus tard à 1 h",
        after_sunset=True,
        off_min=_ONE_MIN,
    ),
    Installation.PARK: Article(
        paragraph="article 2, II",
        says="parks and gardens are lit from sunset at the earliest to 1:00 or an hour after they close",
        dit="parcs et jardins sont éclairés au plus tôt du coucher du soleil, et au plus tard à 1 h ou une heure après"
        " leur fermeture",
        after_sunset=True,
        off_min=_ONE_MIN,
        after_closing_min=60,
    ),
    Installation.FACADE: Article(
        paragraph="article 2, III",
        says="buildings that nobody lives in are lit from sunset at the earliest to 1:00 at the latest",
        dit="les bâtiments non résidentiels sont illuminés au plus tôt du coucher du soleil et au plus tard à 1 h",
        after_sunset=True,
        off_min=_ONE_MIN,
    ),
    Installation.SHOP_WINDOW: Article(
        paragraph="article 2, on shop windows",
        says="shop windows are off at 1:00, or one hour after activity ends if that is later, and on again at 7:00 or"
        " one hour before it begins",
        dit="les vitrines sont éteintes à 1 h, ou une heure après la fin de l’activité si elle est plus tardive, et"
        " rallumées à 7 h, ou une heure avant son début",
        off_min=_ONE_MIN,
        after_closing_min=60,
        later=True,
        again_min=_SEVEN_MIN,
    ),
    Installation.CAR_PARK: Article(
        paragraph="article 2, on car parks",
        says="car parks of a place of activity are lit from sunset at the earliest, off two hours after activity ends,"
        " and on again at 7:00 or one hour before it begins",
        dit="les parcs de stationnement d’une zone d’activité sont éclairés au plus tôt du coucher du soleil, éteints"
        " deux heures après la fin de l’activité et rallumés à 7 h, ou une heure avant son début",
        after_sunset=True,
        after_closing_min=120,
        again_min=_SEVEN_MIN,
    ),
    Installation.SITE: Article(
        paragraph="article 2, on construction sites",
        says="light of a site is off one hour after its activity ends",
        dit="l’éclairage d’un chantier est éteint une heure après la fin de l’activité",
        after_closing_min=60,
        again_min=_SEVEN_MIN,
    ),
}
"""What is not in it (sports grounds, events) has no hours in article 2."""


class Way(Enum):
    """How an article may be broken.

    EARLY: lit before sunset. LATE: lit when it is to be off. UNKNOWN: nobody can tell, as the file does not say when
    activity ends.
    """

    EARLY = "early"
    LATE = "late"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """An article that a programme may break: in so many nights of a year, the first time on *first*, in local time."""

    article: Article
    way: Way
    nights: int = 0
    first: datetime | None = None

    def sentence(self, french: bool = False) -> str:
        """The finding as a person reads it."""
        rule = self.article
        if french:
            paragraph = _PARAGRAPHS.get(rule.paragraph, rule.paragraph)
            return f"arrêté du 27 décembre 2018, {paragraph} : {rule.dit}. {self.found(True)}"
        return f"order of 27 December 2018, {rule.paragraph}: {rule.says}. {self.found()}"

    def found(self, french: bool = False) -> str:
        """What in the programme it is about."""
        if self.first is None:
            return _FOUND[self.way][french]
        at = f"{self.first.hour}:{self.first.minute:02}"
        return _FOUND[self.way][french].format(nights=self.nights, of=_NIGHTS, on=self.first.date(), at=at)


_FOUND = {  # in English and French
    Way.EARLY: (
        "It is lit before sunset in {nights} of {of} nights, first on {on} at {at}.",
        "Allumé avant le coucher du soleil {nights} nuits sur {of}, la première le {on} à {at}.",
    ),
    Way.LATE: (
        "It is lit when it is to be off in {nights} of {of} nights, first on {on} at {at}.",
        "Allumé quand il doit être éteint {nights} nuits sur {of}, la première le {on} à {at}.",
    ),
    Way.UNKNOWN: (
        'The file does not say when activity ends; write closes, as "20:00".',
        'Le fichier ne dit pas quand finit l’activité ; écrivez closes, par exemple "20:00".',
    ),
}
_PARAGRAPHS = {
    "article 2, on shop windows": "article 2, vitrines",
    "article 2, on car parks": "article 2, parcs de stationnement",
    "article 2, on construction sites": "article 2, chantiers",
}


def findings(programme: LightProgramme, site: Site, at_s: int) -> list[Finding]:
    """The articles that *programme* may break in the year from Unix time *at_s* on, one finding for each way."""
    article = ARTICLES.get(programme.installation)
    if article is None:
        return []
    off_min = _off_min(article, programme.closes_min)
    found: list[Finding] = []
    if off_min is None and programme.installation is not Installation.ROAD:
        found.append(Finding(article, Way.UNKNOWN))
    early: list[tuple[int, int]] = []  # day, and minute at which it is lit
    late: list[tuple[int, int]] = []
    first = at_s // DAY_S
    for day in range(first, first + _NIGHTS):
        lit = list(_lit(programme, site, day))
        if article.after_sunset:
            sunset_s = site.sun.evening(day) * _TENTH_S - site.utc_offset_min * 60
            early += [(day, _minute(site, day, from_s)) for from_s, _ in lit if from_s < sunset_s - _SLACK_S][:1]
        if off_min is not None:
            off_s = _second(site, day, off_min)
            again_s = _second(site, day, _again_min(article, programme.opens_min))
            late += [
                (day, _minute(site, day, max(from_s, off_s)))
                for from_s, to_s in lit
                if from_s < again_s - _SLACK_S and to_s > off_s + _SLACK_S
            ][:1]
    for nights, way in ((early, Way.EARLY), (late, Way.LATE)):
        if nights:
            day, minute = nights[0]
            found.append(Finding(article, way, len(nights), _EPOCH + timedelta(days=day, minutes=minute)))
    return found


def _off_min(article: Article, closes_min: int | None) -> int | None:
    """When it is to be off, in minutes from the midnight before the evening; None: nobody knows."""
    if closes_min is None or article.after_closing_min is None:
        return article.off_min
    closes_min += _DAY_MIN if closes_min < _NOON_MIN else 0
    closing_min = closes_min + article.after_closing_min
    return max(closing_min, article.off_min) if article.later and article.off_min is not None else closing_min


def _again_min(article: Article, opens_min: int | None) -> int:
    """When it may be lit again, in minutes from the midnight before the evening."""
    if article.again_min is None:
        return _DAY_MIN + _NOON_MIN  # lighting days end at noon
    return article.again_min if opens_min is None else min(article.again_min, _DAY_MIN + opens_min - 60)


def _lit(programme: LightProgramme, site: Site, day: int) -> Iterator[tuple[int, int]]:
    """From when to when it is lit in the night of *day*, noon to noon, in seconds since 00:00 UTC of *day*."""
    at_s = _second(site, day, _NOON_MIN)
    level_pct = lighting_day(programme.nights, site, day - 1)[-1][1]
    end_s = _second(site, day, _DAY_MIN + _NOON_MIN)
    for step_s, next_pct, _ in [*lighting_day(programme.nights, site, day), (end_s, 0, 0)]:
        if level_pct and step_s > at_s:
            yield at_s, step_s
        at_s, level_pct = step_s, next_pct


def _second(site: Site, day: int, minute: int) -> int:
    """Seconds since 00:00 UTC of *day* at so many local minutes after its midnight."""
    utc_day, utc_s = site.from_local(day + minute // _DAY_MIN, minute % _DAY_MIN * 60)
    return (utc_day - day) * DAY_S + utc_s


def _minute(site: Site, day: int, second: int) -> int:
    """The inverse of `_second`."""
    local_day, local_s = site.to_local(day + second // DAY_S, second % DAY_S)
    return (local_day - day) * _DAY_MIN + local_s // 60
