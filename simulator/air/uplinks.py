"""Frames from nodes to gateways: what each gateway feels of one as it begins, and what it has made of it at its end."""

from collections.abc import Callable

from simulator.air.decibels import DRAWS, cdb
from simulator.air.fates import Fate, Tally
from simulator.air.interface import OnAir, Reception
from simulator.air.interference import LOUD_CDBM, NOBODY, Signal, rule_named
from simulator.air.parties import SILENT_CDB, Gateway, Link, Node, Parties
from simulator.air.receivers import LEAST_SNR_DB, receiver_named
from simulator.air.spectrum import Spectrum
from simulator.timeline import Timeline

Settled = Callable[[OnAir, Fate], None]
_LEAST_SNR_CDB = tuple(cdb(least) for least in LEAST_SNR_DB)


class _Flight(Signal):
    """An uplink on its way.

    arrivals: by gateway that may read it, its fate if that is known, and its bad luck if any. links: its sender's.
    """

    __slots__ = ("arrivals", "frame", "links", "power_cdbm")

    def __init__(self, frame: OnAir, keen_us: int, power_cdbm: int, links: dict[int, Link]) -> None:
        # What Signal's own would do, without the call: this is the town's most frequent object.
        self.dr = frame.dr
        self.start_us = frame.start_us
        self.end_us = frame.end_us
        self.keen_us = keen_us
        self.levels = {}
        self.loud = False
        self.crossed = []
        self.beside = NOBODY
        self.frame = frame
        self.power_cdbm = power_cdbm
        self.links = links
        self.arrivals: list[tuple[Gateway, Fate | None, Fate | None]] = []


class Uplinks:
    """All of them. settled: told of each frame's best fate once the gateways that heard it have been told of it."""

    def __init__(self, timeline: Timeline, parties: Parties, settled: Settled) -> None:
        self.tally = Tally()
        self.ended = 0
        self._timeline = timeline
        self._parties = parties
        self._settled = settled
        self._receiver = receiver_named(parties.model.gateway_receiver)
        self._rule = rule_named(parties.model.interference)
        self._spectrum = Spectrum(self._rule)
        self._keeps = 1 - parties.model.loss_up

    def begin(self, node: Node, links: dict[int, Link], frame: OnAir, keen_us: int) -> None:
        """A node begins a frame."""
        power_cdbm = 100 * frame.power_dbm - node.loss_cdb
        flight = _Flight(frame, keen_us, power_cdbm, links)
        levels, arrivals = flight.levels, flight.arrivals
        fades = self._parties.fades
        # Beyond that no gateway can read it, even if it fades up.
        most_cdb = power_cdbm + fades[-1] - self._receiver.sensitivity_cdbm[frame.dr]
        draw = node.dice.unit
        start_us = frame.start_us
        keeps = self._keeps * node.keeps_up
        for link in links.values():
            if link.up_cdb > most_cdb:
                break
            gateway = link.gateway
            level_cdbm = power_cdbm - link.up_cdb - gateway.loss_cdb + fades[int(draw() * DRAWS)]
            luck = None
            # Drawn for every frame, so that what else befalls it does not shift the luck of later ones.
            if (kept := keeps * gateway.keeps_up) < 1 and draw() >= kept:
                luck = Fate.CHANCE
            if link.burst is not None and link.burst.strikes(start_us, draw):
                luck = Fate.BURST
            levels[gateway.number] = level_cdbm
            if level_cdbm > LOUD_CDBM:
                flight.loud = True
            arrivals.append((gateway, self._meet(gateway, frame, level_cdbm), luck))
        self._spectrum.begin(flight, frame.freq_hz)
        self._timeline.at(frame.end_us, lambda: self._end(flight))

    def _meet(self, gateway: Gateway, frame: OnAir, level_cdbm: int) -> Fate | None:
        """A frame begins at a gateway: its fate, or None if a demodulator has taken it."""
        if gateway.off_until_us > frame.start_us:
            return Fate.GATEWAY_OFF
        if not gateway.hears(frame.freq_hz, frame.dr):
            return Fate.NOT_TUNED
        if level_cdbm < self._receiver.sensitivity_cdbm[frame.dr]:
            return Fate.TOO_WEAK
        if gateway.deaf_until_us > frame.start_us:
            return Fate.GATEWAY_SENDING
        if gateway.busy >= gateway.demodulators:
            return Fate.NO_DEMODULATOR
        gateway.busy += 1
        return None

    def _end(self, flight: _Flight) -> None:
        best = Fate.TOO_WEAK
        hearing = []
        met = flight.crossed or flight.beside
        for gateway, known, luck in flight.arrivals:
            fate = known
            if fate is None:
                gateway.busy -= 1
                if met or gateway.deaf_until_us > flight.start_us or gateway.jams:
                    fate = self._judge(gateway, flight)
                fate = fate or luck or Fate.RECEIVED
            gateway.tally.counts[fate.rank] += 1
            if fate.rank < best.rank:
                best = fate
            if fate is Fate.RECEIVED:
                hearing.append(gateway)
        self._spectrum.end(flight, flight.frame.freq_hz)
        self.ended += 1
        self.tally.add(best)
        for gateway in hearing:
            level_cdbm = flight.levels[gateway.number]
            gateway.hear(flight.frame, Reception(level_cdbm / 100, self._receiver.snr_db(level_cdbm, flight.dr)))
        self._settled(flight.frame, best)

    def _judge(self, gateway: Gateway, flight: _Flight) -> Fate | None:
        """What spoilt a frame that a demodulator had, or None."""
        if gateway.off_until_us > flight.start_us:
            return Fate.GATEWAY_OFF
        if gateway.deaf_until_us > flight.start_us:
            return Fate.GATEWAY_SENDING
        for jam in gateway.jams:
            level_cdbm, least_cdb = flight.levels[gateway.number], _LEAST_SNR_CDB[flight.dr]
            if jam.drowns(flight.frame.freq_hz, flight.start_us, flight.end_us, level_cdbm, least_cdb):
                return Fate.JAMMING
        for met in (flight.crossed, flight.beside):
            for other in met:
                if gateway.number not in other.levels and isinstance(other, _Flight):
                    self._feel(gateway, other)
        return self._rule.verdict(flight, gateway.number)

    def _feel(self, gateway: Gateway, flight: _Flight) -> None:
        """A gateway that cannot read a frame may be disturbed by it: with the level it has on average."""
        link = flight.links.get(gateway.number)
        if link is None:
            return
        level_cdbm = flight.power_cdbm - link.up_cdb - gateway.loss_cdb
        if level_cdbm >= self._receiver.sensitivity_cdbm[flight.dr] - SILENT_CDB:
            flight.levels[gateway.number] = level_cdbm
