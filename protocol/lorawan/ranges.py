"""Numbers that have to fit the fields of a frame."""

from ..errors import FrameError

FREQ_STEP_HZ = 100  # TS001-1.0.4 §5.6: every frequency on the air is a 24-bit number of 100 Hz steps


def fits(name: str, value: int, bits: int) -> int:
    """Return *value* if it is an unsigned number of *bits* bits; else FrameError that calls it *name*."""
    if value >> bits:  # a negative number shifts to -1
        raise FrameError(f"{name} is {value}; expected 0..{(1 << bits) - 1}")
    return value


def freq_steps(freq_hz: int) -> int:
    """Return *freq_hz* (Hz, 0 = unset) as a 24-bit number of 100 Hz steps; FrameError when it cannot be one."""
    if freq_hz % FREQ_STEP_HZ or freq_hz // FREQ_STEP_HZ >> 24:
        raise FrameError(f"frequency is {freq_hz} Hz; expected a multiple of 100 Hz up to 1677721500 Hz")
    return freq_hz // FREQ_STEP_HZ
