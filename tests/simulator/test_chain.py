"""The whole chain: the same seed gives the same city, loss does not lose data, and every truth notices its fault."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from firmware.duty import Ledger
from firmware.flight import Flight
from firmware.mac import Mac
from firmware.session import Identity
from gateway.store.records import RecordStore
from protocol.region import Plan
from simulator import chain as chain_module
from simulator.chain import (
    DELIVERED,
    DUTY_CYCLE,
    F_CNT_ONCE,
    NOT_REFUSED,
    NOTHING_INVENTED,
    PUBLISHED_ONCE,
    Chain,
    Settings,
)
from simulator.report import Report

REPOSITORY = Path(__file__).parents[2]


def run(**settings: Any) -> tuple[Chain, Report, list[dict[str, Any]]]:
    """A run from begin to end: the chain, its report, and what was published."""
    lines = io.StringIO()
    chain = Chain(Settings(**settings), lines)
    chain.run(chain.settings.hours * 3600)
    return chain, chain.finish(), [json.loads(line) for line in lines.getvalue().splitlines()]


def digest_of(**settings: Any) -> str:
    return run(**settings)[1].digest


def broken_truths(report: Report) -> set[str]:
    return {truth.name for truth in report.truths if not truth.held}


def test_without_loss_every_reading_arrives_as_it_was_sensed():
    chain, report, published = run(nodes=3, hours=6, loss=0.0)
    assert report.failures == []
    assert report.readings["taken"] == report.readings["delivered"] == len(published)
    assert report.uplinks["sent"] == report.uplinks["received"]
    places = {f"corner-{number + 1:02}": name for number, name in enumerate(chain.views)}
    for message in published:
        time_us, values = chain.taken[places[message["place"]]][message["seq"]]
        shown = message["values"]
        assert values == (
            *(round(shown[name] * 10) for name in ("pm1", "pm2_5", "pm4", "pm10")),
            shown["co2"],
            round(shown["temperature"] * 10),
            shown["relative_humidity"],
            round(shown["pressure"] * 10),
        )
        assert message["received"] >= message["observed"]
        assert time_us >= 0


def test_a_fifth_of_the_frames_lost_leaves_99_percent_of_the_readings():
    _, report, _ = run(loss=0.2)
    assert report.failures == []
    assert report.readings["delivered"] >= 0.99 * report.readings["taken"]
    assert report.lost["chance"] > 0.15 * report.uplinks["sent"]


def test_frames_sent_are_received_or_lost_or_still_on_the_air():
    _, report, _ = run(nodes=20, hours=4, loss=0.3)
    in_flight = report.uplinks["sent"] - report.uplinks["received"] - sum(report.lost.values())
    assert 0 <= in_flight <= 2


def test_an_expectation_that_is_not_met_is_a_failure():
    _, report, _ = run(nodes=2, hours=4, loss=0.9)
    assert report.failures == [DELIVERED]
    [expectation] = report.expectations
    assert expectation.value < 0.99


def test_nothing_at_all_delivered_is_a_failure_too():
    _, report, published = run(nodes=2, hours=1, loss=1.0)
    assert (report.readings["delivered"], published) == (0, [])
    assert report.failures == [DELIVERED]


def test_the_same_seed_gives_the_same_digest_and_another_another():
    digests = [digest_of(seed=seed, nodes=4, hours=3) for seed in (1, 1, 2)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("changed", [{"nodes": 5}, {"hours": 4}, {"loss": 0.11}])
def test_other_settings_give_another_digest(changed):
    assert digest_of(**({"nodes": 4, "hours": 3} | changed)) != digest_of(nodes=4, hours=3)


def test_run_in_pieces_or_at_once_the_digest_is_the_same():
    chain = Chain(Settings(nodes=4, hours=3), io.StringIO())
    for until_s in range(0, 3 * 3600 + 1, 600):
        chain.run(until_s)
    assert chain.finish().digest == digest_of(nodes=4, hours=3)


def test_the_digest_does_not_hang_on_the_order_of_hashes(tmp_path):
    command = "simulate run --nodes 4 --hours 3 --loss 0 --json"
    digests = set()
    for hash_seed in ("0", "1", "4711"):
        report = tmp_path / f"{hash_seed}.json"
        subprocess.run(
            [sys.executable, "lampyre.py", *command.split(), report],
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            check=True,
            capture_output=True,
            timeout=120,
        )
        digests.add(json.loads(report.read_text(encoding="utf-8"))["digest"])
    assert digests == {digest_of(nodes=4, hours=3, loss=0.0)}


def test_the_database_does_not_change_the_run(tmp_path):
    assert digest_of(nodes=3, hours=2, database=tmp_path / "run.sqlite") == digest_of(nodes=3, hours=2)


def test_one_more_node_does_not_reshuffle_the_others():
    ten, _, _ = run(nodes=10, hours=3)
    eleven, _, _ = run(nodes=11, hours=3)
    assert list(eleven.taken)[:10] == list(ten.taken)
    for name, taken in ten.taken.items():
        assert len(taken) >= 11
        assert eleven.taken[name] == taken


def test_more_loss_does_not_change_what_is_sensed():
    assert run(nodes=4, hours=3, loss=0.0)[0].taken == run(nodes=4, hours=3, loss=0.5)[0].taken


def test_nodes_are_switched_on_at_different_times_and_sense_out_of_step():
    chain, _, _ = run(nodes=20, hours=1)
    firsts = {taken[0][0] for taken in chain.taken.values()}
    assert len(firsts) == 20


# Faults planted on purpose: each truth must be able to fail.


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
    """Was flashed with other keys than the gateway was told."""

    def __init__(self, identity: Identity, plan: Plan, dr: int, adr: bool) -> None:
        assert identity.abp
        identity.abp = (identity.abp[0], bytes(16), bytes(16))
        super().__init__(identity, plan, dr=dr, adr=adr)


class LyingStore(RecordStore):
    """Gives back the fourth record otherwise than it was."""

    def lie(self, message: dict[str, Any]) -> None:
        raise NotImplementedError

    def messages(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        for row_id, message in super().messages(after):
            if row_id == 4:
                self.lie(message)
            yield row_id, message


class ValueLie(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        message["values"]["co2"] += 1


class ForgottenValue(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        del message["values"]["pressure"]


class SwappedUnit(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        message["values"]["temperature"] *= 10


class WrongDay(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        message["observed"] = message["observed"].replace("2026-01-01", "2026-01-02")


class NoDate(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        message["observed"] = None


class InventedReading(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        message["seq"] = 60_000


class WrongEpoch(LyingStore):
    def lie(self, message: dict[str, Any]) -> None:
        message["epoch"] ^= 1


class TwiceStore(RecordStore):
    """Publishes the fourth record again."""

    def messages(self, after: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
        for row_id, message in super().messages(after):
            yield row_id, message
            if row_id == 4:
                yield row_id, message


FAULTS = [
    ("Mac", ForgetfulMac, {F_CNT_ONCE, NOT_REFUSED}),
    ("Mac", GreedyMac, {DUTY_CYCLE}),
    ("Mac", StrangerMac, {NOT_REFUSED}),
    ("RecordStore", ValueLie, {NOTHING_INVENTED}),
    ("RecordStore", ForgottenValue, {NOTHING_INVENTED}),
    ("RecordStore", SwappedUnit, {NOTHING_INVENTED}),
    ("RecordStore", WrongDay, {NOTHING_INVENTED}),
    ("RecordStore", NoDate, {NOTHING_INVENTED}),
    ("RecordStore", InventedReading, {NOTHING_INVENTED}),
    ("RecordStore", WrongEpoch, {NOTHING_INVENTED}),
    ("RecordStore", TwiceStore, {PUBLISHED_ONCE}),
]


def always_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Often and slowly enough for a greedy MAC to be caught."""
    monkeypatch.setattr(chain_module, "INTERVAL_S", 20)
    monkeypatch.setattr(chain_module, "_DATA_RATES", (0,))


@pytest.mark.parametrize(("part", "fault", "truths"), FAULTS, ids=[fault.__name__ for _, fault, _ in FAULTS])
def test_a_planted_fault_breaks_its_truth(part, fault, truths, monkeypatch):
    monkeypatch.setattr(chain_module, part, fault)
    always_sending(monkeypatch)
    _, report, _ = run(nodes=1, hours=1, loss=0.0)
    assert broken_truths(report) == truths
    assert truths <= set(report.failures)


def test_every_truth_has_a_fault_that_breaks_it_and_holds_without():
    _, report, _ = run(nodes=2, hours=1, loss=0.0)
    assert broken_truths(report) == set()
    assert {truth.name for truth in report.truths} == {truth for _, _, truths in FAULTS for truth in truths}


def test_the_same_pace_with_an_honest_mac_keeps_the_duty_cycle(monkeypatch):
    always_sending(monkeypatch)
    _, report, _ = run(nodes=1, hours=2, loss=0.0)
    assert broken_truths(report) == set()


def test_a_database_that_cannot_be_opened_is_sqlites_error(tmp_path):
    with pytest.raises(apsw.Error):
        Chain(Settings(database=tmp_path / "nowhere" / "run.sqlite"), io.StringIO())
