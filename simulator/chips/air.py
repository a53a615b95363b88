"""What a radio chip sees of the air: what it sends, what arrives, and the few calls between them.

`simulator/air` decides who hears whom; a chip decides whether, set up as it is, it makes a frame of what arrives.
Nothing here is shared with the node's code: on a board that has one interpreter, that code has other names, and what
checks it should not use it.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    from .clock import Clock
    from .lora import Tuning

    class Listener(Protocol):
        """A radio that listens."""

        @property
        def tuning(self) -> "Tuning | None":
            """What to, None before the first time."""

        def arrive(self, arrival: "Arrival") -> None:
            """A frame is on the air at this radio: it began just now, or before the radio listened."""

    class Air(Protocol):
        """What a chip asks of the air."""

        def transmit(self, emission: "Emission") -> None:
            """A frame begins to leave the antenna, now."""

        def listen(self, radio: Listener) -> None:
            """Tell *radio* what is on the air, and what comes, until `deafen`."""

        def deafen(self, radio: Listener) -> None:
            """The radio does not listen any more."""


def symbol_us(sf: int, bw_hz: int) -> int:
    """How long a symbol takes."""
    return (1 << sf) * 1_000_000 // bw_hz


class Emission:
    """A LoRa frame as it leaves an antenna; times in µs of the virtual clock.

    power_dbm: at the antenna's socket. flaws: sentences about what is wrong with the signal though the bits are right,
    each with the datasheet's section; an air may lose such frames.
    """

    def __init__(
        self,
        payload: bytes,
        freq_hz: int,
        sf: int,
        bw_hz: int,
        start_us: int = 0,
        power_dbm: int = 14,
        coding_rate: int = 1,
        preamble: int = 8,
        explicit: bool = True,
        crc: bool = True,
        inverted_iq: bool = False,
        sync_word: int = 0x34,
        low_data_rate: bool | None = None,
        flaws: tuple[str, ...] = (),
    ) -> None:
        symbol = symbol_us(sf, bw_hz)
        if low_data_rate is None:
            low_data_rate = symbol >= 16_000
        self.payload = payload
        self.freq_hz = freq_hz
        self.sf = sf
        self.bw_hz = bw_hz
        self.start_us = start_us
        self.power_dbm = power_dbm
        self.coding_rate = coding_rate
        self.preamble = preamble
        self.explicit = explicit
        self.crc = crc
        self.inverted_iq = inverted_iq
        self.sync_word = sync_word  # the two nibbles that are sent: 0x34 for LoRaWAN
        self.low_data_rate = low_data_rate
        self.flaws = flaws
        self.symbol_us = symbol
        self.airtime_us = symbol * (4 * preamble + 17 + 4 * self._payload_symbols()) // 4
        self.preamble_end_us = start_us + preamble * symbol
        self.header_end_us = self.preamble_end_us + 12 * symbol + symbol // 4  # sync 4.25, then 8 with the header
        self.end_us = start_us + self.airtime_us

    def _payload_symbols(self) -> int:
        """SX1276 DS 4.1.1.7 and SX1261/2 DS 6.1.4: the symbols behind preamble and sync word."""
        bits = 8 * len(self.payload) - 4 * self.sf + 28 + 16 * self.crc - 20 * (not self.explicit)
        each = 4 * (self.sf - 2 * self.low_data_rate)
        return 8 + max(-(-bits // each), 0) * (self.coding_rate + 4)


class Arrival:
    """An emission at one antenna. payload: what noise left of it; header_ok: whether the header could be read."""

    def __init__(
        self,
        emission: Emission,
        rssi_dbm: int = -80,
        snr_quarter_db: int = 28,
        payload: bytes | None = None,
        header_ok: bool = True,
    ) -> None:
        self.emission = emission
        self.rssi_dbm = rssi_dbm
        self.snr_quarter_db = snr_quarter_db
        self.payload = emission.payload if payload is None else payload
        self.header_ok = header_ok


class OpenAir:
    """The air of a bench: what anybody sends reaches everybody else, loud and clear. sent: all of it, in order."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        self._listeners: list["Listener"] = []
        self._flying: list[Arrival] = []
        self.sent: list[Emission] = []

    def transmit(self, emission: Emission) -> None:
        """Keep it and let it arrive."""
        self.sent.append(emission)
        self.let_arrive(Arrival(emission))

    def let_arrive(self, arrival: Arrival) -> None:
        """Put something on the air that begins now."""
        self._flying = [other for other in self._flying if other.emission.end_us > self._clock.now_us]
        self._flying.append(arrival)
        for listener in list(self._listeners):
            listener.arrive(arrival)

    def listen(self, radio: "Listener") -> None:
        """Tell it what flies, and what comes."""
        if radio not in self._listeners:
            self._listeners.append(radio)
        for arrival in self._flying:
            if arrival.emission.end_us > self._clock.now_us:
                radio.arrive(arrival)

    def deafen(self, radio: "Listener") -> None:
        """Tell it nothing more."""
        if radio in self._listeners:
            self._listeners.remove(radio)
