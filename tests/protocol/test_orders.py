"""Orders and receipts: the bytes of lampyre.cddl written by hand, when a node must refuse, and the words for it."""

from protocol import orders
from protocol.dimming import MAX_PROGRAMME_BYTES
from protocol.orders import (
    BAD_ARGUMENT,
    CONFIGURE,
    DONE,
    EXPIRED,
    IDENTIFY,
    INCOMPLETE,
    JOIN_GROUP,
    LOAD_PROGRAMME,
    MAX_PART_LEN,
    MAX_PARTS,
    OUTCOMES,
    REBOOT,
    RESEND,
    RESUME_PROGRAMME,
    SET_LEVEL,
    UNKNOWN_VERB,
    VERBS,
    Order,
    Receipt,
    decode_order,
    decode_receipt,
    encode_order,
    encode_receipt,
    programme_orders,
    refusal,
)
from tests.protocol.expect import hexa, refused

EXPIRY = 1_450_000_000  # GPS seconds, in December 2025: 566d3e80
KEY = b"sixteen byte key"


def both_ways(order, expected):
    payload = encode_order(order)
    assert payload == hexa(expected), f"{payload!r}, expected {hexa(expected)!r}"
    found = decode_order(payload)
    assert (found.order_id, found.expiry_gps_s, found.verb) == (order.order_id, order.expiry_gps_s, order.verb)
    assert found.arguments == order.arguments
    assert refusal(found, EXPIRY - 1) is None


def test_every_verb_in_bytes():
    both_ways(Order(17, EXPIRY, SET_LEVEL, 40), "84 11 1a566d3e80 01 1828")
    both_ways(Order(17, EXPIRY, SET_LEVEL, 40, 2, 900, 1), "87 11 1a566d3e80 01 1828 02 190384 01")
    both_ways(Order(17, EXPIRY, SET_LEVEL, 0, None, 86400), "86 11 1a566d3e80 01 00 f6 1a00015180")
    both_ways(Order(65535, EXPIRY, RESUME_PROGRAMME), "83 19ffff 1a566d3e80 02")
    both_ways(Order(18, EXPIRY, RESUME_PROGRAMME, 7), "84 12 1a566d3e80 02 07")
    both_ways(Order(19, EXPIRY, LOAD_PROGRAMME, 300, 1, 2, b"\x81\x00"), "87 13 1a566d3e80 03 19012c 01 02 42 8100")
    both_ways(Order(20, EXPIRY, CONFIGURE, 5, -0x40000000), "85 14 1a566d3e80 04 05 3a3fffffff")
    both_ways(Order(20, EXPIRY, CONFIGURE, 5), "84 14 1a566d3e80 04 05")
    both_ways(Order(21, EXPIRY, RESEND, 65000, 32768), "85 15 1a566d3e80 05 19fde8 198000")
    both_ways(
        Order(22, EXPIRY, JOIN_GROUP, 3, 0xFC00AC12, KEY, 0),
        "87 16 1a566d3e80 06 03 1afc00ac12 50 7369787465656e2062797465206b6579 00",
    )
    both_ways(Order(23, EXPIRY, IDENTIFY, 600), "84 17 1a566d3e80 07 190258")
    both_ways(Order(0, EXPIRY, REBOOT), "83 00 1a566d3e80 08")


def test_arguments_that_are_not_given_at_the_end_cost_nothing():
    assert encode_order(Order(17, EXPIRY, SET_LEVEL, 40, None, None, None)) == hexa("84 11 1a566d3e80 01 1828")
    assert encode_order(Order(17, EXPIRY, IDENTIFY, None)) == hexa("83 11 1a566d3e80 07")


