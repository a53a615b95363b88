"""The figures of the page: their sentences say what the run showed, and their tables hold what is drawn."""

from dataclasses import replace

from simulator.report.plots import Figure, figures, map_figure
from simulator.report.report import Report, SubBandUse
from tests.simulator.report.days import made_report


def named(report: Report) -> dict[str, Figure]:
    return {figure.key: figure for figure in figures(report)}


def test_what_may_still_be_on_its_way_is_not_drawn_as_lost():
    """The grace of the made-up day is the last three quarters of an hour."""
    rows = named(made_report())["delivery"].rows
    assert [row[1].en for row in rows[-4:]] == ["100", "–", "–", "–"]
    assert [row[2].en != "–" for row in rows[-4:]] == [True] * 4  # frames are lost or not, at once


def test_sentences_say_what_is_in_the_report():
    report = made_report()
    titles = {key: figure.title.en for key, figure in named(report).items()}
    lost = sum(report.lost.values()) / report.uplinks["sent"]
    assert f"though {100 * lost:.1f}\u202f% of the frames were lost" in titles["delivery"]
    assert titles["latency"].startswith("Half of the readings arrived within 2\u00a0s")
    assert titles["losses"].startswith("Most frames that were lost had one cause: chance")
    assert titles["lamps"] == "Lamps shone for about 13 of 24 hours."
    assert titles["power"].startswith("A lamp took 25 W at most")
    assert report.roles[0].battery_p10_years is not None
    assert f"longer than {report.roles[0].battery_p10_years:g} years" in titles["battery"]


def test_airtime_beyond_what_is_allowed_is_said():
    report = made_report()
    use = SubBandUse(
        name="M", limit_pct=1.0, mean_pct=0.1, busiest_pct=1.5, busiest="air-003", gateway_pct=0.2, gateway="gw-1"
    )
    report.sub_bands = [use]
    assert named(report)["airtime"].title.en.startswith("In sub-band M 150\u202f% of the airtime allowed")
    report.sub_bands = [replace(use, busiest_pct=0.5)]
    assert named(report)["airtime"].title.en.startswith("Nobody used more than 50\u202f%")


def test_what_there_was_not_has_no_figure():
    report = made_report()
    assert "joins" not in named(report)  # all joined in the first minute
    report.over.backlog[:] = [0] * len(report.over.backlog)
    report.over.bays.clear()
    report.over.lamps.clear()
    report.over.values.clear()
    report.lost, report.sub_bands, report.spots = {"chance": 0}, [], []
    assert named(report).keys() == {"delivery", "latency", "spreading"}
    assert map_figure(report) is None


def test_a_fleet_that_comes_back_is_drawn():
    report = made_report()
    report.over.joined[:3] = [5, 15, 10]
    figure = named(report)["joins"]
    assert figure.title.en == "Nodes were let in 30 times."
    assert [row[1].en for row in figure.rows[:4]] == ["5", "20", "30", "30"]


def test_every_table_has_as_many_cells_as_its_head():
    report = made_report()
    for figure in [*figures(report), map_figure(report)]:
        assert figure.rows
        assert {len(row) for row in figure.rows} == {len(figure.head)}
