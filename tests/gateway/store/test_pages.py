"""Rows read straight from pages, against SQLite, which wrote them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.pages import scan

INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(-300, 300)
ROWS = st.dictionaries(
    INTEGERS,
    st.tuples(
        st.none() | INTEGERS,
        st.text(max_size=20) | st.none(),
        st.binary(max_size=60) | st.integers(900, 5000).map(lambda size: bytes(range(256)) * (size // 256) + b"end"),
    ),
    max_size=40,
)


@contextmanager
def written(rows: dict) -> Iterator[tuple[Path, apsw.Connection]]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.sqlite"
        database = apsw.Connection(str(path))
        database.pragma("page_size", 1024)
        database.pragma("journal_mode", "WAL")
        database.pragma("synchronous", "OFF")
        database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c)")
        database.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(row_id, *row) for row_id, row in rows.items()])
        yield path, database
        database.close()


@given(ROWS)
def test_every_row_of_a_whole_file_is_found_as_it_was_written(rows):
    with written(rows) as (path, database):
        database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        found = {_unsigned(row[0]): row[1:] for row in scan(path, 4, 1024)}
        assert found == {_unsigned(row_id): row for row_id, row in rows.items()}


@given(ROWS)
def test_rows_of_the_log_are_found_but_for_those_that_go_on_elsewhere(rows):
    with written(rows) as (path, _database):
        found = {_unsigned(row[0]): row[1:] for row in scan(path, 4, 1024)}
        short = {_unsigned(row_id): row for row_id, row in rows.items() if len(row[2]) < 500}
        assert {row_id: row for row_id, row in found.items() if row_id in short} == short


@given(st.binary(max_size=3000), st.integers(0, 3))
def test_noise_is_no_row_and_no_error(noise, pages):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "noise"
        path.write_bytes(b"\x0d" + noise + bytes(1024 * pages))
        for row in scan(path, 4, 1024):
            assert len(row) == 4


def _unsigned(row_id: object) -> int:
    """Ids below zero, which no table of ours has, are read as the unsigned number of the same bits."""
    assert isinstance(row_id, int)
    return row_id & ((1 << 64) - 1)
