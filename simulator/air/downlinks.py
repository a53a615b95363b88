"""Frames from gateways to nodes: who is tuned to one and in reach hears it begin, and its end unless it was destroyed.

Nodes send with the other polarity of the chirp, so that they disturb downlinks as little as they hear each other;
downlinks of several gateways on one channel do disturb each other.
"""

from simulator.air.decibels import DRAWS
from simulator.air.fates import Fate, Tally
from simulator.air.interface import Listener, OnAir, Reception
from simulator.air.interference import Signal, rule_named
from simulator.air.parties import Gateway, Link, Parties
from simulator.air.receivers import receiver_named
from simulator.air.spectrum import Spectrum
from simulator.timeline import Timeline


class _Descent(Signal):
    """A downlink on its way. Receivers are nodes here. ears: who hears it, over which link."""

    __slots__ = ("ears", "frame", "gateway", "power_cdbm")

    def __init__(self, gateway: Gateway, frame: OnAir, keen_us: int) -> None:
        super().__init__(frame.dr, frame.start_us, frame.end_us, keen_us, {})
        self.gateway = gateway
        self.frame = frame
        self.power_cdbm = 100 * frame.power_dbm
        self.ears: dict[Listener, Link] = {}

    def mean_cdbm(self, link: Link) -> int:
        """Its level at a node before fading."""
        return self.power_cdbm - link.down_cdb - link.node.loss_cdb - link.gateway.loss_cdb


class Downlinks:
    """All of them, and which radios are tuned to what."""

    def __init__(self, timeline: Timeline, parties: Parties) -> None:
        self.tally = Tally()
        self._timeline = timeline
        self._parties = parties
        self._receiver = receiver_named(parties.model.node_receiver)
        self._rule = rule_named(parties.model.interference)
        self._spectrum = Spectrum(self._rule)
        self._keeps = 1 - parties.model.loss_down
        self._tuned: dict[Listener, tuple[int, int]] = {}
        self._on_air: list[_Descent] = []

    def begin(self, gateway: Gateway, frame: OnAir, keen_us: int) -> None:
        """A gateway begins a frame."""
        if gateway.off_until_us > frame.start_us:
            return
        if gateway.station.half_duplex:
            gateway.deaf_until_us = max(gateway.deaf_until_us, frame.end_us)
        descent = _Descent(gateway, frame, keen_us)
        self._spectrum.begin(descent, frame.freq_hz)
        self._on_air.append(descent)
        self._timeline.at(frame.end_us, lambda: self._end(descent))
        for listener, link in list(gateway.ears.get((frame.freq_hz, frame.dr), {}).items()):
            if listener.minds(frame):
                self._reach(listener, link, descent)

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Tune a node's radio to what all gateways in reach may send there."""
        self.deafen(listener)
        self._tuned[listener] = freq_hz, dr
        _, links = self._parties.node(listener.name)
        for link in links.values():
            link.gateway.ears.setdefault((freq_hz, dr), {})[listener] = link
        for descent in list(self._on_air):
            there = descent.gateway.ears.get((freq_hz, dr), {}).get(listener)
            lasts = descent.end_us > self._timeline.now_us
            on_channel = (descent.frame.freq_hz, descent.frame.dr) == (freq_hz, dr)
            if lasts and there is not None and on_channel and listener.minds(descent.frame):
                self._reach(listener, there, descent)

    def deafen(self, listener: Listener) -> None:
        """Switch a node's receiver off; what it was hearing is lost to it."""
        tuned = self._tuned.pop(listener, None)
        if tuned is None:
            return
        _, links = self._parties.node(listener.name)
        for link in links.values():
            link.gateway.ears.get(tuned, {}).pop(listener, None)
        for descent in self._on_air:
            if descent.ears.pop(listener, None) is not None:
                self.tally.add(Fate.NOT_TUNED)

    def _reach(self, listener: Listener, link: Link, descent: _Descent) -> None:
        node = link.node
        level_cdbm = descent.mean_cdbm(link) + self._parties.fades[node.down_dice.below(DRAWS)]
        descent.levels[node.number] = level_cdbm
        luck = self._bad_luck(link, descent.start_us)
        if level_cdbm < self._receiver.sensitivity_cdbm[descent.dr]:
            self.tally.add(Fate.TOO_WEAK)
        elif luck is not None:
            self.tally.add(luck)
        else:
            descent.ears[listener] = link
            listener.begin(descent.frame)

    def _bad_luck(self, link: Link, now_us: int) -> Fate | None:
        node = link.node
        luck = None
        kept = self._keeps * node.keeps_down * link.gateway.keeps_down
        if kept < 1 and node.down_dice.unit() >= kept:
            luck = Fate.CHANCE
        if link.burst is not None and link.burst.strikes(now_us, node.down_dice.unit):
            luck = Fate.BURST
        return luck

    def _end(self, descent: _Descent) -> None:
        for listener, link in list(descent.ears.items()):
            if descent.ears.pop(listener, None) is None:
                continue  # another listener's end switched it off
            fate = self._judge(link, descent)
            self.tally.add(fate or Fate.RECEIVED)
            level_cdbm = descent.levels[link.node.number]
            whole = Reception(level_cdbm / 100, self._receiver.snr_db(level_cdbm, descent.dr))
            listener.end(descent.frame, None if fate else whole)
        self._on_air.remove(descent)
        self._spectrum.end(descent, descent.frame.freq_hz)

    def _judge(self, link: Link, descent: _Descent) -> Fate | None:
        if descent.gateway.off_until_us > descent.start_us:
            return Fate.GATEWAY_OFF
        node = link.node
        for other in (*descent.crossed, *descent.beside):
            if node.number not in other.levels and isinstance(other, _Descent):
                path = (node.links or {}).get(other.gateway.number)
                if path is not None:
                    other.levels[node.number] = other.mean_cdbm(path)
        return self._rule.verdict(descent, node.number)
