"""A benchmark's figure: its value, unit and target, and what the same costs elsewhere."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """name: dotted, stable. target: None when there is none; met when value <= target, or >= if more is better.

    how: how a figure was taken that another machine would give differently.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    more_is_better: bool = False
    peer: dict[str, float] = field(default_factory=dict)
    how: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        """What `build/bench.json` holds under the figure's name."""
        entry: dict[str, Any] = {"value": self.value, "unit": self.unit}
        if self.target is not None:
            entry["target"] = self.target
        if self.peer:
            entry["peer"] = self.peer
        if self.how:
            entry["how"] = self.how
        return entry
