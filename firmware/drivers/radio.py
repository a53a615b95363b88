"""What all radio drivers say, so that a body can use any of them.

`prepare_transmit` or `prepare_listen` sets everything up and starts the oscillator; `go` is then exact to some 100 µs;
`poll` tells what became of it. Between two of these `sleep` costs the least, and the next `prepare_…` wakes the chip.
"""

from protocol.compat import const

from .bus import DriverError

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from typing import Protocol

    class Radio(Protocol):
        """A LoRa radio. After HEARD: rssi_dbm, snr_quarter_db, and `payload()`.

        end_us: ticks_us of the last interrupt. due_us: so long after `go` is to be polled at the latest, 0 for never.
        """

        rssi_dbm: int
        snr_quarter_db: int
        end_us: int
        due_us: int

        def start(self) -> None:
            """Reset the chip and set it up. Raises RadioError when it does not answer or is unwell."""

        def resume(self) -> bool:
            """Take over a chip that slept while the node restarted; False: it has to be started."""

        def prepare_transmit(
            self,
            phy_payload: bytes,
            freq_hz: int,
            sf: int,
            bw_hz: int,
            power_dbm: int,
            invert_iq: bool = False,
            crc: bool = True,
        ) -> int:
            """Load a frame; returns its time on air in µs. power_dbm: at the antenna's socket."""

        def prepare_listen(
            self, freq_hz: int, sf: int, bw_hz: int, symbols: int, invert_iq: bool = True, length: int = 0
        ) -> None:
            """Get ready to hear a preamble within *symbols*; 0: frame after frame. length: of frames without header."""

        def go(self) -> None:
            """Do what was prepared."""

        def poll(self) -> int:
            """What became of it: one of the numbers below."""

        def payload(self) -> bytes:
            """The last frame heard."""

        def listening(self) -> bool:
            """Whether the chip really listens; what listens for ever asks now and then."""

        def standby(self) -> None:
            """Stop whatever it does."""

        def sleep(self) -> None:
            """Take next to nothing until the next `prepare_…`."""

        def check(self) -> str:
            """For the self-test: "" or what is wrong. Raises RadioError."""


PENDING = const(0)  # of `poll`: nothing yet
SENT = const(1)  # the frame is out
HEARD = const(2)  # a frame came in whole
SPOILT = const(3)  # a frame came in, and its CRC or header says that noise has changed it
CLOSED = const(4)  # the window passed without a frame
FAILED = const(5)  # the frame is not out, and will not be

PREAMBLE = const(8)  # symbols of every LoRaWAN frame but a class B beacon (RP 1.0.3revA §2.2.1)


class RadioError(DriverError):
    """A radio that does not answer, or says that it is not well."""
