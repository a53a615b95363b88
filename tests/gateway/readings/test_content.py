"""The content of records, whose form stays: it can always be read again."""

import orjson

from gateway.readings import content
from protocol.telemetry import Status


def test_a_reading_of_a_set():
    kept = content.reading_in_a_set(0, (1, None, -3, 215, 360))
    assert kept == b"[0,1,null,-3,215,360]"
    assert content.values_of(kept) == [((0, 0), 1), ((1, 0), None), ((2, 0), -3), ((5, 0), 215), ((4, 0), 360)]


def test_rare_readings_keep_their_instances():
    kept = content.rare_reading(((13, 0), (14, 1)), (431, None))
    assert kept == b'{"13":431,"270":null}'
    assert content.values_of(kept) == [((13, 0), 431), ((14, 1), None)]


def test_events_raw_payloads_and_notices():
    assert content.event(2, (0, 840)) == b"[2,0,840]"
    assert content.raw(85, b"\x01\xfe") == b'{"f_port":85,"payload":"01fe"}'
    assert content.notice("silent", silent_s=9) == b'{"notice":"silent","silent_s":9}'


def test_a_status():
    told = Status((1, 2, 3), 7, 4, 3600, 3612, None, "OSError 5", 17, 70_000)
    assert orjson.loads(content.status(told)) == {
        "version": "1.2.3",
        "reset_cause": 4,
        "uptime_s": 3600,
        "battery_mv": 3612,
        "heap_free": None,
        "last_error": "OSError 5",
        "link_margin_db": 17,
        "next_seq": 70_000,
    }
