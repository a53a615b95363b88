"""What must be true of every run, whatever its seed and its luck: who watches, and what broke."""

from collections import Counter, deque
from datetime import datetime
from typing import Any

from protocol.lorawan.frames import JOIN_REQUEST, frame_mtype, parse_frame
from protocol.quantities import AIR_FULL, quantities_of
from protocol.quantity_table import Quantity
from protocol.region import sub_band
from simulator.air.interface import OnAir
from simulator.report.report import Truth

Values = tuple[int | None, ...]

F_CNT_ONCE = "no frame counter was used twice"
DUTY_CYCLE = "no node left the duty cycle in any hour"
NOTHING_INVENTED = "no reading was invented, changed or dated wrongly"
PUBLISHED_ONCE = "no reading was published twice"
NOT_REFUSED = "no authentic frame was refused"
_HOUR_US = 3_600_000_000


class Witness:
    """Sees what nodes sense and send and what the gateway refuses and publishes, and compares.

    start_s: Unix time of virtual time 0. taken: by node, the virtual µs and values of each reading (of an event: no
    values), in the order of their numbers.
    """

    def __init__(self, start_s: int) -> None:
        self.taken: dict[str, list[tuple[int, Values]]] = {}
        self.refused: Counter[str] = Counter()  # by reason
        self._start_s = start_s
        self._nodes: dict[str, tuple[str, int]] = {}  # name and log epoch, by DevEUI as published
        self._published: set[tuple[str, int]] = set()  # (node, seq)
        self._broken: set[str] = set()
        self._repeats = 0  # frames that nodes sent again on purpose
        self._f_cnts: dict[int, tuple[int, bytes]] = {}  # the last one on the air and its frame, by DevAddr
        self._hour: dict[tuple[str, str], deque[tuple[int, int]]] = {}  # by node and sub-band: (start_us, end_us)

    def meet(self, name: str, dev_eui: bytes, epoch: int) -> None:
        """A node with an empty log of this epoch will take part."""
        self.taken[name] = []
        self._nodes[dev_eui.hex()] = name, epoch

    def took(self, name: str, time_us: int, values: Values) -> None:
        """A node logs a reading, or an event (no values), under its next number."""
        self.taken[name].append((time_us, values))

    def sent(self, frame: OnAir) -> None:
        """A node begins a frame."""
        if frame_mtype(frame.phy_payload) != JOIN_REQUEST:
            self._count(frame.phy_payload)
        band = sub_band(frame.freq_hz)
        hour = self._hour.setdefault((frame.sender, band.name), deque())
        hour.append((frame.start_us, frame.end_us))
        since_us = frame.end_us - _HOUR_US  # no other hour holds more than one that ends with a frame
        while hour[0][1] <= since_us:
            hour.popleft()
        if sum(end_us - max(start_us, since_us) for start_us, end_us in hour) > band.airtime_ms_per_hour * 1000:
            self._broken.add(DUTY_CYCLE)

    def refuse(self, reason: str) -> None:
        """The gateway refuses a frame."""
        self.refused[reason] += 1

    def publish(self, message: dict[str, Any]) -> str | None:
        """A message leaves the gateway; the node of which it is a reading, if it is one and the first with its key."""
        if message["kind"] != "reading":
            return None
        key = message["key"]
        name, epoch = self._nodes[key["dev_eui"]]
        seq = key["seq"]
        if (name, seq) in self._published:
            self._broken.add(PUBLISHED_ONCE)
            return None
        self._published.add((name, seq))
        taken = self.taken[name]
        if key["epoch"] != epoch or seq >= len(taken) or not self._same(message, *taken[seq]):
            self._broken.add(NOTHING_INVENTED)
        return name

    def share_published(self, before_us: int) -> float:
        """Of the readings taken before then, the share that was published."""
        due = [
            (name, seq)
            for name, readings in self.taken.items()
            for seq, (time_us, values) in enumerate(readings)
            if values and time_us < before_us
        ]
        return sum(key in self._published for key in due) / len(due) if due else 1.0

    def truths(self) -> list[Truth]:
        """What held, and what did not."""
        # Of a frame that a node sent twice on purpose the second is a replay to the gateway.
        refused = self.refused.total() - min(self.refused["replayed"], self._repeats)
        watched = (F_CNT_ONCE, DUTY_CYCLE, NOTHING_INVENTED, PUBLISHED_ONCE)
        return [*(Truth(name, name not in self._broken) for name in watched), Truth(NOT_REFUSED, not refused)]

    def _count(self, phy_payload: bytes) -> None:
        """Each session has a DevAddr of its own; short of 65,536 frames its 16 bits of FCntUp only grow."""
        frame = parse_frame(phy_payload)
        last, payload = self._f_cnts.get(frame.dev_addr, (-1, b""))
        if phy_payload == payload:
            self._repeats += 1
        elif frame.f_cnt16 <= last:
            self._broken.add(F_CNT_ONCE)
        self._f_cnts[frame.dev_addr] = frame.f_cnt16, phy_payload

    def _same(self, message: dict[str, Any], time_us: int, values: Values) -> bool:
        """Whether a message says what was sensed, at the time it was sensed, within the error it admits."""
        if message["observed"] is None or not values:
            return False  # no node of a run loses its clock, and no event is a reading
        observed_s = datetime.fromisoformat(message["observed"]).timestamp()
        if abs(observed_s - self._start_s - time_us / 1e6) > message["time_error_s"]:
            return False
        sensed = {}
        for value, (number, _) in zip(values, quantities_of(AIR_FULL), strict=True):
            quantity = Quantity(number)
            sensed[quantity.name] = value if value is None or not quantity.decimals else value / 10**quantity.decimals
        return bool(message["values"] == sensed)
