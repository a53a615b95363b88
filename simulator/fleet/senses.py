"""What a body asks of the street around it; `simulator/stimuli/` answers. Times are Unix seconds that only grow."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from simulator.fleet.hardware import Field


class Stimulus(Protocol):
    """What the sensors see."""

    def values(self, set_number: int, time_s: int) -> tuple[int | None, ...]:
        """Scaled values of the set at *time_s*."""


class Life(Protocol):
    """What really happens to a bay."""

    def occupied(self, time_s: float) -> bool | None:
        """Whether a car is there; None: not known."""

    def changed_s(self, time_s: float) -> float:
        """Since when it has been as it is at *time_s*."""


@runtime_checkable
class BayStimulus(Protocol):
    """What the magnetometers of a parking node feel."""

    @property
    def lives(self) -> Sequence[Life]:
        """Of its bays."""

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        """Scaled values of the set."""

    def field(self, bay: int, time_s: float) -> Field:
        """x, y and z at the bay, in tenths of a µT."""

    def temperature_dcel(self, time_s: float) -> int:
        """Of the sensor, in tenths of a degree."""

    def next_move_s(self, bay: int, time_s: float, threshold_dut: int) -> float:
        """When after *time_s* a car begins to move that changes the field by so much; far away: none will."""


@runtime_checkable
class LampStimulus(Protocol):
    """What a lamp's meter, photocell and presence sensor see. mains: None is power that never fails."""

    @property
    def mains(self) -> "Supply | None":
        """What it hangs on."""

    def set_lamp(self, head: int, level_pct: int, fade_s: int, time_s: float) -> None:
        """The head is told to go to that level."""

    def power_gone(self, time_s: float) -> None:
        """All heads are dark until they are set again."""

    def lux(self, time_s: float) -> int | None:
        """Daylight at the photocell."""

    def feedback(self, head: int, time_s: float) -> int:
        """What its control gear answers to DALI's QUERY STATUS, −1 for nothing."""

    def next_motion_s(self, time_s: float) -> float | None:
        """When after *time_s* somebody moves near the lamp; None: nobody will."""


class Supply(Protocol):
    """The mains of a lamp, known ahead."""

    def on(self, time_s: float) -> bool:
        """Whether there is power."""

    def next_change_s(self, time_s: float) -> float:
        """When power next comes or goes after *time_s*; far away: it stays."""
