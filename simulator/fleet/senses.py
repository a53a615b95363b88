"""What a body asks of the street around it; `simulator/stimuli/` answers. Times are Unix seconds that only grow."""

from typing import Protocol, runtime_checkable

from simulator.fleet.hardware import Field


class Stimulus(Protocol):
    """What the sensors see."""

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        """Scaled values of the set at *time_s*."""


@runtime_checkable
class BayStimulus(Protocol):
    """What the magnetometers of a parking node feel."""

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        """Scaled values of the set."""

    def field(self, bay: int, time_s: float) -> Field:
        """x, y and z at the bay, in tenths of a µT."""

    def temperature_dcel(self, time_s: float) -> int:
        """Of the sensor, in tenths of a degree."""

    def next_change_s(self, bay: int, time_s: float) -> float | None:
        """When after *time_s* the field next moves by more than noise; None: never again."""

    def empty_field(self, bay: int) -> Field:
        """What the bay feels like without a car, as the people who install the node find it."""


@runtime_checkable
class LampStimulus(Protocol):
    """What a lamp's meter, photocell and presence sensor see. mains: None is power that never fails."""

    @property
    def mains(self) -> "Supply | None":
        """What it hangs on."""

    def lamp_set(self, head: int, level_pct: int, fade_s: int, time_s: float) -> None:
        """The head is told to go to that level."""

    def power_gone(self, time_s: float) -> None:
        """All heads are dark until they are set again."""

    def lux(self, time_s: float) -> int | None:
        """Daylight at the photocell."""

    def gear_status(self, head: int, time_s: float) -> int:
        """What its control gear answers to DALI's QUERY STATUS, −1 for nothing."""

    def next_motion_s(self, time_s: float) -> float | None:
        """When after *time_s* somebody moves near the lamp; None: nobody will."""


class Supply(Protocol):
    """The mains of a lamp, known ahead."""

    def on(self, time_s: float) -> bool:
        """Whether there is power."""

    def next_change_s(self, time_s: float) -> float:
        """When power next comes or goes after *time_s*; far away: it stays."""
