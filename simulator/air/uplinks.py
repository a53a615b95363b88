"""Frames from nodes to gateways: what each gateway feels of one as it begins, and what it has made of it at its end."""

from collections.abc import Callable

from simulator.air.decibels import DRAWS, cdb
from simulator.air.fates import Fate, Tally
from simulator.air.interface import OnAir, Reception
from simulator.air.interference import Signal, rule_named
from simulator.air.parties import SILENT_CDB, Gateway, Link, Node, Parties
from simulator.air.receivers import LEAST_SNR_DB, receiver_named
from simulator.air.spectrum import Spectrum
from simulator.timeline import Timeline

Settled = Callable[[OnAir, Fate], None]
_LEAST_SNR_CDB = tuple(cdb(least) for least in LEAST_SNR_DB)


class _Flight(Signal):
    """An uplink on its way. arrivals: by gateway that feels it, its fate if that is known, and its bad luck if any."""

    __slots__ = ("arrivals", "frame")

    def __init__(self, frame: OnAir, keen_us: int) -> None:
        super().__init__(frame.dr, frame.start_us, frame.end_us, keen_us, {})
        self.frame = frame
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

    def begin(self, node: Node, frame: OnAir, keen_us: int) -> None:
        """A node begins a frame."""
        flight = _Flight(frame, keen_us)
        power_cdbm = 100 * frame.power_dbm - node.loss_cdb
        fades = self._parties.fades
        # Beyond that no gateway can feel it, even if it fades up.
        most_cdb = power_cdbm + fades[-1] - self._receiver.sensitivity_cdbm[frame.dr] + SILENT_CDB
        below = node.dice.below
        for link in node.links or ():
            if link.up_cdb > most_cdb:
                break
            gateway = link.gateway
            level_cdbm = power_cdbm - link.up_cdb - gateway.loss_cdb + fades[below(DRAWS)]
            luck = self._bad_luck(node, link, frame.start_us)
            flight.levels[gateway.number] = level_cdbm
            flight.arrivals.append((gateway, self._meet(gateway, frame, level_cdbm), luck))
        if flight.arrivals:
            self._spectrum.begin(flight, frame.freq_hz)
        self._timeline.at(frame.end_us, lambda: self._end(flight))

    def _bad_luck(self, node: Node, link: Link, now_us: int) -> Fate | None:
        """Drawn for every frame, so that what else befalls it does not shift the luck of later ones."""
        luck = None
        lost = 1 - self._keeps * node.keeps_up * link.gateway.keeps_up
        if lost > 0 and node.dice.chance(lost):
            luck = Fate.CHANCE
        if link.burst is not None:
            bursts = self._parties.model.bursts
            if link.burst.is_bad(now_us) and bursts is not None and node.dice.chance(bursts.loss):
                luck = Fate.BURST
        return luck

    def _meet(self, gateway: Gateway, frame: OnAir, level_cdbm: int) -> Fate | None:
        """A frame begins at a gateway: its fate, or None if a demodulator has taken it."""
        if not gateway.on:
            return Fate.GATEWAY_OFF
        if not gateway.hears(frame.freq_hz, frame.dr):
            return Fate.NOT_TUNED
        if level_cdbm < self._receiver.sensitivity_cdbm[frame.dr]:
            return Fate.TOO_WEAK
        if gateway.sending_until_us > frame.start_us:
            return Fate.GATEWAY_SENDING
        if gateway.busy >= gateway.demodulators:
            return Fate.NO_DEMODULATOR
        gateway.busy += 1
        return None

    def _end(self, flight: _Flight) -> None:
        best = Fate.TOO_WEAK
        hearing = []
        for gateway, known, luck in flight.arrivals:
            fate = known
            if fate is None:
                gateway.busy -= 1
                fate = self._judge(gateway, flight) or luck or Fate.RECEIVED
            gateway.tally.add(fate)
            if fate.rank < best.rank:
                best = fate
            if fate is Fate.RECEIVED:
                hearing.append(gateway)
        if flight.arrivals:
            self._spectrum.end(flight, flight.frame.freq_hz)
        self.ended += 1
        self.tally.add(best)
        for gateway in hearing:
            level_cdbm = flight.levels[gateway.number]
            gateway.hear(flight.frame, Reception(level_cdbm / 100, self._receiver.snr_db(level_cdbm, flight.dr)))
        self._settled(flight.frame, best)

    def _judge(self, gateway: Gateway, flight: _Flight) -> Fate | None:
        """What spoilt a frame that a demodulator had, or None."""
        if not gateway.on or gateway.on_since_us > flight.start_us:
            return Fate.GATEWAY_OFF
        if gateway.sending_until_us > flight.start_us:
            return Fate.GATEWAY_SENDING
        for jam in gateway.jams:
            level_cdbm, least_cdb = flight.levels[gateway.number], _LEAST_SNR_CDB[flight.dr]
            if jam.drowns(flight.frame.freq_hz, flight.start_us, flight.end_us, level_cdbm, least_cdb):
                return Fate.JAMMING
        if flight.crossed or flight.beside:
            return self._rule.verdict(flight, gateway.number)
        return None
