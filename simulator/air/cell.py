"""A cell as scaling studies draw it: nodes around one receiver that send at random and never listen.

It holds the rules of `interference.py` against published figures, and is lean so that millions of frames take seconds:
no payloads, no events, no fading; a frame is judged when the next one finds it ended.
"""

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from simulator.air.fates import Fate, Tally
from simulator.air.interference import NOBODY, Rule, Signal
from simulator.streams import Stream

_ALONE = 0  # the number of the only receiver


@dataclass(frozen=True, slots=True)
class Sender:
    """A node of a cell: how loud it arrives, how it sends, and on which channel (they do not disturb each other).

    keen_us: so long after its begin a preamble must be heard undisturbed.
    """

    level_cdbm: int
    dr: int
    airtime_us: int
    keen_us: int = 0
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the frames; airtimes in µs."""

    lasted_us: int
    fates: Counter[Fate]
    sent_us: int
    received_us: int

    @property
    def sent(self) -> int:
        """Frames."""
        return self.fates.total()

    @property
    def delivery(self) -> float:
        """The share of frames received, which LoRaSim calls data extraction rate (DER)."""
        return self.fates[Fate.RECEIVED] / self.sent

    @property
    def offered(self) -> float:
        """G: airtime begun per time."""
        return self.sent_us / self.lasted_us

    @property
    def throughput(self) -> float:
        """S: airtime received per time."""
        return self.received_us / self.lasted_us


def run_cell(
    senders: list[Sender], rule: Rule, gap_us: float, lasts_us: int, dice: Stream, demodulators: int
) -> Outcome:
    """Let each node send, wait a time with an exponential distribution and *gap_us* on average, and send again.

    demodulators: so many frames are read at a time; who comes when all are busy is lost, and disturbs nevertheless.
    """
    draw, log = dice.unit, math.log

    def wait() -> int:
        # Studies are in no digest, so a logarithm may differ by platform in its last bit; it is twice as fast.
        return int(-gap_us * log(1.0 - draw()))

    queue = [(wait(), number) for number in range(len(senders))]
    return _run(senders, rule, queue, wait, lasts_us, demodulators)


def run_once(senders: list[Sender], rule: Rule, lasts_us: int, dice: Stream, demodulators: int) -> Outcome:
    """Let each node send once, at any time, as ns-3's study of throughput does."""
    queue = [(dice.below(lasts_us), number) for number in range(len(senders))]
    return _run(senders, rule, queue, lambda: lasts_us, lasts_us, demodulators)


class _Frame(Signal):
    """locked: whether a demodulator has it."""

    __slots__ = ("channel", "locked")

    def __init__(self, sender: Sender, now_us: int, levels: dict[int, int]) -> None:
        # What Signal's own would do, without the call: there are millions.
        self.dr = sender.dr
        self.start_us = now_us
        self.end_us = now_us + sender.airtime_us
        self.keen_us = now_us + sender.keen_us
        self.levels = levels
        self.loud = False
        self.crossed = []
        self.beside = NOBODY
        self.channel = sender.channel
        self.locked = True


def _run(
    senders: list[Sender],
    rule: Rule,
    queue: list[tuple[int, int]],
    wait: Callable[[], int],
    lasts_us: int,
    demodulators: int,
) -> Outcome:
    """queue: when each node begins to send. It is one long loop because it is run for millions of frames."""
    heapq.heapify(queue)
    replace, meet = heapq.heapreplace, rule.meet
    levels = [{_ALONE: sender.level_cdbm} for sender in senders]
    judge = _Judge(rule)
    on_air: list[_Frame] = []
    sent_us = 0
    while queue[0][0] < lasts_us:
        now_us, number = queue[0]
        sender = senders[number]
        frame = _Frame(sender, now_us, levels[number])
        still, channel = [frame], sender.channel
        for other in on_air:
            if other.end_us <= now_us:
                judge.end(other)
                continue
            still.append(other)
            if other.channel == channel:
                meet(other, frame)
        on_air = still
        if len(still) > demodulators:
            frame.locked = sum(other.locked for other in still) <= demodulators  # itself among them
        sent_us += sender.airtime_us
        replace(queue, (frame.end_us + wait(), number))
    for frame in on_air:
        judge.end(frame)
    return Outcome(lasts_us, judge.tally.counter(), sent_us, judge.received_us)


class _Judge:
    """What became of the frames that ended."""

    def __init__(self, rule: Rule) -> None:
        self.tally = Tally()
        self.received_us = 0
        self._verdict = rule.verdict

    def end(self, frame: _Frame) -> None:
        """A frame is over, and whatever crossed it is known."""
        fate = None
        if not frame.locked:
            fate = Fate.NO_DEMODULATOR
        elif frame.crossed:
            fate = self._verdict(frame, _ALONE)
        if fate is None:
            fate = Fate.RECEIVED
            self.received_us += frame.end_us - frame.start_us
        self.tally.counts[fate.rank] += 1
        frame.crossed = NOBODY  # so that no ring of references outlives them
