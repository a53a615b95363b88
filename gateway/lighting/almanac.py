"""What a place's lamps must know to tell night from day: the sun by `astral`, public holidays by `holidays`.

Both libraries together take 20 MB and some tenths of a second: whoever runs for years calls `almanac_of`.
"""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from protocol.civil import DAY_S
from protocol.dimming import Site, SunTable
from protocol.errors import ProtocolError

YEARS = 10  # of sun and holidays: as long as a lamp may have to do without news
_EPOCH = date(1970, 1, 1)
_PATIENCE_S = 120  # ten times what a Pi takes
# By the first digits of INSEE codes, the places of France with holidays of their own, as `holidays` calls them.
_REGIONS = {
    "57": "57",
    "67": "6AE",
    "68": "6AE",
    "971": "971",
    "972": "972",
    "973": "973",
    "974": "974",
    "975": "PM",
    "976": "976",
    "977": "BL",
    "978": "MF",
    "986": "WF",
    "987": "PF",
    "988": "NC",
}


class AlmanacError(Exception):
    """A place for which no lamp can know the night; the message says why."""


def region_of(insee: str) -> str:
    """The part of France, as `holidays` names it, whose public holidays hold in a commune; "" for those of all."""
    return _REGIONS.get(insee[:2], _REGIONS.get(insee[:3], ""))


def public_holidays(insee: str, first_year: int, years: int = YEARS) -> list[int]:
    """The public holidays of the commune with this INSEE code, in days since 1970-01-01."""
    import holidays

    found = holidays.country_holidays(
        "FR", subdiv=region_of(insee) or None, years=range(first_year, first_year + years)
    )
    return sorted((day - _EPOCH).days for day in found)


def site_of(latitude_deg: float, longitude_deg: float, timezone: str, insee: str, first_year: int) -> Site:
    """The sun, local time and public holidays of ten years from *first_year* on; degrees are WGS 84.

    Raises AlmanacError where the sun does not rise and set every day, or where lamps cannot keep the local time.
    """
    from astral import Observer
    from astral.sun import dawn, dusk, sunrise, sunset

    offset_min, summer_rule = _zone(timezone, first_year)
    observer = Observer(latitude_deg, longitude_deg)
    first = (date(first_year, 1, 1) - _EPOCH).days
    days = (date(first_year + YEARS, 1, 1) - _EPOCH).days - first + 2
    try:
        tables = [
            SunTable.build(first, _tenths(morning, observer, first, days, offset_min), evenings)
            for morning, evenings in (
                (sunrise, _tenths(sunset, observer, first, days, offset_min)),
                (dawn, _tenths(dusk, observer, first, days, offset_min)),
            )
        ]
        return Site(offset_min, summer_rule, tables[0], tables[1], public_holidays(insee, first_year))
    except (ValueError, ProtocolError) as error:
        raise AlmanacError(
            f"lamps cannot follow the sun at {latitude_deg}, {longitude_deg} in {timezone}: {error}"
        ) from None


def almanac_of(latitude_deg: float, longitude_deg: float, timezone: str, insee: str, first_year: int) -> bytes:
    """`site_of`, encoded, worked out in a process of its own. Blocks for a second or two. Raises AlmanacError."""
    what = [str(value) for value in (latitude_deg, longitude_deg, timezone, insee, first_year)]
    command = [sys.executable, "-P", "-m", "gateway.lighting.almanac", *what]
    where = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        told = subprocess.run(command, env=where, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AlmanacError(f"the sun of the site could not be worked out: {error}") from None
    if told.returncode:
        raise AlmanacError(told.stderr.strip() or "the process that works out the sun ended; is memory short?")
    return bytes.fromhex(told.stdout)


def _tenths(event: object, observer: object, first: int, days: int, offset_min: int) -> list[int]:
    """Tenths of minutes of standard time since midnight at which *event* of astral happens, day by day."""
    assert callable(event)
    found = []
    for day in range(first, first + days):
        midnight = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day, minutes=-offset_min)
        at = event(observer, date=_EPOCH + timedelta(days=day))
        found.append(round((at - midnight).total_seconds() / 6))
    return found


def _zone(timezone: str, year: int) -> tuple[int, bool]:
    """Minutes of standard time ahead of UTC, and whether the place keeps European summer time. Raises AlmanacError."""
    zone = ZoneInfo(timezone)
    january, july = (_offset_s(datetime(year, month, 15, tzinfo=zone)) for month in (1, 7))
    if july not in (january, january + 3600):
        raise AlmanacError(
            f"{timezone}: its clock goes from {january / 3600:+} h in January to {july / 3600:+} h in July; lamps keep "
            "European summer time or none"
        )
    return january // 60, july != january


def _offset_s(at: datetime) -> int:
    offset = at.utcoffset()
    assert offset is not None
    return offset.days * DAY_S + offset.seconds


def _main(latitude: str, longitude: str, timezone: str, insee: str, first_year: str) -> int:
    try:
        site = site_of(float(latitude), float(longitude), timezone, insee, int(first_year))
    except AlmanacError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(site.encode().hex())
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
