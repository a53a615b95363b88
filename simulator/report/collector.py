"""What the chain tells as it happens, kept as counters and bounded bins: what the live view and the report show.

Every method is called for each frame or reading of runs with half a million of them, so each does a few additions. What
is kept grows with nodes, zones and bins, never with the number of frames. Times are virtual µs from the begin of the
run; everything kept is a whole number or a sum in the order of the events, so that the same run tells the same.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

from protocol.region import sub_band
from simulator.report.bins import Bins, Latencies, Levels, Sums
from simulator.report.district import District, Spot

RECEIVED = "received"  # the fate of a frame that was not lost
READING = "reading"
BAY = "bay"  # an event: a bay was taken or left
EVENT = "event"  # any other
TRACED = {  # by role: a lamp's temperature is that of its gear, and no weather
    "air": ("pm2_5", "pm10", "no2", "co2", "temperature", "relative_humidity"),
    "light": ("level", "power"),
}
_HOUR_US = 3_600_000_000
_LATEST = 12  # happenings that the live view may show: a tall terminal has room for so many
_NOTED = 400  # happenings and outages kept for the page, the first of the run; more nobody reads
_GATEWAY_FAULTS = "gateway_reboot", "gateway_power_cut", "power_cut"
_BROKER_FAULTS = "broker_away", "broker_restart"
Value = float | int | str | None


@dataclass(slots=True)
class Happening:
    """Something worth a line: what (a key of `simulator.report.words`), when, of whom, and of how many at once."""

    time_us: int
    what: str
    subject: str
    count: int = 1


@dataclass(slots=True)
class Outage:
    """Something that was away or wrong for a while; to_us is None as long as it lasts. count: how many at once."""

    what: str
    subject: str
    from_us: int
    to_us: int | None = None
    count: int = 1
    lasting: int = 1  # of those


@dataclass(slots=True)
class Tally:
    """The counters of one node."""

    spot: Spot
    latencies: Latencies  # of its role
    sent: int = 0
    received: int = 0
    taken: int = 0
    delivered: int = 0
    events_taken: int = 0
    events_delivered: int = 0
    due: int = 0  # records that the radio has had time for
    due_delivered: int = 0
    joins: int = 0
    joined_us: int | None = None  # when it was first let in
    dr: int | None = None  # of its last frame
    heard_us: int | None = None  # when a gateway last heard it
    powered: bool = True
    years: float | None = None  # its cell would last
    airtime_us: int = 0
    bays: int = 0
    occupied: int = 0  # of its bays, in truth
    level_pct: int = 0  # summed over its heads


class Airtime:
    """Airtime by sub-band, and of it the most that one sender took in one clock hour."""

    def __init__(self) -> None:
        self.total_us: Counter[str] = Counter()
        self.busiest: dict[str, tuple[int, str]] = {}  # by sub-band: µs in one hour, and whose
        self._hours: dict[tuple[str, str], list[int]] = {}  # by sender and sub-band: hour, µs in it
        self._bands: dict[int, str] = {}

    def add(self, sender: str, freq_hz: int, airtime_us: int, time_us: int) -> None:
        """A frame begins; all of it counts for the hour in which it does."""
        band = self._bands.get(freq_hz)
        if band is None:
            band = self._bands[freq_hz] = sub_band(freq_hz).name
        self.total_us[band] += airtime_us
        hour = time_us // _HOUR_US
        spent = self._hours.setdefault((sender, band), [hour, 0])
        if spent[0] != hour:
            spent[:] = hour, 0
        spent[1] += airtime_us
        if band not in self.busiest or spent[1] > self.busiest[band][0]:
            self.busiest[band] = spent[1], sender


class Series:
    """Counts of each bin of the run."""

    def __init__(self, count: int) -> None:
        self.sent = [0] * count  # frames begun
        self.lost = [0] * count  # … by when they ended
        self.taken = [0] * count  # readings
        self.delivered = [0] * count  # … by when they were taken
        self.arrived = [0] * count  # … by when they came
        self.joined = [0] * count
        self.backlog = [0] * count  # the most messages that waited for the broker


class Collector:
    """Listens to one run: the chain calls it, the live view and `simulator.report.making.report_of` read it.

    tallies: by node name. heard: fates by gateway. values: what the city was told, by quantity. bays, told: taken bays
    by zone, as they really were and as the city knew them. lamps: levels in percent by zone.
    """

    def __init__(self, district: District) -> None:
        self.district = district
        self.bins = Bins(district.hours)
        count = self.bins.count
        self.series = Series(count)
        self.latencies = {role: Latencies(count) for role in dict.fromkeys(spot.role for spot in district.nodes)}
        self.event_latencies = {kind: Latencies(count) for kind in (BAY, EVENT)}
        self.tallies = {spot.name: Tally(spot, self.latencies[spot.role]) for spot in district.nodes}
        self.fates: Counter[str] = Counter()
        self.down_fates: Counter[str] = Counter()
        self.heard: dict[str, Counter[str]] = {spot.name: Counter() for spot in district.gateways}
        self.downlinks: Counter[str] = Counter()  # by gateway
        self.data_rates: Counter[int] = Counter()
        self.airtime = Airtime()
        self.gateway_airtime = Airtime()
        self.values = {name: Sums(count) for names in TRACED.values() for name in names}
        self.bays: dict[str, Levels] = {}
        self.told: dict[str, Levels] = {}
        self.lamps: dict[str, Levels] = {}
        self.logged: Counter[str] = Counter()  # by kind
        self.due = self.due_delivered = self.due_in_hour = 0  # records older than the grace at the end
        self.dating_error_us = 0
        self.messages: Counter[str] = Counter()
        self.message_bytes = 0
        self.refusals: Counter[str] = Counter()
        self.attacks: Counter[str] = Counter()
        self.gateways_up = {spot.name: True for spot in district.gateways}
        self.has_broker = True  # a live run reads from the gateway itself
        self.broker_up = True
        self.backlog = 0
        self.broken: list[str] = []  # names of truths, in the order in which they broke
        self.latest: deque[Happening] = deque(maxlen=_LATEST)
        self.noted: list[Happening] = []
        self.unnoted = 0  # happenings beyond those
        self.outages: list[Outage] = []
        self._due_us = int((district.hours * 3600 - district.grace_s) * 1_000_000)
        self._open: dict[tuple[str, str], Outage] = {}  # by what and subject
        self._known: dict[tuple[str, int], int] = {}  # when what the city knows of a bay was observed

    # The radio.

    def uplink(self, node: str, dr: int, freq_hz: int, airtime_us: int, time_us: int) -> None:
        """A node begins a frame, joins and all."""
        tally = self.tallies[node]
        tally.sent += 1
        tally.dr = dr
        tally.airtime_us += airtime_us
        self.data_rates[dr] += 1
        self.series.sent[self.bins.of(time_us)] += 1
        self.airtime.add(node, freq_hz, airtime_us, time_us)

    def landed(self, node: str, fate: str, time_us: int) -> None:
        """A node's frame ended: RECEIVED by at least one gateway, or lost by one cause (the best of its fates)."""
        self.fates[fate] += 1
        if fate == RECEIVED:
            tally = self.tallies[node]
            tally.received += 1
            tally.heard_us = time_us
        else:
            self.series.lost[self.bins.of(time_us)] += 1

    def downlink(self, gateway: str, freq_hz: int, airtime_us: int, time_us: int) -> None:
        """A gateway begins a frame."""
        self.downlinks[gateway] += 1
        self.gateway_airtime.add(gateway, freq_hz, airtime_us, time_us)

    def fates_at(self, gateway: str, fates: Mapping[str, int]) -> None:
        """What became of all nodes' frames at one gateway; told once, at the end."""
        self.heard[gateway] = Counter(fates)

    def downlink_fates(self, fates: Mapping[str, int]) -> None:
        """What became of gateways' frames at the radios that were tuned to them; told once, at the end."""
        self.down_fates = Counter(fates)

    def joined(self, node: str, time_us: int) -> None:
        """The network let a node in."""
        tally = self.tallies[node]
        tally.joins += 1
        if tally.joined_us is None:
            tally.joined_us = time_us
        self.series.joined[self.bins.of(time_us)] += 1

    # The street.

    def took(self, node: str, kind: str, time_us: int) -> None:
        """A node logs a READING, a BAY event or another EVENT."""
        self.logged[kind] += 1
        tally = self.tallies[node]
        if time_us < self._due_us:
            self.due += 1
            tally.due += 1
        if kind == READING:
            tally.taken += 1
            self.series.taken[self.bins.of(time_us)] += 1
        else:
            tally.events_taken += 1

    def bay(self, node: str, bay: int, occupied: bool, time_us: int) -> None:
        """A bay is taken or left in truth; at first: what it begins with."""
        levels, tally = self._levels(self.bays, node), self.tallies[node]
        before = levels.members
        tally.occupied += levels.set((node, bay), int(occupied), time_us)
        tally.bays += levels.members - before

    def lamp(self, node: str, head: int, level_pct: int, time_us: int) -> None:
        """A lamp shines at a level; at first: what it begins with."""
        self.tallies[node].level_pct += self._levels(self.lamps, node).set((node, head), level_pct, time_us)

    def power(self, node: str, up: bool) -> None:
        """A node lost its power, or has it again."""
        self.tallies[node].powered = up

    def battery(self, node: str, years: float) -> None:
        """How long a node's cell would last at what the run took from it; told once, at the end."""
        self.tallies[node].years = round(years, 2)

    # The cabinet and the city.

    def delivered(
        self,
        node: str,
        kind: str,
        taken_us: int,
        time_us: int,
        instance: int = 0,
        values: Mapping[str, Value] | None = None,
        dating_error_us: int = 0,
    ) -> None:
        """A READING, BAY event or EVENT comes to the city's subscriber, its key for the first time.

        taken_us: when it was really taken. values: a reading's by quantity; a BAY event's {"occupied": 0 or 1}.
        dating_error_us: how far off it was dated, of what was dated by the age it came with.
        """
        tally = self.tallies[node]
        if taken_us < self._due_us:
            self.due_delivered += 1
            tally.due_delivered += 1
            self.due_in_hour += time_us - taken_us <= _HOUR_US
        self.dating_error_us = max(self.dating_error_us, dating_error_us)
        bin_number = self.bins.of(taken_us)
        if kind == READING:
            tally.delivered += 1
            tally.latencies.add(time_us - taken_us, bin_number)
            self.series.delivered[bin_number] += 1
            self.series.arrived[self.bins.of(time_us)] += 1
        else:
            tally.events_delivered += 1
            self.event_latencies[kind].add(time_us - taken_us, bin_number)
        if values:
            self._trace(node, instance, taken_us, time_us, values)

    def message(self, kind: str, size: int) -> None:
        """The subscriber gets any message, repetitions too; *size* in bytes of its payload."""
        self.messages[kind] += 1
        self.message_bytes += size

    def refused(self, reason: str) -> None:
        """The gateway refuses a frame."""
        self.refusals[reason] += 1

    def attacked(self, kind: str) -> None:
        """The attacker sends a frame or datagram of some kind."""
        self.attacks[kind] += 1

    def waiting(self, messages: int, time_us: int) -> None:
        """So many messages wait in the gateway for the broker."""
        self.backlog = messages
        number = self.bins.of(time_us)
        self.series.backlog[number] = max(self.series.backlog[number], messages)

    # What befell the district.

    def gateway(self, name: str, up: bool, time_us: int) -> None:
        """A gateway hears again, or no longer."""
        self.gateways_up[name] = up
        self._away("gateway", name, not up, time_us, _GATEWAY_FAULTS)

    def broker(self, up: bool, time_us: int) -> None:
        """The broker can be reached again, or no longer."""
        self.broker_up = up
        self._away("broker", "", not up, time_us, _BROKER_FAULTS)

    def fault(self, kind: str, target: str, begins: bool, time_us: int) -> None:
        """A fault of the scenario begins or ends; those of gateway and broker are told by their own methods too."""
        self._away(kind, target, begins, time_us)

    def happened(self, what: str, subject: str, time_us: int) -> None:
        """Something else worth a line, such as "reboot" of a node; the same of many at one time is one line."""
        if self.latest and self.latest[-1].what == what and self.latest[-1].time_us == time_us:
            self.latest[-1].count += 1
            return
        happening = Happening(time_us, what, subject)
        self.latest.append(happening)
        if len(self.noted) < _NOTED:
            self.noted.append(happening)
        else:
            self.unnoted += 1

    def broke(self, truth: str, time_us: int) -> None:
        """A truth of the run broke just now."""
        if truth not in self.broken:
            self.broken.append(truth)
            self.happened("broke", truth, time_us)

    def _away(self, what: str, subject: str, begins: bool, time_us: int, told: tuple[str, ...] = ()) -> None:
        """*told*: faults that say it already, if one of them happens just now."""
        self._tell(f"{what}_begins" if begins else f"{what}_ends", subject, time_us, told)
        if not begins:
            outage = self._open.pop((what, subject), None)
            if outage is not None:
                outage.lasting -= 1
                outage.to_us = time_us if not outage.lasting else None
        elif self.outages and self.outages[-1].what == what and self.outages[-1].from_us == time_us:
            outage = self._open[what, subject] = self.outages[-1]
            outage.count += 1
            outage.lasting += 1
        elif len(self.outages) < _NOTED:
            outage = self._open[what, subject] = Outage(what, subject, time_us)
            self.outages.append(outage)

    def _tell(self, what: str, subject: str, time_us: int, told: tuple[str, ...]) -> None:
        """One line for what a fault does and the fault itself, in whichever order they are told."""
        latest = self.latest[-1] if self.latest and self.latest[-1].time_us == time_us else None
        if latest is not None and latest.what.startswith(told):
            return
        for away, faults in (("gateway", _GATEWAY_FAULTS), ("broker", _BROKER_FAULTS)):
            if latest is not None and latest.what in (f"{away}_begins", f"{away}_ends") and what.startswith(faults):
                latest.what, latest.subject = what, subject
                return
        self.happened(what, subject, time_us)

    def _levels(self, of: dict[str, Levels], node: str) -> Levels:
        zone = self.tallies[node].spot.zone
        levels = of.get(zone)
        if levels is None:
            levels = of[zone] = Levels(self.bins)
        return levels

    def _trace(self, node: str, instance: int, taken_us: int, time_us: int, values: Mapping[str, Value]) -> None:
        bin_number = self.bins.of(taken_us)
        for name in TRACED.get(self.tallies[node].spot.role, ()):
            value = values.get(name)
            if value is not None and not isinstance(value, str):
                self.values[name].add(value, bin_number)
        occupied = values.get("occupied")
        if occupied is not None and taken_us >= self._known.get((node, instance), -1):
            self._known[node, instance] = taken_us
            self._levels(self.told, node).set((node, instance), int(bool(occupied)), time_us)
