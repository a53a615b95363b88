"""What a person sees: a row for each node while it runs, sentences at the end."""

import io

from rich.console import Console, RenderableType

from simulator.chain import Chain, Settings
from simulator.report.report import Expectation, Report, Truth
from simulator.report.view import live_table, summary


def shown(what: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(what)
    return console.file.getvalue()


def test_the_table_shows_each_node_with_its_latest_values():
    chain = Chain(Settings(nodes=3, hours=2, loss=0.0), io.StringIO())
    before = shown(live_table(chain, 30))
    assert "3 air nodes, seed 1: 00:00 of 2:00 h" in before
    assert before.count("–") == 3 * 4  # no frame was heard and three values are not known yet of each
    chain.run(5400)
    after = shown(live_table(chain, 30))
    assert "01:30 of 2:00 h" in after
    for view in chain.views.values():
        [row] = [line for line in after.splitlines() if view.name in line]
        assert str(view.latest["pm2_5"]) in row
        assert str(view.latest["co2"]) in row


def test_a_long_street_says_how_many_more_there_are():
    text = shown(live_table(Chain(Settings(nodes=30), io.StringIO()), 32))
    assert "air-24" in text
    assert "air-25" not in text
    assert "… and 6 more" in text


def test_the_summary_says_what_held_and_what_did_not():
    report = Report(
        seed=1,
        hours=24,
        nodes=10,
        loss=0.1,
        uplinks={"sent": 200, "received": 150},
        readings={"taken": 100, "delivered": 90},
        lost={"chance": 49, "collision": 1},
        refused={},
        airtime_s=12.4,
        truths=[Truth("the earth is round", True), Truth("the moon is cheese", False)],
        expectations=[Expectation("delivered >= 0.99", 0.9, False)],
        digest="abc",
    )
    assert shown(summary(report)).splitlines() == [
        "90 of 100 readings delivered (90.0 %)",
        "150 of 200 frames received (75.0 %); lost: 49 by chance, 1 by collision",
        "12 s on the air in 24 h by 10 nodes",
        "✓ the earth is round",
        "✗ the moon is cheese",
        "✗ delivered >= 0.99 (it is 0.9)",
        "digest abc",
    ]
