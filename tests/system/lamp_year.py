"""A street of lamps through a year, on real minds, with a real gateway; and what the almanac says of each night."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from math import cos, pi
from pathlib import Path
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import sunrise, sunset

from simulator.chain.chain import Chain
from simulator.scenario.reading import parse_scenario
from tests.system.resting import resting

PARIS = ZoneInfo("Europe/Paris")
LATITUDE_DEG, LONGITUDE_DEG = 48.7536, 2.2975
CHORES_S = 12 * 3600
_WARMEST_DAY = 205  # of the year: 24 July
_SWING_PPM = 6  # of a crystal between the warmest and the mean week of a street's year
_WEEK_US = 7 * 86_400_000_000

_SCENARIO = """
name = "A year of lamps"
about = "Lamps alone with their programme."
start = {start:%Y-%m-%dT%H:%M:%S}
hours = {hours}
warm = false
[site]
insee = "92002"
name = "Antony"
latitude_deg = {latitude}
longitude_deg = {longitude}
[radio]
loss_up = 0.1
loss_down = 0.1
[[gateways]]
name = "mairie"
x_m = 0
y_m = 0
[[gateways]]
name = "ecole"
x_m = 90000
y_m = 0
[[zones]]
name = "bourg"
label = "Bourg"
[[streets]]
name = "near"
zone = "bourg"
points = [[-700, 10], [700, 10]]
[[streets]]
name = "far"
zone = "bourg"
points = [[89300, 10], [90700, 10]]
[[nodes]]
role = "light"
street = "near"
count = {near}
every_m = 24
interval_s = {interval_s}
group = "rue"
[[nodes]]
role = "light"
street = "far"
count = {far}
every_m = 24
interval_s = {interval_s}
group = "rue"
[[stimuli]]
role = "light"
motions_per_hour = 0
mains_cuts_per_year = 0
failures_per_year = 0
"""


class Year:
    """A chain of resting lamps, from noon of *first* on: those in reach of one radio, and those of another far away.

    near_ppm, far_ppm: what the clock of each lamp gains at the mean temperature.
    """

    def __init__(self, first: date, days: int, near_ppm: list[int], far_ppm: list[int], seed: int = 1) -> None:
        text = _SCENARIO.format(
            start=datetime.combine(first, time(12)),
            hours=24 * days,
            latitude=LATITUDE_DEG,
            longitude=LONGITUDE_DEG,
            near=len(near_ppm),
            far=len(far_ppm),
            interval_s=CHORES_S,
        )
        self.scenario = parse_scenario(text.encode(), Path("year.toml"), seed=seed)
        self.chain = Chain(self.scenario, core_of=partial(resting, chores_s=CHORES_S))
        self.lamps = list(self.chain.fleet.nodes.values())
        self._crystals_ppm = near_ppm + far_ppm
        self._follow_seasons()

    def _follow_seasons(self) -> None:
        """Crystals go with the temperature: once a week is often enough for what takes months."""
        timeline = self.chain.timeline
        at = datetime.fromtimestamp(self.scenario.start_s + timeline.now_us // 1_000_000, UTC)
        warmth = cos(2 * pi * (at.timetuple().tm_yday - _WARMEST_DAY) / 365.25)
        for lamp, crystal_ppm in zip(self.lamps, self._crystals_ppm, strict=True):
            lamp.warm_crystal(round(crystal_ppm + _SWING_PPM * warmth))
        timeline.at(timeline.now_us + _WEEK_US, self._follow_seasons)

    def run_until(self, moment: datetime) -> None:
        """Let the street live."""
        self.chain.run(moment.timestamp() - self.scenario.start_s)

    def levels(self) -> list[int]:
        """What each lamp was told last."""
        return [lamp.hardware.lamps[0][0] for lamp in self.lamps]


@dataclass(frozen=True, slots=True)
class Turn:
    """From *at* on the programme wants *level_pct*."""

    at: datetime
    level_pct: int


def turns(first: date, days: int) -> Iterator[Turn]:
    """What the street's programme means, night after night, as `astral` and the time zone's own database have it.

    Full light from sunset, half from 23:00, on Fridays and Saturdays from 01:00; full from 05:00; off at
    sunrise.
    """
    observer = Observer(LATITUDE_DEG, LONGITUDE_DEG)
    for day in (first + timedelta(days=number) for number in range(days)):
        after = day + timedelta(days=1)
        late = day.weekday() in (4, 5)
        dims = datetime.combine(after, time(1), PARIS) if late else datetime.combine(day, time(23), PARIS)
        yield Turn(sunset(observer, day, tzinfo=UTC), 100)
        yield Turn(dims.astimezone(UTC), 50)
        yield Turn(datetime.combine(after, time(5), PARIS).astimezone(UTC), 100)
        yield Turn(sunrise(observer, after, tzinfo=UTC), 0)
