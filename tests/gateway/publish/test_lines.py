"""JSON lines: one record a line, with a cursor."""

import io
import json

from gateway.publish.lines import publish_lines, to_line
from gateway.store.database import open_database
from gateway.store.records import RecordStore
from tests.gateway.store.test_records import commit_of


def test_a_message_is_one_line_that_keeps_its_characters():
    line = to_line({"place": "Rue de l’Église\n", "values": {"co2": None}})
    assert line == '{"place":"Rue de l’Église\\n","values":{"co2":null}}\n'


def test_the_cursor_takes_up_where_it_was():
    store = RecordStore(open_database(":memory:"))
    store.commit(commit_of(1, 0))
    out = io.StringIO()
    cursor = publish_lines(store, out)
    assert publish_lines(store, out, cursor) == cursor
    store.commit(commit_of(3, 2, 1))
    assert publish_lines(store, out, cursor) > cursor
    assert [json.loads(line)["seq"] for line in out.getvalue().splitlines()] == [0, 1, 2, 3]
