"""MACs to try a mind with, for both Pythons."""

from firmware.actions import Persist, RadioTransmit, Transmit
from firmware.events import Sent, Transmitted
from protocol.lorawan.frames import UNCONFIRMED_DATA_UP, data_frame
from protocol.region import frame_airtime_us, max_payload

_WAITING = 4
_FREQ_HZ = 868_100_000


class PatientMac:
    """One channel, no keys, each counter written for itself, and after each frame a silence of 150 times its length."""

    def __init__(self, dr, f_cnt_up=0):
        self._dr = dr
        self._f_cnt_up = f_cnt_up
        self._waiting = []
        self._silent = True
        self._free_ms = 0

    def handle(self, event, now_ms):
        if isinstance(event, Transmit):
            self._waiting.append(event)
            if len(self._waiting) > _WAITING:
                return [Sent(self._waiting.pop(0).f_port, None)]
        if isinstance(event, Transmitted) and not self._silent:
            self._silent = True
            return [Sent(self._f_port, None)]
        if not self._silent or not self._waiting or now_ms < self._free_ms:
            return []
        transmit = self._waiting.pop(0)
        payload = transmit.compose(max_payload(self._dr), now_ms)
        frame = data_frame(UNCONFIRMED_DATA_UP, 1, self._f_cnt_up, transmit.f_port, payload) + bytes(4)
        self._f_cnt_up += 1
        self._f_port = transmit.f_port
        self._silent = False
        self._free_ms = now_ms + 150 * frame_airtime_us(self._dr, len(frame)) // 1000
        return [Persist("f_cnt_up", self._f_cnt_up), RadioTransmit(frame, _FREQ_HZ, self._dr, 14)]

    def wake_at(self):
        return self._free_ms if self._waiting and self._silent else None


class RecordingMac:
    """Composes what it is asked to send at once, sends nothing, and writes down what it heard.

    payloads: (now_ms, f_port, payload). *answers* are its actions on the next event that is no Transmit.
    """

    def __init__(self, room=51):
        self.heard = []
        self.payloads = []
        self.answers = []
        self._room = room

    def handle(self, event, now_ms):
        self.heard.append(event)
        if isinstance(event, Transmit):
            payload = event.compose(self._room, now_ms)
            self.payloads.append((now_ms, event.f_port, payload))
            return [Sent(event.f_port, True if event.confirmed else None)]
        answers, self.answers = self.answers, []
        return answers

    def wake_at(self):
        return None
