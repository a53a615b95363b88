"""Who watches a run: told of everything that happens, it holds the truths against each event at once."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Any

import orjson

from simulator.air.interface import OnAir
from simulator.report.report import Truth
from simulator.truths.breaches import (
    ALL_ARRIVED,
    NEVER_RAISED,
    NOT_FOOLED,
    NOT_REFUSED,
    NOTHING_LOST,
    Breaches,
    Told,
)
from simulator.truths.counters import FrameCounters
from simulator.truths.duty import DutyCycle
from simulator.truths.records import Arrival, Records

_TOO_MANY = "too_many_wrong_mics"
_REPLAYED = "replayed"  # what the gateway says of a frame that a node sent again on purpose
_OF_MESSAGES = ("reading", "event")
# A lost record of a node that speaks once an hour: noticed with the next frame, asked for two hours later at the
# latest (gateway/readings/resending.py), in the window of the frame after that, and told again with the one behind it.
SETTLED_US = 6 * 3_600_000_000


class Witness:
    """start_s: Unix time of virtual time 0. told: hears of each truth that breaks, once. due_us: see `Records`.

    refused: by the gateway's reason. attacks: frames of the attacker that reached the gateway. losses_us: until when a
    node may have lost records of its own, by node: what it did not tell until then nobody asks for.
    """

    def __init__(self, start_s: int, told: Told = lambda truth, time_us: None, due_us: int = 1 << 62) -> None:
        self.breaches = Breaches(told)
        self.counters = FrameCounters(self.breaches)
        self.records = Records(start_s, self.breaches, due_us)
        self.refused: Counter[str] = Counter()
        self.attacks = 0
        self.repeated = 0  # of those, how often a frame that was accepted just before
        self.recorded = 0  # frames of captures: whose they are and whether they are new is not known here
        self.late = 0  # frames that he held back, and that were accepted because nothing newer had been heard
        self.believed = 0  # frames of the attacker that were
        self.unanswered = 0  # frames of nodes that the gateway heard and did not accept
        self.losses_us: dict[str, int] = {}
        self.stored = 0  # records on the card
        self._guests: set[bytes] = set()  # keys of records that came of strangers
        self._duty = DutyCycle(self.breaches)

    # The radio.

    def sent(self, frame: OnAir) -> None:
        """A node begins a frame."""
        self.counters.up(frame)
        self._duty.sent(frame.sender, frame.freq_hz, frame.start_us, frame.end_us, frame.phy_payload)

    def emitted(self, radio: str, phy_payload: bytes, freq_hz: int, start_us: int, airtime_us: int) -> None:
        """A gateway's radio begins a frame."""
        self.counters.down(radio, phy_payload, start_us)
        self._duty.sent(radio, freq_hz, start_us, start_us + airtime_us, phy_payload)

    # The gateway.

    def refuse(self, reason: str) -> None:
        """The gateway refuses a frame."""
        self.refused[reason] += 1

    def attacked(self, again: bool = False) -> None:
        """A frame of the attacker, which nobody may believe, reached the gateway.

        again: it is the one accepted last, which may be answered instead of refused: its node might have repeated it.
        """
        self.attacks += 1
        self.repeated += again

    def undecided(self) -> None:
        """The gateway ended before it decided on the attacker's last frame."""
        self.attacks -= 1

    def died(self, time_us: int, name: str, why: str) -> None:
        """A node's firmware raised what it never may."""
        self.breaches(NEVER_RAISED, time_us, name, why)

    def fooled(self, time_us: int, who: str, what: str, shown: bytes = b"") -> None:
        """Somebody believed the attacker."""
        self.believed += 1
        self.breaches(NOT_FOOLED, time_us, who, what, shown)

    def committed(self, records: int) -> None:
        """So many records are on the card."""
        self.stored = records

    def began(self, records: int, time_us: int) -> None:
        """The gateway starts and finds so many."""
        if records < self.stored:
            what = f"starts with {records} records, and {self.stored} had been on its card"
            self.breaches(NOTHING_LOST, time_us, "gateway", what)

    # The subscriber.

    def arrive(
        self, payload: bytes, time_us: int, strangers: Container[str] = ()
    ) -> Iterator[tuple[Mapping[str, Any], Arrival | None]]:
        """A message, or several in one, come; each with what it tells of a record for the first time.

        strangers: DevEUIs in hex of whom nothing is known here.
        """
        said = orjson.loads(payload)
        for message in said if isinstance(said, list) else (said,):
            of_record = message["kind"] in _OF_MESSAGES
            known = of_record and message["key"]["dev_eui"] not in strangers
            if of_record and not known:
                self._guests.add(orjson.dumps(message["key"]))
            yield message, self.records.arrive(message, time_us) if known else None

    # The end.

    def settle(self, time_us: int, stored: int, quiet_from_us: int | None) -> None:
        """The run is over. stored: readings and events on the card. quiet_from_us: since when nothing failed, or None.

        What was taken before that, and SETTLED_US ago, must have arrived if its node still had it.
        """
        arrived = sum(self.records.arrived) + len(self._guests)
        if quiet_from_us is not None:
            if arrived < stored and not self.recorded:
                what = f"{stored} readings and events are on its card, {arrived} arrived"
                self.breaches(NOTHING_LOST, time_us, "gateway", what)
            before_us = min(quiet_from_us, time_us - SETTLED_US)
            for name, epoch, seq, taken_us in self.records.missing():
                if self.losses_us.get(name, -1) < taken_us < before_us:
                    what = f"record {seq} of epoch {epoch:04x}, taken at {taken_us / 1e6:.0f} s, did not arrive"
                    self.breaches(ALL_ARRIVED, time_us, name, what)
                    break
        unwanted = self.refused.total() - self.attacks + self.late
        repeats = min(self.refused[_REPLAYED], self.counters.repeats)  # the second of two is a replay to the gateway
        # Whoever guesses at MICs has the address that he guesses for closed for a while, to its owner, too.
        closed = min(self.refused[_TOO_MANY], self.unanswered) if self.attacks else 0
        if not -self.repeated <= unwanted <= repeats + closed + self.recorded:
            counted = ", ".join(f"{count} {reason}" for reason, count in sorted(self.refused.items()))
            what = f"refused {counted or 'nothing'}; the attacker sent {self.attacks}, nodes repeated {repeats}"
            self.breaches(NOT_REFUSED, time_us, "gateway", what)

    def truths(self) -> list[Truth]:
        """What held, and what did not."""
        return self.breaches.truths()
