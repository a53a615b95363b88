"""What every mind owes its MAC and its body, the fake one too."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from firmware.actions import Transmit
from firmware.dialogue import MAX_WAITING
from firmware.events import Downlink, FrameHeard, Transmitted, WindowClosed, Woke
from firmware.node import Node
from protocol.quantities import AIR_FULL, quantities_of
from protocol.quantity_table import Quantity
from protocol.telemetry import F_PORT_READINGS
from protocol.telemetry_reader import decode_readings
from tests.fakes.bench import Bench
from tests.fakes.macs import RecordingMac
from tests.fakes.minds import PlainMind, air_mind

INTERVAL_MS = 900_000
DAY_MS = 86_400_000
MINDS: dict[str, Callable[[], Any]] = {
    "Air": lambda: air_mind(INTERVAL_MS),
    "PlainMind": lambda: PlainMind(AIR_FULL, INTERVAL_MS),
}


@pytest.fixture(name="make", params=MINDS.values(), ids=MINDS.keys())
def _make(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return request.param


class Sensors:
    """Any plausible value of each quantity, now and then none, the same for an interval; *taken* keeps them."""

    def __init__(self, seed: int) -> None:
        self.taken: list[tuple[int | None, ...]] = []
        self._dice = random.Random(seed)
        self._until_ms = 0

    def __call__(self, set_number: int, now_ms: int) -> tuple[int | None, ...]:
        if now_ms < self._until_ms:
            return self.taken[-1]
        self._until_ms = (now_ms // INTERVAL_MS + 1) * INTERVAL_MS
        quantities = [Quantity(number) for number, _ in quantities_of(set_number)]
        values = [self._dice.choice((q.low, q.high, self._dice.randint(q.low, q.high), None)) for q in quantities]
        self.taken.append(tuple(values))
        return self.taken[-1]


class LateMac(RecordingMac):
    """Composes only when told to; `compose_all` returns what the mind is to hear of it."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Transmit] = []

    def handle(self, event: object, now_ms: int) -> list[object]:
        if isinstance(event, Transmit):
            self.waiting.append(event)
        return []

    def compose_all(self, bench: Bench) -> None:
        while self.waiting:
            for sent in super().handle(self.waiting.pop(0), bench.now_ms):
                bench.tell(sent)


def readings_in(payloads: list[tuple[int, int, bytes]]) -> set[tuple[int | None, ...]]:
    rows = [decode_readings(payload).rows for _, f_port, payload in payloads if f_port == F_PORT_READINGS]
    return {row.values for many in rows for row in many}


def test_what_was_sensed_is_told_even_by_the_smallest_frame(make):
    sensors, mac = Sensors(1), RecordingMac(room=51)
    Bench(Node(make(), mac), sensors).run(DAY_MS)
    assert len(sensors.taken) == DAY_MS // INTERVAL_MS or len(sensors.taken) == DAY_MS // INTERVAL_MS + 1
    assert set(sensors.taken) == readings_in(mac.payloads)


def test_what_was_sensed_is_told_when_the_mac_keeps_it_waiting_for_an_interval(make):
    sensors, mac = Sensors(2), LateMac()
    bench = Bench(Node(make(), mac), sensors)
    for hour_ms in range(0, DAY_MS, INTERVAL_MS):
        bench.run(hour_ms + INTERVAL_MS)
        mac.compose_all(bench)
    bench.run(bench.now_ms + 45_000)  # a reading takes so long, and it is not yet time for another
    mac.compose_all(bench)
    assert set(sensors.taken) == readings_in(mac.payloads)


@pytest.mark.parametrize("room", [51, 115, 222])
def test_a_payload_keeps_to_the_room_it_is_given(make, room):
    mac = RecordingMac(room)
    Bench(Node(make(), mac), Sensors(3)).run(DAY_MS)
    assert mac.payloads
    assert max(len(payload) for _, _, payload in mac.payloads) <= room


def test_no_more_frames_wait_than_a_mac_has_room_for(make):
    mac = LateMac()
    Bench(Node(make(), mac), Sensors(4)).run(DAY_MS)
    assert len(mac.waiting) <= MAX_WAITING


def test_it_sleeps_between_its_readings(make):
    mind, sensors = make(), Sensors(5)
    mac = RecordingMac()
    Bench(Node(mind, mac), sensors).run(DAY_MS)
    woken = sum(isinstance(event, Woke) for event in mac.heard)
    assert woken <= 8 * len(sensors.taken) + 10  # warm-up and samples; the boot, status and repeats of events


def test_after_it_was_woken_it_names_a_later_time_or_none(make):
    mind = make()
    now_ms = 0
    for _ in range(20):
        mind.handle(Woke(), now_ms)
        wake_ms = mind.wake_at()
        assert wake_ms is None or wake_ms > now_ms
        now_ms = wake_ms


def test_being_woken_for_the_mac_changes_nothing(make):
    """The alarm may be the MAC's: node and body hand `Woke` to both."""
    mind = make()
    mind.handle(Woke(), 0)
    wake_ms = mind.wake_at()
    for now_ms in range(1, wake_ms, wake_ms // 7):
        assert mind.handle(Woke(), now_ms) == []
        assert mind.wake_at() == wake_ms


def test_a_late_alarm_makes_one_reading_not_the_missed_ones(make):
    sensors, mac = Sensors(7), RecordingMac()
    bench = Bench(Node(make(), mac), sensors)
    bench.run(INTERVAL_MS - 1)
    bench.now_ms = 40 * INTERVAL_MS
    bench.run(41 * INTERVAL_MS - 1)
    assert len(sensors.taken) == 2


def test_events_it_does_not_know_do_no_harm(make):
    mind = make()
    mind.handle(Woke(), 0)
    wake_ms = mind.wake_at()
    for event in (Transmitted(), WindowClosed(), FrameHeard(b"\0", -90, 20), Downlink(223, b"\xff"), object()):
        assert mind.handle(event, 1) == []
    assert mind.wake_at() == wake_ms


def test_silent_sensors_are_told_as_not_known(make):
    mac = RecordingMac()
    nothing = (None,) * len(quantities_of(AIR_FULL))
    Bench(Node(make(), mac), lambda set_number, now_ms: nothing).run(INTERVAL_MS - 1)
    assert readings_in(mac.payloads) == {nothing}


def test_the_same_events_give_the_same_payloads(make):
    macs = [RecordingMac(), RecordingMac()]
    for mac in macs:
        Bench(Node(make(), mac), Sensors(6)).run(DAY_MS)
    assert macs[0].payloads == macs[1].payloads
