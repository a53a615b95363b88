"""The channels a node may use: the table that joins (`joining.py`) and MAC commands (`commands.py`) change."""

import struct

from protocol.compat import const, on_demand
from protocol.region import (
    CHANNEL_MAX_DR,
    DATA_RATES,
    MAX_CHANNELS,
    SUB_BANDS,
    sub_band,
)

DEFAULTS = const(3)  # channels that no command changes (RP 1.0.3revA §2.2.2)
_STEP_HZ = const(100)


class Channels:
    """Up to 16 channels by index; *plan_freqs* (Hz) at first, all of them enabled.

    freqs: uplink frequencies in Hz, 0 where there is no channel. downs: those of RX1. mask: bits of the enabled ones.
    """

    @on_demand
    def __init__(self, plan_freqs: tuple[int, ...]) -> None:
        self.freqs = [0] * MAX_CHANNELS
        self.downs = [0] * MAX_CHANNELS
        self.mask = 0
        self._drs = bytearray(MAX_CHANNELS)  # highest in the high four bits, lowest in the low four
        self._choices: list[tuple[tuple[int, int, int], ...] | None] = [None] * len(DATA_RATES)
        for index, freq_hz in enumerate(plan_freqs):
            self.define(index, freq_hz, CHANNEL_MAX_DR, 0)

    def choices(self, dr: int) -> tuple[tuple[int, int, int], ...]:
        """The enabled channels that carry *dr* as (uplink Hz, RX1 Hz, place in SUB_BANDS); made once after a change."""
        known = self._choices[dr]
        if known is None:
            indices = self._carrying(dr, self.mask)
            known = tuple([(self.freqs[i], self.downs[i], band_of(self.freqs[i])) for i in indices])
            self._choices[dr] = known
        return known

    def hour_ms(self, dr: int) -> int:
        """Airtime that the sub-bands of the channels that carry *dr* allow in an hour, together."""
        bands: list[int] = []
        for _, _, band in self.choices(dr):
            if band not in bands:
                bands.append(band)
        return sum([SUB_BANDS[band].airtime_ms_per_hour for band in bands])

    @on_demand
    def carries(self, mask: int, dr: int) -> bool:
        """Whether a channel of *mask* carries *dr*."""
        return dr < len(DATA_RATES) and bool(self._carrying(dr, mask))

    @on_demand
    def enable(self, mask: int) -> None:
        """Use these channels."""
        self.mask = mask
        self.changed()

    @on_demand
    def restore(self) -> None:
        """Enable the default channels beside those that are: the last step of ADR's back-off."""
        self.enable(self.mask | self.defined() & (1 << DEFAULTS) - 1)

    @on_demand
    def to_wire(self) -> bytes:
        """The table as bytes: mask and definitions, 7 bytes for each channel that is not a plain default one."""
        wire = struct.pack("<HH", self.mask, self.defined())
        for index in range(MAX_CHANNELS):
            if self.freqs[index]:
                wire += (self.freqs[index] // _STEP_HZ).to_bytes(3, "little")
                wire += (self.downs[index] // _STEP_HZ).to_bytes(3, "little")
                wire += self._drs[index : index + 1]
        return wire

    @on_demand
    def from_wire(self, wire: bytes | memoryview, at: int) -> None:
        """Take over what `to_wire` wrote, from byte *at* on."""
        mask, defined = struct.unpack_from("<HH", wire, at)
        at += 4
        for index in range(MAX_CHANNELS):
            self.remove(index)
            if defined >> index & 1:
                drs = wire[at + 6]
                freq_hz = int.from_bytes(wire[at : at + 3], "little") * _STEP_HZ
                self.define(index, freq_hz, drs >> 4, drs & 15)
                self.downs[index] = int.from_bytes(wire[at + 3 : at + 6], "little") * _STEP_HZ
                at += 7
        self.enable(mask)

    @on_demand
    def define(self, index: int, freq_hz: int, max_dr: int, min_dr: int) -> None:
        """Put a channel, enabled, in its place."""
        self.freqs[index] = self.downs[index] = freq_hz
        self._drs[index] = max_dr << 4 | min_dr
        self.mask |= 1 << index
        self.changed()

    @on_demand
    def remove(self, index: int) -> None:
        """Leave a place empty."""
        self.freqs[index] = 0
        self.mask &= ~(1 << index)
        self.changed()

    @on_demand
    def defined(self) -> int:
        """Bits of the channels there are."""
        return sum([1 << index for index in range(MAX_CHANNELS) if self.freqs[index]])

    @on_demand
    def _carrying(self, dr: int, mask: int) -> list[int]:
        drs = self._drs
        return [i for i in range(MAX_CHANNELS) if mask >> i & 1 and drs[i] & 15 <= dr <= drs[i] >> 4]

    @on_demand
    def changed(self) -> None:
        """Something of the table is new: what was made of it is not."""
        for dr in range(len(DATA_RATES)):
            self._choices[dr] = None


def band_of(freq_hz: int) -> int:
    """The place in SUB_BANDS of the sub-band around *freq_hz*; FrameError if there is none."""
    return SUB_BANDS.index(sub_band(freq_hz))
