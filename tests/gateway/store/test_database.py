"""How the file is opened: durable in the field, without the physical sync in virtual time."""

import apsw
import pytest

from gateway.store.database import open_database, read_database


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 0)])
def test_every_commit_is_synced_unless_time_is_virtual(tmp_path, durable, synchronous):
    database = open_database(tmp_path / "gateway.sqlite", durable=durable)
    assert database.pragma("journal_mode") == "wal"
    assert database.pragma("synchronous") == synchronous


def test_a_directory_that_is_not_there_is_an_error_of_sqlite(tmp_path):
    with pytest.raises(apsw.CantOpenError):
        open_database(tmp_path / "nowhere" / "gateway.sqlite")


def test_reading_makes_no_file(tmp_path):
    path = tmp_path / "gateway.sqlite"
    with pytest.raises(apsw.CantOpenError):
        read_database(path)
    assert not path.exists()


def test_what_is_opened_to_read_cannot_be_written(tmp_path):
    path = tmp_path / "gateway.sqlite"
    open_database(path).execute("CREATE TABLE t (x)")
    with pytest.raises(apsw.ReadOnlyError):
        read_database(path).execute("INSERT INTO t VALUES (1)")
