"""What street and gateway tell as it happens, handed to the truths, the report and the digest."""

from collections.abc import Mapping
from typing import Any, Protocol, TextIO

import orjson

from firmware.store.log import EVENT, READING, Record
from protocol.lorawan.frames import JOIN_REQUEST
from simulator.air.interface import Air, OnAir
from simulator.fleet.watcher import Cause
from simulator.report import collector as report
from simulator.report.collector import Collector
from simulator.report.report import Digest
from simulator.timeline import Timeline
from simulator.truths.lamps import Darkness
from simulator.truths.records import Arrival
from simulator.truths.witness import Witness

_UNHEARD = 64  # frames of a node that the attacker may hold and the gateway never heard: half a day's
_HEADER_LEN = 8  # MHDR, DevAddr, FCtrl, FCnt
_HEARD_MS = 500  # from a frame's end until the gateway has decided on it: copies are waited for for 200 ms


class Eavesdropper(Protocol):
    """Who also hears what is on the air."""

    def up(self, frame: OnAir) -> None:
        """A node begins a frame."""

    def down(self, frame: OnAir) -> None:
        """A gateway begins a frame."""


class Telling:
    """Implements `simulator.fleet.watcher.Watcher` and `simulator.chain.cabinet.CabinetWatcher`.

    lines: where published messages go, one JSON a line; None: nowhere. eavesdropper: the attacker, if there is one.
    """

    def __init__(
        self, timeline: Timeline, witness: Witness, darkness: Darkness, collector: Collector, lines: TextIO | None
    ) -> None:
        self.digest = Digest()
        self.doubled = 0  # records that the broker handed over twice
        self.eavesdropper: Eavesdropper | None = None
        # DevEUIs in hex of those whose frames were recorded elsewhere, and of guests: their names as well.
        self.strangers: frozenset[str] = frozenset()
        self.air: Air
        self._timeline = timeline
        self._witness = witness
        self._darkness = darkness
        self._collector = collector
        self._lines = lines
        # By node, of its last frame heard: DevAddr, FCnt as on the air, when.
        self._heard: dict[str, tuple[int, int, int]] = {}
        self._unheard: dict[
            str, dict[int, int]
        ] = {}  # by node, of frames not accepted yet: when, by FCnt as on the air
        self._newest: dict[int, int] = {}  # by DevAddr: FCnt, as on the air, of the last frame accepted
        self._undecided: dict[str, int] = {}  # of those, that of a frame that was not accepted yet
        self._joining: set[str] = set()  # nodes that asked to be let in
        self._forged_us = -1  # when a downlink of the attacker ends
        self._injected_us = -1  # when an uplink of the attacker was handed to the gateway

    # The air.

    def sent(self, frame: OnAir) -> None:
        """A node begins a frame."""
        self.digest.add("frame", frame.start_us, frame.phy_payload)
        self._witness.sent(frame)
        if frame.sender in self.strangers:
            return
        airtime_us = frame.end_us - frame.start_us
        self._collector.uplink(frame.sender, frame.dr, frame.freq_hz, airtime_us, frame.start_us)
        payload = frame.phy_payload
        if payload[0] >> 5 == JOIN_REQUEST:
            self._joining.add(frame.sender)
        elif self.eavesdropper is not None:
            unheard = self._unheard.setdefault(frame.sender, {})
            unheard.setdefault(payload[7] << 8 | payload[6], frame.start_us)
            if len(unheard) > _UNHEARD:
                del unheard[next(iter(unheard))]
        if self.eavesdropper is not None:
            self.eavesdropper.up(frame)

    def heard(self, frame: OnAir) -> None:
        """A node's frame was handed to the gateway."""
        payload = frame.phy_payload
        if payload[0] >> 5 != JOIN_REQUEST and frame.sender not in self.strangers:
            f_cnt = payload[7] << 8 | payload[6]
            self._witness.records.heard(frame.sender, self._timeline.now_us)
            self._heard[frame.sender] = int.from_bytes(payload[1:5], "little"), f_cnt, self._timeline.now_us
            if self._undecided.get(frame.sender, f_cnt) != f_cnt:
                self._witness.unanswered += 1
            self._undecided[frame.sender] = f_cnt

    def injected(self, payload: bytes) -> None:
        """A frame of the attacker was handed to the gateway, which is to refuse it.

        The frame accepted last is taken for its node's own repetition, and may be answered again (TS001-1.0.4 §4.3.1).
        """
        self._injected_us = self._timeline.now_us
        again = len(payload) > _HEADER_LEN and (
            self._newest.get(int.from_bytes(payload[1:5], "little")) == payload[7] << 8 | payload[6]
        )
        self._witness.attacked(again)

    def recorded(self) -> None:
        """A frame of a capture was handed to the gateway, which may refuse it."""
        self._witness.recorded += 1

    def forged(self, until_us: int) -> None:
        """A downlink of the attacker is on the air until then."""
        self._forged_us = until_us

    # The street: `simulator.fleet.watcher.Watcher`.

    def took(self, node: str, time_us: int, epoch: int, record: Record, kept: bool) -> None:
        """A node gave a record a number."""
        records = self._witness.records
        if not records.keep(node, epoch, record.seq, record.kind, record.number, record.values, time_us):
            return
        if not kept:
            self._witness.losses_us[node] = max(self._witness.losses_us.get(node, -1), time_us)
        bay = records.tells_of_bay(record.kind, record.number)
        self._collector.took(node, _kind(record.kind, bay), time_us)

    def lamp_set(self, node: str, time_us: int, head: int, level_pct: int, fade_s: int) -> None:
        """A node told a lamp."""
        if time_us == self._forged_us:
            self._witness.fooled(time_us, node, f"sets its lamp to {level_pct} % as a forged downlink ends")
        self._darkness.set(node, head, level_pct)
        self._collector.lamp(node, head, level_pct, time_us)

    def booted(self, node: str, time_us: int, cause: Cause) -> None:
        """A node starts."""
        self._darkness.power(node, True)
        self._collector.power(node, True)

    def power_gone(self, node: str, time_us: int) -> None:
        """A node has no power."""
        self._darkness.power(node, False)
        self._collector.power(node, False)

    def died(self, node: str, time_us: int, why: str) -> None:
        """A node's firmware raised what it never may."""
        self._witness.died(time_us, node, why)
        self._collector.happened("died", node, time_us)

    # The gateway: `simulator.chain.cabinet.CabinetWatcher`.

    def emit(self, radio: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> None:
        """A radio begins a downlink."""
        now_us = self._timeline.now_us
        self.digest.add("downlink", now_us, phy_payload)
        airtime_us = self.air.emit(radio, phy_payload, freq_hz, dr, power_dbm)
        self._witness.emitted(radio, phy_payload, freq_hz, now_us, airtime_us)
        self._collector.downlink(radio, freq_hz, airtime_us, now_us)
        if self.eavesdropper is not None:
            frame = OnAir(
                sender=radio,
                phy_payload=phy_payload,
                freq_hz=freq_hz,
                dr=dr,
                power_dbm=power_dbm,
                start_us=now_us,
                end_us=now_us + airtime_us,
            )
            self.eavesdropper.down(frame)

    def accepted(self, name: str, f_cnt: int, records: int, dr: int, radios: tuple[str, ...]) -> None:
        """An uplink was accepted: it must be one that its node has just sent."""
        if name in self.strangers:
            return
        now_us = self._timeline.now_us
        heard = self._heard.get(name)
        if heard is None or heard[1] != f_cnt & 0xFFFF or now_us - heard[2] > _HEARD_MS * 1000:
            self._accepted_late(name, f_cnt, now_us)
        else:
            self._newest[heard[0]] = heard[1]
        self._unheard.pop(name, None)
        self._undecided.pop(name, None)
        if name in self._joining:
            self._joining.remove(name)
            self._collector.joined(name, now_us)

    def _accepted_late(self, name: str, f_cnt: int, now_us: int) -> None:
        """A frame was accepted that its node has not just sent.

        One that the gateway never heard, and nothing newer of its node either, can be held back and brought later:
        LoRaWAN proves who sent it, not when. It says the truth, and is dated as if it had been sent then.
        """
        sent_us = self._unheard.get(name, {}).get(f_cnt & 0xFFFF)
        if sent_us is None:
            self._witness.fooled(now_us, name, f"its frame {f_cnt} was accepted, and it sent none just now")
        else:
            self._witness.late += 1
            self._witness.records.delayed(name, now_us - sent_us, now_us)

    def refused(self, reason: str, name: str | None) -> None:
        """A frame was refused."""
        self._witness.refuse(reason)
        self._collector.refused(reason)

    def committed(self, records: int) -> None:
        """So many records are on the card."""
        self._witness.committed(records)

    def alarmed(self, alarm: str, detail: str) -> None:
        """Something an operator must know of: the report has it from the faults, the city as a notice."""

    def began(self, records: int) -> None:
        """The process starts."""
        self._witness.began(records, self._timeline.now_us)

    def ended(self, orderly: bool) -> None:
        """The process is gone, and with it what it was about to decide; its cursor may be of a while ago."""
        now_us = self._timeline.now_us
        self._witness.records.doubt(now_us)
        if not orderly and 0 <= now_us - self._injected_us <= _HEARD_MS * 1000:
            self._witness.undecided()

    # The city.

    def broken(self) -> None:
        """A connection to the broker broke: acknowledgements may be lost."""
        self._witness.records.doubt(self._timeline.now_us)

    def arrived_again(self, topic: str, payload: bytes) -> None:
        """The broker hands the subscriber the same once more."""
        records = self._witness.records
        records.doubt(self._timeline.now_us)
        before = records.repeats
        self.arrived(topic, payload)
        self.doubled += records.repeats - before

    def arrived(self, topic: str, payload: bytes) -> None:
        """The subscriber hears a message, or several."""
        now_us = self._timeline.now_us
        self.digest.add("message", now_us, payload)
        for message, arrival in self._witness.arrive(payload, now_us, self.strangers):
            self._collector.message(message["kind"], len(payload))
            if self._lines is not None:
                self._lines.write(orjson.dumps(message).decode() + "\n")
            if arrival is not None:
                self._deliver(arrival, now_us)

    def _deliver(self, arrival: Arrival, now_us: int) -> None:
        if not arrival.whole:
            return
        values: Mapping[str, Any] = arrival.said
        if arrival.bay:
            values = {"occupied": int(arrival.said["event"] == "bay_taken")}
        self._collector.delivered(
            arrival.node,
            _kind(arrival.kind, arrival.bay),
            arrival.taken_us,
            now_us,
            arrival.instance,
            values,
            arrival.error_us,
        )


def _kind(kind: int, bay: bool) -> str:
    """In the words of the report."""
    if kind == READING:
        return report.READING
    assert kind == EVENT
    return report.BAY if bay else report.EVENT
