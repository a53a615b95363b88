"""The files that a run writes."""

import json

from simulator.commands.outputs import Outputs
from tests.simulator.report.days import made_report
from tests.simulator.report.test_boards import visit


def test_json_and_page_tell_of_virtual_boards_and_the_digest_stays_the_reports(tmp_path):
    report = made_report()
    visits = [visit(), visit("bridge", wakes=0)]
    Outputs(json=tmp_path / "day.json", html=tmp_path / "day.html").write(report, 1.0, "en", visits)
    written = json.loads((tmp_path / "day.json").read_text(encoding="utf-8"))
    assert [board["heap_alive_b"] for board in written["boards"]] == [107_408, 107_408]
    assert written["digest"] == report.digest == made_report().digest
    assert "2 boards ran the firmware itself" in (tmp_path / "day.html").read_text(encoding="utf-8")


def test_without_boards_the_list_is_empty(tmp_path):
    Outputs(json=tmp_path / "day.json").write(made_report(), 1.0, "en")
    assert json.loads((tmp_path / "day.json").read_text(encoding="utf-8"))["boards"] == []
