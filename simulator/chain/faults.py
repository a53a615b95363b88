"""What goes wrong, when, and what each thing may cost: the scenario's faults carried out on a timeline.

A fault may cost what is declared here and nothing else: the truths stay on while it lasts, and after it has ended
everything that the nodes still have must arrive. Faults of one kind may overlap; each ends for itself.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from simulator.chain.broker import Broker
from simulator.chain.cabinet import Cabinet
from simulator.report.collector import Collector
from simulator.scenario.model import Fault, FaultKind
from simulator.timeline import Timeline
from simulator.truths.witness import Witness

_FOLLOWED_US = 900_000_000  # the gateway believes a clock that was set back, ten minutes and some seconds later
_FOR_EVER_US = 1 << 62


class Cost(NamedTuple):
    """What a fault may cost beyond delay. about: a sentence. loses: records of the node it strikes.

    repeats: messages come again under their keys. misdates: by as much as the clock is wrong.
    """

    about: str
    loses: bool = False
    repeats: bool = False
    misdates: bool = False


COSTS = {
    FaultKind.LOSS: Cost("Frames; what they carried comes with later ones."),
    FaultKind.JAMMING: Cost("Frames; what they carried comes with later ones."),
    FaultKind.ANTENNA: Cost("Frames, and airtime at slower data rates."),
    FaultKind.GATEWAY_REBOOT: Cost("Frames that no other gateway hears, and downlinks of that radio."),
    FaultKind.GATEWAY_POWER_CUT: Cost("Frames, and what was heard and not yet on the card.", repeats=True),
    FaultKind.BACKHAUL: Cost("Frames that no other gateway hears, and downlinks of that radio."),
    FaultKind.CLOCK_JUMP: Cost("Dates of that time, by as much as the clock is wrong.", misdates=True),
    FaultKind.CLOCK_UNTRUSTED: Cost("Records wait until the time is known."),
    FaultKind.DISK_FULL: Cost("Frames are not accepted; nodes keep what they carried."),
    FaultKind.BROKER_AWAY: Cost("Records wait in the store; those in flight come again.", repeats=True),
    FaultKind.BROKER_RESTART: Cost("Records in flight come again.", repeats=True),
    FaultKind.DUPLICATES: Cost("The subscriber hears messages twice.", repeats=True),
    FaultKind.POWER_CUT: Cost("What is not sensed is not told; light, where the mains is away."),
    FaultKind.NODE_REBOOT: Cost("Readings of the minutes in which the node starts."),
    FaultKind.NODE_DEAD: Cost("What is not sensed is not told."),
    FaultKind.BATTERY_EMPTY: Cost("Whatever the node had not told yet.", loses=True),
    FaultKind.CLOCK_DRIFT: Cost("Readings come at other times."),
    FaultKind.FLASH_WORN: Cost("Records that only memory has, once that is lost.", loses=True),
    FaultKind.FLASH_TORN: Cost("The newest record.", loses=True),
    FaultKind.SENSOR_DEAD: Cost("Values, which are null."),
    FaultKind.SENSOR_STUCK: Cost("Values, which are old."),
    FaultKind.LAMP_FAILED: Cost("The light of that lamp."),
    FaultKind.LAMP_BURNS: Cost("The energy of that lamp."),
}


End = Callable[[], None]  # undoes what a fault did; called once


class Ether(Protocol):
    """What faults do to the air (`simulator.air.radio.RadioAir`)."""

    def switch(self, gateway: str, on: bool) -> None:
        """A gateway's radio has power, or not."""

    def lose(self, names: Iterable[str], share: float, up: bool = True, down: bool = True) -> End:
        """Such a share of the frames of these nodes and gateways is lost, on top."""

    def detune(self, names: Iterable[str], loss_db: float) -> End:
        """These nodes and gateways are weaker, both ways."""

    def jam(self, gateway: str, freq_hz: int | None = None) -> End:
        """A gateway hears nothing there; None: anywhere."""


class Street(Protocol):
    """What faults do to nodes."""

    def strike(self, fault: Fault, name: str) -> End:
        """It befalls the node of this name."""


