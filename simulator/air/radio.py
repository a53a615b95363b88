"""The radio of a district: every model of this package put together behind the air's two sides."""

from collections import Counter
from collections.abc import Callable, Iterable

from protocol.airtime import symbol_us
from protocol.region import CHANNEL_MAX_DR, DATA_RATES, FSK, MAX_EIRP_DBM, MAX_TX_POWER, frame_airtime_us
from simulator.air.decibels import cdb
from simulator.air.downlinks import Downlinks
from simulator.air.fates import Fate
from simulator.air.interface import Hear, Herald, Listener, OnAir, Watch
from simulator.air.model import RadioModel
from simulator.air.parties import FOREVER, Gateway, Jam, Parties
from simulator.air.position import Position
from simulator.air.receivers import receiver_named
from simulator.air.station import Station
from simulator.air.uplinks import Settled, Uplinks
from simulator.timeline import Timeline

End = Callable[[], None]  # ends what a fault began; to be called once
_SPARED_SYMBOLS = 3  # of a preamble's eight: five suffice to lock on (LoRaSim 2016, section 3.2)
_SPARED_US = tuple(0 if sf == FSK else _SPARED_SYMBOLS * symbol_us(sf, bw_hz) for sf, bw_hz in DATA_RATES)
_LONGEST_US = 10_000_000  # no frame is on the air so long
_ADR_MARGIN_CDB = 1000  # as network servers keep back
_POWER_STEP_CDB = 200  # of TXPower
_STRONG_CDB = 1 << 20  # more than any link loses: out of reach
STATION = Station()


