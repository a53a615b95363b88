"""A run shown while it goes: a live picture on a terminal, else a line now and then; Ctrl-C ends it in good order."""

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live

from simulator.report.collector import Collector
from simulator.report.picture import Pace, Picture, is_plain, progress_line
from simulator.report.report import Report

_EVERY_S = 0.12  # between two pictures: eight a second look alive and cost little
_LINE_EVERY_S = 5.0  # between two lines, where nobody may be watching
_STEP_REAL_S = 0.06  # what a step of the run may take until the screen or Ctrl-C has its turn
_FIRST_STEP_S, _LONGEST_STEP_S = 60, 900  # of virtual time
_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)  # Windows has two
]


class Run(Protocol):
    """What is shown: `simulator.chain.chain.Chain`."""

    def run(self, until_s: int) -> None:
        """Let virtual time pass up to then."""

    def finish(self) -> Report:
        """End it and say what it showed."""


class Screen:
    """Where a run is shown: *console* if it is a terminal, else lines on *messages*. Use it as a context.

    collector: of the run, or one that shows the same district before the run is made; then tell `follow`.
    """

    def __init__(self, collector: Collector, console: Console, messages: Console, language: str) -> None:
        self._console = console
        self._messages = messages
        self._language = language
        self.follow(collector)
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._shown_s = self._began_s = time.monotonic()

    def __enter__(self) -> "Screen":
        """The first picture."""
        if self._live is not None:
            self._live.start()
            self._draw(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The terminal is as it was."""
        if self._live is not None:
            self._live.stop()

    def follow(self, collector: Collector) -> None:
        """Show what this one holds from now on."""
        self._collector = collector
        self._picture = Picture(collector, self._language, is_plain(self._console))

    @property
    def real_s(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._began_s

    def show(self, now_us: int) -> None:
        """How things are, unless that was shown just now."""
        now_s = time.monotonic()
        if now_s - self._shown_s < (_EVERY_S if self._live is not None else _LINE_EVERY_S):
            return
        self._shown_s = now_s
        self._draw(now_us)

    def _draw(self, now_us: int) -> None:
        pace = Pace(self.real_s, now_us)
        if self._live is None:
            line = progress_line(self._collector, pace, self._language)
            self._messages.print(line, highlight=False, soft_wrap=True)
        else:
            size = self._console.size
            self._live.update(self._picture.draw(pace, size.width, size.height - 1), refresh=True)


class Interrupt:
    """While entered the first Ctrl-C is only noted, so that a run ends between two events; the second ends all.

    So is the wish of a supervisor or of a terminal that closes.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        """Note them from now on."""
        if threading.current_thread() is threading.main_thread():  # others get no signals
            for number in _SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """They are what they were."""
        for number, before in self._before.items():
            signal.signal(number, before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        signal.signal(number, self._before[number])


def watch(run: Run, screen: Screen, end_s: int, lasts_s: float = 0.0) -> Report:
    """Run to *end_s* or Ctrl-C; spread over *lasts_s* real seconds, or as fast as it goes."""
    until_s = 0
    longest_s = max(1, min(_LONGEST_STEP_S, int(end_s * _EVERY_S / lasts_s))) if lasts_s else _LONGEST_STEP_S
    step_s = min(_FIRST_STEP_S, longest_s)
    began_s = time.monotonic()
    with Interrupt() as interrupt:
        while until_s < end_s and not interrupt.wanted:
            until_s = min(until_s + step_s, end_s)
            started_s = time.monotonic()
            run.run(until_s)
            took_s = time.monotonic() - started_s
            step_s = min(_next_step_s(step_s, took_s), longest_s)
            screen.show(until_s * 1_000_000)
            if lasts_s:
                time.sleep(max(0.0, began_s + lasts_s * until_s / end_s - time.monotonic()))
        return run.finish()


def _next_step_s(step_s: int, took_s: float) -> int:
    """Half as long after a step that took too long, twice as long after one that was far from it."""
    if took_s > _STEP_REAL_S:
        return max(step_s // 2, 1)
    return 2 * step_s if 2 * took_s < _STEP_REAL_S else step_s
