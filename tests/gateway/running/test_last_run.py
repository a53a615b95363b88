"""Why a run began, from what the one before left."""

from pathlib import Path

from gateway.running.last_run import FIRST, KILLED, MACHINE, STOPPED, LastRun


def runs(folder: Path, boot_id: str = "one") -> LastRun:
    (folder / "boot_id").write_text(f"{boot_id}\n")
    return LastRun(folder / "last-run", folder / "boot_id")


def test_the_first_start_has_nothing_before_it(tmp_path):
    assert runs(tmp_path).begin() == FIRST


def test_a_run_that_was_stopped_says_so_whatever_the_machine_did_after(tmp_path):
    first = runs(tmp_path)
    first.begin()
    first.end(None)
    assert runs(tmp_path, "two").begin() == STOPPED


def test_a_run_without_an_end_was_killed_unless_the_machine_went_down_with_it(tmp_path):
    runs(tmp_path).begin()
    assert runs(tmp_path).begin() == KILLED
    assert runs(tmp_path, "two").begin() == MACHINE


def test_a_run_that_ended_itself_says_why(tmp_path):
    first = runs(tmp_path)
    first.begin()
    first.end("the database is\ndamaged")
    assert runs(tmp_path).begin() == "the gateway had ended itself: the database is damaged"


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path, caplog):
    missing = LastRun(tmp_path / "gone" / "last-run", tmp_path / "boot_id")
    assert missing.begin() == FIRST
    missing.end(None)
    assert "last-run" in caplog.text


def test_a_file_of_anything_is_not_believed(tmp_path):
    (tmp_path / "last-run").write_bytes(b"\xff\xfe what")
    assert runs(tmp_path).begin() == FIRST
