"""Ids on the air, and whose order a receipt speaks of."""

from tests.gateway.orders.town import STREET, Town
from tests.gateway.uplinks import NODE


def test_ids_on_the_air_are_not_used_again_while_a_node_may_remember_them():
    """Also after a restart, and after a restore that knows nothing: they follow the clock."""
    town = Town()
    ids = []
    for _ in range(12):
        [order] = town.give()
        ids.append(town.kept[order].wire_id)
        town.receipt(ids[-1])
    assert len(set(ids)) == 12
    again = Town(kept=list(town.kept.values()), next_id=50)
    [order] = again.give()
    assert again.kept[order].wire_id not in ids
    restored = Town(now_ms=60_000)
    [order] = restored.give()
    assert restored.kept[order].wire_id not in ids


def test_a_group_and_its_members_do_not_share_ids():
    town = Town()
    member = town.desk._targets.device(20)
    orders = [*town.give(member), *town.give(STREET), *town.give(member), *town.give(STREET)]
    assert len({town.kept[order].wire_id for order in orders}) == 4


def test_a_receipt_of_another_device_is_not_taken():
    town = Town()
    [order] = town.give()
    town.receipt(town.kept[order].wire_id, device=NODE)
    assert town.states() == {order: "queued"}


def test_what_becomes_of_a_downlink_is_nothing_to_an_order_that_is_over():
    town = Town()
    [order] = town.give()
    town.take(town.desk.cancel(order, town.now_ms)[0])
    assert town.went() == 1
    assert town.states() == {order: "cancelled"}
