"""The mind of an air-quality node: senses at its interval, keeps a log, repeats the last readings in each frame."""

from protocol.compat import const
from protocol.telemetry import F_PORT_READINGS, F_PORT_STATUS, Reading, Status, encode_readings, encode_status

from ..actions import Sense, Transmit
from ..events import Sensed, Woke

VERSION = (0, 1, 0)
REPEATED = const(3)  # readings that ride along with the newest: at 20 % loss all four frames are lost once in 625


class AirMind:
    """set_number: what the sensors give; interval_ms: between readings; first_ms: of the first one.

    epoch: the log's 16-bit number; next_seq and boot: as the log left them.
    """

    def __init__(
        self, set_number: int, interval_ms: int, first_ms: int, epoch: int, next_seq: int = 0, boot: int = 1
    ) -> None:
        self._set_number = set_number
        self._interval_ms = interval_ms
        self._next_ms = first_ms
        self._epoch = epoch
        self._next_seq = next_seq
        self._boot = boot
        self._told = False
        self._waiting = False
        self._log: list[Reading] = []  # newest first

    def handle(self, event: object, now_ms: int) -> list[object]:
        """Sense when due; log what was sensed and ask for a frame; tell the status once after the boot."""
        actions: list[object] = []
        if isinstance(event, Woke):
            if not self._told:
                self._told = True
                actions.append(Transmit(F_PORT_STATUS, self._compose_status))
            if now_ms >= self._next_ms:
                # Skip missed slots: after a long sleep one reading is news, forty are noise.
                self._next_ms += ((now_ms - self._next_ms) // self._interval_ms + 1) * self._interval_ms
                actions.append(Sense(self._set_number))
        elif isinstance(event, Sensed):
            self._log.insert(0, Reading(self._next_seq, self._boot, now_ms // 1000, event.values))
            self._next_seq += 1
            del self._log[REPEATED + 1 :]
            if not self._waiting:  # a frame that still waits for its turn will carry this reading too
                self._waiting = True
                actions.append(Transmit(F_PORT_READINGS, self._compose_readings))
        return actions

    def wake_at(self) -> int | None:
        """The time of the next reading; the boot, before the status was told."""
        return self._next_ms if self._told else 0

    def _compose_readings(self, room: int, now_ms: int) -> bytes:
        self._waiting = False
        return encode_readings(self._set_number, self._log, self._boot, now_ms // 1000, room)[0]

    def _compose_status(self, room: int, now_ms: int) -> bytes:
        status = Status(VERSION, self._epoch, 1, now_ms // 1000, None, None, None, None, self._next_seq)
        return encode_status(status, room)
