"""The channels a node may use: the table that CFList, LinkADRReq, NewChannelReq and DlChannelReq change."""

import struct

from protocol.compat import const
from protocol.errors import ProtocolError
from protocol.region import (
    CHANNEL_MAX_DR,
    DATA_RATES,
    MAX_CHANNELS,
    SUB_BANDS,
    is_channel,
    sub_band,
)

_DEFAULTS = const(3)  # channels that no command changes (RP 1.0.3revA §2.2.2)
_STEP_HZ = const(100)
_DR6_BW_HZ = const(250_000)


class Channels:
    """Up to 16 channels by index; *plan_freqs* (Hz) at first, all of them enabled.

    freqs: uplink frequencies in Hz, 0 where there is no channel. downs: those of RX1. mask: bits of the enabled ones.
    """

    def __init__(self, plan_freqs: tuple[int, ...]) -> None:
        self.freqs = [0] * MAX_CHANNELS
        self.downs = [0] * MAX_CHANNELS
        self.mask = 0
        self._drs = bytearray(MAX_CHANNELS)  # highest in the high four bits, lowest in the low four
        self._choices: list[tuple[tuple[int, int, int], ...] | None] = [None] * len(DATA_RATES)
        for index, freq_hz in enumerate(plan_freqs):
            self._define(index, freq_hz, CHANNEL_MAX_DR, 0)

    def choices(self, dr: int) -> tuple[tuple[int, int, int], ...]:
        """The enabled channels that carry *dr* as (uplink Hz, RX1 Hz, place in SUB_BANDS); made once after a change."""
        known = self._choices[dr]
        if known is None:
            indices = self._carrying(dr, self.mask)
            known = tuple([(self.freqs[i], self.downs[i], band_of(self.freqs[i])) for i in indices])
            self._choices[dr] = known
        return known

    def use_cf_list(self, cf_list: tuple[int, ...] | None) -> None:
        """Replace all but the default channels by those of a Join-Accept (RP 1.0.3revA §2.2.4), if they can be."""
        for index in range(_DEFAULTS, MAX_CHANNELS):
            self._remove(index)
        for index, freq_hz in enumerate(cf_list or ()):
            if freq_hz and is_channel(freq_hz):
                self._define(_DEFAULTS + index, freq_hz, CHANNEL_MAX_DR, 0)

    def new_channel(self, index: int, freq_hz: int, max_dr: int, min_dr: int) -> int:
        """Obey a NewChannelReq; returns the bits of its answer: 1 frequency, 2 data rates (TS001-1.0.4 §5.6).

        Frequency 0 removes the channel. The default ones stay as they are.
        """
        if not _DEFAULTS <= index < MAX_CHANNELS:
            return 0
        if not freq_hz:
            self._remove(index)
            return 3
        drs_ok = min_dr <= max_dr < len(DATA_RATES)
        freq_ok = is_channel(freq_hz) and not (drs_ok and _is_wide(min_dr, max_dr) and not _fits_wide(freq_hz))
        if drs_ok and freq_ok:
            self._define(index, freq_hz, max_dr, min_dr)
        return (1 if freq_ok else 0) | (2 if drs_ok else 0)

    def dl_channel(self, index: int, freq_hz: int) -> int:
        """Obey a DlChannelReq; returns the bits of its answer: 1 frequency, 2 there is an uplink channel (§5.9)."""
        exists = index < MAX_CHANNELS and self.freqs[index] > 0
        freq_ok = is_channel(freq_hz)
        if exists and freq_ok:
            self.downs[index] = freq_hz
            self._changed()
        return (1 if freq_ok else 0) | (2 if exists else 0)

    def masked(self, ch_mask: int, ch_mask_cntl: int) -> int | None:
        """The mask that one LinkADRReq asks for, or None if EU868 does not have it (RP 1.0.3revA §2.2.5).

        ChMaskCntl 0 gives all 16 bits, 6 enables every channel there is; a channel that is not defined cannot be.
        """
        if ch_mask_cntl == 6:
            return self._defined()
        if ch_mask_cntl or not ch_mask or ch_mask & ~self._defined():
            return None
        return ch_mask

    def carries(self, mask: int, dr: int) -> bool:
        """Whether a channel of *mask* carries *dr*."""
        return dr < len(DATA_RATES) and bool(self._carrying(dr, mask))

    def enable(self, mask: int) -> None:
        """Use these channels."""
        self.mask = mask
        self._changed()

    def restore(self) -> None:
        """Enable the default channels beside those that are: the last step of ADR's back-off."""
        self.enable(self.mask | self._defined() & (1 << _DEFAULTS) - 1)

    def to_wire(self) -> bytes:
        """The table as bytes: mask and definitions, 7 bytes for each channel that is not a plain default one."""
        wire = struct.pack("<HH", self.mask, self._defined())
        for index in range(MAX_CHANNELS):
            if self.freqs[index]:
                wire += (self.freqs[index] // _STEP_HZ).to_bytes(3, "little")
                wire += (self.downs[index] // _STEP_HZ).to_bytes(3, "little")
                wire += self._drs[index : index + 1]
        return wire

    def from_wire(self, wire: bytes | memoryview, at: int) -> None:
        """Take over what `to_wire` wrote, from byte *at* on."""
        mask, defined = struct.unpack_from("<HH", wire, at)
        at += 4
        for index in range(MAX_CHANNELS):
            self._remove(index)
            if defined >> index & 1:
                drs = wire[at + 6]
                freq_hz = int.from_bytes(wire[at : at + 3], "little") * _STEP_HZ
                self._define(index, freq_hz, drs >> 4, drs & 15)
                self.downs[index] = int.from_bytes(wire[at + 3 : at + 6], "little") * _STEP_HZ
                at += 7
        self.enable(mask)

    def _define(self, index: int, freq_hz: int, max_dr: int, min_dr: int) -> None:
        self.freqs[index] = self.downs[index] = freq_hz
        self._drs[index] = max_dr << 4 | min_dr
        self.mask |= 1 << index
        self._changed()

    def _remove(self, index: int) -> None:
        self.freqs[index] = 0
        self.mask &= ~(1 << index)
        self._changed()

    def _defined(self) -> int:
        return sum([1 << index for index in range(MAX_CHANNELS) if self.freqs[index]])

    def _carrying(self, dr: int, mask: int) -> list[int]:
        drs = self._drs
        return [i for i in range(MAX_CHANNELS) if mask >> i & 1 and drs[i] & 15 <= dr <= drs[i] >> 4]

    def _changed(self) -> None:
        for dr in range(len(DATA_RATES)):
            self._choices[dr] = None


def band_of(freq_hz: int) -> int:
    """The place in SUB_BANDS of the sub-band around *freq_hz*; FrameError if there is none."""
    return SUB_BANDS.index(sub_band(freq_hz))


def _is_wide(min_dr: int, max_dr: int) -> bool:
    return min_dr <= 6 <= max_dr  # DR6 alone takes 250 kHz


def _fits_wide(freq_hz: int) -> bool:
    try:
        sub_band(freq_hz, _DR6_BW_HZ)
    except ProtocolError:
        return False
    return True
