"""Mistakes planted in node and gateway: the truths of a whole run find each, and name it."""

from typing import Any

import orjson
import pytest

from firmware.duty import Ledger
from firmware.flight import Flight
from firmware.mac import Mac
from gateway.publish.messages import Message, Messenger
from gateway.readings.record import Kind, Record
from protocol.dimming import EVERY_DAY, SUNSET, DayType, Programme, Step
from simulator.chain.chain import Chain
from simulator.scenario.model import Fault, FaultKind, Radio, Role
from simulator.truths.breaches import (
    DUTY_CYCLE,
    F_CNT_ONCE,
    NO_DARK_STREET,
    NOT_REFUSED,
    NOTHING_INVENTED,
    NOTHING_LOST,
    PUBLISHED_ONCE,
)
from tests.simulator.chain.runs import HOUR_S, broken, node, nodes, run, scenario

SLOW = Radio(shadowing_db=0.0, fading_db=0.0, dr=0)
BUSY = (node(Role.AIR, 1, interval_s=60),)


class ForgetfulMac(Mac):
    """Comes back from a power cut with an older counter."""

    def handle(self, event: object, now_ms: int) -> list[object]:
        actions = super().handle(event, now_ms)
        if self._ups.next == 20:
            self._ups.next = 10
        return actions


class GreedyMac(Mac):
    """Knows no duty cycle."""

    def _free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        return 0

    def _launch(self, out: list[object], flight: Flight, now_ms: int) -> None:
        self._access.ledger = Ledger()
        super()._launch(out, flight, now_ms)


class LyingMessenger(Messenger):
    """Tells another value than was stored."""

    def messages_of(self, row_id: int, record: Record, historical: bool = False) -> tuple[Message, ...] | None:
        return tuple(_changed(message) for message in super().messages_of(row_id, record, historical) or ())


class TwiceMessenger(Messenger):
    """Publishes everything again."""

    def messages_of(self, row_id: int, record: Record, historical: bool = False) -> tuple[Message, ...] | None:
        return 2 * (super().messages_of(row_id, record, historical) or ())


class SilentMessenger(Messenger):
    """Publishes nothing of every third row."""

    def messages_of(self, row_id: int, record: Record, historical: bool = False) -> tuple[Message, ...] | None:
        return super().messages_of(row_id, record, historical) if row_id % 3 or record.kind is Kind.NOTICE else ()


def _changed(message: Message) -> Message:
    told: dict[str, Any] = orjson.loads(message.payload)
    if told["kind"] == "reading":
        told["values"]["co2"] += 1
    return message._replace(payload=orjson.dumps(told))


@pytest.mark.parametrize(
    ("where", "fault", "what", "truths"),
    [
        ("simulator.fleet.births.Mac", ForgetfulMac, scenario(6), {F_CNT_ONCE, NOT_REFUSED}),
        ("simulator.fleet.births.Mac", GreedyMac, scenario(1, nodes=BUSY, radio=SLOW), {DUTY_CYCLE}),
        ("simulator.chain.cabinet.process.Messenger", LyingMessenger, scenario(1), {NOTHING_INVENTED}),
        ("simulator.chain.cabinet.process.Messenger", TwiceMessenger, scenario(1), {PUBLISHED_ONCE}),
        (
            "simulator.chain.cabinet.process.Messenger",
            SilentMessenger,
            scenario(3, final_quiet_s=HOUR_S),
            {NOTHING_LOST},
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_planted_fault_breaks_its_truth(where, fault, what, truths, monkeypatch):
    monkeypatch.setattr(where, fault)
    _, report, _ = run(what)
    assert broken(report) == truths
    assert all(("day 0 " in truth.event) != truth.held for truth in report.truths)


def test_an_honest_node_as_busy_keeps_the_duty_cycle():
    assert broken(run(scenario(1, nodes=BUSY, radio=SLOW))[1]) == set()


def test_a_card_that_loses_what_was_on_it_is_found():
    cut = Fault(kind=FaultKind.GATEWAY_POWER_CUT, targets=("mast",), from_s=HOUR_S, for_s=60.0)
    chain = Chain(scenario(3, faults=(cut,)))
    chain.run(HOUR_S + 30)
    assert chain.cabinet.database is not None
    chain.cabinet.database.execute("DELETE FROM record WHERE id > 3")
    chain.run(chain.scenario.end_s)
    assert NOTHING_LOST in broken(chain.finish())


class Dark:
    """A programme that says nothing but 0 %."""

    @staticmethod
    def encode() -> bytes:
        return Programme(DayType(EVERY_DAY, Step(SUNSET, 0, 0, 60))).encode()


def test_a_lamp_that_nobody_ordered_dark_is_found(monkeypatch):
    monkeypatch.setattr("simulator.fleet.fleet.DEFAULT_PROGRAMME", Dark)
    _, report, _ = run(scenario(14, nodes=nodes(light=1)))  # from 08:00 to 22:00
    assert broken(report) == {NO_DARK_STREET}
    assert report.figures["dark_lamp_min"] > 60