def test_orders_that_cannot_be_said_are_refused():
    def refuse(says, *arguments, order_id=1, expiry=EXPIRY):
        return refused(says, encode_order, Order(order_id, expiry, *arguments))

    assert refuse("unknown", 9) == "order 1: verb 9 is unknown; expected one of [1, 2, 3, 4, 5, 6, 7, 8]"
    assert refuse("101", SET_LEVEL, 101) == "order 1: set_level: level_pct is 101; expected an integer 0..100"
    refuse("order 1: set_level: level_pct is None; expected an integer 0..100", SET_LEVEL)
    refuse("set_level: level_pct is True; expected", SET_LEVEL, True)
    refuse("set_level: level_pct is -1; expected", SET_LEVEL, -1)
    refuse("set_level: fade_s is 3601; expected an integer 0..3600", SET_LEVEL, 1, 3601)
    refuse("set_level: hold_s is 86401; expected", SET_LEVEL, 1, None, 86401)
    refuse("set_level: head is 8; expected an integer 0..7", SET_LEVEL, 1, None, None, 8)
    refuse("set_level has 5 arguments; expected at most 4", SET_LEVEL, 1, 2, 3, 4, 5)
    refuse("reboot has 1 arguments; expected at most 0", REBOOT, None)
    refuse("load_programme: bytes has 35 bytes; expected 0..34 bytes", LOAD_PROGRAMME, 1, 0, 1, bytes(35))
    refuse("load_programme: bytes is None; expected 0..34 bytes", LOAD_PROGRAMME, 1, 0, 1)
    refuse("load_programme: part is 4; expected an integer 0..3", LOAD_PROGRAMME, 1, 4, 4, b"")
    refuse("load_programme: part is 2 of 2; expected 0..1", LOAD_PROGRAMME, 1, 2, 2, b"")
    refuse("load_programme: parts is 0; expected an integer 1..4", LOAD_PROGRAMME, 1, 0, 0, b"")
    refuse("configure: value is 1073741824; expected an integer -1073741824..1073741823", CONFIGURE, 1, 0x40000000)
    refuse("resend: count is 0; expected an integer 1..32768", RESEND, 1, 0)
    refuse("join_group: mc_key_encrypted has 15 bytes; expected 16..16 bytes", JOIN_GROUP, 0, 1, KEY[:15], 0)
    refuse("join_group: mc_key_encrypted has 17 bytes", JOIN_GROUP, 0, 1, KEY + b"!", 0)
    refuse("join_group: mc_key_encrypted is 'text'", JOIN_GROUP, 0, 1, "text", 0)
    refuse("join_group: group has 16 bytes; expected an integer 0..3", JOIN_GROUP, KEY, 1, KEY, 0)
    refuse("identify: seconds is 0; expected an integer 1..600", IDENTIFY, 0)
    refuse("order id is 65536; expected 0..65535", REBOOT, order_id=65536)
    refuse("order id is None; expected an integer 0..65535", REBOOT, order_id=None)
    refuse("order: expiry is -1; expected 0..4294967295", REBOOT, expiry=-1)
    refuse("order: expiry is 4294967296; expected", REBOOT, expiry=0x100000000)


def test_a_refusal_never_shows_a_key():
    message = refused("16 bytes", encode_order, Order(1, EXPIRY, JOIN_GROUP, KEY, 1, KEY, 0))
    assert "sixteen" not in message
    message = refused("17 bytes", encode_order, Order(1, EXPIRY, JOIN_GROUP, 0, 1, KEY + b"!", 0))
    assert "sixteen" not in message


def test_orders_that_cannot_even_be_answered_are_refused():
    for says, payload in (
        ("order is 5; expected an array", "05"),
        ("order has 2 items; expected at least 3: was it cut short?", "82 01 02"),
        ("order id is 65536; expected 0..65535", "83 1a00010000 00 08"),
        ("order id is None; expected an integer 0..65535", "83 f6 00 08"),
        ("order: expiry is -1; expected 0..4294967295", "83 01 20 08"),
        ("order: verb is 'x'; expected an integer", "83 01 00 6178"),
        ("order: verb is -1; expected", "83 01 00 20"),
        ("order: verb is True; expected an integer", "83 01 00 f5"),
        ("CBOR at byte 0", "83 01 00"),
    ):
        refused(says, decode_order, hexa(payload))


def test_an_order_of_a_newer_version():
    order = decode_order(hexa("85 01 1a566d3e80 09 61 78 a0"))
    assert (order.verb, order.arguments) == (9, ())
    assert refusal(order, 0) == UNKNOWN_VERB
    assert order.describe() == "verb_9"
    order = decode_order(hexa("89 01 1a566d3e80 01 1828 02 03 04 80 f5"))  # with arguments of the future
    assert order.arguments == (40, 2, 3, 4)
    assert refusal(order, 0) is None
    assert refused("unknown", encode_order, decode_order(hexa("83 01 00 00")))


def test_an_order_is_refused_from_its_expiry_on():
    order = Order(1, EXPIRY, REBOOT)
    assert refusal(order, EXPIRY - 1) is None
    assert refusal(order, EXPIRY) == EXPIRED
    assert refusal(order, EXPIRY + 1) == EXPIRED
    assert refusal(order, None) is None  # without a clock it may be obeyed, for at most 900 s
    assert orders.HOLD_WITHOUT_CLOCK_S == 900


def test_an_order_with_a_wrong_argument_is_refused_for_that():
    for payload in (
        "83 01 1a566d3e80 01",  # no level
        "84 01 1a566d3e80 01 f6",
        "84 01 1a566d3e80 01 1865",
        "84 01 1a566d3e80 01 f5",
        "84 01 1a566d3e80 01 80",
        "85 01 1a566d3e80 01 00 6178",
        "87 01 1a566d3e80 06 00 01 4f 000000000000000000000000000000 00",
    ):
        assert refusal(decode_order(hexa(payload)), 0) == BAD_ARGUMENT, payload
    assert refusal(decode_order(hexa("83 01 05 01")), 5) == EXPIRED  # the expiry is judged first


