"""What the store and the city are told of an order."""

import pytest

from gateway.orders import states
from protocol.orders import BAD_ARGUMENT, BELOW_FLOOR, DONE, INCOMPLETE
from tests.gateway.orders.town import MEMBERS, STREET, Town


def test_a_receipt_ends_it_and_the_city_hears():
    town = Town()
    [order] = town.give()
    assert town.went() == 1
    assert town.kept[order].state == "sent"
    receipted = town.receipt(town.kept[order].wire_id)
    assert receipted.answer.at_once
    assert town.states() == {order: "done"}
    assert town.results == [
        {
            "order": 1,
            "verb": "set_level",
            "description": "set_level level_pct=40",
            "source": "operator",
            "state": "done",
            "detail": "",
            "tries": 1,
        }
    ]
    assert town.desk.under_way() == 0
    assert town.wait(10 * 3_600_000) == []


@pytest.mark.parametrize(
    ("outcome", "state"), [(BELOW_FLOOR, "refused:below_floor"), (BAD_ARGUMENT, "refused:bad_argument")]
)
def test_a_refusal_says_why(outcome, state):
    town = Town()
    [order] = town.give()
    town.went()
    town.receipt(town.kept[order].wire_id, outcome, 30)
    assert (town.kept[order].state, town.kept[order].detail) == (state, "detail 30")


def test_an_outcome_of_a_newer_node_keeps_its_number():
    assert states.refused(200) == "refused:outcome_200"
    assert states.is_over("refused:outcome_200")
    assert not states.is_over("sent")


def test_a_group_s_result_names_who_did_not_answer_and_who_refused():
    town = Town()
    [order] = town.give(STREET)
    town.went()
    town.members_answer(order, [DONE, BELOW_FLOOR])
    town.wait(10 * 3_600_000)
    assert town.kept[order].state == "refused:below_floor"
    assert town.results[0]["unanswered"] == [MEMBERS[2].hex()]
    assert town.results[0]["refused"] == {MEMBERS[1].hex(): "refused:below_floor"}


def test_a_group_that_answers_in_part_expires():
    town = Town()
    [order] = town.give(STREET)
    town.went()
    town.members_answer(order, [DONE])
    town.wait(10 * 3_600_000)
    assert (town.kept[order].state, town.kept[order].detail) == ("expired", "1 of 3 answered, 0 refused")


def test_a_part_that_waits_for_others_is_not_refused():
    town = Town()
    order, other = town.give(STREET, "load_programme", version=9, programme="00" * 68)
    town.members_answer(order, [INCOMPLETE] * 3)
    town.members_answer(other, [DONE, DONE, INCOMPLETE])
    assert town.states() == {order: "done", other: "done"}
    assert [said["refused"] for said in town.results] == [{}, {}]