class RadioAir:
    """Implements `simulator.air.interface.Air`. Attach gateways and place nodes before anybody sends or listens.

    watch: told of every uplink as it begins. settled: of its best fate, after the gateways that heard it.
    """

    def __init__(
        self,
        timeline: Timeline,
        seed: int,
        model: RadioModel,
        watch: Watch = lambda frame: None,
        settled: Settled = lambda frame, fate: None,
    ) -> None:
        self.model = model
        self._timeline = timeline
        self._watch = watch
        self._parties = Parties(model, seed)
        self._uplinks = Uplinks(timeline, self._parties, settled)
        self._downlinks = Downlinks(timeline, self._parties)
        self._heralds: list[Herald] = []
        self._airtimes: dict[tuple[int, int, bool], int] = {}  # at most 8 * 256 * 2

    @property
    def fates(self) -> Counter[Fate]:
        """Of the uplinks that ended: each one's best fate at any gateway."""
        return self._uplinks.tally.counter()

    @property
    def down_fates(self) -> Counter[Fate]:
        """Of the downlinks: one for each radio in reach that was tuned to one; NOT_TUNED: it turned away before."""
        return self._downlinks.tally.counter()

    def fates_at(self, gateway: str) -> Counter[Fate]:
        """Of the uplinks that ended: each one's fate at this gateway."""
        there = self._gateway(gateway)
        fates = there.tally.counter()
        # Those that the gateway was too far away to feel were never counted one by one.
        unfelt = self._uplinks.ended - there.heard_before - fates.total()
        if unfelt:
            fates[Fate.TOO_WEAK] += unfelt
        return fates

    def attach(self, gateway: str, hear: Hear, station: Station = STATION) -> None:
        """Add a gateway; *hear* is called with each frame that arrives whole, at its end."""
        self._parties.add_gateway(gateway, hear, station).heard_before = self._uplinks.ended

    def place(self, node: str, position: Position, loss_db: float = 0.0) -> None:
        """Say where a node stands, and what its own place costs it, both ways."""
        self._parties.add_node(node, position, loss_db)

    def bears(self, node: str) -> tuple[int, int]:
        """The data rate, 0..5, and the TXPower at which its best gateway reads a node with ADR's margin to spare."""
        party, links = self._parties.node(node)
        receiver = receiver_named(self.model.gateway_receiver)
        loss_cdb = party.loss_cdb + min((link.up_cdb for link in links.values()), default=_STRONG_CDB)
        level_cdbm = 100 * MAX_EIRP_DBM - loss_cdb
        for dr in range(CHANNEL_MAX_DR, -1, -1):
            spare_cdb = level_cdbm - receiver.sensitivity_cdbm[dr] - _ADR_MARGIN_CDB
            if spare_cdb >= 0:
                break
        steps = spare_cdb // _POWER_STEP_CDB if dr == CHANNEL_MAX_DR else 0
        return dr, max(0, min(MAX_TX_POWER, steps))

    def herald(self, tell: Herald) -> None:
        """Call *tell* right before each downlink."""
        self._heralds.append(tell)

    def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Put a frame on the air now; returns its airtime in µs. Raises LookupError for who stands nowhere."""
        node, links = self._parties.node(sender)
        frame = self._frame(sender, phy_payload, freq_hz, dr, power_dbm, True)
        self._watch(frame)
        self._uplinks.begin(node, links, frame, frame.start_us + _SPARED_US[dr])
        return frame.end_us - frame.start_us

    def emit(self, gateway: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
        """Put a downlink on the air now; returns its airtime in µs."""
        for tell in self._heralds:
            tell(freq_hz, dr)
        frame = self._frame(gateway, phy_payload, freq_hz, dr, power_dbm, False)
        self._downlinks.begin(self._gateway(gateway), frame, frame.start_us + _SPARED_US[dr])
        return frame.end_us - frame.start_us

    def listen(self, listener: Listener, freq_hz: int, dr: int) -> None:
        """Tune a node's radio."""
        self._downlinks.listen(listener, freq_hz, dr)

    def deafen(self, listener: Listener) -> None:
        """Switch a node's receiver off."""
        self._downlinks.deafen(listener)

    # What goes wrong.

    def switch(self, gateway: str, on: bool) -> None:
        """Take a gateway's power, or give it back: what is on the air meanwhile is lost to it."""
        there = self._gateway(gateway)
        if not on:
            there.off_until_us = there.deaf_until_us = FOREVER
        elif there.off_until_us == FOREVER:
            there.off_until_us = there.deaf_until_us = self._timeline.now_us

    def lose(self, names: Iterable[str], share: float, up: bool = True, down: bool = True) -> End:
        """Let a share of the frames of these nodes and gateways be lost by chance, until the end that is returned."""
        parties = [self._parties.party(name) for name in names]
        for party in parties:
            party.lose(share, up, down)

        def end() -> None:
            for party in parties:
                party.recover(share, up, down)

        return end

    def detune(self, names: Iterable[str], loss_db: float) -> End:
        """Let the antennas of these nodes and gateways cost more, both ways, until the end that is returned."""
        parties = [self._parties.party(name) for name in names]
        for party in parties:
            party.loss_cdb += cdb(loss_db)

        def end() -> None:
            for party in parties:
                party.loss_cdb -= cdb(loss_db)

        return end

    def jam(self, gateway: str, freq_hz: int | None = None, level_dbm: float = 0.0) -> End:
        """Drown a gateway in noise of that level at its antenna, on one channel or on all, until the end returned."""
        there = self._gateway(gateway)
        jam = Jam(freq_hz, cdb(level_dbm), self._timeline.now_us)
        there.jams.append(jam)

        def end() -> None:
            jam.until_us = self._timeline.now_us
            # It still spoils the frames that are on the air now.
            self._timeline.at(jam.until_us + _LONGEST_US, lambda: there.jams.remove(jam))

        return end

    def _gateway(self, name: str) -> Gateway:
        gateway = self._parties.gateways.get(name)
        if gateway is None:
            raise LookupError(f"there is no gateway called {name} on the air; attach it first")
        return gateway

    def _frame(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int, uplink: bool) -> OnAir:
        key = dr, len(phy_payload), uplink
        airtime_us = self._airtimes.get(key)
        if airtime_us is None:
            airtime_us = self._airtimes[key] = frame_airtime_us(*key)
        start_us = self._timeline.now_us
        return OnAir(
            sender=sender,
            phy_payload=phy_payload,
            freq_hz=freq_hz,
            dr=dr,
            power_dbm=power_dbm,
            start_us=start_us,
            end_us=start_us + airtime_us,
        )
