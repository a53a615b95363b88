"""The receiver of a LoRa modem: when it locks, when it gives up, and what it makes of a frame; for all radio chips.

A receiver searches for a preamble. It locks after LOCK_SYMBOLS symbols of one, if so many are left of it; what has
another sync word it drops again, but such a lock counts: the symbol time-out does not come any more, which is why a
window needs a timer besides. A frame of its own is decoded to its end, and nothing else is heard meanwhile.

Not modelled: sensitivity, capture and interference (the air's), drift in frequency, and what a lock on a foreign
preamble does to a frame that begins during it.
"""

from .air import symbol_us

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    from .air import Air, Arrival, Emission
    from .clock import Clock

    class Modem(Protocol):
        """The chip around a receiver."""

        def on_lock(self) -> None:
            """A preamble was found."""

        def on_header(self, ok: bool) -> None:
            """The header of a frame was read, or could not be; not called for frames without one."""

        def on_frame(self, arrival: "Arrival", payload: bytes, crc_ok: bool) -> None:
            """A frame is over."""

        def on_timeout(self) -> None:
            """No frame came in time; the receiver is closed."""

        def spoils(self, emission: "Emission") -> bool:
            """Whether this chip, as it is set up, would lose bits of the frame."""


LOCK_SYMBOLS = 4  # of a preamble; what RP002's example of six symbols for a window rests on, and LoRaMac-node's

_CLOSED = 0
_SEARCHING = 1
_RECEIVING = 2


class Tuning:
    """What a receiver is set to. length: of frames without header, else the longest that is taken."""

    def __init__(
        self,
        freq_hz: int,
        sf: int,
        bw_hz: int,
        inverted_iq: bool,
        sync_word: int,
        explicit: bool,
        crc: bool,
        low_data_rate: bool,
        length: int,
    ) -> None:
        self.freq_hz = freq_hz
        self.sf = sf
        self.bw_hz = bw_hz
        self.inverted_iq = inverted_iq
        self.sync_word = sync_word
        self.explicit = explicit
        self.crc = crc
        self.low_data_rate = low_data_rate
        self.length = length
        self.symbol_us = symbol_us(sf, bw_hz)

    def finds(self, emission: "Emission") -> bool:
        """Whether the preamble looks like one: same chirps, and a frequency within a quarter of the bandwidth."""
        return (
            emission.sf == self.sf
            and emission.bw_hz == self.bw_hz
            and emission.inverted_iq == self.inverted_iq
            and abs(emission.freq_hz - self.freq_hz) <= self.bw_hz // 4
        )


class Receiver:
    """chip: told what happens, see `Modem`."""

    def __init__(self, clock: "Clock", air: "Air", chip: "Modem") -> None:
        self._clock = clock
        self._air = air
        self._chip = chip
        self._tuning: Tuning | None = None
        self._state = _CLOSED
        self._generation = 0  # what was planned for an earlier one does not happen
        self._open_us = 0
        self._timer_runs = False
        self._stop_on_lock = False
        self._locked = False

    @property
    def tuning(self) -> Tuning | None:
        """What it is set to, None before the first time."""
        return self._tuning

    def open(self, tuning: Tuning, symbols: int, timer_us: int, stop_on_lock: bool) -> None:
        """Search from now on. symbols, timer_us: until when, 0: for ever. stop_on_lock: the timer; else a header."""
        self.close()
        now_us = self._clock.now_us
        self._tuning = tuning
        self._state = _SEARCHING
        self._open_us = now_us
        self._locked = False
        self._timer_runs = timer_us > 0
        self._stop_on_lock = stop_on_lock
        generation = self._generation
        if symbols:
            # One µs late, so that a lock with the last symbol comes before it.
            self._clock.at(now_us + symbols * tuning.symbol_us + 1, lambda: self._symbols_over(generation))
        if timer_us:
            self._clock.at(now_us + timer_us, lambda: self._timer_over(generation))
        self._air.listen(self)

    def close(self) -> None:
        """Hear nothing more."""
        self._generation += 1
        if self._state != _CLOSED:
            self._state = _CLOSED
            self._air.deafen(self)

    def arrive(self, arrival: "Arrival") -> None:
        """From the air: something begins, or is under way."""
        tuning = self._tuning
        emission = arrival.emission
        if self._state != _SEARCHING or tuning is None or not tuning.finds(emission):
            return
        lock_us = max(self._open_us, emission.start_us) + LOCK_SYMBOLS * emission.symbol_us
        if lock_us <= emission.preamble_end_us:
            generation = self._generation
            self._clock.at(lock_us, lambda: self._lock(arrival, generation))

    def _lock(self, arrival: "Arrival", generation: int) -> None:
        tuning = self._tuning
        if generation != self._generation or self._state != _SEARCHING or tuning is None:
            return
        self._locked = True
        if self._stop_on_lock:
            self._timer_runs = False
        emission = arrival.emission
        self._chip.on_lock()
        if emission.sync_word == tuning.sync_word and generation == self._generation:
            self._state = _RECEIVING
            self._clock.at(emission.header_end_us, lambda: self._header(arrival, generation))

    def _header(self, arrival: "Arrival", generation: int) -> None:
        tuning = self._tuning
        if generation != self._generation or tuning is None:
            return
        emission = arrival.emission
        self._timer_runs = False
        if tuning.explicit:
            ok = arrival.header_ok and emission.explicit and len(emission.payload) <= tuning.length
            self._chip.on_header(ok)
            if not ok:
                if generation == self._generation:
                    self._state = _SEARCHING
                return
        self._clock.at(emission.end_us, lambda: self._over(arrival, generation))

    def _over(self, arrival: "Arrival", generation: int) -> None:
        tuning = self._tuning
        if generation != self._generation or tuning is None:
            return
        emission = arrival.emission
        payload = arrival.payload
        if not tuning.explicit:
            payload = (payload + bytes(255))[: tuning.length]
        wrong = emission.low_data_rate != tuning.low_data_rate or self._chip.spoils(emission)
        if wrong or (not tuning.explicit and (emission.explicit or len(emission.payload) != tuning.length)):
            payload = bytes([byte ^ 0x55 for byte in payload])
        crc = emission.crc if tuning.explicit else tuning.crc
        self._state = _SEARCHING
        self._open_us = self._clock.now_us
        self._chip.on_frame(arrival, payload, not crc or payload == emission.payload)

    def _symbols_over(self, generation: int) -> None:
        if generation == self._generation and not self._locked:
            self._give_up()

    def _timer_over(self, generation: int) -> None:
        if generation == self._generation and self._timer_runs:
            self._give_up()

    def _give_up(self) -> None:
        self.close()
        self._chip.on_timeout()
