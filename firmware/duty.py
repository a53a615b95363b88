"""How long the node was on the air in each sub-band in the last hour, and when it may be again, on which channel."""

import struct

from protocol.compat import const, on_demand
from protocol.region import SUB_BANDS

from .dice import Dice

HOUR_MS = const(3_600_000)
SLOT_MS = const(225_000)  # a sixteenth of an hour: what falls out of the ledger falls out so much too late at most
SHARES = const(32)  # airtime is persisted in these parts of a sub-band's hour: a boot with a join costs one to three
_IMAGE_SLOTS = const(9)  # of the 17 there can be; RTC memory is small
_KEEPS = const(4)  # the persisted share sinks when it is four times what is needed: few writes


class Ledger:
    """Airtime of the last hour by sub-band, given by its place in SUB_BANDS; times in ms of the node's clock.

    A frame is entered in the slot in which it ends and counts until an hour after that slot, so that no sliding hour
    holds more than its sub-band allows. What it was before a power cut nobody knows: *shares* of the hour, persisted
    before they are used, count as if they had ended with it.
    """

    @on_demand
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

    @on_demand
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

    @on_demand
    def _forget(self, band: int, now_ms: int) -> None:
        slots = self._slots[band]
        while slots and (slots[0][0] + 1) * SLOT_MS + HOUR_MS <= now_ms:
            self._spent_ms[band] -= slots.pop(0)[1]

    @on_demand
    def to_wire(self, now_ms: int) -> bytes:
        """All of it for a deep sleep, 10 bytes, and up to 1 + 9 * 4 for each sub-band.

        Where there are more, each slot goes with the next: what it holds counts 225 s longer.
        """
        wire = struct.pack("<I", now_ms // SLOT_MS) + bytes(self._shares)
        for band, slots in enumerate(self._slots):
            self._forget(band, now_ms)
            if len(slots) > _IMAGE_SLOTS:
                slots = _paired(slots)
            wire += bytes([len(slots)])
            for slot, spent_ms in slots:
                wire += bytes([now_ms // SLOT_MS + 1 - slot]) + spent_ms.to_bytes(3, "little")
        return wire

    @on_demand
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


class Access:
    """The node's way to the air: a channel drawn at random among those whose sub-band has the airtime.

    quiet_ms: nothing goes before it, since the network wants a lower duty cycle still (DutyCycleReq).
    """

    def __init__(self, ledger: Ledger, dice: Dice) -> None:
        self.ledger = ledger
        self.dice = dice
        self.quiet_ms = 0

    def free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        """When a frame may begin on one of *channels*; at once if there is none, for its flight is over then."""
        earliest: int | None = None
        for _, _, band in channels:
            free_ms = self.ledger.free_at(band, frame_ms)
            if earliest is None or free_ms < earliest:
                earliest = free_ms
            if free_ms <= self.quiet_ms:
                break
        return max(earliest or 0, self.quiet_ms)

    @on_demand
    def take(
        self, channels: tuple[tuple[int, int, int], ...], frame_ms: int, now_ms: int, max_duty_cycle: int
    ) -> tuple[int, bytes | None]:
        """Enter a frame that begins now; returns the place of its channel, and what `Ledger.spend` wants persisted.

        max_duty_cycle: of DutyCycleReq; the node is silent so that its share is 1 in 2^max_duty_cycle (TS001-1.0.4 §5).
        """
        at = self.dice.below(len(channels))
        while self.ledger.free_at(channels[at][2], frame_ms) > now_ms:
            at = (at + 1) % len(channels)
        if max_duty_cycle:
            self.quiet_ms = now_ms + (frame_ms << max_duty_cycle)
        return at, self.ledger.spend(channels[at][2], frame_ms, now_ms)


@on_demand
def _paired(slots: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each two slots as one, with the time of the later."""
    paired = slots[len(slots) - len(slots) % 2 :]
    for later in range(len(slots) - 1 - len(slots) % 2, 0, -2):
        paired.insert(0, (slots[later][0], slots[later][1] + slots[later - 1][1]))
    return paired
