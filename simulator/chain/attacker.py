"""Somebody without keys, with every frame of the run at hand: replays, forges, floods, and asks for our downlinks.

He stands beside a gateway's mast: his uplinks reach that radio as they are, his downlinks go on the air there. What he
sends may be believed by nobody; the witness compares what he sent with what was refused.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from protocol.lorawan.frames import (
    CONFIRMED_DATA_DOWN,
    CONFIRMED_DATA_UP,
    JOIN_REQUEST,
    UNCONFIRMED_DATA_DOWN,
    UNCONFIRMED_DATA_UP,
)
from protocol.region import RX2_FREQ_HZ
from simulator.air.interface import OnAir
from simulator.scenario.model import Attack, Attacker, AttackKind
from simulator.streams import Stream
from simulator.timeline import Timeline

MOST_HELD = 200_000  # frames; a district's days, some 30 MB
_UP = (UNCONFIRMED_DATA_UP, CONFIRMED_DATA_UP)
_DOWN = (UNCONFIRMED_DATA_DOWN, CONFIRMED_DATA_DOWN)
_MULTICAST = 0xFF  # the first byte of a group's address
_MIC_LEN = 4
_RX2_DR = 3
_LEVELS = 20  # bytes of payload of a forged order
_ADDRESSES = (("203.0.113.66", 4711), ("10.66.6.6", 4711))  # of him, outside of the town's network and within


class Door(Protocol):
    """What he can reach."""

    def inject(self, phy_payload: bytes, freq_hz: int, dr: int) -> None:
        """An uplink reaches the radio."""

    def emit(self, phy_payload: bytes, freq_hz: int, dr: int) -> None:
        """A downlink goes on the air."""

    def pull(self, address: tuple[str, int]) -> None:
        """A PULL_DATA with the radio's EUI reaches the gateway."""

    def attacked(self, kind: str) -> None:
        """He begins one more."""


