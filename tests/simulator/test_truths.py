"""Faults planted on purpose: each truth notices its own, and none cries wolf."""

from abc import ABC, abstractmethod
from typing import Any

import orjson
import pytest

from firmware.duty import Ledger
from firmware.flight import Flight
from firmware.mac import Mac
from firmware.session import Identity
from gateway.publish.messages import Message, Messenger
from gateway.readings.record import Record
from protocol.region import Plan
from simulator import cabinet as cabinet_module
from simulator import chain as chain_module
from simulator.air.interface import OnAir
from simulator.truths import DUTY_CYCLE, F_CNT_ONCE, NOT_REFUSED, NOTHING_INVENTED, PUBLISHED_ONCE, Witness
from tests.simulator.runs import broken_truths, run


class ForgetfulMac(Mac):
    """Comes back from a power cut with an older counter."""

    def handle(self, event: object, now_ms: int) -> list[object]:
        actions = super().handle(event, now_ms)
        if self._ups.next == 6:
            self._ups.next = 4
        return actions


class GreedyMac(Mac):
    """Knows no duty cycle."""

    def _free_at(self, channels: tuple[tuple[int, int, int], ...], frame_ms: int) -> int:
        return 0

    def _launch(self, out: list[object], flight: Flight, now_ms: int) -> None:
        self._access.ledger = Ledger()
        super()._launch(out, flight, now_ms)


class StrangerMac(Mac):
    """Was flashed with another key than the gateway was told: nobody lets it in."""

    def __init__(self, identity: Identity, plan: Plan) -> None:
        super().__init__(Identity(identity.dev_eui, identity.join_eui, bytes(16)), plan)


class LyingMessenger(Messenger, ABC):
    """Tells the fourth reading otherwise than it is stored."""

    @abstractmethod
    def lie(self, message: dict[str, Any]) -> None:
        """Change the message."""

    def messages_of(self, row_id: int, record: Record, historical: bool = False) -> tuple[Message, ...] | None:
        messages = super().messages_of(row_id, record, historical)
        return tuple(self._changed(message) for message in messages or ())

    def _changed(self, message: Message) -> Message:
        told = orjson.loads(message.payload)
        if told["kind"] == "reading" and told["key"]["seq"] == 3:
            self.lie(told)
        return message._replace(payload=orjson.dumps(told))


class ValueLie(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        message["values"]["co2"] += 1


class ForgottenValue(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        del message["values"]["pressure"]


class SwappedUnit(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        message["values"]["temperature"] *= 10


class WrongDay(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        message["observed"] = message["observed"].replace("2026-01-01", "2026-01-02")


class NoDate(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        message["observed"] = None


class InventedReading(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        message["key"]["seq"] = 60_000


class WrongEpoch(LyingMessenger):
    def lie(self, message: dict[str, Any]) -> None:
        message["key"]["epoch"] ^= 1


class TwiceMessenger(Messenger):
    """Publishes everything again."""

    def messages_of(self, row_id: int, record: Record, historical: bool = False) -> tuple[Message, ...] | None:
        return 2 * (super().messages_of(row_id, record, historical) or ())


FAULTS = [
    ("Mac", ForgetfulMac, {F_CNT_ONCE, NOT_REFUSED}),
    ("Mac", GreedyMac, {DUTY_CYCLE}),
    ("Mac", StrangerMac, {NOT_REFUSED}),
    ("Messenger", ValueLie, {NOTHING_INVENTED}),
    ("Messenger", ForgottenValue, {NOTHING_INVENTED}),
    ("Messenger", SwappedUnit, {NOTHING_INVENTED}),
    ("Messenger", WrongDay, {NOTHING_INVENTED}),
    ("Messenger", NoDate, {NOTHING_INVENTED}),
    ("Messenger", InventedReading, {NOTHING_INVENTED}),
    ("Messenger", WrongEpoch, {NOTHING_INVENTED}),
    ("Messenger", TwiceMessenger, {PUBLISHED_ONCE}),
]


@pytest.fixture(name="always_sending")
def _always_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Often and slowly enough for a greedy MAC to be caught."""
    monkeypatch.setattr(chain_module, "INTERVAL_S", 20)
    monkeypatch.setattr(chain_module, "_DATA_RATES", (0,))


@pytest.mark.usefixtures("always_sending")
@pytest.mark.parametrize(("part", "fault", "truths"), FAULTS, ids=[fault.__name__ for _, fault, _ in FAULTS])
def test_a_planted_fault_breaks_its_truth(part, fault, truths, monkeypatch):
    monkeypatch.setattr(cabinet_module if part == "Messenger" else chain_module, part, fault)
    _, report, _ = run(nodes=1, hours=1, loss=0.0)
    assert broken_truths(report) == truths
    assert truths <= set(report.failures)


def test_every_truth_has_a_fault_that_breaks_it_and_holds_without():
    _, report, _ = run(nodes=2, hours=1, loss=0.0)
    assert broken_truths(report) == set()
    assert {truth.name for truth in report.truths} == {truth for _, _, truths in FAULTS for truth in truths}


@pytest.mark.usefixtures("always_sending")
def test_the_same_pace_with_an_honest_mac_keeps_the_duty_cycle():
    _, report, _ = run(nodes=1, hours=2, loss=0.0)
    assert broken_truths(report) == set()


@pytest.mark.parametrize(
    ("copies", "refusals", "held"), [(2, ["replayed"], True), (1, ["replayed"], False), (2, ["wrong_mic"], False)]
)
def test_only_the_second_of_a_frame_sent_twice_on_purpose_may_be_refused(copies, refusals, held):
    witness = Witness(0)
    for copy in range(copies):
        witness.sent(
            OnAir(
                sender="air-01",
                phy_payload=bytes.fromhex("40 04030201 00 0100 01 AA 00000000"),
                freq_hz=868_100_000,
                dr=5,
                power_dbm=14,
                start_us=copy * 5_000_000,
                end_us=copy * 5_000_000 + 50_000,
            )
        )
    for reason in refusals:
        witness.refuse(reason)
    assert [truth.name for truth in witness.truths() if not truth.held] == ([] if held else [NOT_REFUSED])
