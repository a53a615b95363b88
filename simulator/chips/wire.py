"""One wire between a pin of the microcontroller and its neighbours: `machine.Pin` on one end, chips on the other."""

TYPE_CHECKING = False  # MicroPython has no typing; mypy knows the name
if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware.drivers.bus import Pin


class Wire:
    """The firmware sees `machine.Pin`; a chip drives it, watches it, or says what it is at any moment.

    level: 0 or 1, as a pull resistor leaves it. source: asked instead of the level when the firmware reads it.
    holds: when what the source says may change by itself, a time that has passed for not as long as nothing happens.
    """

    IN = 1
    OUT = 3
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2

    def __init__(self, level: int = 0) -> None:
        self.level = level
        self.source: "Callable[[], int] | None" = None
        self.holds: "Callable[[], int] | None" = None
        self._watchers: list["Callable[[int], None]"] = []
        self._handler: "Callable[[Pin], None] | None" = None
        self._trigger = 0

    # The firmware's end.

    def value(self, level: int | None = None) -> int:
        """Read the wire, or drive it: chips that watch it are told of its edges."""
        if level is None:
            return self.level if self.source is None else self.source()
        level = 1 if level else 0
        if level != self.level:
            self.level = level
            for watcher in self._watchers:
                watcher(level)
        return level

    def irq(self, handler: "Callable[[Pin], None] | None" = None, trigger: int = 3) -> None:
        """Call *handler* at each edge that *trigger* names."""
        self._handler = handler
        self._trigger = trigger

    # A chip's end.

    def watch(self, watcher: "Callable[[int], None]") -> None:
        """Tell *watcher* the new level at each edge that the firmware makes."""
        self._watchers.append(watcher)

    def drive(self, level: int) -> None:
        """Put a level on it: the firmware's interrupt comes at once."""
        if level == self.level:
            return
        self.level = level
        edge = self.IRQ_RISING if level else self.IRQ_FALLING
        if self._handler is not None and self._trigger & edge:
            self._handler(self)
