"""How long the node was on the air, and when it may be again: every sliding hour, and while it tries to join."""

import struct

from protocol.compat import const
from protocol.region import SUB_BANDS, Plan

HOUR_MS = const(3_600_000)
SLOT_MS = const(225_000)  # a sixteenth of an hour: what falls out of the ledger falls out so much too late at most
SHARES = const(32)  # airtime is persisted in these parts of a sub-band's hour: a boot with a join costs one to three
_KEEPS = const(4)  # the persisted share sinks when it is four times what is needed: few writes
_DAY_MS = const(86_400_000)
# TR007-1.1 §4.8: aggregated airtime of joins in the first hour after power-up, in the ten that follow, and then in
# each period of 24 hours.
_JOIN_MS = (36_000, 36_000, 8_700)
_JOIN_GAP_MS = const(10_000)  # after the first attempt; doubled by each
_JOIN_GAPS = const(8)  # doublings, to 43 minutes: so long at most a repaired gateway waits for its nodes, budget left
_JOIN_SPREAD_MS = const(15_000)  # a feeder boots two hundred lamps in one second


class Ledger:
    """Airtime of the last hour by sub-band, given by its place in SUB_BANDS; times in ms of the node's clock.

    A frame is entered in the slot in which it ends and counts until an hour after that slot, so that no sliding hour
    holds more than its sub-band allows. What it was before a power cut nobody knows: *shares* of the hour, persisted
    before they are used, count as if they had ended with it.
    """

    def __init__(self, shares: bytes = b"") -> None:
        self._shares = bytearray(shares if len(shares) == len(SUB_BANDS) else len(SUB_BANDS))
        self._spent_ms: list[int] = []
        self._slots: list[list[tuple[int, int]]] = []  # of each sub-band (slot, ms), oldest first
        for i, share in enumerate(self._shares):
            self._spent_ms.append((share * SUB_BANDS[i].airtime_ms_per_hour + SHARES - 1) // SHARES)
            self._slots.append([(-1, self._spent_ms[i])] if share else [])

    def free_at(self, band: int, airtime_ms: int) -> int:
        """When *airtime_ms* may begin in *band*, perhaps in the past; it must fit into an hour."""
        over = self._spent_ms[band] + airtime_ms - SUB_BANDS[band].airtime_ms_per_hour
        free_ms = 0
        for slot, spent_ms in self._slots[band]:
            if over <= 0:
                break
            over -= spent_ms
            free_ms = (slot + 1) * SLOT_MS + HOUR_MS
        return free_ms

    def spend(self, band: int, airtime_ms: int, now_ms: int) -> bytes | None:
        """Enter a frame that begins now; returns the shares if they have to be persisted before."""
        self._forget(band, now_ms)
        slots = self._slots[band]
        slot = (now_ms + airtime_ms) // SLOT_MS
        if slots and slots[-1][0] == slot:
            slots[-1] = (slot, slots[-1][1] + airtime_ms)
        else:
            slots.append((slot, airtime_ms))
        self._spent_ms[band] += airtime_ms
        hour_ms = SUB_BANDS[band].airtime_ms_per_hour
        share = (self._spent_ms[band] * SHARES + hour_ms - 1) // hour_ms
        if self._shares[band] // _KEEPS < share <= self._shares[band]:
            return None
        self._shares[band] = share
        return bytes(self._shares)

    def _forget(self, band: int, now_ms: int) -> None:
        slots = self._slots[band]
        while slots and (slots[0][0] + 1) * SLOT_MS + HOUR_MS <= now_ms:
            self._spent_ms[band] -= slots.pop(0)[1]

    def to_wire(self, now_ms: int) -> bytes:
        """All of it for a deep sleep, 10 bytes, and up to 1 + 18 * 4 for each sub-band."""
        wire = struct.pack("<I", now_ms // SLOT_MS) + bytes(self._shares)
        for band, slots in enumerate(self._slots):
            self._forget(band, now_ms)
            wire += bytes([len(slots)])
            for slot, spent_ms in slots:
                wire += bytes([now_ms // SLOT_MS + 1 - slot]) + spent_ms.to_bytes(3, "little")
        return wire

    def from_wire(self, wire: bytes, at: int) -> None:
        """Take over what `to_wire` wrote, from byte *at* on."""
        (now_slot,) = struct.unpack_from("<I", wire, at)
        at += 4
        self._shares = bytearray(wire[at : at + len(SUB_BANDS)])
        at += len(SUB_BANDS)
        for band in range(len(SUB_BANDS)):
            slots: list[tuple[int, int]] = []
            count = wire[at]
            at += 1
            for _ in range(count):
                slots.append((now_slot + 1 - wire[at], int.from_bytes(wire[at + 1 : at + 4], "little")))
                at += 4
            self._slots[band] = slots
            self._spent_ms[band] = sum([spent_ms for _, spent_ms in slots])


class JoinBackOff:
    """When the next Join-Request may go: gaps that double, and the airtime of TR007-1.1 §4.8.

    state: attempts since the last success, the time before which none is made, the period in which the last one was
    made, and its airtime in ms in that period. spread: a random number 0..999.
    """

    def __init__(self, spread: int) -> None:
        self.state = (0, _JOIN_SPREAD_MS * spread // 1000, 0, 0)

    @property
    def not_before_ms(self) -> int:
        """When the random gap after the last attempt is over."""
        return self.state[1]

    def dr(self, plan: Plan) -> int:
        """The data rate of the next attempt: every one of the plan twice, the fastest first, and again."""
        return plan.max_dr - self.state[0] // 2 % (plan.max_dr - plan.min_dr + 1)

    def free_at(self, airtime_ms: int) -> int:
        """When a Join-Request of *airtime_ms* may begin."""
        _, not_before_ms, period, spent_ms = self.state
        if spent_ms + airtime_ms > _JOIN_MS[min(period, 2)]:
            return max(not_before_ms, _starts_ms(period + 1))
        return not_before_ms

    def spend(self, airtime_ms: int, now_ms: int, spread: int) -> None:
        """Enter an attempt that begins now."""
        attempts, _, period, spent_ms = self.state
        if now_ms >= _starts_ms(period + 1):
            period = _period(now_ms)
            spent_ms = 0
        gap_ms = _JOIN_GAP_MS << min(attempts, _JOIN_GAPS)
        not_before_ms = now_ms + gap_ms // 2 + gap_ms // 1000 * spread
        self.state = (attempts + 1, not_before_ms, period, spent_ms + airtime_ms)

    def succeeded(self) -> None:
        """Forget the attempts; the airtime stays spent."""
        self.state = (0, 0, self.state[2], self.state[3])


def _period(now_ms: int) -> int:  # the first hour, which is 0, has passed
    return 1 if now_ms < 11 * HOUR_MS else 2 + (now_ms - 11 * HOUR_MS) // _DAY_MS


def _starts_ms(period: int) -> int:
    if period < 2:
        return period * HOUR_MS
    return 11 * HOUR_MS + (period - 2) * _DAY_MS
