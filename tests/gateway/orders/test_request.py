"""Orders in words: what becomes of them on the air, and sentences for what cannot be given."""

import pytest

from gateway.network.registration import Group, Registration, Role
from gateway.orders.request import OrderError, OrderRequest, orders_of
from gateway.orders.targets import Targets
from protocol.lorawan.multicast import decrypt_mc_key, mc_ke_key, mc_root_key
from protocol.orders import JOIN_GROUP, LOAD_PROGRAMME, decode_order, encode_order

GEN_APP_KEY = bytes(range(16))
MC_KEY = bytes(range(100, 116))
LAMP = Registration(device=6, dev_eui=bytes([2] * 8), role=Role.LIGHT, class_c=True, gen_app_key=GEN_APP_KEY)
OLD_LAMP = Registration(device=7, dev_eui=bytes([3] * 8), role=Role.LIGHT)
STREET = Group(number=3, name="quai", mc_addr=0x27000001, mc_key=MC_KEY, members=(LAMP.dev_eui,), f_cnt_down=77)
TARGETS = Targets([LAMP, OLD_LAMP], [STREET])
GPS_S = 1_450_000_000


def orders(verb, target=LAMP, expires_in_s=3600, **arguments):
    request = OrderRequest(target=target, verb=verb, arguments=arguments, expires_in_s=expires_in_s)
    return orders_of(request, TARGETS, 500, GPS_S)


def one(verb, target=LAMP, **arguments):
    [order] = orders(verb, target, **arguments)
    return decode_order(encode_order(order))


@pytest.mark.parametrize(
    ("verb", "arguments", "says"),
    [
        ("set_level", {"level_pct": 40}, "set_level level_pct=40"),
        ("set_level", {"level_pct": "40", "fade_s": " 2"}, "set_level level_pct=40 fade_s=2"),
        ("set_level", {"level_pct": 40, "head": 1}, "set_level level_pct=40 head=1"),
        ("resume_programme", {}, "resume_programme"),
        ("configure", {"setting": "reading_interval_s", "value": "600"}, "configure setting=11 value=600"),
        ("configure", {"setting": 11}, "configure setting=11"),
        ("configure", {"setting": "11", "value": None}, "configure setting=11"),
        ("configure", {"setting": "plan", "value": "single-channel"}, "configure setting=5 value=1"),
        ("configure", {"setting": "on_lux", "value": "0"}, "configure setting=29 value=0"),
        ("configure", {"setting": 99, "value": "-1"}, "configure setting=99 value=-1"),  # of a newer node
        ("resend", {"first_seq": 65_535, "count": 3}, "resend first_seq=65535 count=3"),
        ("identify", {}, "identify"),
        ("reboot", {}, "reboot"),
    ],
)
def test_words_become_an_order(verb, arguments, says):
    order = one(verb, **arguments)
    assert order.describe() == says
    assert (order.order_id, order.expiry_gps_s) == (500, GPS_S)


def test_a_programme_becomes_its_parts():
    parts = orders("load_programme", version=9, programme="00" * 70)
    assert [order.arguments[:3] for order in parts] == [(9, 0, 3), (9, 1, 3), (9, 2, 3)]
    assert [order.order_id for order in parts] == [500, 501, 502]
    assert {order.verb for order in parts} == {LOAD_PROGRAMME}
    some = orders("load_programme", version=9, programme="00" * 70, parts=0b101)
    assert [order.arguments[:3] for order in some] == [(9, 0, 3), (9, 2, 3)]
    assert orders("load_programme", version=9, programme=b"\x01")[0].arguments == (9, 0, 1, b"\x01")


def test_a_group_s_key_travels_under_the_device_s_own():
    order = one("join_group", group=3, place="2")
    assert order.verb == JOIN_GROUP
    place, mc_addr, mc_key, f_cnt = order.arguments
    assert (place, mc_addr, f_cnt) == (2, 0x27000001, 77)
    assert decrypt_mc_key(mc_ke_key(mc_root_key(GEN_APP_KEY)), mc_key) == MC_KEY
    assert MC_KEY.hex() not in order.describe()
    assert "16 bytes" in order.describe()


def test_a_group_obeys_lamp_orders():
    assert one("set_level", STREET, level_pct=30, hold_s=600).describe() == "set_level level_pct=30 hold_s=600"


@pytest.mark.parametrize(
    ("verb", "more", "says"),
    [
        ("set_leval", {}, "there is no order 'set_leval'; did you mean set_level?"),
        ("fly", {}, "there is no order 'fly'; expected one of set_level, resume_programme"),
        ("set_level", {}, "set_level needs level_pct; its arguments are level_pct, fade_s, hold_s, head"),
        ("set_level", {"level": 3}, "set_level has no argument 'level'; did you mean level_pct?"),
        ("set_level", {"level_pct": 101}, "level_pct is 101; expected an integer 0..100"),
        ("set_level", {"level_pct": "bright"}, "set_level: level_pct is 'bright'; expected a whole number"),
        ("set_level", {"level_pct": 40.5}, "set_level: level_pct is 40.5; expected a whole number"),
        ("set_level", {"level_pct": True}, "set_level: level_pct is True; expected a whole number"),
        ("set_level", {"level_pct": 4, "expires_in_s": 5}, "set_level: expires_in_s is 5; expected 10..604800"),
        ("configure", {"setting": "reading_intervall_s"}, "did you mean reading_interval_s?"),
        ("configure", {"setting": "on_lux", "value": -1}, "configure: on_lux is -1; write 0..1000 (lux)"),
        ("configure", {"setting": "plan", "value": 2}, 'configure: plan is 2; write "full" or "single-channel"'),
        ("configure", {"setting": "dev_eui", "value": 0}, "configure: dev_eui is 0; write the 16 hex digits"),
        ("configure", {"value": 3}, "configure needs setting"),
        ("load_programme", {"version": 1, "programme": "0g"}, "programme is not hexadecimal"),
        ("load_programme", {"version": 1, "programme": 7}, "programme bytes in hexadecimal"),
        (
            "load_programme",
            {"version": 1, "programme": "00" * 70, "parts": 8},
            "parts is 8; expected bits of the 3 parts",
        ),
        (
            "load_programme",
            {"version": 1, "programme": "00" * 70, "parts": 0},
            "parts is 0; expected bits of the 3 parts",
        ),
        ("load_programme", {"version": 1, "programme": "00" * 137}, "a programme of 137 bytes; expected 1..136"),
        ("load_programme", {"version": 70_000, "programme": "00"}, "version is 70000; expected an integer 0..65535"),
        ("join_group", {"group": 4}, "join_group: there is no group 4"),
        ("join_group", {"group": 3, "place": 4}, "group is 4; expected an integer 0..3"),
        ("join_group", {"group": 3, "target": OLD_LAMP}, "registered with a GenAppKey"),
        ("join_group", {"group": 3, "target": STREET}, "needs one device"),
        ("reboot", {"target": STREET}, "nodes do not obey reboot from a group, only set_level, resume_programme"),
        ("set_level", {"target": STREET, "level_pct": 3, "hold_s": 57_601}, "lasts a night at most; write 57600"),
        ("set_level", {"target": STREET, "level_pct": 3, "expires_in_s": 57_601}, "lasts a night at most"),
    ],
)
def test_what_cannot_be_given_is_refused_with_a_sentence(verb, more, says):
    with pytest.raises(OrderError) as caught:
        orders(verb, **more)
    assert says in str(caught.value)


def test_a_request_does_not_show_its_arguments():
    assert "secret" not in repr(OrderRequest(target=LAMP, verb="x", arguments={"programme": "secret"}))
