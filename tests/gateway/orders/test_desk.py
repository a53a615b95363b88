"""An order from the moment it is given to its receipt, or to the end of its time."""

import pytest

from gateway.network.events import Fate, FateOf
from gateway.network.registration import Registration, Role
from gateway.orders import states
from gateway.orders.desk import GROUP_SENDS, MAX_UNDER_WAY, RECEIPT_GRACE_MS, OrderDesk
from gateway.orders.request import GATEWAY, OrderError, OrderRequest
from gateway.orders.targets import Targets
from protocol.errors import ProtocolError
from protocol.orders import BAD_ARGUMENT, DONE, INCOMPLETE, decode_order
from tests.gateway.orders.town import GPS_AT_ZERO, MEMBERS, NIGHT_S, STREET, Town
from tests.gateway.uplinks import BOOT, LAMP, NODE, OFFSET_MS, uplink


def test_an_order_is_written_before_it_is_sent_with_its_expiry():
    town = Town()
    given = town.desk.give(
        OrderRequest(target=LAMP, verb="set_level", arguments={"level_pct": "40"}, source="mqtt"), 7000
    )
    [kept] = given.answer.writes
    [downlink] = given.answer.downlinks
    assert given.answer.at_once
    assert (kept.id, kept.target_device, kept.target_group, kept.source) == (1, 6, None, "mqtt")
    assert (kept.state, kept.description, kept.tries) == ("queued", "set_level level_pct=40", 0)
    assert (kept.made_ms, kept.expiry_gps_s) == (OFFSET_MS + 7000, GPS_AT_ZERO + 7 + 3600)
    order = decode_order(downlink.payload)
    assert (order.order_id, order.expiry_gps_s) == (kept.wire_id, kept.expiry_gps_s)
    assert (downlink.target, downlink.f_port, downlink.expires_ms) == (LAMP.dev_eui, 4, 3_607_000)


def test_a_lamp_that_listens_is_sent_to_again_later_and_later():
    town = Town()
    [order] = town.give()
    town.went()
    sent = town.wait(3_600_000 - 1)
    assert [later - before for before, later in zip([0, *sent], sent, strict=False)] == [
        30_000,
        60_000,
        120_000,
        240_000,
        480_000,
        960_000,
    ]
    assert town.kept[order].tries == 7


def test_a_class_a_device_is_sent_to_when_it_was_heard_and_did_not_answer():
    town = Town()
    [order] = town.give(NODE, "identify")
    assert town.desk.heard(NODE.dev_eui, 0) == (), "it waits for the window already"
    town.went()
    assert town.wait(60_000) == []
    [again] = town.desk.heard(NODE.dev_eui, town.now_ms)
    assert decode_order(again.payload).order_id == town.kept[order].wire_id
    assert town.desk.heard(NODE.dev_eui, town.now_ms) == ()
    town.downlinks = [again]
    town.went()
    assert town.desk.heard(NODE.dev_eui, town.now_ms + 59_000) == ()
    assert len(town.desk.heard(NODE.dev_eui, town.now_ms + 60_000)) == 1
    assert town.desk.heard(LAMP.dev_eui, town.now_ms) == ()


def test_what_nobody_answers_expires_after_a_last_chance_for_the_receipt():
    town = Town()
    [order] = town.give()
    town.went()
    town.wait(3_600_000 + RECEIPT_GRACE_MS - 1)
    assert town.states() == {order: "sent"}
    town.wait(3_600_000 + RECEIPT_GRACE_MS)
    assert town.states() == {order: "expired"}
    assert town.results[0]["detail"] == "sent 7 times, no receipt came: it may have been obeyed"


def test_a_receipt_that_comes_late_still_counts():
    town = Town()
    [order] = town.give()
    town.went()
    town.wait(3_600_000 + RECEIPT_GRACE_MS - 1)
    town.receipt(town.kept[order].wire_id)
    assert town.states() == {order: "done"}


def test_what_could_not_be_sent_expires_at_once():
    town = Town()
    [order] = town.give(NODE, "identify")
    town.now_ms = 3_600_000
    town.went(FateOf.EXPIRED)
    town.wait(3_600_000)
    assert (town.kept[order].state, town.kept[order].detail) == ("expired", "it could not be sent in time")


def test_what_can_never_be_sent_fails():
    town = Town()
    [order] = town.give()
    town.went(FateOf.IMPOSSIBLE)
    assert (town.kept[order].state, town.kept[order].detail) == ("failed", "why")
    assert town.desk.fate(Fate(ref=1, fate=FateOf.SENT), 5).writes == ()