class Assault:
    """Carries out the attacks of a scenario. heard: told every frame that is on the air, up and down."""

    def __init__(self, timeline: Timeline, stream: Stream, attacker: Attacker, door: Door) -> None:
        self._timeline = timeline
        self._stream = stream
        self._door = door
        self._ups: deque[OnAir] = deque(maxlen=MOST_HELD)
        self._joins: deque[OnAir] = deque(maxlen=MOST_HELD)
        self._downs: deque[OnAir] = deque(maxlen=MOST_HELD)
        self._dev_euis: dict[bytes, None] = {}
        self._newest: dict[bool, OnAir] = {}  # downlink to one device, and to a group
        self._jams: list[tuple[int, int, int]] = []  # from, to, delay in µs
        self._let_pass: dict[str, bool] = {}  # by node, whether its next uplink is not drowned
        self._drowned: set[bytes] = set()  # frames that are on the air now
        for attack in attacker.attacks:
            self._plan(attack)

    def up(self, frame: OnAir) -> None:
        """A node begins a frame."""
        mtype = frame.phy_payload[0] >> 5
        if mtype in _UP:
            self._ups.append(frame)
            self._delay(frame)
        elif mtype == JOIN_REQUEST:
            self._joins.append(frame)
            self._dev_euis[frame.phy_payload[9:17]] = None

    def down(self, frame: OnAir) -> None:
        """A gateway begins a frame."""
        if frame.phy_payload[0] >> 5 in _DOWN:
            self._downs.append(frame)
            self._newest[frame.phy_payload[4] == _MULTICAST] = frame

    def drowns(self, frame: OnAir) -> bool:
        """Whether he jams this uplink at every gateway, to send it later."""
        return frame.phy_payload in self._drowned

    def _delay(self, frame: OnAir) -> None:
        """Drown each second uplink of a node while he is about to, and send it later."""
        for from_us, to_us, delay_us in self._jams:
            if from_us <= frame.start_us < to_us:
                passes = self._let_pass[frame.sender] = not self._let_pass.get(frame.sender, True)
                if not passes:
                    self._drowned.add(frame.phy_payload)
                    self._timeline.at(frame.end_us + 1, lambda: self._drowned.discard(frame.phy_payload))
                    self._timeline.at(frame.end_us + delay_us, lambda: self._delayed(frame))
                return

    def _plan(self, attack: Attack) -> None:
        from_us, to_us = int(attack.from_s * 1e6), int((attack.from_s + attack.for_s) * 1e6)
        delay_us = int(attack.delay_s * 1e6)
        if attack.kind is AttackKind.DELAY:
            self._jams.append((from_us, to_us, delay_us))
            return
        self._timeline.at(from_us, lambda: self._begin(attack, to_us, delay_us))

    def _begin(self, attack: Attack, to_us: int, delay_us: int) -> None:
        """Take what there is now, or make what is needed, and send one each *every_s*."""
        step = self._step_of(attack.kind, delay_us)
        every_us = max(1, int(attack.every_s * 1e6))

        def go_on() -> None:
            if self._timeline.now_us < to_us and step():
                self._timeline.at(self._timeline.now_us + every_us, go_on)

        go_on()

    def _step_of(self, kind: AttackKind, delay_us: int) -> Callable[[], bool]:
        """What is done each time; False: there is nothing left."""
        before_us = self._timeline.now_us - delay_us
        ups = deque(frame for frame in self._ups if frame.start_us <= before_us)
        joins = deque(frame for frame in self._joins if frame.start_us <= before_us)
        downs = deque(frame for frame in self._downs if frame.start_us <= before_us)
        name = kind.value
        if kind is AttackKind.REPLAY_SHUFFLED:
            ups = self._shuffled(ups)
        steps: dict[AttackKind, Callable[[], bool]] = {
            AttackKind.REPLAY: lambda: self._send_next(name, ups),
            AttackKind.REPLAY_SHUFFLED: lambda: self._send_next(name, ups),
            AttackKind.REPLAY_JOINS: lambda: self._send_next(name, joins),
            AttackKind.REPLAY_DOWNLINKS: lambda: self._emit_next(name, downs),
            AttackKind.BIT_FLIPS: lambda: self._spoilt(name, self._flipped),
            AttackKind.TRUNCATED: lambda: self._spoilt(name, self._cut),
            AttackKind.FORGE_CLASS_C: lambda: self._forge(name, multicast=False),
            AttackKind.FORGE_MULTICAST: lambda: self._forge(name, multicast=True),
            AttackKind.FLOOD_JOINS: lambda: self._flood(name),
            AttackKind.PULL_DATA: lambda: self._pull(name),
        }
        return steps[kind]

    # Uplinks.

    def _send_next(self, name: str, frames: deque[OnAir]) -> bool:
        if not frames:
            return False
        frame = frames.popleft()
        self._door.attacked(name)
        self._door.inject(frame.phy_payload, frame.freq_hz, frame.dr)
        return True

    def _delayed(self, frame: OnAir) -> None:
        self._door.attacked(AttackKind.DELAY.value)
        self._door.inject(frame.phy_payload, frame.freq_hz, frame.dr)

    def _spoilt(self, name: str, spoil: Callable[[bytes], bytes]) -> bool:
        if self._ups:
            frame = self._ups[self._stream.below(len(self._ups))]
            self._door.attacked(name)
            self._door.inject(spoil(frame.phy_payload), frame.freq_hz, frame.dr)
        return True

    def _flipped(self, payload: bytes) -> bytes:
        bit = self._stream.below(8 * len(payload))
        spoilt = bytearray(payload)
        spoilt[bit // 8] ^= 1 << bit % 8
        return bytes(spoilt)

    def _cut(self, payload: bytes) -> bytes:
        return payload[: 1 + self._stream.below(len(payload) - 1)]

    def _flood(self, name: str) -> bool:
        """A Join-Request of a node that he heard join, or of any, under a key that he made up."""
        known = list(self._dev_euis) if self._stream.chance(0.5) else []
        dev_eui = known[self._stream.below(len(known))] if known else self._stream.bytes(8)
        join_eui = self._joins[0].phy_payload[1:9] if self._joins else bytes(8)
        nonce = self._stream.bytes(2)
        self._door.attacked(name)
        self._door.inject(b"\x00" + join_eui + dev_eui + nonce + self._stream.bytes(_MIC_LEN), 868_100_000, 5)
        return True

    # Downlinks.

    def _emit_next(self, name: str, frames: deque[OnAir]) -> bool:
        if not frames:
            return False
        frame = frames.popleft()
        self._door.attacked(name)
        self._door.emit(frame.phy_payload, frame.freq_hz, frame.dr)
        return True

    def _forge(self, name: str, *, multicast: bool) -> bool:
        """An order to a lamp or a street, with the next counter and a MIC that is guessed."""
        heard = self._newest.get(multicast)
        if heard is not None:
            like = heard.phy_payload
            f_cnt = (int.from_bytes(like[6:8], "little") + 1) & 0xFFFF
            head = like[:5] + b"\x00" + f_cnt.to_bytes(2, "little") + b"\x04"
            self._door.attacked(name)
            payload = head + self._stream.bytes(_LEVELS) + self._stream.bytes(_MIC_LEN)
            self._door.emit(payload, RX2_FREQ_HZ, _RX2_DR)
        return True

    # The gateway's door.

    def _pull(self, name: str) -> bool:
        for address in _ADDRESSES:
            self._door.attacked(name)
            self._door.pull(address)
        return True

    def _shuffled(self, frames: deque[OnAir]) -> deque[OnAir]:
        """Fisher and Yates, from the stream."""
        mixed = list(frames)
        for at in range(len(mixed) - 1, 0, -1):
            other = self._stream.below(at + 1)
            mixed[at], mixed[other] = mixed[other], mixed[at]
        return deque(mixed)
