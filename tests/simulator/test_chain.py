"""The whole chain: the same seed gives the same city, and loss does not lose data."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from jsonschema import Draft202012Validator

from gateway.api.reading import read_rows
from simulator.chain import DELIVERED, Chain, Settings
from tests.simulator.runs import readings_of, run

REPOSITORY = Path(__file__).parents[2]


def digest_of(**settings: object) -> str:
    return run(**settings)[1].digest


def test_without_loss_every_reading_arrives_as_it_was_sensed():
    chain, report, published = run(nodes=3, hours=6, loss=0.0)
    readings = readings_of(published)
    assert report.failures == []
    assert report.readings["taken"] == report.readings["delivered"] == len(readings)
    assert report.uplinks["sent"] == report.uplinks["received"]
    stations = {f"92002-station-{number + 1:02}": name for number, name in enumerate(chain.views)}
    for message in readings:
        _, values = chain.witness.taken[stations[message["place"]]][message["key"]["seq"]]
        shown = message["values"]
        assert values == (
            *(round(shown[name] * 10) for name in ("pm1", "pm2_5", "pm4", "pm10")),
            shown["co2"],
            round(shown["temperature"] * 10),
            shown["relative_humidity"],
            round(shown["pressure"] * 10),
        )
        assert message["received"] >= message["observed"]


def test_what_is_published_is_as_the_schema_says_and_tells_of_more_than_readings():
    schema = json.loads((REPOSITORY / "gateway/publish/schemas/message.json").read_text(encoding="utf-8"))
    _, _, published = run(nodes=3, hours=8, loss=0.5)
    validator = Draft202012Validator(schema)
    assert [error.message for message in published for error in validator.iter_errors(message)] == []
    assert {message["kind"] for message in published} == {"reading", "status", "notice"}


def test_a_node_that_falls_silent_is_told_once_and_so_is_its_return():
    _, _, published = run(nodes=3, hours=8, loss=0.5)
    told: dict[str, list[str]] = {}
    for message in published:
        if message["kind"] == "notice":
            told.setdefault(message["key"]["dev_eui"], []).append(message["notice"]["notice"])
    assert told
    assert told.pop(None) == ["broker_connected"]
    for notices in told.values():
        assert notices == [("silent", "back")[at % 2] for at in range(len(notices))]


def test_nodes_join_over_the_air_and_speak_as_fast_as_reaches():
    chain, _, published = run(nodes=9, hours=6, loss=0.0)
    assert len({message["key"]["dev_eui"] for message in published}) == 9
    assert [view.dr for view in chain.views.values()] == [5, 5, 4, 4, 3, 3, 2, 1, 0]  # and ADR leaves it at that


def test_the_database_holds_what_was_published(tmp_path):
    _, _, published = run(nodes=2, hours=2, database=tmp_path / "run.sqlite")
    kept = list(read_rows(tmp_path / "run.sqlite"))
    assert [{name: row[name] for name in row if name != "id"} for row in kept] == published


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


def test_one_more_node_does_not_change_what_the_others_sense():
    """Only the air and the gateway's answers differ: they are shared."""
    ten, _, _ = run(nodes=10, hours=3)
    eleven, _, _ = run(nodes=11, hours=3)
    assert list(eleven.views)[:10] == list(ten.views)
    for name, taken in ten.witness.taken.items():
        assert len(taken) >= 11
        assert eleven.witness.taken[name] == taken


def test_more_loss_does_not_change_what_is_sensed():
    assert run(nodes=4, hours=3, loss=0.0)[0].witness.taken == run(nodes=4, hours=3, loss=0.5)[0].witness.taken


def test_nodes_are_switched_on_at_different_times_and_sense_out_of_step():
    chain, _, _ = run(nodes=20, hours=1)
    firsts = {taken[0][0] for taken in chain.witness.taken.values()}
    assert len(firsts) == 20


def test_a_database_that_cannot_be_opened_is_the_systems_or_sqlites_error(tmp_path):
    with pytest.raises(IsADirectoryError):
        Chain(Settings(database=tmp_path), io.StringIO())
    text = tmp_path / "notes.txt"
    text.write_text("no database\n" * 100, encoding="utf-8")
    with pytest.raises(apsw.NotADBError):
        Chain(Settings(database=text), io.StringIO())
