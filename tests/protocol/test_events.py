"""Events: their numbers never move, and their words are readable also when the firmware is newer than the reader."""

from protocol import events
from protocol.event_table import EVENTS, describe_event


def test_each_event_is_named_after_its_constant():
    for number, (name, _) in enumerate(EVENTS):
        assert getattr(events, name.upper()) == number, name


def test_numbers_that_are_in_the_street_never_move():
    assert EVENTS[0] == ("void", ("count",))
    assert EVENTS[2] == ("bay_left", ("instance", "stay_s"))
    assert EVENTS[9] == ("power_lost", ())
    assert EVENTS[15] == ("tampered", ())
    assert EVENTS[16] == ("motion_seen", ("count",))


def test_no_event_has_more_details_than_a_frame_allows():
    for name, details in EVENTS:
        assert len(details) <= 4, name


def test_an_event_in_words():
    assert describe_event(events.BAY_LEFT, (0, 840)) == "bay_left instance=0 stay_s=840"
    assert describe_event(events.POWER_LOST, ()) == "power_lost"
    assert describe_event(events.LAMP_FAILED, (1,)) == "lamp_failed instance=1"


def test_what_a_newer_firmware_adds_keeps_its_number():
    assert describe_event(99, (3, -1)) == "event_99 detail_0=3 detail_1=-1"
    assert describe_event(-1, ()) == "event_-1"
    assert describe_event(17, ()) == "event_17"
    assert describe_event(events.TAMPERED, (7,)) == "tampered detail_0=7"
    assert describe_event(events.BAY_TAKEN, (0, 5, 9)) == "bay_taken instance=0 free_s=5 detail_2=9"
