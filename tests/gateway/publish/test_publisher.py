"""The publisher in virtual time: whatever the broker does, every record arrives, in order for each device."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.governance.dataset import Sharing
from gateway.publish.cursor import Cursor
from gateway.publish.events import (
    Acked,
    Connected,
    DatesKnown,
    Disconnected,
    LaneName,
    Publish,
    ReadFailed,
    ReadMore,
    Replay,
    ReplayParked,
    Rows,
    Stop,
    Stored,
)
from gateway.readings.record import Kind
from tests.fakes.town import (
    START_MS,
    TWO_BAYS_CONTENT,
    MemoryOutbox,
    air_town,
    fill,
    messenger_of,
    record_of,
    two_bay_town,
)
from tests.fakes.virtual_broker import Chain, assert_all_heard, assert_in_order
from tests.gateway.publish.chains import HOUR_MS, MINUTE_MS, chain_of, live_rounds


def test_what_is_stored_while_the_broker_is_there_is_live_and_single():
    chain = chain_of(3)
    live_rounds(chain, 3, 4, MINUTE_MS, first_ms=1000)
    chain.run_until(HOUR_MS)
    assert_all_heard(chain)
    assert [heard.historical for heard in chain.heard] == [False] * 12
    assert {heard.topic for heard in chain.heard} == {f"lampyre/92002/air/92002-station-{n}/reading" for n in (1, 2, 3)}
    assert chain.publisher.figures().backlog == 0
    assert chain.outbox.cursor == Cursor(12)


def test_what_was_stored_before_the_start_is_historical_and_goes_in_batches():
    chain = chain_of(10, 30)
    chain.run_until(HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert all(heard.historical for heard in chain.heard)
    assert chain.publishes < 60
    assert {heard.topic for heard in chain.heard[:250]} == {"lampyre/92002/air/batch"}


def test_a_broker_away_for_72_hours_loses_nothing_and_live_does_not_starve():
    devices, hours = 500, 72
    chain = chain_of(devices, rtt_ms=100)
    chain.up = False
    live_rounds(chain, devices, 4 * (hours + 2), HOUR_MS // 4)
    chain.at(hours * HOUR_MS, lambda: setattr(chain, "up", True))
    chain.run_until((hours + 3) * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert len(chain.heard) == devices * 4 * (hours + 2)  # none twice
    historical = [heard.at_ms for heard in chain.heard if heard.historical]
    assert historical[-1] - historical[0] < 5 * MINUTE_MS
    # The first ones after the end of the outage are history too: up to 120 s pass before the next attempt.
    assert 0 <= len(historical) - devices * 4 * hours < devices
    waits = []
    for heard in chain.heard:
        if not heard.historical:
            into_ms = int(heard.dev_eui[-4:], 16) * HOUR_MS // 4 // (devices + 1)
            waits.append(heard.at_ms - heard.seq * HOUR_MS // 4 - into_ms)
    assert max(waits) < 1000
    assert [note.name for note in chain.notes] == ["broker_lost", "broker_connected"]
    assert chain.outbox.cursor == Cursor(len(chain.outbox.rows))
    assert chain.connects < hours * 60 + 20  # at least 60 s between two attempts, once it is known to be away


def test_live_rows_pass_a_backlog_on_a_slow_line():
    chain = chain_of(40, 500, rtt_ms=2_000)
    live_rounds(chain, 40, 5, 10_000, first_ms=5_000, first_seq=500)
    chain.run_until(HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    live = [heard for heard in chain.heard if not heard.historical]
    assert len(live) == 200
    assert max(heard.at_ms for heard in live) < 5_000 + 5 * 10_000 + 3 * 2_000


def test_a_flood_of_live_rows_does_not_starve_the_backlog():
    chain = chain_of(300, 20, rtt_ms=1_000)
    live_rounds(chain, 300, 50, 1_000, first_ms=2_000, first_seq=20)  # thrice what the window lets pass
    chain.run_until(50_000)
    backlog = [heard for heard in chain.heard if heard.historical and heard.seq < 20]
    assert len(backlog) == 300 * 20
    chain.run_until(HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert any(heard.historical and heard.seq >= 20 for heard in chain.heard)  # what could not be live any more
    assert chain.most_bytes < 131_072 + 32_768 + 100 * 500


@pytest.mark.parametrize("seed", range(1))
def test_a_connection_dropped_a_thousand_times_loses_nothing(seed):
    dice = random.Random(seed)
    chain = chain_of(60, 50, rtt_ms=80, seed=seed)
    live_rounds(chain, 60, 150, MINUTE_MS, first_seq=50)
    at_ms = 0
    for _ in range(1000):
        at_ms += dice.randrange(1_000, 30_000)
        chain.at(at_ms, chain.drop)
    chain.run_until(at_ms + 3 * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert chain.publisher.figures().backlog == 0


@pytest.mark.parametrize("seed", range(3))
def test_lost_pubacks_make_repetitions_with_the_same_key_only(seed):
    dice = random.Random(seed)
    chain = chain_of(50, 20, lambda publish, now_ms: None if dice.random() < 0.3 else 0, seed=seed)
    live_rounds(chain, 50, 40, MINUTE_MS, first_seq=20)
    chain.run_until(12 * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    bodies = {}
    for heard in chain.heard:
        body = {name: value for name, value in heard.message.items() if name != "historical"}
        assert bodies.setdefault(heard.key, body) == body
    assert chain.publisher.figures().backlog == 0


def test_a_half_open_connection_is_noticed_and_left():
    silent = [True]
    chain = chain_of(5, 1, lambda publish, now_ms: None if silent[0] else 0)
    chain.at(45_000, lambda: silent.__setitem__(0, False))
    chain.run_until(10 * MINUTE_MS)
    assert_all_heard(chain)
    assert "a PUBACK did not come within 20 s" in chain.notes[1].detail
    assert chain.outbox.parked == {}


def test_parked_rows_go_again_when_asked():
    acl = [True]
    chain = chain_of(4, 5, lambda publish, now_ms: 0x87 if acl[0] and b'"92002-station-3"' in publish.payload else 0)
    live_rounds(chain, 4, 60, MINUTE_MS, first_ms=5_000, first_seq=5)
    chain.run_until(2 * HOUR_MS)
    assert len(chain.outbox.parked) == 65
    acl[0] = False
    chain.give(ReplayParked(tuple(chain.outbox.parked)))
    assert chain.outbox.parked == {}
    assert not chain.outbox.cursor.done(3)
    chain.run_until(3 * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)


def test_a_message_larger_than_the_broker_takes_is_parked_without_sending_it():
    outbox = MemoryOutbox()
    fill(outbox, 3, 10)
    big = outbox.append(record_of(2, 10, kind=Kind.STATUS, content=b'{"last_error":"%s"}' % (b"x" * 900)))
    chain = Chain(outbox, messenger_of(air_town(3)), max_packet=1000)
    live_rounds(chain, 3, 30, MINUTE_MS, first_ms=5_000, first_seq=11)
    chain.run_until(HOUR_MS)
    assert set(outbox.parked) == {big}
    assert_all_heard(chain, but=frozenset((big,)))
    assert_in_order(chain)


@pytest.mark.parametrize("receive_max", [1, 3, 20])
def test_the_brokers_receive_maximum_is_kept_also_for_rows_of_two_messages(receive_max):
    outbox = MemoryOutbox()
    chain = Chain(outbox, messenger_of(two_bay_town(30)), receive_max=receive_max)
    chain.run_until(1_000)
    for seq in range(4):
        for device in range(1, 31):
            chain.store(record_of(device, seq, content=TWO_BAYS_CONTENT))
    chain.run_until(HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert len(chain.heard) == 240
    assert chain.most_in_flight == receive_max


def test_the_window_is_what_is_in_flight_at_most():
    chain = chain_of(300, rtt_ms=500)
    live_rounds(chain, 300, 10, 1_000)
    chain.run_until(HOUR_MS)
    assert_all_heard(chain)
    assert 90 <= chain.most_in_flight <= 100


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_any_time_it_repeats_with_equal_keys_and_loses_nothing(seed):
    dice = random.Random(seed)
    broken = [False]

    def answer(publish, now_ms):
        return 0x97 if dice.random() < 0.05 else None if broken[0] and dice.random() < 0.2 else 0

    chain = chain_of(30, 30, answer, rtt_ms=50, seed=seed)
    broken[0] = seed % 2 == 1
    live_rounds(chain, 30, 120, MINUTE_MS, first_seq=30)
    for _ in range(40):
        chain.run_until(chain.now_ms + dice.randrange(100, 5 * MINUTE_MS))
        chain.restart()
    broken[0] = False
    chain.run_until(chain.now_ms + 3 * HOUR_MS)
    assert_all_heard(chain, but=frozenset(chain.outbox.parked))
    assert chain.outbox.parked == {}
    assert chain.publisher.figures().backlog == 0


def test_a_replay_sends_the_rows_again_as_history():
    chain = chain_of(4)
    live_rounds(chain, 4, 10, MINUTE_MS, first_ms=1000)
    chain.run_until(HOUR_MS)
    chain.give(Replay(11, 30))
    assert not any(chain.outbox.cursor.done(row) for row in range(11, 31))
    assert chain.outbox.cursor.done(10)
    assert chain.outbox.cursor.done(31)
    chain.run_until(2 * HOUR_MS)
    again = chain.heard[40:]
    assert sorted(heard.key for heard in again) == sorted(heard.key for heard in chain.heard[10:30])
    assert all(heard.historical for heard in again)
    assert chain.outbox.cursor == Cursor(40)


def test_rows_from_before_the_time_was_known_wait_for_it_and_hold_nobody_back():
    known = []
    outbox = MemoryOutbox()
    for seq in range(5):
        outbox.append(record_of(1, seq, 1_000 * seq, boot=9, observed_ms=1_000 * seq - 500))
    fill(outbox, 3, 0)
    chain = Chain(outbox, messenger_of(air_town(3), resolve=lambda boot, ms: (START_MS + ms, 2) if known else None))
    chain.run_until(1_000)
    chain.store(record_of(1, 5))
    chain.store(record_of(2, 0, 20_000, boot=9))
    chain.run_until(HOUR_MS)
    assert [heard.seq for heard in chain.heard] == [5]
    assert chain.publisher.figures().undated == 6
    known.append(True)
    chain.give(DatesKnown())
    chain.run_until(2 * HOUR_MS)
    assert_all_heard(chain)
    assert_in_order(chain)
    assert chain.heard[1].message["observed"] == "2026-11-22T06:59:59.500Z"
    assert chain.heard[1].message["time_error_s"] == 3
    assert chain.outbox.cursor == Cursor(7)


def test_an_unreadable_row_is_parked_with_the_reason():
    chain = chain_of(2, 2)
    chain.outbox.append(record_of(2, 2, content=b"[3,"))
    chain.outbox.append(record_of(77, 0))
    chain.restart()
    chain.run_until(HOUR_MS)
    assert list(chain.outbox.parked) == [5, 6]
    assert "row 5: a READING cannot read b'[3,'" in chain.outbox.parked[5]
    assert chain.outbox.parked[6] == "row 6 is of device 77, which is not registered"
    assert_all_heard_keys = {heard.key for heard in chain.heard}
    assert len(assert_all_heard_keys) == 4


@pytest.mark.parametrize(("outage_ms", "historical"), [(30_000, False), (90_000, True)])
def test_rows_of_a_short_outage_are_still_news(outage_ms, historical):
    chain = chain_of(3)
    chain.run_until(HOUR_MS)
    chain.up = False
    chain.drop()
    for device in (1, 2, 3):
        chain.store(record_of(device, 0))
    chain.at(chain.now_ms + outage_ms, lambda: setattr(chain, "up", True))
    chain.run_until(2 * HOUR_MS)
    assert [heard.historical for heard in chain.heard] == [historical] * 3


def test_what_is_read_for_a_lane_that_was_emptied_meanwhile_is_left_to_the_other():
    chain = chain_of(1)
    publisher = chain.publisher
    publisher.wake(0)
    publisher.handle(Connected(number=1), 10)
    (want,) = publisher.handle(Stored(1), 20)
    publisher.handle(Disconnected(number=1, detail="gone"), 30)
    publisher.wake(2_000)
    effects = publisher.handle(Connected(number=2), 100_000)
    assert [(effect.lane, effect.after) for effect in effects[1:]] == [(LaneName.HISTORICAL, 0)]
    row = (1, record_of(1, 0))
    assert publisher.handle(Rows(want.lane, [row], 1), 100_010) == []
    (publish,) = publisher.handle(Rows(LaneName.HISTORICAL, [row], 1), 100_020)
    assert b'"historical":true' in publish.payload


def test_rows_asked_for_again_while_the_store_reads_others_are_not_forgotten():
    chain = chain_of(1, 8)
    chain.outbox.cursor = Cursor(6)
    chain.restart()
    publisher = chain.publisher
    publisher.wake(0)
    (_, want) = publisher.handle(Connected(number=1), 10)
    assert (want.after, want.last) == (6, 8)
    publisher.handle(Replay(1, 3), 20)
    effects = publisher.handle(Rows(want.lane, *chain.outbox.read(6, 8, 9)), 30)
    assert [(effect.after, effect.last) for effect in effects if isinstance(effect, ReadMore)] == [(0, 3)]


def test_a_store_that_cannot_read_is_asked_again():
    chain = chain_of(2, 2)
    publisher = chain.publisher
    assert publisher.wake(0) != []
    (note, want) = publisher.handle(Connected(number=1), 10)
    assert note.name == "broker_connected"
    (note,) = publisher.handle(ReadFailed(want.lane, "disk I/O error"), 20)
    assert note.detail.endswith("disk I/O error")
    assert want.lane is LaneName.HISTORICAL
    assert publisher.wake_at() == 5_020
    (again,) = publisher.wake(5_020)
    assert again == want


def test_a_table_restored_from_a_backup_is_believed_and_not_the_cursor():
    outbox = MemoryOutbox()
    fill(outbox, 2, 5)
    outbox.cursor = Cursor(1000, ((3, 4), (900, 950)))
    chain = Chain(outbox, messenger_of(air_town(2)))
    assert chain.publisher.figures().backlog == 2
    chain.run_until(1000)
    chain.store(record_of(1, 5))
    chain.run_until(HOUR_MS)
    assert sorted(heard.key for heard in chain.heard) == [
        ("0200000000000001", 7, 1, 0),
        ("0200000000000001", 7, 5, 0),
        ("0200000000000002", 7, 1, 0),
    ]
    assert outbox.cursor == Cursor(11)


def test_the_cursor_is_kept_every_ten_seconds_and_not_for_each_puback():
    chain = chain_of(20)
    live_rounds(chain, 20, 6, MINUTE_MS)
    chain.run_until(6 * MINUTE_MS)
    assert 30 <= chain.outbox.saves <= 37
    chain.store(record_of(1, 6))
    chain.run_until(chain.now_ms + 1_000)
    chain.give(Stop())
    assert chain.outbox.cursor == Cursor(121)
    assert chain.publisher.wake_at() is None


def test_a_puback_of_an_earlier_connection_means_nothing():
    chain = chain_of(1, 1, lambda publish, now_ms: None)
    chain.run_until(5_000)
    (handle,) = chain._in_flight
    chain.drop()
    chain.give(Acked([(handle, 0)]))
    assert chain.publisher.figures().backlog == 1


def test_messages_the_door_keeps_inside_are_passed_over():
    outbox = MemoryOutbox()
    fill(outbox, 2, 2)
    outbox.append(record_of(1, 2, kind=Kind.STATUS, content=b'{"version":"0.1.0"}'))
    chain = Chain(outbox, messenger_of(air_town(2), door=Sharing.OPEN))
    chain.run_until(MINUTE_MS)
    assert len(chain.heard) == 4
    assert chain.messenger.withheld == {"devices": 1}
    assert outbox.cursor == Cursor(5)


def test_publish_is_what_the_messenger_made():
    chain = chain_of(1)
    sent = []
    chain.answer = lambda publish, now_ms: sent.append(publish) or 0
    chain.run_until(100)
    chain.store(record_of(1, 0))
    chain.run_until(200)
    (message,) = chain.messenger.messages_of(1, record_of(1, 0))
    assert sent == [Publish(1, message.topic, message.payload)]


ACTION = st.sampled_from(
    ["rows", "rows", "rows", "minutes", "drop", "away", "back", "kill", "replay", "date", "unpark"]
)


@given(actions=st.lists(ACTION, max_size=40), seed=st.integers(0, 1000), faults=st.sampled_from([0, 0.05, 0.3]))
def test_in_any_weather_every_record_arrives(actions, seed, faults):
    """Cuts, kills, refusals, silence, undated rows and replays in any order; then the sky clears."""
    dice = random.Random(seed)
    sky = {"faults": faults, "dated": False}
    answers = [0x80, 0x87, 0x97, 0x99, None, None, "drop"]

    def answer(publish, now_ms):
        return dice.choice(answers) if dice.random() < sky["faults"] else 0

    outbox = MemoryOutbox()
    messenger = messenger_of(two_bay_town(6), resolve=lambda boot, ms: (START_MS + ms, 1) if sky["dated"] else None)
    chain = Chain(outbox, messenger, answer, seed=seed, batch=5, window=7)
    seqs = [0] * 7
    straight = True
    for action in actions:
        if action == "rows":
            for device in dice.choices(range(1, 7), k=dice.randrange(1, 30)):
                boot = 4 if dice.random() < 0.1 else None
                ms = 1_000 if boot else START_MS
                chain.store(record_of(device, seqs[device], ms, content=TWO_BAYS_CONTENT, boot=boot))
                seqs[device] += 1
                straight = straight and boot is None  # an undated row goes later, with the history
        elif action == "minutes":
            chain.run_until(chain.now_ms + dice.randrange(1, 10 * MINUTE_MS))
        elif action == "drop":
            chain.drop()
        elif action in ("away", "back"):
            chain.up = action == "back"
            if not chain.up:
                chain.drop()
        elif action == "kill":
            chain.restart()
            straight = False  # what was live and is sent again as history may be first seen there
        elif action == "replay":
            chain.give(Replay(dice.randrange(1, 50), dice.randrange(1, 200)))
            straight = False
        elif action == "unpark":
            straight = straight and not outbox.parked
            chain.give(ReplayParked(tuple(outbox.parked)))
        else:
            sky["dated"] = True
            chain.give(DatesKnown())
        chain.run_until(chain.now_ms + 100)
    chain.up, sky["faults"], sky["dated"] = True, 0, True
    chain.give(DatesKnown())
    chain.run_until(chain.now_ms + HOUR_MS)
    straight = straight and not outbox.parked
    chain.give(ReplayParked(tuple(outbox.parked)))
    chain.run_until(chain.now_ms + HOUR_MS)
    assert_all_heard(chain)
    assert len({heard.key for heard in chain.heard}) == 2 * len(outbox.rows)
    if straight:
        assert_in_order(chain)
    assert chain.publisher.figures().backlog == 0
    assert outbox.cursor.done_up_to() == outbox.last_id()
