"""DALI: tells a lamp's control gear its level, and asks how it is (IEC 62386-101 and -102).

A bit is two halves of 416.7 µs, a one low then high, as seen on the bus; the bus rests high. The RMT peripheral sends
a forward frame by itself; a backward frame is read from the times of its edges, which an interrupt keeps.
"""

from protocol.compat import const

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from .bus import Clock, Pin, Rmt

BROADCAST = const(0xFE)  # addresses with S = 0: direct arc power; or'ed with 1: a command
OFF = const(0x00)  # commands
QUERY_STATUS = const(0x90)
QUERY_LEVEL = const(0xA0)

_HALF_US = const(417)
_FORWARD_HALVES = const(38)
_BETWEEN_US = const(10_000)  # from the end of one frame to the next forward frame: 22 halves and a bit
_BACKWARD_US = const(20_000)  # a backward frame begins within 22 halves, 9.2 ms, and lasts 22
_SHORT_US = (333, 500)  # what a receiver takes for one half, and for two (IEC 62386-101 §8)
_LONG_US = (667, 1000)
_MOST_EDGES = const(24)  # of start and eight bits


def short(address: int) -> int:
    """The address byte of one gear, 0..63."""
    return address << 1


def group(number: int) -> int:
    """The address byte of a group, 0..15."""
    return 0x80 | number << 1


class Dali:
    """rmt: 1 MHz, resting at the level of an idle bus. rx: the bus as a pin sees it, either way round.

    tx_inverted: the circuit between pin and bus turns the level round.
    """

    def __init__(self, rmt: "Rmt", rx: "Pin", clock: "Clock", tx_inverted: bool = False) -> None:
        self._rmt = rmt
        self._rx = rx
        self._clock = clock
        self._tx_level = 1 if tx_inverted else 0  # the start bit's first half is low on the bus
        self._pulses = [0] * _FORWARD_HALVES
        self._edges = [0] * _MOST_EDGES
        self._count = 0
        self._ended_us = clock.ticks_us()
        rx.irq(self._on_edge, rx.IRQ_RISING | rx.IRQ_FALLING)

    def set_level(self, address: int, level: int) -> None:
        """Direct arc power, 0..254; 255 stops a fade."""
        self._send(address, level)

    def command(self, address: int, code: int) -> None:
        """A command without an answer."""
        self._send(address | 1, code)

    def configure(self, address: int, code: int) -> None:
        """A command that gear obeys only when it comes twice within 100 ms (IEC 62386-102 §11)."""
        self._send(address | 1, code)
        self._send(address | 1, code)

    def query(self, address: int, code: int) -> int | None:
        """Ask, and return the answer, 0..255; None when no gear answers, or several at once."""
        self._send(address | 1, code)
        self._count = 0
        self._clock.sleep_us(_BACKWARD_US)
        self._ended_us = self._clock.ticks_us()
        return self._answer()

    def _send(self, address: int, data: int) -> None:
        waited_us = self._clock.ticks_diff(self._clock.ticks_us(), self._ended_us)
        if 0 <= waited_us < _BETWEEN_US:
            self._clock.sleep_us(_BETWEEN_US - waited_us)
        self._rmt.write_pulses(self._shape(1 << 16 | address << 8 | data), self._tx_level)
        self._rmt.wait_done(timeout=50)
        self._ended_us = self._clock.ticks_us()

    def _shape(self, bits: int) -> list[int]:
        """The pulses of a start bit and sixteen bits; what is left of the last one is the bus at rest."""
        pulses = self._pulses
        count = 0
        level = 0
        lasts = 0
        for place in range(16, -1, -1):
            one = bits >> place & 1
            for half in (1 - one, one):
                if half == level:
                    lasts += _HALF_US
                else:
                    pulses[count] = lasts
                    count += 1
                    level = half
                    lasts = _HALF_US
        pulses[count] = lasts + 4 * _HALF_US if level else lasts
        count += 1
        if not level:
            pulses[count] = 4 * _HALF_US
            count += 1
        return pulses[:count]

    # Backward frames.

    def _on_edge(self, _: "Pin") -> None:
        if self._count < _MOST_EDGES:
            self._edges[self._count] = self._clock.ticks_us()
        self._count += 1

    def _answer(self) -> int | None:
        """Decode the edges: a start bit and eight bits."""
        edges = min(self._count, _MOST_EDGES)
        if not 10 <= edges <= 18 or edges != self._count:
            return None
        halves = 0  # bits of the halves seen so far, behind the one that the start bit's first edge begins: low
        count = 0
        level = 0
        for place in range(edges - 1):
            lasts_us = self._clock.ticks_diff(self._edges[place + 1], self._edges[place])
            if _SHORT_US[0] <= lasts_us <= _SHORT_US[1]:
                times = 1
            elif _LONG_US[0] <= lasts_us <= _LONG_US[1]:
                times = 2
            else:
                return None
            for _ in range(times):
                halves = halves << 1 | level
                count += 1
            level = 1 - level
        if level and count == 17:  # the last half is the bus at rest
            halves = halves << 1 | 1
            count = 18
        return _bits(halves) if count == 18 else None


def _bits(halves: int) -> int | None:
    """Eight bits of eighteen halves, or None where a bit has two equal ones."""
    value = 0
    for place in range(16, -1, -2):
        pair = halves >> place & 3
        if pair == 1:
            value = value << 1 | 1
        elif pair == 2:
            value <<= 1
        else:
            return None
    return value & 0xFF if value & 0x100 else None
