"""What a node did that costs charge, as sums: cheap to keep for thousands, and enough for the energy ledger."""

from simulator.energy.ledger import Board, Ledger, Sensors


class Tally:
    """Counters of one node's work, in µs of true time and times.

    sent_us: on the air, by EIRP in dBm. listened_us: of receive windows. wakes: events its core heard. deep_us,
    deep_sleeps: in which the processor was off. fan_us: of a particle sensor. writes: of flash.
    """

    __slots__ = (
        "boots",
        "deep_sleeps",
        "deep_us",
        "fan_us",
        "frames_heard",
        "frames_sent",
        "listened_us",
        "senses",
        "sent_us",
        "wakes",
        "writes",
    )

    def __init__(self) -> None:
        self.boots = 0
        self.deep_sleeps = 0
        self.deep_us = 0
        self.fan_us = 0
        self.frames_heard = 0
        self.frames_sent = 0
        self.listened_us = 0
        self.senses = 0
        self.sent_us: dict[int, int] = {}
        self.wakes = 0
        self.writes = 0

    @property
    def airtime_us(self) -> int:
        """On the air in all."""
        return sum(self.sent_us.values())

    def ledger(self, board: Board, sensors: Sensors, elapsed_us: int) -> Ledger:
        """Where the charge of *elapsed_us* went on this board, as `simulator/energy` reckons."""
        ledger = Ledger(board)
        for eirp_dbm, time_us in self.sent_us.items():
            ledger.transmit(time_us, eirp_dbm)
        ledger.receive(self.listened_us)
        awake_us = self.wakes * board.wake_us + self.frames_sent * board.frame_us + self.senses * sensors.sense_us
        ledger.awake(awake_us)
        if self.deep_sleeps:
            ledger.sleep(self.deep_us, self.deep_us // self.deep_sleeps)
        ledger.doze(max(0, elapsed_us - awake_us - self.deep_us))
        ledger.sense(sensors.idle_ua, elapsed_us)
        ledger.sense(sensors.fan_ua, self.fan_us)
        return ledger
