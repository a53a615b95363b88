"""A DALI bus with control gear: `esp32.RMT` on one end of the wire, a pin that sees the bus on the other.

From IEC 62386-101 and -102 as public summaries give them: Manchester bits of two halves of 416.7 µs ±10 %, forward
frames of 1 + 16 bits with two stop bits, at least 22 halves after the frame before; backward frames of 1 + 8 bits 7 to
22 halves after a question; direct arc power, OFF, QUERY STATUS, QUERY ACTUAL LEVEL; a command that must come twice
within 100 ms; two gears that answer at once make no frame.

Not modelled: fade times, scenes, random addresses, memory banks, the other commands, the bus's power.
"""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .clock import Clock
    from .wire import Wire

_HALF_US = 417
_LEAST_US, _MOST_US = 375, 458  # of a half, by 10 %
_BETWEEN_US = 22 * 417 - 50
_ANSWERS_US = 4_000
_TWICE_US = 100_000

GEAR_FAILURE = 0x01  # of QUERY STATUS (IEC 62386-102 §11.5.2)
LAMP_FAILURE = 0x02
LAMP_ON = 0x04
POWER_CYCLE_SEEN = 0x80


class Gear:
    """A lamp's control gear. address: 0..63; groups: the numbers of its own; level: 0..254; silent: it answers nothing.

    configured: the commands that it took because they came twice.
    """

    def __init__(self, address: int, groups: tuple[int, ...] = (), least: int = 1) -> None:
        self.address = address
        self.groups = groups
        self.least = least
        self.level = 254  # at power-on
        self.silent = False
        self.faults = POWER_CYCLE_SEEN
        self.configured: list[int] = []
        self._last = (0, -_TWICE_US)

    def status(self) -> int:
        """QUERY STATUS."""
        return self.faults | (LAMP_ON if self.level and not self.faults & LAMP_FAILURE else 0)

    def obey(self, address: int, data: int, now_us: int) -> int | None:
        """A forward frame; the answer, if it has one."""
        meant = (
            address >= 0xFE
            or address >> 1 == self.address
            or (0x80 <= address < 0xA0 and (address >> 1 & 15) in self.groups)
        )
        if not meant:
            return None
        if not address & 1:
            if data < 255:
                self.level = max(data, self.least) if data else 0
                self.faults &= ~POWER_CYCLE_SEEN
            return None
        if data == 0x00:
            self.level = 0
        elif 0x20 <= data < 0x82:
            self._twice(data, now_us)
        elif data == 0x90 and not self.silent:
            return self.status()
        elif data == 0xA0 and not self.silent:
            return self.level
        return None

    def _twice(self, data: int, now_us: int) -> None:
        before, at_us = self._last
        if before == data and now_us - at_us <= _TWICE_US:
            self.configured.append(data)
            self._last = (0, -_TWICE_US)
        else:
            self._last = (data, now_us)


class DaliBus:
    """rx: the pin that sees the bus. tx_inverted: as the circuit has it. forward: the frames that went over it."""

    def __init__(self, clock: "Clock", rx: "Wire", tx_inverted: bool = False) -> None:
        self._clock = clock
        self._rx = rx
        self._tx_low = 1 if tx_inverted else 0
        self.gears: list[Gear] = []
        self.forward: list[tuple[int, int]] = []
        self.breaches: list[str] = []
        self._done_us = clock.now_us
        self._quiet_us = clock.now_us - 1_000_000
        rx.drive(1)

    def write_pulses(self, ticks: "Sequence[int]", level: int = 1) -> None:
        """As `esp32.RMT.write_pulses` at 1 MHz."""
        begins_us = self._clock.now_us
        if begins_us - self._quiet_us < _BETWEEN_US:
            self.breaches.append("a forward frame less than 22 halves after the frame before (IEC 62386-101 §8)")
        pulses = [(lasts_us, 0 if (level + place) % 2 == self._tx_low else 1) for place, lasts_us in enumerate(ticks)]
        self._done_us = self._show(pulses, begins_us)
        self._quiet_us = self._done_us
        frame = _decode(pulses, 17)
        if frame is None:
            self.breaches.append("pulses that are no forward frame")
            return
        address, data = frame >> 8 & 0xFF, frame & 0xFF
        self.forward.append((address, data))
        self._clock.at(self._done_us, lambda: self._dispatch(address, data))

    def wait_done(self, timeout: int = 0) -> bool:
        """As `esp32.RMT.wait_done`; timeout in ms."""
        self._clock.run(min(self._done_us, self._clock.now_us + timeout * 1000))
        return self._clock.now_us >= self._done_us

    def _dispatch(self, address: int, data: int) -> None:
        answers = [gear.obey(address, data, self._clock.now_us) for gear in self.gears]
        said = [answer for answer in answers if answer is not None]
        if not said:
            return
        pulses = _encode(0x100 | said[0])
        if len(said) > 1:
            pulses = [(3 * _HALF_US, 0)] + pulses
        self._quiet_us = self._show(pulses, self._clock.now_us + _ANSWERS_US)

    def _show(self, pulses: "list[tuple[int, int]]", at_us: int) -> int:
        """Let the pin see it; returns when it is over."""
        for lasts_us, level in pulses:
            self._drive(level, at_us)
            at_us += lasts_us
        self._drive(1, at_us)
        return at_us

    def _drive(self, level: int, at_us: int) -> None:
        self._clock.at(at_us, lambda: self._rx.drive(level))


def _encode(bits: int) -> list[tuple[int, int]]:
    """A start bit and eight: (µs, level) of each half, and the stop bits."""
    pulses = []
    for place in range(8, -1, -1):
        one = bits >> place & 1
        pulses += [(_HALF_US, 1 - one), (_HALF_US, one)]
    return pulses + [(4 * _HALF_US, 1)]


def _decode(pulses: list[tuple[int, int]], count: int) -> int | None:
    """So many bits, the start bit first; None when it is no frame, or its stop bits are missing."""
    halves: list[int] = []
    for lasts_us, level in pulses:
        times = (lasts_us + _HALF_US // 2) // _HALF_US
        if not times * _LEAST_US <= lasts_us <= times * _MOST_US:
            return None
        halves += [level] * times
    if halves[2 * count :] != [1] * (len(halves) - 2 * count) or len(halves) < 2 * count + 4:
        return None
    value = 0
    for place in range(count):
        pair = (halves[2 * place], halves[2 * place + 1])
        if pair not in ((0, 1), (1, 0)):
            return None
        value = value << 1 | (1 if pair == (0, 1) else 0)
    return value if value >> (count - 1) else None
