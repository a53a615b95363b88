"""Many boards at once: a thread for each, and a line on the screen for each."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from rich.console import Console as Screen
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from boards.causes import BoardError
from boards.flashing.plan import Errand, Step
from boards.messages import told

MAX_BOARDS = 64  # of one run: more than any hub has, and a thread each
_LOOK_S = 0.2  # Windows hears no Ctrl-C in a wait without an end

_STEPS = list(Step)
Result = TypeVar("Result")


def each(ports: Sequence[str], do: Callable[[str], Result]) -> list[Result | BoardError]:
    """Do something with every port at the same time; what went wrong with one does not touch the others.

    Ctrl-C is heard at once: threads that are in the midst of something end with the process, as by a pulled cable.
    """
    found: dict[str, Result | BoardError] = {}
    faults: list[BaseException] = []
    room = threading.Semaphore(MAX_BOARDS)

    def one(port: str) -> None:
        try:
            with room:
                found[port] = do(port)
        except BoardError as error:
            found[port] = error
        except BaseException as error:  # ours: told when the others are through
            faults.append(error)

    threads = [threading.Thread(target=one, args=(port,), name=port, daemon=True) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(_LOOK_S)
    if faults:
        raise faults[0]
    return [found[port] for port in ports]


class Screens:
    """The lines of all boards; a context."""

    def __init__(self, screen: Screen, language: str) -> None:
        self._language = language
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[now]}"),
            TimeElapsedColumn(),
            console=screen,
        )

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def line(self, port: str) -> "Line":
        """A board's."""
        return Line(self.progress, self.progress.add_task(port, total=len(_STEPS), now=""), self._language)


class Line:
    """`flashing.Watcher` as a line: a step is a seventh of the bar, and the bytes of it a part of that."""

    def __init__(self, progress: Progress, task: TaskID, language: str) -> None:
        self._language = language
        self._progress = progress
        self._task = task
        self._step = 0
        self.tests: list[tuple[str, str]] = []
        self.said: list[str] = []

    def begins(self, errand: Errand) -> None:
        """See `flashing.Watcher`."""
        self._step = _STEPS.index(errand.step)
        now = told(errand.step.value, self._language)
        if not errand.due:
            now += f": {told(errand.why, self._language)}"
        self._progress.update(self._task, completed=self._step, now=now)

    def passes(self, done: int, total: int) -> None:
        """See `flashing.Watcher`."""
        self._progress.update(self._task, completed=self._step + (done / total if total else 1))

    def tested(self, found: list[tuple[str, str]]) -> None:
        """See `flashing.Watcher`."""
        self.tests = found

    def notes(self, text: str) -> None:
        """See `flashing.Watcher`."""
        self.said.append(text)

    def ends(self, how: str, good: bool) -> None:
        """The run is over."""
        if good:
            self._progress.update(self._task, completed=len(_STEPS), now=how)
        else:
            self._progress.update(self._task, now=how)