def test_an_order_in_words():
    for order, words in (
        (Order(1, 2, SET_LEVEL, 40, 2), "set_level level_pct=40 fade_s=2"),
        (Order(1, 2, SET_LEVEL, 40, None, None, 1), "set_level level_pct=40 head=1"),
        (
            Order(1, 2, JOIN_GROUP, 0, 5, KEY, 9),
            "join_group group=0 mc_addr=5 mc_key_encrypted=(16 bytes) mc_f_cnt_min=9",
        ),
        (Order(1, 2, REBOOT), "reboot"),
        (Order(1, 2, REBOOT, 3), "reboot argument_0=3"),
        (Order(1, 2, 99, 3, b"x"), "verb_99 argument_0=3 argument_1=(1 bytes)"),
        (Order(1, 2, SET_LEVEL, "a\nb"), "set_level level_pct='a\\nb'"),  # one order, one line of the log
    ):
        assert order.describe() == words, order.describe()


def test_a_receipt():
    for receipt, expected in (
        (Receipt(17, DONE), "82 11 00"),
        (Receipt(65535, INCOMPLETE, 5), "83 19ffff 06 05"),
        (Receipt(0, orders.FAILED, -110), "83 00 07 386d"),
        (Receipt(0, orders.FAILED, 0xFFFFFFFF), "83 00 07 1affffffff"),
    ):
        assert encode_receipt(receipt) == hexa(expected)
        found = decode_receipt(hexa(expected))
        assert (found.order_id, found.outcome, found.detail) == (receipt.order_id, receipt.outcome, receipt.detail)


def test_a_receipt_of_a_newer_version():
    found = decode_receipt(hexa("84 01 1863 05 80"))
    assert (found.order_id, found.outcome, found.detail) == (1, 99, 5)
    assert decode_receipt(hexa("84 01 00 f6 f5")).detail is None


def test_wrong_receipts_are_refused_both_ways():
    assert refused("8", encode_receipt, Receipt(1, 8)) == "receipt: outcome is 8; expected 0..7"
    refused("receipt: outcome is True; expected an integer 0..7", encode_receipt, Receipt(1, True))
    refused("order id is -1; expected 0..65535", encode_receipt, Receipt(-1, DONE))
    refused("receipt: detail is 4294967296; expected", encode_receipt, Receipt(1, DONE, 0x100000000))
    refused("receipt: detail is True; expected an integer", encode_receipt, Receipt(1, DONE, True))
    for says, payload in (
        ("receipt is None; expected an array", "f6"),
        ("receipt has 1 items; expected at least 2: was it cut short?", "81 01"),
        ("order id is 65536", "82 1a00010000 00"),
        ("receipt: outcome is -1; expected", "82 01 20"),
        ("receipt: detail is 'x'; expected an integer", "83 01 00 6178"),
    ):
        refused(says, decode_receipt, hexa(payload))


def test_numbers_that_are_in_the_street_never_move():
    for number, name in enumerate(OUTCOMES):
        assert getattr(orders, name.upper()) == number, name
    for number, (name, _) in VERBS.items():
        assert getattr(orders, name.upper()) == number, name
    assert (SET_LEVEL, REBOOT, DONE, orders.FAILED) == (1, 8, 0, 7)


def test_a_programme_is_cut_into_orders():
    programme = bytes(range(100))
    cut = programme_orders(65534, EXPIRY, 9, programme)
    assert [order.order_id for order in cut] == [65534, 65535, 0]  # ids go round
    assert [order.arguments[:3] for order in cut] == [(9, 0, 3), (9, 1, 3), (9, 2, 3)]
    assert b"".join([order.arguments[3] for order in cut]) == programme
    assert [len(order.arguments[3]) for order in cut] == [34, 34, 32]
    for order in cut:
        assert refusal(decode_order(encode_order(order)), EXPIRY - 1) is None


def test_the_longest_programme_fits_its_frames():
    cut = programme_orders(0xFFF0, 0xFFFFFFFF, 0xFFFF, bytes(MAX_PARTS * MAX_PART_LEN))
    assert [len(encode_order(order)) for order in cut] == [51] * MAX_PARTS  # DR0's
    assert MAX_PROGRAMME_BYTES == MAX_PARTS * MAX_PART_LEN


def test_a_programme_that_is_too_long_or_empty_is_refused():
    assert refused("137", programme_orders, 1, EXPIRY, 9, bytes(137)) == "a programme of 137 bytes; expected 1..136"
    refused("a programme of 0 bytes", programme_orders, 1, EXPIRY, 9, b"")
