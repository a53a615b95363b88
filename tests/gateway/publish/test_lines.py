"""JSON lines: a message a line, with a cursor."""

import io
import json

from gateway.publish.lines import publish_lines, to_line
from tests.fakes.town import TWO_BAYS_CONTENT, air_town, messenger_of, record_of, two_bay_town


def test_a_message_is_one_line_that_keeps_its_characters():
    line = to_line({"place": "Rue de l’Église\n", "values": {"co2": None}})
    assert line == '{"place":"Rue de l’Église\\n","values":{"co2":null}}\n'


def test_a_line_for_each_message_and_the_last_row_for_the_next_call():
    out = io.StringIO()
    rows = [(4, record_of(1, 0, content=TWO_BAYS_CONTENT)), (6, record_of(1, 1, content=TWO_BAYS_CONTENT))]
    assert publish_lines(rows, messenger_of(two_bay_town(1)), out) == 6
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(line["key"]["seq"], line["place"]) for line in lines] == [
        (0, "92002-bay-1-0"),
        (0, "92002-bay-1-1"),
        (1, "92002-bay-1-0"),
        (1, "92002-bay-1-1"),
    ]


def test_nothing_is_nothing_and_what_has_no_date_yet_is_left_out():
    out = io.StringIO()
    messenger = messenger_of(air_town(1))
    assert publish_lines([], messenger, out) is None
    assert publish_lines([(3, record_of(1, 0, 500, boot=2))], messenger, out) == 3
    assert out.getvalue() == ""
