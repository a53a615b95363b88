"""A run is shown while it goes, and Ctrl-C ends it between two events."""

import io
import signal
from collections.abc import Callable

import pytest
from rich.console import Console

from simulator.commands.showing import Interrupt, Screen, watch
from simulator.report.collector import READING, Collector
from simulator.report.making import report_of
from simulator.report.report import Report
from tests.simulator.report.days import SECOND_US, TRUTHS, district


class Rehearsal:
    """A run that only notes how far it was let."""

    def __init__(self, collector: Collector, at: Callable[[int], None] = lambda until_s: None) -> None:
        self.steps: list[int] = []
        self._collector = collector
        self._at = at

    def run(self, until_s: int) -> None:
        self.steps.append(until_s)
        self._collector.took("parking-001", READING, until_s * SECOND_US - 1)
        self._at(until_s)

    def finish(self) -> Report:
        return report_of(self._collector, self.steps[-1] * SECOND_US, TRUTHS)


def screen(collector: Collector, terminal: bool, language: str = "en") -> tuple[Screen, io.StringIO, io.StringIO]:
    shown, told = io.StringIO(), io.StringIO()
    consoles = [
        Console(file=file, force_terminal=terminal, width=100, height=30, _environ={"TERM": "xterm"})
        for file in (shown, told)
    ]
    return Screen(collector, consoles[0], consoles[1], language), shown, told


def test_a_run_goes_to_its_end_in_steps_that_grow_where_it_is_fast():
    collector = Collector(district())
    here, _, _ = screen(collector, terminal=False)
    rehearsal = Rehearsal(collector)
    with here:
        report = watch(rehearsal, here, 24 * 3600)
    assert rehearsal.steps[-1] == 24 * 3600
    assert rehearsal.steps[0] == 60
    assert max(after - before for before, after in zip(rehearsal.steps, rehearsal.steps[1:], strict=False)) == 900
    assert report.complete


def test_a_run_that_shall_last_goes_in_steps_that_can_be_followed():
    collector = Collector(district())
    here, _, _ = screen(collector, terminal=False)
    rehearsal = Rehearsal(collector)
    with here:
        watch(rehearsal, here, 600, lasts_s=1.2)
    assert rehearsal.steps[0] == 60  # an eighth of a second
    assert len(rehearsal.steps) == 10


def test_in_real_time_a_step_is_a_second():
    collector = Collector(district())
    here, _, _ = screen(collector, terminal=False)
    rehearsal = Rehearsal(collector)
    with here:
        watch(rehearsal, here, 2, lasts_s=2)
    assert rehearsal.steps == [1, 2]


def test_ctrl_c_ends_it_after_the_step_and_says_that_it_is_not_whole():
    collector = Collector(district())
    here, _, _ = screen(collector, terminal=False)
    rehearsal = Rehearsal(collector, lambda until_s: signal.raise_signal(signal.SIGINT) if until_s > 600 else None)
    before = signal.getsignal(signal.SIGINT)
    with here:
        report = watch(rehearsal, here, 24 * 3600)
    assert not report.complete
    assert rehearsal.steps[-1] < 3600
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whoever_stops_it_politely_gets_the_same(number):
    before = signal.getsignal(number)
    with Interrupt() as interrupt:
        signal.raise_signal(number)
        assert interrupt.wanted
    assert signal.getsignal(number) is before


def test_the_second_ctrl_c_ends_all():
    as_started = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        _second_ends_all()
    finally:
        signal.signal(signal.SIGINT, as_started)


def _second_ends_all():
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.wanted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_on_a_terminal_the_first_picture_is_there_before_the_run():
    here, shown, told = screen(Collector(district()), terminal=True)
    with here:
        assert "lamp off" in shown.getvalue()
    assert told.getvalue() == ""


def test_elsewhere_there_are_lines_on_stderr_and_nothing_on_stdout(monkeypatch):
    monkeypatch.setattr("simulator.commands.showing._LINE_EVERY_S", 0.0)
    collector = Collector(district())
    here, shown, told = screen(collector, terminal=False, language="fr")
    with here:
        watch(Rehearsal(collector), here, 600)
    assert shown.getvalue() == ""
    assert "relevés livrés" in told.getvalue()
    assert "\x1b" not in told.getvalue()


def test_a_screen_may_follow_another_collector():
    here, shown, _ = screen(Collector(district()), terminal=True)
    other = Collector(district())
    other.gateway("gw-1", False, 0)
    with here:
        here.follow(other)
        here._draw(0)
    assert "away" in shown.getvalue()
