"""What each radio has sent within the last hour, as text that outlives the process (EN 300 220: the hour does not).

Written after downlinks, with the next commits, it is always a little behind. So more is kept than was sent: as much as
may be sent before the next one is on disk, which is bounded. And time in which the gateway did not run does not count,
as nobody may know how long that was: what was kept is taken for what was sent just before the start. Both err on the
side of silence, for an hour at most.
"""

import json
from typing import NamedTuple

from protocol.region import SUB_BANDS, SubBand

NOTHING = "{}"  # the text of a radio that has sent nothing
_STEP_S = 300  # frames of five minutes are one entry, as old as the youngest of them: thirteen for each sub-band
_SHARE = 12  # a twelfth of what a sub-band allows may be sent before it must be on disk: a dozen power cuts in an hour
_LEAST_US = 3_000_000  # the longest frame there is; in the sub-bands of 0.1 % this is nearly all they allow


class Sent(NamedTuple):
    """Airtime in a sub-band, until end_ms at most."""

    band: str
    end_ms: int
    airtime_us: int


def allowed_us(band: SubBand) -> int:
    """Of an hour."""
    return band.airtime_ms_per_hour * 1000


def unkept_us(band: SubBand) -> int:
    """How much may be sent in *band* that is not on disk yet."""
    return max(allowed_us(band) // _SHARE, _LEAST_US)


def to_text(sent: list[Sent], now_ms: int, ended: bool) -> str:
    """What is kept: JSON, for each sub-band [age in s, airtime in µs] pairs, the oldest first.

    ended: nothing more will be sent, so nothing is added for it.
    """
    spent = {band.name: {} if ended else {0: unkept_us(band)} for band in SUB_BANDS}
    for name, end_ms, airtime_us in sent:
        age_s = max(now_ms - end_ms, 0) // 1000 // _STEP_S * _STEP_S
        spent[name][age_s] = spent[name].get(age_s, 0) + airtime_us
    kept = {name: sorted(ages.items(), reverse=True) for name, ages in spent.items() if ages}
    return json.dumps(kept, separators=(",", ":"))


def from_text(text: str | None, now_ms: int) -> list[Sent]:
    """What was kept, the oldest first, for a start at *now_ms*. None: it was damaged, so all may have been used."""
    if text is None:
        return [Sent(band.name, now_ms, allowed_us(band)) for band in SUB_BANDS]
    sent = [
        Sent(name, now_ms - age_s * 1000, airtime_us)
        for name, ages in json.loads(text).items()
        for age_s, airtime_us in ages
    ]
    return sorted(sent, key=lambda one: one.end_ms)
