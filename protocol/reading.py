"""A reading as a node's log has it, apart from `telemetry.py`, which is loaded when one is told."""


class Reading:
    """A reading in a node's log: when, on which clock, and the scaled values in the order of their set.

    seq: full 32-bit number. boot: number of the boot during which it was taken; uptime_s: seconds into that boot.
    """

    def __init__(self, seq: int, boot: int, uptime_s: int, values: tuple[int | None, ...]) -> None:
        self.seq = seq
        self.boot = boot
        self.uptime_s = uptime_s
        self.values = values
