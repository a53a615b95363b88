"""Minds to try a MAC or a body with, for both Pythons."""

from firmware.actions import Sense, Transmit
from firmware.events import Sensed, Woke
from firmware.mind import Facts, Mind
from firmware.roles.air import Air
from firmware.store.log import Log
from protocol.quantities import AIR_FULL
from protocol.settings import AIR, Settings
from protocol.telemetry import F_PORT_READINGS, Reading, encode_readings
from tests.firmware.store.disks import Disk


def air_mind(interval_ms, first_ms=5_000, growth_per_mille=0, epoch=0xBEEF):
    """The real mind of an air node whose epoch the gateway knows; as it is, it tells what the sensors saw."""
    log = Log(Disk(), epoch)
    log.epoch_told()
    role = Air(AIR_FULL, interval_ms // 1000, 30, growth_per_mille, first_ms)
    return Mind(role, log, Settings({0: AIR, 1: bytes(8)}), Facts((0, 1, 0), 0, bytes(8)))


class PlainMind:
    """Senses at its interval and sends each reading once, in a frame of its own: nothing clever, nothing lost."""

    def __init__(self, set_number, interval_ms):
        self._set_number = set_number
        self._interval_ms = interval_ms
        self._next_ms = 0
        self._seq = 0
        self._untold = []
        self._asked = False

    def handle(self, event, now_ms):
        actions = []
        if isinstance(event, Woke) and now_ms >= self._next_ms:
            self._next_ms = now_ms + self._interval_ms
            actions.append(Sense(self._set_number))
        if isinstance(event, Sensed):
            self._untold.append(Reading(self._seq, 1, now_ms // 1000, event.values))
            self._seq += 1
        if self._untold and not self._asked:
            self._asked = True
            actions.append(Transmit(F_PORT_READINGS, self._compose))
        return actions

    def wake_at(self):
        return 0 if self._untold and not self._asked else self._next_ms

    def _compose(self, room, now_ms):
        self._asked = False
        return encode_readings(self._set_number, [self._untold.pop(0)], 1, now_ms // 1000, room)[0]


class ChattyMind:
    """Asks for a frame every *interval_ms*, whether or not the one before has gone: long and short ones in turn.

    composed: (now_ms, room) of each. heard: every event.
    """

    def __init__(self, interval_ms):
        self.composed = []
        self.heard = []
        self._interval_ms = interval_ms
        self._next_ms = 0

    def handle(self, event, now_ms):
        self.heard.append(event)
        if now_ms < self._next_ms:
            return []
        self._next_ms = now_ms + self._interval_ms
        return [Transmit(1, self._compose)]

    def wake_at(self):
        return self._next_ms

    def _compose(self, room, now_ms):
        self.composed.append((now_ms, room))
        return bytes(room if len(self.composed) % 2 else 1)
