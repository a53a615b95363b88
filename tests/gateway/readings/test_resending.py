"""A node is asked for what will not come by itself: not before, not twice at a time, and later and later."""

from gateway.readings.node_log import UNKNOWN, Gap, NodeLog
from gateway.readings.resending import MAX_COUNT, Ask, Resending

EUI = bytes(8)
MINUTE_MS = 60_000
EVENTS_OVER_MS = 6 * MINUTE_MS  # the last repeat of an event is sent up to 5 minutes after the first
LATER_MS = EVENTS_OVER_MS + 1


def log(next_seq, *gaps):
    return NodeLog(7, next_seq, tuple(Gap(first, end, None, None) for first, end in gaps), sure=True)


def ripe(resending, known, at_ms=0):
    """What is asked once everything in *known* was noticed in a full frame, and six minutes are over."""
    assert resending.heard(EUI, known, 4, None, at_ms) is None
    return resending.heard(EUI, known, 4, None, at_ms + LATER_MS)


def test_where_nothing_is_missing_nothing_is_asked():
    resending = Resending()
    for at_ms in range(0, 10 * LATER_MS, LATER_MS):
        assert resending.heard(EUI, log(100), 4, None, at_ms) is None
    assert resending._watches == {}


def test_what_no_repeat_will_bring_is_asked_for():
    assert ripe(Resending(), log(100, (90, 93))) == Ask(90, 3, 93)
    assert ripe(Resending(), log(70_000, (69_990, 69_993))) == Ask(69_990 & 0xFFFF, 3, 69_993)


def test_repeats_of_events_have_their_time():
    resending = Resending()
    for at_ms in range(0, EVENTS_OVER_MS, MINUTE_MS):
        assert resending.heard(EUI, log(100, (98, 99)), 4, None, at_ms) is None
    assert resending.heard(EUI, log(100, (98, 99)), 0, None, EVENTS_OVER_MS) is not None


def test_short_frames_have_three_chances_to_repeat_a_reading():
    resending = Resending()
    assert resending.heard(EUI, log(100, (90, 93)), 1, None, 0) is None
    for n in (1, 2):
        assert resending.heard(EUI, log(100 + n, (90, 93)), 1, None, n * LATER_MS) is None
    assert resending.heard(EUI, log(103, (90, 93)), 1, None, 3 * LATER_MS) == Ask(90, 3, 93)


def test_a_frame_that_repeats_two_readings_is_asked_after_as_one_that_repeats_three():
    """The next one repeats at most three: those two, and the newest of this one. So it is at DR0 after an outage."""
    resending = Resending()
    assert resending.heard(EUI, log(100, (60, 97)), 3, None, 0) is None
    assert resending.heard(EUI, log(101, (60, 97)), 3, None, LATER_MS) == Ask(60, 37, 97)


def test_what_an_outage_left_is_asked_for_at_once_because_no_repeat_of_it_is_to_come():
    """Heartbeats of 10:00 to 13:00 come in one frame after an outage since 4:00; what happened since 12:00 may come."""
    hour_ms = 60 * MINUTE_MS
    known = NodeLog(7, 100, (Gap(60, 96, (4 * hour_ms, 1), (10 * hour_ms, 400)), Gap(97, 98, None, None)), sure=True)

    def asked(rows=4, oldest=96, clock_ms=13 * hour_ms):
        return Resending().heard(EUI, known, rows, None, 0, oldest, clock_ms)

    assert asked() == Ask(60, 36, 96)
    assert asked(clock_ms=None) is None  # the clock of its moments is not known
    assert asked(rows=2) is None  # the next frame may repeat more
    assert asked(clock_ms=10 * hour_ms + 12 * MINUTE_MS) is None  # 10:00 is known to within seven minutes
    assert asked(oldest=95) is None  # it may hold what is missing


def test_what_was_noticed_later_is_not_asked_for_yet():
    resending = Resending()
    resending.heard(EUI, log(100, (90, 93)), 4, None, 0)
    assert resending.heard(EUI, log(110, (90, 93), (105, 108)), 4, None, LATER_MS) == Ask(90, 3, 93)


def test_a_node_that_tells_only_events_is_asked_after_two_hours():
    resending = Resending()
    asked = [resending.heard(EUI, log(100, (90, 93)), 0, None, n * 10 * MINUTE_MS) for n in range(13)]
    assert asked == [None] * 12 + [Ask(90, 3, 93)]


def test_gaps_with_little_between_are_asked_for_together():
    assert ripe(Resending(), log(200, (90, 93), (96, 98), (150, 151))) == Ask(90, 8, 98)


