"""A cell as scaling studies draw it: nodes around one receiver that send at random and never listen.

It holds the rules of `interference.py` against published figures, and is lean so that millions of frames take seconds:
no payloads, no events, no fading; a frame is judged when the next one finds it ended.
"""

import heapq
from collections import Counter
from dataclasses import dataclass

from simulator.air.fates import Fate
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
    queue = [(int(dice.exponential(gap_us)), number) for number in range(len(senders))]
    heapq.heapify(queue)
    exponential, replace = dice.exponential, heapq.heapreplace
    judge = _Judge(senders, rule, demodulators)
    begin = judge.begin
    while queue[0][0] < lasts_us:
        now_us, number = queue[0]
        replace(queue, (begin(now_us, number) + int(exponential(gap_us)), number))
    return judge.outcome(lasts_us)


def run_once(senders: list[Sender], rule: Rule, lasts_us: int, dice: Stream, demodulators: int) -> Outcome:
    """Let each node send once, at any time, as ns-3's study of throughput does."""
    judge = _Judge(senders, rule, demodulators)
    for now_us, number in sorted((dice.below(lasts_us), number) for number in range(len(senders))):
        judge.begin(now_us, number)
    return judge.outcome(lasts_us)


class _Frame(Signal):
    """locked: whether a demodulator has it."""

    __slots__ = ("channel", "locked")

    def __init__(self, sender: Sender, now_us: int, levels: dict[int, int]) -> None:
        super().__init__(sender.dr, now_us, now_us + sender.airtime_us, now_us + sender.keen_us, levels)
        self.channel = sender.channel
        self.locked = True


class _Judge:
    """The receiver of a cell, which hears of frames in the order of their begins."""

    def __init__(self, senders: list[Sender], rule: Rule, demodulators: int) -> None:
        self._senders = senders
        self._levels = [{_ALONE: sender.level_cdbm} for sender in senders]
        self._meet = rule.meet
        self._verdict = rule.verdict
        self._demodulators = demodulators
        self._on_air: list[_Frame] = []
        self._sent_us = self._received_us = self._received = self._crosstalk = self._collisions = self._unread = 0

    def begin(self, now_us: int, number: int) -> int:
        """A node begins a frame; returns its end."""
        sender = self._senders[number]
        frame = _Frame(sender, now_us, self._levels[number])
        channel, meet, busy = sender.channel, self._meet, 0
        on_air = [frame]
        for other in self._on_air:
            if other.end_us > now_us:
                on_air.append(other)
                busy += other.locked
                if other.channel == channel:
                    meet(other, frame)
            else:
                self._end(other)
        self._on_air = on_air
        frame.locked = busy < self._demodulators
        self._sent_us += sender.airtime_us
        return frame.end_us

    def outcome(self, lasts_us: int) -> Outcome:
        """What became of all frames."""
        for frame in self._on_air:
            self._end(frame)
        self._on_air = []
        fates = {
            Fate.RECEIVED: self._received,
            Fate.COLLISION: self._collisions,
            Fate.CROSSTALK: self._crosstalk,
            Fate.NO_DEMODULATOR: self._unread,
        }
        return Outcome(lasts_us, Counter(fates), self._sent_us, self._received_us)

    def _end(self, frame: _Frame) -> None:
        if not frame.locked:
            self._unread += 1
        elif not frame.crossed or (fate := self._verdict(frame, _ALONE)) is None:
            self._received += 1
            self._received_us += frame.end_us - frame.start_us
        elif fate is Fate.COLLISION:
            self._collisions += 1
        else:
            self._crosstalk += 1
        frame.crossed = NOBODY  # so that no ring of references outlives them
