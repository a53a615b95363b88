"""What the city reads of overrides: the content of the notices `light_override` and `light_followed`."""

from collections.abc import Iterable
from datetime import UTC, datetime

from gateway.orders.states import refused
from gateway.readings import content

from .holding import News
from .plan import SITE, Target
from .scenes import Report

MOST_NAMED = 20  # lamps in one notice; `light who --missing` lists them all


def held(news: News) -> bytes:
    """An override began, or is over."""
    override = news.override
    return content.notice(
        "light_override",
        override=override.id,
        state=news.turn.value,
        by=news.by,
        **_whom(override.target),
        level_pct=override.level_pct,
        since=_iso(override.since_s),
        until=_iso(override.until_s),
        lamps=len(news.lamps),
        followed=len(news.lamps) - len(news.unconfirmed),
        missing=[] if news.turn.value == "held" else _named(news.unconfirmed),
    )


def followed(report: Report) -> bytes:
    """How many lamps do what somebody wanted of them, and who does not."""
    return content.notice(
        "light_followed",
        **_whom(report.target),
        level_pct=report.wish.level_pct,
        why=report.wish.detail,
        until=_iso(report.wish.until_s),
        lamps=report.lamps,
        followed=report.lamps - len(report.missing),
        missing=_named(report.missing),
        refused={dev_eui.hex(): refused(outcome) for dev_eui, outcome in report.refused[:MOST_NAMED]},
    )


def _whom(target: Target) -> dict[str, object]:
    """A group by its number, a lamp by its DevEUI; neither: the site."""
    lamp = isinstance(target, bytes)
    return {
        "group": None if lamp or target == SITE else target,
        "lamp": target.hex() if isinstance(target, bytes) else None,
    }


def _named(lamps: Iterable[bytes]) -> list[str]:
    return [dev_eui.hex() for dev_eui in lamps][:MOST_NAMED]


def _iso(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