def test_one_order_asks_for_a_day_at_most():
    assert ripe(Resending(), log(9000, (1000, 8000))) == Ask(1000, MAX_COUNT, 1000 + MAX_COUNT)


def test_one_ask_at_a_time_then_later_and_later():
    resending = Resending()
    known = log(200, (90, 93))
    at_ms = LATER_MS
    ask = ripe(resending, known)
    pauses = []
    for n in range(8):
        asked_ms = at_ms
        resending.asked(EUI, ask, n, at_ms)
        assert resending.heard(EUI, known, 4, None, at_ms + 24 * 3_600_000) is None, "its order is under way"
        resending.ended(EUI, 99, at_ms)  # another's
        resending.ended(EUI, n, at_ms)
        while (ask := resending.heard(EUI, known, 4, None, at_ms)) is None:
            at_ms += MINUTE_MS
        pauses.append((at_ms - asked_ms) // MINUTE_MS)
    assert pauses == [15, 30, 60, 120, 240, 360, 360, 360]


def test_while_records_come_nothing_is_asked_and_then_the_rest_at_once():
    resending = Resending()
    ask = ripe(resending, log(300, (90, 100), (200, 201)))
    resending.asked(EUI, ask, 1, LATER_MS)
    resending.ended(EUI, 1, LATER_MS)
    for n in range(1, 10):
        at_ms = LATER_MS + n * 10 * MINUTE_MS
        assert resending.heard(EUI, log(300, (90 + n, 100), (200, 201)), 4, None, at_ms) is None
    at_ms += MINUTE_MS
    assert resending.heard(EUI, log(300, (200, 201)), 4, None, at_ms) == Ask(200, 1, 201)


def test_what_is_not_answered_does_not_keep_the_rest_waiting():
    resending = Resending()
    known = log(300, (90, 93), (200, 201))
    asked = []
    ask = ripe(resending, known)
    at_ms = LATER_MS
    for n in range(4):
        asked.append(ask.first16)
        resending.asked(EUI, ask, n, at_ms)
        resending.ended(EUI, n, at_ms)
        at_ms += 24 * 3_600_000
        ask = resending.heard(EUI, known, 4, None, at_ms)
    assert asked == [90, 200, 90, 200]


def test_a_log_in_doubt_is_asked_for_what_no_node_has_any_more():
    """61,440 numbers ago: the node says where its log begins, and tells its status."""
    ask = Resending().heard(EUI, UNKNOWN, 4, 70, 0)
    assert (70 - ask.first16) & 0xFFFF == 61_440
    assert ask.numbers == 1
    ask = Resending().heard(EUI, log(65_530).doubted(), 0, None, 0)
    assert (65_530 - ask.first16) & 0xFFFF == 61_440


def test_a_log_in_doubt_is_asked_once_at_a_time():
    resending = Resending()
    resending.asked(EUI, resending.heard(EUI, UNKNOWN, 4, 70, 0), 3, 0)
    assert resending.heard(EUI, UNKNOWN, 4, 71, 3_600_000) is None
    resending.ended(EUI, 3, 3_600_000)
    assert resending.heard(EUI, UNKNOWN, 4, 71, 3_600_000 + MINUTE_MS) is None
    assert resending.heard(EUI, UNKNOWN, 4, 71, 2 * 3_600_000) is not None


def test_a_node_that_never_stops_talking_is_asked_too():
    resending = Resending()
    for n in range(100):
        ask = resending.heard(EUI, log(100 + n, (90 + n, 93 + n)), 4 if n % 4 == 0 else 0, None, n * 20_000)
        assert ask is None or ask.first16 < 100
        assert len(resending._watches[EUI].marks) <= 8
    gaps = [(90, 93), (150, 153), (190, 193)]
    ends = []
    for n in range(100, 200):
        ask = resending.heard(EUI, log(100 + n, *gaps), 4 if n % 4 == 0 else 0, None, n * 20_000)
        ends += [ask.end] if ask else []
        if ask:
            resending.asked(EUI, ask, n, n * 20_000)
            resending.ended(EUI, n, n * 20_000)
    assert ends == [93, 153]


def test_what_is_remembered_is_bounded():
    resending = Resending()
    for n in range(1000):
        resending.heard(EUI, log(100 + n, (90, 93)), 1, None, n * MINUTE_MS)
    assert len(resending._watches[EUI].marks) <= 8
    resending.forget(EUI)
    resending.ended(EUI, 1, 0)
    assert resending._watches == {}
