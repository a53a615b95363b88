"""A street that only a bridge hears: its board, and the gateway's own core at the other end of its cable."""

from dataclasses import replace

from gateway.links.cable import Cable
from gateway.links.link import Outcome, Received, TransmitResult
from protocol.region import SINGLE_CHANNEL
from simulator.air.station import Kind, Station
from simulator.board.antenna import BridgeAntenna
from simulator.chain.cabinet import Cabinet
from tests.board.street import Town

TICK_US = 1_000_000


class Behind(Cabinet):
    """A cabinet whose one radio is at the end of a cable. outcomes: of what the bridge was told to send."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.link = Cable("serial:/dev/ttyUSB0", "0.1.0")
        self.board = None
        self.reports = []
        self.outcomes = []

    def plug(self, board):
        """The port is there; the bridge's power comes by it."""
        self.board = board
        board.cable = self._feed
        board.switch_on()
        self._do(self.link.opened(self._now_ms()))
        self._tick()

    def transmit(self, transmit, address):
        self._do(self.link.transmit(replace(transmit, radio=self.link.radio), self._now_ms()))
        return Outcome.SENT

    def _feed(self, data):
        # The board may be ahead of the street by what it did since it woke.
        self.timeline.at(max(self.board.clock.now_us, self.timeline.now_us), lambda: self._take(data))

    def _take(self, data):
        self._do(self.link.feed(data, self._now_ms()))

    def _do(self, effects):
        for effect in effects:
            if isinstance(effect, bytes):
                self.timeline.at(self.timeline.now_us, lambda data=effect: self.board.type(data))
            elif isinstance(effect, Received):
                self.run.receive(effect._replace(radio=self.radios["mast"].link))
            elif isinstance(effect, TransmitResult):
                self.outcomes.append(effect.outcome)
            else:
                self.reports.append(effect)

    def _tick(self):
        self._do(self.link.wake(self._now_ms()))
        self.timeline.at(self.timeline.now_us + TICK_US, self._tick)

    def _now_ms(self):
        return self.timeline.now_us // 1000


class BridgedTown(Town):
    """Nodes of *role* on the single channel, and a bridge, which is the street's only ear."""

    def __init__(self, host, members, role):
        super().__init__(host, members, role, Behind, plan=SINGLE_CHANNEL.number)
        self.ear = None

    def antenna(self, name, role, board):
        if role != "bridge":
            return super().antenna(name, role, board)
        self.ear = BridgeAntenna(name, self.timeline, self.air, board.stirred)
        self.air.attach(name, self.ear.hear, Station(kind=Kind.BRIDGE, channels_hz=SINGLE_CHANNEL.channels))
        return self.ear

    def begins(self, frame):
        super().begins(frame)
        if self.ear is not None:
            self.ear.begin(frame)

    def _hear(self, frame, reception):
        """There is no other gateway."""
