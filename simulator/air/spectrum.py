"""Who is on the air on which frequency, and who meets whom there."""

from protocol.region import DATA_RATES
from simulator.air.interference import NOBODY, Rule, Signal

# Channels that are no further apart are one (LoRaSim 2016: 30, 60 and 120 kHz at 125, 250 and 500 kHz of bandwidth).
_SAME_HZ = (30_000, 60_000)
_WIDE_DR = tuple(dr for dr, (_, bw_hz) in enumerate(DATA_RATES) if bw_hz == 250_000)
_BESIDE_HZ = 300_000  # beyond that rejection is above 80 dB (SX1261/2 DS table 3-9), more than nodes differ by


class _Channel:
    """One frequency. same: others so near that they may be one with it; beside: neighbours."""

    __slots__ = ("beside", "freq_hz", "on_air", "same")

    def __init__(self, freq_hz: int) -> None:
        self.freq_hz = freq_hz
        self.on_air: list[Signal] = []
        self.same: list[_Channel] = []
        self.beside: list[_Channel] = []


class Spectrum:
    """All frames of one direction; a frame meets those that are on the air as it begins."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._channels: dict[int, _Channel] = {}

    def begin(self, signal: Signal, freq_hz: int) -> None:
        """A frame begins."""
        channel = self._channels.get(freq_hz) or self._open(freq_hz)
        now_us = signal.start_us
        for other in channel.on_air:
            if other.end_us > now_us:
                self._rule.meet(other, signal)
        for neighbour in channel.same:
            for other in neighbour.on_air:
                limit_hz = _SAME_HZ[signal.dr in _WIDE_DR or other.dr in _WIDE_DR]
                if other.end_us > now_us and abs(neighbour.freq_hz - freq_hz) <= limit_hz:
                    self._rule.meet(other, signal)
        for neighbour in channel.beside:
            for other in neighbour.on_air:
                if other.end_us > now_us:
                    if other.loud:
                        signal.beside = [*signal.beside, other]
                    if signal.loud:
                        other.beside = [*other.beside, signal]
        channel.on_air.append(signal)

    def end(self, signal: Signal, freq_hz: int) -> None:
        """A frame has been judged; it lets go of those it met, so that no ring of references outlives them."""
        self._channels[freq_hz].on_air.remove(signal)
        signal.crossed = signal.beside = NOBODY

    def _open(self, freq_hz: int) -> _Channel:
        channel = _Channel(freq_hz)
        for other in self._channels.values():
            apart_hz = abs(other.freq_hz - freq_hz)
            if apart_hz <= _SAME_HZ[-1]:
                channel.same.append(other)
                other.same.append(channel)
            elif apart_hz <= _BESIDE_HZ and self._rule.counts_neighbours:
                channel.beside.append(other)
                other.beside.append(channel)
        self._channels[freq_hz] = channel
        return channel