def test_an_order_can_be_cancelled():
    town = Town()
    [order] = town.give()
    answer, ref = town.desk.cancel(order, 5)
    town.take(answer)
    assert ref == town.downlinks[0].ref
    assert town.states() == {order: "cancelled"}
    with pytest.raises(OrderError, match=f"order {order} is not under way"):
        town.desk.cancel(order, 6)


def test_while_the_time_is_not_known_no_order_is_given():
    town = Town(offset_ms=None)
    with pytest.raises(OrderError, match="does not know the time yet"):
        town.give()
    town.desk.set_clock(OFFSET_MS)
    town.give()


def test_eight_orders_to_a_device_may_be_under_way():
    town = Town()
    orders = [town.give()[0] for _ in range(MAX_UNDER_WAY)]
    assert len({town.kept[order].wire_id for order in orders}) == MAX_UNDER_WAY
    with pytest.raises(OrderError, match="8 orders to 0200000000000002 are under way, at most 8 may be"):
        town.give()
    town.give(NODE, "identify")
    town.receipt(town.kept[orders[0]].wire_id)
    town.give()
    with pytest.raises(OrderError, match="at most 8"):
        town.give(verb="load_programme", version=1, programme="00" * 40)


def test_after_a_restart_orders_go_on():
    town = Town()
    [lamp] = town.give()
    [node] = town.give(NODE, "identify")
    [done] = town.give(NODE, "identify")
    town.went()
    town.receipt(town.kept[done].wire_id, device=NODE)
    again = Town(kept=list(town.kept.values()), next_id=9, now_ms=5000)
    assert again.desk.under_way() == 2
    assert again.wait(5000) == [5000]
    assert [order.tries for order in again.kept.values()] == [2]
    assert len(again.desk.heard(NODE.dev_eui, 5000)) == 1
    again.receipt(town.kept[lamp].wire_id)
    again.receipt(town.kept[node].wire_id, device=NODE)
    assert again.states() == {lamp: "done", node: "done"}
    assert again.give() == (9,)


def test_after_a_restart_orders_wait_for_the_time():
    town = Town()
    town.give()
    again = Town(kept=list(town.kept.values()), next_id=9, offset_ms=None)
    assert again.wait(10_000_000_000) == []
    again = Town(kept=list(town.kept.values()), next_id=9, offset_ms=None)
    again.desk.set_clock(OFFSET_MS + 1000)
    assert again.wait(3_598_999)[0] == 0
    again.wait(10_000_000)
    assert list(again.states().values()) == ["expired"]


def test_expiries_follow_the_clock_in_steps():
    town = Town()
    town.give()
    for slewed_ms in range(0, 900, 5):
        town.desk.set_clock(OFFSET_MS + slewed_ms)
    assert len(town.desk._times) < 5
    town.desk.set_clock(OFFSET_MS + 600_000)
    assert town.went() == 1
    town.wait(3_000_000 + RECEIPT_GRACE_MS)
    assert list(town.states().values()) == ["expired"]


def test_orders_to_what_is_not_registered_any_more_are_let_go():
    town = Town()
    [order] = town.give()
    desk = OrderDesk(Targets([NODE]), BOOT, list(town.kept.values()), 9, 0)
    assert desk.under_way() == 0
    assert order == 1


def test_late_and_unknown_receipts_are_counted():
    town = Town()
    receipted = town.receipt(777)
    assert receipted.order is None
    [alarm] = receipted.answer.notes
    assert (alarm.name, alarm.dev_eui) == ("late_receipt", LAMP.dev_eui)
    assert "order 777" in alarm.detail


def test_a_receipt_that_cannot_be_read_is_refused():
    with pytest.raises(ProtocolError):
        Town().desk.receipt(uplink(4, b"\x81\x01"))


# Groups.


def test_a_group_is_sent_to_three_times_and_its_receipts_gathered():
    town = Town()
    [order] = town.give(STREET, expires_in_s=NIGHT_S)
    assert town.downlinks[0].target == 3
    town.went()
    assert len(town.wait(NIGHT_S * 500)) == GROUP_SENDS - 1
    town.members_answer(order, [DONE, DONE])
    assert (town.kept[order].state, town.kept[order].detail) == ("sent", "2 of 3 answered, 0 refused")
    town.members_answer(order, [DONE, DONE, DONE])
    assert (town.kept[order].state, town.kept[order].detail) == ("done", "3 of 3 answered, 0 refused")
    [result] = town.results
    assert (result["group"], result["members"], result["answered"]) == (3, 3, 3)
    assert (result["unanswered"], result["refused"]) == ([], {})


# Programmes.


def programme(town, parts=3):
    orders = town.give(verb="load_programme", version=9, programme="00" * (34 * parts))
    town.went()
    return orders, [town.kept[order].wire_id for order in orders]


