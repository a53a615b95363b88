"""A town that speaks faster than any real one: drives a gateway over UDP, reads back what it publishes.

Run as a process of its own (`python -m tests.benchmarks.load`), so that its time is not the gateway's; prints one JSON
object. It never has more frames under way than *window*, so that nothing overflows and the rate is the gateway's.
"""

import json
import select
import socket
import sys
import time
from base64 import b64decode
from collections import deque
from collections.abc import Sequence

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.fakes.fleet import Fleet, Sent, datagrams

_STALLED_S = 20.0
_DEDUP_S = 0.2  # gateway.process.DEDUP_MS
_PULL_RESP = 3
_TX_ACK = 5
_PUSH_ACK = 1
_PROBE_S = 0.09
_STEADY = (0.1, 0.9)  # of all that is sent: between these is measured what is delivered a second
_IDLE_S = 0.001  # waiting in turns of this leaves the cores to what is measured
PROBERS = 200  # nodes of which each is timed once
_OPEN = 64  # datagrams that a socket's buffer holds; no forwarder waits for its acknowledgements, but none is so fast


class Load:
    """udp, mqtt: ports on loopback. topics: what to subscribe to. window: frames under way at most."""

    def __init__(self, udp: int, mqtt: int, eui: bytes, window: int) -> None:
        self.delivered = 0
        self.sent = 0
        self.answers_ms: list[float] = []
        self._open = 0  # datagrams without a PUSH_ACK
        self._probes: dict[bytes, float] = {}  # when a confirmed frame went out, by DevAddr
        self._eui = eui
        self._window = window
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", udp))
        self._socket.setblocking(False)
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._message
        self._client.connect("127.0.0.1", mqtt)
        self._client.subscribe("+/+/+/+/reading", 1)
        self._client.subscribe("+/+/+/batch", 1)
        self._client.subscribe("+/+/+/+/status", 1)

    def pull(self) -> None:
        """Say that this forwarder is there."""
        self._socket.send(bytes([2, 0, 1, 2]) + self._eui)

    def run(
        self, made: Sequence[bytes], per_datagram: int, rate: float | None = None, probes: Sequence[Sent] = ()
    ) -> float:
        """Send all that is *made*, wait for it; returns the frames delivered a second in the midst of that.

        rate: frames a second at most. probes: confirmed frames that go out between the others, evenly. The first tenth
        waits for copies of its frames and the last for company in a commit (0.2 s, 2 s), whatever the rate is.
        """
        left = list(probes)
        begin = time.perf_counter()
        aim = self.delivered
        frames = iter(made)
        waiting = deque([next(frames)])
        steady = [aim + int(share * len(made) * per_datagram) for share in _STEADY]
        passed: list[tuple[int, float]] = []
        moved, since = self.delivered, begin
        while waiting or self.delivered < aim:
            self._turn(0.0 if waiting and self._may_send(aim, begin, rate) else _IDLE_S)
            while waiting and self._may_send(aim, begin, rate):
                self._socket.send(waiting.popleft())
                self._open += 1
                self.sent += per_datagram
                aim += per_datagram
                following = next(frames, None)
                if following is not None:
                    waiting.append(following)
            if left and time.perf_counter() - begin > _PROBE_S * (len(probes) - len(left) + 1):
                self.probe(left.pop(0))
            if self.delivered != moved:
                moved, since = self.delivered, time.perf_counter()
                while len(passed) < len(steady) and moved >= steady[len(passed)]:
                    passed.append((moved, since))
            elif time.perf_counter() - since > _STALLED_S:
                break
        if len(passed) < len(steady) or passed[0] == passed[1]:
            return 0.0  # not everything was delivered, or at one stroke: there is no rate
        (first, first_s), (last, last_s) = passed
        return (last - first) / (last_s - first_s)

    def _may_send(self, aim: int, begin: float, rate: float | None) -> bool:
        if aim - self.delivered >= self._window or self._open >= _OPEN:
            return False
        return rate is None or self.sent < (time.perf_counter() - begin) * rate

    def _turn(self, wait_s: float) -> None:
        watched = self._client.socket()
        readable, _, _ = select.select([watched, self._socket], [], [], wait_s)
        if self._socket in readable:
            while True:
                try:
                    data = self._socket.recv(4096)
                except BlockingIOError:
                    break
                self._open -= data[3] == _PUSH_ACK
                if data[3] == _PULL_RESP:
                    self._answered(data)
        if watched in readable:
            self._client.loop_read(1000)
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()

    def probe(self, confirmed: Sent) -> None:
        """Send a frame that asks for an acknowledgement, and time that."""
        self._probes[confirmed.phy_payload[1:5]] = time.perf_counter()
        self._socket.send(next(datagrams(iter([confirmed]), self._eui, 1)))

    def _answered(self, data: bytes) -> None:
        self._socket.send(bytes([2]) + data[1:3] + bytes([_TX_ACK]) + self._eui)
        dev_addr = b64decode(json.loads(data[4:])["txpk"]["data"])[1:5]
        sent_s = self._probes.pop(dev_addr, None)
        if sent_s is not None:
            self.answers_ms.append((time.perf_counter() - sent_s - _DEDUP_S) * 1000)

    def _message(self, _client: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/batch"):
            self.delivered += message.payload.count(b'"received":')
        else:
            self.delivered += 1


def main() -> None:
    """Arguments: one JSON object {udp, mqtt, eui, devices, first_round, rounds, per_datagram, window, rate, probes}."""
    asked = json.loads(sys.argv[1])
    fleet = Fleet(asked["devices"], PROBERS)
    load = Load(asked["udp"], asked["mqtt"], bytes.fromhex(asked["eui"]), asked["window"])
    load.pull()
    frames = datagrams(
        fleet.frames(asked["first_round"], asked["rounds"]), bytes.fromhex(asked["eui"]), asked["per_datagram"]
    )
    made = list(frames)
    print(json.dumps({"ready": len(made)}), flush=True)
    sys.stdin.readline()
    probes = list(fleet.confirmed()) if asked["probes"] else []
    per_s = load.run(made, asked["per_datagram"], asked.get("rate"), probes)
    told = {"per_s": per_s, "sent": load.sent, "delivered": load.delivered, "answers_ms": load.answers_ms}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