class Faults:
    """Plans everything at once when it is made. gateways: names; the process runs beside the first of them."""

    def __init__(
        self,
        timeline: Timeline,
        faults: Iterable[Fault],
        gateways: Sequence[str],
        ether: Ether,
        street: Street,
        cabinet: Cabinet,
        broker: Broker,
        witness: Witness,
        collector: Collector,
    ) -> None:
        self._timeline = timeline
        self._gateways = tuple(gateways)
        self._ether = ether
        self._street = street
        self._cabinet = cabinet
        self._broker = broker
        self._witness = witness
        self._collector = collector
        self._downs = 0  # reasons why the process does not run
        self._offs: dict[str, int] = {}  # reasons why a radio has no power
        for fault in faults:
            for target in fault.targets or ("",):
                self._plan(fault, target)

    def begin(self) -> None:
        """Start the gateway's process unless a fault keeps it down."""
        if not self._downs:
            self._cabinet.begin()

    def _plan(self, fault: Fault, target: str) -> None:
        self._timeline.at(int(fault.from_s * 1e6), lambda: self._begin(fault, target))

    def _begin(self, fault: Fault, target: str) -> None:
        now_us = self._timeline.now_us
        self._charge(fault, target)
        act = _ACTS.get(fault.kind)
        if act is not None and (not target or target in self._gateways or fault.kind in _OF_BOTH):
            end = act(self, fault, target)
        else:
            end = self._street.strike(fault, target)
        if fault.for_s <= 0:
            self._collector.happened(fault.kind.value, target, now_us)
            return
        self._collector.fault(fault.kind.value, target, True, now_us)
        self._timeline.at(int(fault.until_s * 1e6), lambda: self._end(fault, target, end))

    def _end(self, fault: Fault, target: str, end: End) -> None:
        self._collector.fault(fault.kind.value, target, False, self._timeline.now_us)
        end()

    def _charge(self, fault: Fault, target: str) -> None:
        """Tell the witness what it may cost."""
        cost = COSTS[fault.kind]
        if cost.loses:
            until_us = self._timeline.now_us if fault.kind is FaultKind.FLASH_TORN else _FOR_EVER_US
            self._witness.losses_us[target] = max(self._witness.losses_us.get(target, -1), until_us)
        if cost.misdates:
            until_us = int(fault.until_s * 1e6) + _FOLLOWED_US
            self._witness.records.clock_off(self._timeline.now_us, until_us, int((fault.by_s or 0) * 1e6))

    # Of the radio.

    def _lose(self, fault: Fault, target: str) -> End:
        return self._ether.lose((target,), fault.share or 0.0, fault.up, fault.down)

    def _detune(self, fault: Fault, target: str) -> End:
        return self._ether.detune((target,), fault.loss_db or 0.0)

    def _jam(self, fault: Fault, target: str) -> End:
        return self._ether.jam(target, fault.freq_hz)

    # Of gateways.

    def _switch_off(self, fault: Fault, target: str) -> End:
        """The radio and its forwarder have no power."""
        self._cabinet.radio_off(target)
        self._offs[target] = self._offs.get(target, 0) + 1
        if self._offs[target] == 1:
            self._turn(target, False)

        def end() -> None:
            self._cabinet.radio_on(target)
            self._offs[target] -= 1
            if not self._offs[target]:
                self._turn(target, True)

        return end

    def _turn(self, gateway: str, on: bool) -> None:
        self._ether.switch(gateway, on)
        self._collector.gateway(gateway, on, self._timeline.now_us)

    def _kill(self, fault: Fault, target: str) -> End:
        """The process is gone, and starts again when nothing keeps it down any more."""
        self._downs += 1
        self._cabinet.kill()

        def end() -> None:
            self._downs -= 1
            self.begin()

        return end

    def _darken(self, fault: Fault, target: str) -> End:
        """The mains is away: the radio, and the process where it hangs beside."""
        ends = [self._switch_off(fault, target)]
        if target == self._gateways[0]:
            ends.append(self._kill(fault, target))

        def end() -> None:
            for each in ends:
                each()

        return end

    def _cut_off(self, fault: Fault, target: str) -> End:
        self._cabinet.cut_off(target)
        return lambda: self._cabinet.joined_up(target)

    def _jump(self, fault: Fault, target: str) -> End:
        by_ms = int((fault.by_s or 0) * 1000)
        self._cabinet.clock_off_ms += by_ms

        def end() -> None:
            self._cabinet.clock_off_ms -= by_ms

        return end

    def _distrust(self, fault: Fault, target: str) -> End:
        self._cabinet.clock_untrusted += 1

        def end() -> None:
            self._cabinet.clock_untrusted -= 1

        return end

    def _fill(self, fault: Fault, target: str) -> End:
        self._cabinet.fill_disk()
        return self._cabinet.empty_disk

    # Of the broker.

    def _leave(self, fault: Fault, target: str) -> End:
        self._broker.leave()
        self._collector.broker(False, self._timeline.now_us)

        def end() -> None:
            self._broker.come_back()
            self._collector.broker(self._broker.up, self._timeline.now_us)

        return end

    def _restart(self, fault: Fault, target: str) -> End:
        self._broker.drop("the broker restarts")
        return _nothing

    def _double(self, fault: Fault, target: str) -> End:
        share = fault.share or 0.0
        self._broker.duplicates += share

        def end() -> None:
            self._broker.duplicates -= share

        return end


def _nothing() -> None:
    pass


_OF_BOTH = (FaultKind.LOSS, FaultKind.ANTENNA)  # of nodes as of gateways
_ACTS: dict[FaultKind, Callable[[Faults, Fault, str], End]] = {
    FaultKind.LOSS: Faults._lose,
    FaultKind.ANTENNA: Faults._detune,
    FaultKind.JAMMING: Faults._jam,
    FaultKind.GATEWAY_REBOOT: Faults._switch_off,
    FaultKind.GATEWAY_POWER_CUT: Faults._kill,
    FaultKind.POWER_CUT: Faults._darken,
    FaultKind.BACKHAUL: Faults._cut_off,
    FaultKind.CLOCK_JUMP: Faults._jump,
    FaultKind.CLOCK_UNTRUSTED: Faults._distrust,
    FaultKind.DISK_FULL: Faults._fill,
    FaultKind.BROKER_AWAY: Faults._leave,
    FaultKind.BROKER_RESTART: Faults._restart,
    FaultKind.DUPLICATES: Faults._double,
}
