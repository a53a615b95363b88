"""The body of a fleet node: does what the core wants, in order, and wakes it when it asks to be."""

from collections.abc import Callable

import pytest

from firmware.actions import CloseWindow, Identify, OpenWindow, Persist, RadioTransmit, Restart, Sense, SetLamp
from firmware.events import FrameHeard, Sensed, Transmitted, WindowClosed, Woke
from protocol.region import frame_airtime_us
from simulator.fleet.body import Body
from simulator.timeline import Timeline
from tests.fakes.airs import PerfectAir

BOOT_US = 2_500_250


class Script:
    """A core that does what is written for the n-th event, and then wants to wake at the time beside it."""

    def __init__(self, *lines: tuple[list[object], int | None]) -> None:
        self.heard: list[tuple[int, object]] = []
        self._lines = list(lines)
        self._wake_ms: int | None = None

    def handle(self, event: object, now_ms: int) -> list[object]:
        self.heard.append((now_ms, event))
        actions, self._wake_ms = self._lines.pop(0) if self._lines else ([], None)
        return actions

    def wake_at(self) -> int | None:
        return self._wake_ms

    @property
    def told(self) -> list[tuple[int, type]]:
        return [(now_ms, type(event)) for now_ms, event in self.heard]


class Corner:
    """A stimulus that writes down when it was looked at."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    def values(self, set_number: int, time_s: float) -> tuple[int | None, ...]:
        self.asked.append((set_number, time_s))
        return (1, None)


class Street:
    def __init__(self, core: Script, make_air: Callable[[Timeline], PerfectAir] = PerfectAir) -> None:
        self.core = core
        self.timeline = Timeline()
        self.air = make_air(self.timeline)
        self.corner = Corner()
        self.body = Body(
            "node",
            core,
            self.timeline,
            self.air,
            self.corner,
            1_767_225_600,
        )
        self.body.boot(BOOT_US)

    def run(self) -> None:
        self.timeline.run(3_600_000_000)


def test_its_clock_starts_at_the_boot():
    core = Script(([], 0), ([], 1_000), ([], None))
    Street(core).run()
    assert core.told == [(0, Woke), (0, Woke), (1_000, Woke)]


def test_a_time_in_the_past_means_at_once():
    core = Script(([], 1_000), ([], 200))
    Street(core).run()
    assert core.told == [(0, Woke), (1_000, Woke), (1_000, Woke)]


def test_nobody_is_woken_who_wants_to_be_left_alone():
    core = Script(([], None))
    Street(core).run()
    assert core.told == [(0, Woke)]


def test_sensors_answer_with_what_the_corner_shows_now():
    core = Script(([], 9_000), ([Sense(3)], None))
    street = Street(core)
    street.run()
    assert street.corner.asked == [(3, 1_767_225_611.50025)]
    now_ms, event = core.heard[-1]
    assert isinstance(event, Sensed)
    assert (now_ms, event.set_number, event.values) == (9_000, 3, (1, None))


def test_the_radio_answers_when_the_frame_is_over():
    frame = RadioTransmit(bytes(20), 868_300_000, 3, 14)
    core = Script(([frame], None))
    street = Street(core)
    heard = []
    street.air.attach("gateway", lambda frame, _: heard.append(frame))
    street.run()
    airtime_us = frame_airtime_us(3, 20)
    assert core.told == [(0, Woke), (airtime_us // 1000, Transmitted)]
    assert (street.body.tally.frames_sent, street.body.tally.airtime_us) == (1, airtime_us)
    [arrived] = heard
    assert (arrived.sender, arrived.phy_payload, arrived.freq_hz, arrived.dr) == ("node", bytes(20), 868_300_000, 3)
    assert (arrived.power_dbm, arrived.start_us, arrived.end_us) == (14, BOOT_US, BOOT_US + airtime_us)


def test_a_window_closes_when_its_symbols_are_over_and_a_class_c_one_never():
    core = Script(([OpenWindow(5_000, 868_300_000, 3, 10)], None), ([OpenWindow(7_000, 868_300_000, 7, 100)], None))
    Street(core).run()
    assert core.told == [(0, Woke), (5_040, WindowClosed), (7_016, WindowClosed)]
    core = Script(([OpenWindow(5_000, 869_525_000, 3, 0)], None))
    Street(core).run()
    assert core.told == [(0, Woke)]


def test_what_is_persisted_is_there_before_the_frame_that_needs_it():
    class Witness(PerfectAir):
        def transmit(self, sender: str, phy_payload: bytes, freq_hz: int, dr: int, power_dbm: int) -> int:
            seen.append(dict(street.body.persisted))
            return super().transmit(sender, phy_payload, freq_hz, dr, power_dbm)

    seen: list[dict[str, int]] = []
    street = Street(Script(([Persist("f_cnt_up", 32), RadioTransmit(b"x", 868_100_000, 5, 14)], None)), Witness)
    street.run()
    assert seen == [{"f_cnt_up": 32}]


def test_an_alarm_that_is_moved_forward_rings_once():
    core = Script(([Sense(3)], 5_000), ([], 2_000), ([], 5_000), ([], None))
    Street(core).run()
    assert core.told == [(0, Woke), (0, Sensed), (2_000, Woke), (5_000, Woke)]


def test_an_alarm_that_is_moved_back_does_not_wake_the_core_before():
    core = Script(([Sense(3)], 2_000), ([], 5_000), ([], None))
    Street(core).run()
    assert core.told == [(0, Woke), (0, Sensed), (5_000, Woke)]


def test_an_alarm_that_is_taken_back_never_rings():
    street = Street(Script(([OpenWindow(1_000, 868_300_000, 3, 10)], 2_000), ([], None)))
    street.run()
    assert street.core.told == [(0, Woke), (1_040, WindowClosed)]


DOINGS = {
    "nothing": [],
    "listening": [OpenWindow(1_500, 868_300_000, 3, 10)],
    "sending": [RadioTransmit(b"x", 868_100_000, 0, 14)],
}


@pytest.mark.parametrize("doing", DOINGS)
def test_a_body_without_power_hears_and_does_nothing_any_more(doing):
    core = Script((DOINGS[doing], 2_000), ([RadioTransmit(b"y", 868_100_000, 0, 14)], None), ([], None))
    street = Street(core)
    street.timeline.run(BOOT_US + 500_000)
    street.body.off()
    street.timeline.at(BOOT_US + 1_500_000, lambda: street.air.emit("g", bytes(12), 868_300_000, 3, 14) and None)
    street.body.tell(Woke())
    street.run()
    assert core.told == [(0, Woke)]
    assert street.body.tally.frames_sent == (doing == "sending")


def test_what_it_has_no_limbs_for_is_said():
    with pytest.raises(TypeError, match="node: this body cannot Restart"):
        Street(Script(([Restart()], None))).run()


# DR3 is SF9 at 125 kHz: a symbol of 4,096 µs, of which a preamble has eight.
DR3 = 4_096


@pytest.mark.parametrize(
    ("late_symbols", "heard"),
    [(-4, True), (-5, False), (0, True), (2, True), (3, False)],
    ids=lambda value: str(value),
)
def test_a_class_a_window_of_6_symbols_catches_a_frame_of_which_it_hears_4_of_the_preamble(late_symbols, heard):
    core = Script(([OpenWindow(5_000, 868_300_000, 3, 6)], None))
    street = Street(core)
    start_us = BOOT_US + 5_000_000 + late_symbols * DR3
    street.timeline.at(start_us, lambda: street.air.emit("gateway", bytes(12), 868_300_000, 3, 14) and None)
    street.run()
    airtime_us = frame_airtime_us(3, 12, uplink=False)
    end_ms = (start_us + airtime_us - BOOT_US) // 1000
    assert core.told[1:] == [(end_ms, FrameHeard) if heard else (5_024, WindowClosed)]
    assert street.body.tally.frames_heard == heard


@pytest.mark.parametrize(("freq_hz", "dr"), [(868_100_000, 3), (868_300_000, 4)])
def test_a_window_hears_its_own_frequency_and_data_rate_only(freq_hz, dr):
    core = Script(([OpenWindow(5_000, 868_300_000, 3, 6)], None))
    street = Street(core)
    street.timeline.at(BOOT_US + 5_000_000, lambda: street.air.emit("gateway", bytes(12), freq_hz, dr, 14) and None)
    street.run()
    assert core.told[1:] == [(5_024, WindowClosed)]


def test_a_class_c_radio_hears_frame_after_frame_until_it_sends():
    window = OpenWindow(0, 869_525_000, 3, 0)
    core = Script(([window], None), ([], None), ([RadioTransmit(b"x", 868_100_000, 5, 14)], None))
    street = Street(core)
    for at_ms in (1_000, 2_000, 3_000, 4_000):
        street.timeline.at(
            BOOT_US + at_ms * 1000, lambda: street.air.emit("gateway", bytes(12), 869_525_000, 3, 27) and None
        )
    street.run()
    assert [event for _, event in core.told] == [Woke, FrameHeard, FrameHeard, Transmitted]


def test_a_frame_is_lost_to_a_radio_that_turns_away_before_its_end():
    core = Script(([OpenWindow(1_000, 869_525_000, 3, 0)], 2_050), ([CloseWindow()], None))
    street = Street(core)
    street.timeline.at(BOOT_US + 2_000_000, lambda: street.air.emit("gateway", bytes(12), 869_525_000, 3, 27) and None)
    street.run()
    assert [event for _, event in core.told] == [Woke, Woke]


def test_how_long_it_shows_itself_is_added_up():
    street = Street(Script(([Identify(30)], 1_000), ([Identify(5)], None)))
    street.run()
    assert street.body.hardware.identified_s == 35


def test_a_lamp_is_as_it_was_set_last():
    street = Street(Script(([SetLamp(0, 100, 0), SetLamp(1, 40, 3), SetLamp(0, 60, 10)], None)))
    street.run()
    assert street.body.lamps == {0: (60, 10), 1: (40, 3)}