def test_a_programme_is_done_when_its_last_part_is():
    town = Town()
    orders, wires = programme(town)
    town.receipt(wires[0], INCOMPLETE, 0b001)
    town.receipt(wires[2], INCOMPLETE, 0b101)
    assert set(town.states().values()) == {"sent"}
    town.wait(35_000)
    assert town.kept[orders[1]].tries == 2, "only the part that is missing goes again"
    assert town.kept[orders[0]].tries == 1
    town.receipt(wires[1], DONE, 9)
    assert town.states() == dict.fromkeys(orders, "done")
    assert len(town.results) == 3


def test_a_part_that_arrived_while_it_was_sent_again_is_not_sent_once_more():
    town = Town()
    orders, wires = programme(town)
    town.now_ms = 30_000
    town.take(town.desk.wake(30_000))
    assert len(town.downlinks) == 3
    town.receipt(wires[0], INCOMPLETE, 0b001)
    town.went()
    assert town.kept[orders[0]].tries == 2
    town.wait(3_600_000)
    assert town.kept[orders[0]].tries == 2
    assert town.kept[orders[1]].tries > 2


def test_a_programme_that_is_none_is_refused_as_a_whole():
    town = Town()
    orders, wires = programme(town)
    for part in range(2):
        town.receipt(wires[part], INCOMPLETE, (2 << part) - 1)
    town.receipt(wires[2], BAD_ARGUMENT, 9)
    assert town.states() == dict.fromkeys(orders, "refused:bad_argument")


def test_a_part_that_a_node_forgot_goes_again_under_another_id():
    town = Town()
    orders, wires = programme(town)
    town.receipt(wires[0], INCOMPLETE, 0b001)
    town.receipt(wires[1], INCOMPLETE, 0b010)  # it restarted in between
    assert town.kept[orders[0]].wire_id not in wires
    assert town.kept[orders[0]].state == "queued"
    town.wait(1)
    town.receipt(town.kept[orders[0]].wire_id, INCOMPLETE, 0b011)
    town.receipt(wires[2], DONE, 9)
    assert town.states() == dict.fromkeys(orders, "done")


def test_a_programme_goes_on_after_a_restart():
    town = Town()
    orders, wires = programme(town)
    again = Town(kept=list(town.kept.values()), next_id=9)
    again.receipt(wires[0], INCOMPLETE, 0b001)
    again.receipt(wires[1], INCOMPLETE, 0b011)
    again.receipt(wires[2], DONE, 9)
    assert again.states() == dict.fromkeys(orders, "done")


# What the gateway wants for itself.


def test_the_gateway_s_own_orders_are_kept_but_not_told_to_the_city():
    town = Town()
    [order] = town.give(NODE, "resend", source=GATEWAY, first_seq=5, count=2)
    [mine] = town.downlinks
    town.give(NODE, "identify")
    assert mine.priority > town.downlinks[1].priority
    town.receipt(town.kept[order].wire_id, device=NODE)
    assert town.results == []
    assert [ended.id for ended in town.desk.ended] == [order]


def test_what_was_written_in_commits_that_failed_is_written_again():
    town = Town()
    [old] = town.give()
    town.receipt(town.kept[old].wire_id)
    town.now_ms = 100_000
    [over] = town.give()
    [open_one] = town.give()
    town.receipt(town.kept[over].wire_id)
    town.desk.commits_failed(101_000)
    lost = Town()
    assert town.desk.wake_at() == 106_000
    lost.take(town.desk.wake(106_000))
    assert lost.states() == {over: "done", open_one: "queued"}
    assert [result["order"] for result in lost.results] == [over]
    assert town.desk.wake(106_001).writes == ()


def test_an_order_that_another_one_replaces_goes_no_more_and_may_still_be_answered():
    town = Town()
    [order_id] = town.give(STREET)
    ref = town.downlinks[0].ref
    assert town.desk.hush(order_id) == ref, "its downlink is to be taken back"
    town.downlinks.clear()
    assert town.wait(60_000) == []
    wire_id = town.kept[order_id].wire_id
    for member in MEMBERS:
        device = Registration(device=20, dev_eui=member, role=Role.LIGHT)
        receipted = town.receipt(wire_id, device=device)
    assert receipted.order.state == states.DONE
    assert town.desk.hush(order_id) is None, "it is over"


def test_hushed_orders_do_not_count_as_under_way():
    town = Town()
    for _ in range(3 * MAX_UNDER_WAY):
        [order_id] = town.give(STREET)
        town.went()
        assert town.desk.hush(order_id) is None, "nothing of it is under way"


def test_a_group_is_told_a_level_three_times_within_ten_seconds():
    town = Town()
    town.give(STREET)
    town.went()
    sent = town.wait(60_000)
    assert len(sent) == GROUP_SENDS - 1
    assert sent[-1] <= 10_000
