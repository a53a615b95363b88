"""What the city reads of overrides: who held what until when, what became of it, and which lamps follow."""

import json

from jsonschema import Draft202012Validator

from gateway.lighting.plan import SITE
from gateway.orders.request import OrderRequest
from gateway.publish import schemas
from tests.gateway.lighting.town import START_S, Town

HOUR_S = 3600
NOTICE = next(
    entry["properties"]["notice"]
    for entry in schemas.schema(schemas.MESSAGE)["oneOf"]
    if entry["title"] == "Notice of the gateway"
)


def told(street):
    """State, level, by whom, target, and of the lamps how many follow, of each notice on an override."""
    rows = []
    for notice in street.notices:
        Draft202012Validator(NOTICE).validate(notice)
        if notice["notice"] == "light_override":
            whom = notice["lamp"] or notice["group"]
            rows.append((notice["state"], notice["level_pct"], notice["by"], whom, notice["followed"], notice["lamps"]))
    return rows


def test_an_override_is_told_when_it_begins_and_when_its_time_is_over():
    street = Town(6)
    street.hold(1, 70, HOUR_S)
    street.run(5)
    [notice] = street.notices
    assert (notice["since"], notice["until"]) == ("2026-12-22T19:00:00Z", "2026-12-22T20:00:00Z")
    assert START_S == 1_797_966_000, "20:00 in Paris"
    street.run(2 * HOUR_S)
    assert told(street) == [("held", 70, "test", 1, 0, 6), ("expired", 70, "test", 1, 6, 6)]


def test_who_replaces_and_who_ends_it_is_told():
    street = Town(6)
    street.hold(1, 70, 2 * HOUR_S)
    street.run(1200)
    street.hold(1, 40, 2 * HOUR_S, 2)
    street.run(1200)
    street.hold(1, None, HOUR_S, 3)
    street.run(3 * HOUR_S)
    assert told(street) == [
        ("held", 70, "test", 1, 0, 6),
        ("replaced", 70, "test", 1, 6, 6),
        ("held", 40, "test", 1, 0, 6),
        ("ended", 40, "test", 1, 6, 6),
    ]


def test_one_lamp_and_the_site_are_told_of_as_such_and_a_lamp_is_confirmed():
    street = Town(6)
    lamp = list(street.lamps)[2]
    street.hold(SITE, 90, HOUR_S)
    street.run(1000)
    street.hold(lamp, 0, HOUR_S, 2)
    street.run(1000)
    assert told(street) == [("held", 90, "test", None, 0, 6), ("held", 0, "test", lamp.hex(), 0, 1)]
    followed = [notice for notice in street.notices if notice["notice"] == "light_followed"]
    assert [(each["lamp"], each["group"], each["followed"], each["lamps"]) for each in followed] == [
        (None, 1, 6, 6),
        (lamp.hex(), None, 1, 1),
    ]


def test_a_lamp_that_did_not_hear_is_named_at_the_end():
    street = Town(6)
    deaf = list(street.lamps)[4]
    street.lamps[deaf].deaf = True
    street.hold(1, 70, HOUR_S)
    street.run(2 * HOUR_S)
    last = street.notices[-1]
    assert (last["state"], last["followed"], last["missing"]) == ("expired", 5, [deaf.hex()])


def test_a_level_by_an_order_of_one_s_own_is_an_override_like_any():
    street = Town(6)
    request = OrderRequest(
        target=street.group, verb="set_level", arguments={"level_pct": 55, "hold_s": 600}, source="mqtt"
    )
    street.take(street.app.give(request, street.now_ms).answer)
    street.run(HOUR_S)
    assert [row[:3] for row in told(street)] == [("held", 55, "mqtt"), ("expired", 55, "mqtt")]


def test_a_start_tells_nothing_again_and_still_tells_the_end():
    street = Town(6)
    override = street.hold(1, 70, HOUR_S)
    past = override.__class__(
        **{name: getattr(override, name) for name in override.__slots__} | {"target": SITE, "until_s": 1}
    )
    street.run(600)
    street.begin([past, override])
    street.run(2 * HOUR_S)
    assert [row[0] for row in told(street)] == ["held", "expired"]
    assert json.dumps(street.notices)
