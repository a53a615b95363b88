"""Times as CSV files write them, into Unix seconds: ISO 8601, Unix, or a format of their own, in any time zone.

Local times are the hard ones. In the hour that clocks show twice in autumn, a time that would not come after the one
before it means the second showing. A time in the hour that they leave out in spring says that the file does not keep
the summer time of that zone, and is a fault.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_MILLISECONDS = 1e11  # what is as great counts milliseconds: as seconds it would be the year 5138


class Moments:
    """Reads the times of one series after the other. time_format: "iso", "unix" (s or ms) or one of `strptime`."""

    def __init__(self, time_format: str, time_zone: str) -> None:
        self._format = time_format
        self._zone_name = time_zone
        self._zone = None if time_zone == "UTC" else ZoneInfo(time_zone)

    def read(self, text: str, after_s: int | None) -> int:
        """Unix seconds. after_s: of the row before in the same series. Raises ValueError with what to write instead."""
        if self._format == "unix":
            return _unix(text)
        try:
            moment = datetime.fromisoformat(text) if self._format == "iso" else datetime.strptime(text, self._format)
        except ValueError:
            raise ValueError(self._expected()) from None
        if moment.tzinfo is not None or self._zone is None:
            return _seconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        local = moment.replace(tzinfo=self._zone)
        first_s = _seconds(local)
        second_s = _seconds(local.replace(fold=1))
        if second_s < first_s:  # clocks went forward: neither reading of it exists
            raise ValueError(
                f"was never shown by clocks in {self._zone_name}, which went forward then; if the file keeps the same "
                f'time all year, write time_zone = "{_fixed(first_s, moment)}"'
            )
        return second_s if second_s > first_s and after_s is not None and after_s >= first_s else first_s

    def _expected(self) -> str:
        if self._format == "iso":
            return 'is no ISO 8601 time such as 2026-03-29T14:05:00; write time_format as strptime has it, or "unix"'
        return f"is no time of the format {self._format}; write time_format as strptime has it"


def _unix(text: str) -> int:
    try:
        number = float(text)
        return int(number / 1000 if number >= _MILLISECONDS else number)
    except (ValueError, OverflowError):
        raise ValueError("is no Unix time in seconds or milliseconds; write time_format as it is") from None


def _seconds(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return since.days * 86_400 + since.seconds


def _fixed(unix_s: int, moment: datetime) -> str:
    """The zone without summer time in which *moment* is near that time."""
    hours = round((_seconds(moment.replace(tzinfo=UTC)) - unix_s) / 3600)
    return f"Etc/GMT{-hours:+d}"
