"""lampyre.cddl: what its comments list is what the code knows, its rules refuse what is wrong, and the net is cast."""

import re

import cbor2
import pytest

from protocol import envelope, event_table, manifest, orders, quantity_table, settings, telemetry
from protocol.dimming import programme, site
from tests import cddl

TEXT = cddl.CDDL.read_text(encoding="utf-8")
U32 = 2**32 - 1
STATUS = [256, 4, 1, 2, 3300, 90_000, "", 20, 7]

# For each rule: what follows it, and what does not.
EXAMPLES = {
    "readings": (
        (
            [0, 1, 2, 1, 2, 3, 4, 5],
            [0, 1, None, 1, 2, None, 4, 5, 900, 0, 0, 0, None, 0, -3, None, 1, 2, 3, 4, 5],
            [6, 65535, U32, *range(9), -32767, 0, *range(9)],
            [{0x105: -4, 0x005: None}, 1, None],
        ),
        (
            [7, 1, 2, 1, 2, 3, 4, 5],  # no such set
            [0, 65536, 2, 1, 2, 3, 4, 5],
            [0, None, 2, 1, 2, 3, 4, 5],
            [0, 1, -1, 1, 2, 3, 4, 5],
            [0, 1, 2, 1, 2, 3, 4],  # four values of five
            [1, 1, 2, 1, 2, 3, 4, 5],  # five values of eight
            [0, 1, 2, 1, 2, 3, 4, True],
            [0, 1, 2, 1, 2, 3, 4, 20.5],
            [0, 1, 2, 1, 2, 3, 4, 2**32],
            [0, 1, 2, 1, 2, 3, 4, 5, 900],  # a row cut short
            [0, 1, 2, 1, 2, 3, 4, 5, 900, 1, 2, 3, 4, True],
            [0, 1, 2, 1, 2, 3, 4, 5, -32768, 900, 1, 2, 3, 4, 5],
            [0, 1, 2, 1, 2, 3, 4, 5, -3, -900, 1, 2, 3, 4, 5],
            [{}, 1, 2],
            [{65536: 1}, 1, 2],
            [{5: 1.5}, 1, 2],
            [{5: 1}, 1],
            {5: 1},
        ),
    ),
    "event": (
        ([1, 2, 3], [1, None, 99, [0, -4, 5, U32]]),
        (
            [65536, 2, 3],
            [1, -2, 3],
            [1, 2, None],
            [1, 2],
            [1, 2, 3, []],
            [1, 2, 3, [1] * 5],
            [1, 2, 3, 4],
            [1, 2, 3, [True]],
        ),
    ),
    "status": (
        (STATUS, [2**24 - 1, 65535, 23, U32, None, None, None, None, U32], [*STATUS[:6], "é" * 10, *STATUS[7:]]),
        (
            STATUS[:-1],
            *(
                [*STATUS[:at], bad, *STATUS[at + 1 :]]
                for at, bad in enumerate([2**24, 65536, 24, -1, 65536, -1, "x" * 21, 255, None])
            ),
        ),
    ),
    "order": (
        (
            [1, 2, 1, 40],
            [1, 2, 1, 40, None, 900, 7],
            [1, 2, 2],
            [1, 2, 3, 65535, 3, 4, b"p" * 34],
            [1, 2, 4, 5],
            [1, 2, 5, 65535, 32768],
            [1, 2, 6, 3, U32, b"k" * 16, U32],
            [1, 2, 7, 600],
            [1, 2, 8],
            [1, 2, 9, "anything", {1: 2}],
        ),
        (
            [65536, 2, 8],
            [1, None, 8],
            [1, 2, 0],
            [1, 2, True],
            [1, 2, 1],
            [1, 2, 1, 101],
            [1, 2, 1, 40, 3601],
            [1, 2, 1, 40, 0, 86401],
            [1, 2, 1, 40, 0, 0, 8],
            [1, 2, 1, 40, 0, 0, 0, 0],
            [1, 2, 2, 8],
            [1, 2, 3, 1, 0, 1, b"p" * 35],
            [1, 2, 3, 1, 4, 4, b"p"],
            [1, 2, 4],
            [1, 2, 5, 1, 0],
            [1, 2, 6, 3, U32, b"k" * 15, 0],
            [1, 2, 6, 4, U32, b"k" * 16, 0],
            [1, 2, 7, 0],
            [1, 2, 8, 1],
        ),
    ),
    "receipt": (([1, 0], [1, 7, -110]), ([1], [65536, 0], [1, 8], [1, 0, None], [1, 0, True])),
    "programme": (
        ([[127, 1, 100, 11040, 60700]], [[127, 1, 100], [128, -1440, 0]]),
        ([], [[]], [[127]], [[127, 1]], [[256, 1, 100]], [[127, 1, 60701]], [[127, 11513, 0]], [[127, *[1, 1] * 11]]),
    ),
    "site": (
        ([60, True, bytes(96), bytes(96), []], [-720, False, bytes(96), bytes(96), [20000, 1, 30]]),
        (
            [841, True, bytes(96), bytes(96), []],
            [60, 1, bytes(96), bytes(96), []],
            [60, True, bytes(95), bytes(96), []],
            [60, True, bytes(96), bytes(96), [-1]],
            [60, True, bytes(96), bytes(96)],
        ),
    ),
    "envelope": (
        (
            [1, 1, "0.1.0", bytes(8), 255, None],
            [2, U32, 868_100_000, 7, 125_000, -120, -80, True, bytes(255)],
            [3, 9, None, 868_100_000, 0, 0, 14, True, 8, b""],
            [4, 9, 0, U32, 14],
            [5, 1, 2, 3, 4, 5],
            [6, 1, "hot"],
            [7, b"frame"],
            [8, "anything", 1],
            [0],
        ),
        (
            [],
            [1, 1, "0.1.0", bytes(7), 255, None],
            [2, U32, 868_100_000, 6, 125_000, -120, -80, True, b""],
            [2, U32, 868_100_000, 7, 125_000, -120, -80, 1, b""],
            [3, 9, None, 868_100_000, 7, 62_500, 14, True, 8, b""],
            [4, 65536, 0, U32, 14],
            [5, 1, 2, 3, 4],
            [6, 1, "x" * 201],
            [7, bytes(256)],
            [7],
            [-1],
        ),
    ),
    "settings": (
        ({0: 3, 1: bytes(8), 5: 1}, {0: 1, 1: bytes(8), 2: bytes(8), 11: 60, 19: 300}),
        (
            {},
            {0: 3},
            {0: 4, 1: bytes(8)},
            {0: 1, 1: bytes(7)},
            {0: 1, 1: bytes(8), 11: 59},
            {0: 1, 1: bytes(8), 5: "full"},
            {0: 1, 1: bytes(8), 5: False},
            {0: 1, 1: bytes(8), 99: 1},
        ),
    ),
    "manifest": (
        ([0, 0], [2**24 - 1, 256, "main.py", bytes(32), "z" * 64, bytes(32)]),
        (
            [1],
            [2**24, 0],
            [1, 0, "main.py"],
            [1, 0, "main.py", bytes(31)],
            [1, 0, "", bytes(32)],
            [1, 0, "z" * 65, bytes(32)],
            [1, 0, b"main.py", bytes(32)],
        ),
    ),
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_takes_what_follows_it_and_refuses_what_does_not(rule):
    good, wrong = EXAMPLES[rule]
    net = cddl.Net()
    for value in good:
        net.check(rule, cbor2.dumps(value, canonical=True))
    assert not net.failures
    for value in wrong:
        with pytest.raises(cddl.CddlError, match=f"is no '{rule}' of lampyre.cddl"):
            net.check(rule, cbor2.dumps(value, canonical=True))
    assert len(net.failures) == len(wrong)


def test_every_watched_encoder_has_a_rule_with_examples():
    assert {rule for _, _, rule, _ in cddl.ENCODERS} == set(EXAMPLES)


def test_bytes_that_are_no_cbor_or_not_deterministic_are_refused():
    net = cddl.Net()
    with pytest.raises(cddl.CddlError):
        net.check("receipt", b"")
    with pytest.raises(cddl.CddlError, match="its deterministic encoding is 820100"):
        net.check("receipt", bytes.fromhex("82180100"))
    with pytest.raises(cddl.CddlError, match="its deterministic encoding is 820100"):
        net.check("receipt", bytes.fromhex("9f0100ff"))


def test_what_the_code_under_test_swallowed_is_raised_again():
    net = cddl.Net()
    with pytest.raises(cddl.CddlError):
        net.check("receipt", b"\x81\x01", "somewhere")
    with pytest.raises(cddl.CddlError, match="somewhere: 8101 is no 'receipt'"):
        net.raise_what_was_swallowed()
    net.raise_what_was_swallowed()  # once is enough


def test_the_net_is_cast_over_every_encoder():
    """Called through the names that other modules import, each lands in the net of this run."""
    made = []
    reading = telemetry.Reading(1, 1, 10, (1, 2, 3, 4, 0x5EA1))
    made.append(("readings", telemetry.encode_readings(0, [reading], 1, 10, 51)[0]))
    rare = telemetry.Reading(1, 1, 10, (0x5EA1,))
    made.append(("readings", telemetry.encode_rare(rare, ((200, 3),), 1, 10)))
    made.append(("event", telemetry.encode_event(0x5EA1, 7, 1, (0,))))
    made.append(("status", telemetry.encode_status(telemetry.Status((1, 2, 3), 0x5EA1, 1, 2, 3, 4, None, None, 5), 51)))
    made.append(("order", orders.encode_order(orders.Order(0x5EA1, 1, orders.REBOOT))))
    made.append(("receipt", orders.encode_receipt(orders.Receipt(0x5EA1, orders.DONE))))
    made.append(("programme", programme.DEFAULT_PROGRAMME.encode()))
    table = site.SunTable((3600,) * 24, (0x2EA1,) * 24)
    made.append(("site", site.Site(60, True, table, table, []).encode()))
    sealed = envelope.seal(envelope.message(envelope.FRAME, phy_payload=b"\x5e\xa1"))
    made.append(("envelope", bytes.fromhex("8207425ea1")))
    assert b"\x5e\xa1" in sealed
    made.append(("settings", settings.Settings({0: settings.BRIDGE, 1: b"seal" * 2}).encode()))
    made.append(("manifest", manifest.Manifest(0x5EA1, 0x5EA1, []).encode()))
    for rule, payload in made:
        assert (rule, payload) in cddl.NET.seen, rule
    assert len(made) == len(cddl.ENCODERS)


def test_a_wrong_encoder_fails_its_test():
    def encode_receipt(order_id):
        return cbor2.dumps([order_id, "done"])

    net = cddl.Net()
    watched = net._watched(encode_receipt, "encode_receipt", "receipt", lambda result: result)
    with pytest.raises(cddl.CddlError, match="encode_receipt: 820164646f6e65 is no 'receipt'"):
        watched(1)


def test_the_list_of_sets_is_the_code_s():
    listed = re.findall(r"^;   set (\d+): ((?:[^\n]|\n;          )+)$", TEXT, re.MULTILINE)
    expected = []
    for number, pairs in enumerate(quantity_table.SETS):
        names = []
        for quantity, instance in pairs:
            names.append(quantity_table.QUANTITIES[quantity][0] + (f"/{instance}" if instance else ""))
        expected.append((str(number), " ".join(names)))
    assert [(number, " ".join(names.replace(";", "").split())) for number, names in listed] == expected


def test_the_rule_of_each_set_has_its_number_of_values():
    sizes = {"five": 5, "seven": 7, "eight": 8, "nine": 9}
    rules = re.findall(
        r"^(\w+)-values += \( set: ([\d /]+), seq, age, (\d+)\*(\d+) value, \* row-of-(\w+) \)", TEXT, re.MULTILINE
    )
    found = {}
    for name, sets, low, high, row in rules:
        assert sizes[name] == int(low) == int(high)
        assert row == name
        assert f"row-of-{name:<5} = ( ? skipped, gap, {low}*{low} difference )" in TEXT
        for number in sets.split("/"):
            found[int(number)] = int(low)
    assert found == {number: len(pairs) for number, pairs in enumerate(quantity_table.SETS)}


def test_the_list_of_quantities_is_the_code_s():
    section = TEXT.split("The quantities: number")[1].split("lamp_status is a sum")[0]
    listed = re.findall(r"^;   (\d+) (\S+) (\S+) (\d)$", section, re.MULTILINE)
    assert listed == [(str(at), row[0], row[1], str(row[2])) for at, row in enumerate(quantity_table.QUANTITIES)]


def test_the_list_of_events_is_the_code_s():
    section = TEXT.split("in the order of this list")[1].split("void: seq")[0]
    listed = re.findall(r"^;   (\d+) (\w+):(.*)$", section, re.MULTILINE)
    assert [(int(at), name, tuple(details.split())) for at, name, details in listed] == [
        (at, name, details) for at, (name, details) in enumerate(event_table.EVENTS)
    ]


def test_the_settings_are_the_code_s():
    section = TEXT.split("settings = {")[1].split("}")[0]
    listed = re.findall(r"^  (\?? ?)(\d+) => ([^,]+), +; (\w+)(?:: (.*))?$", section, re.MULTILINE)
    expected = []
    for number, (name, _, default, low, high, _) in enumerate(settings.SETTINGS):
        choices = " ".join(f"{at} {choice}" for at, choice in enumerate(high)) if isinstance(high, tuple) else ""
        values = "bstr .size 8" if high == "EUI" else f"{low}..{len(high) - 1 if isinstance(high, tuple) else high}"
        expected.append(("" if default is None else "? ", str(number), values, name, choices))
    assert listed == expected


def test_verbs_and_outcomes_are_the_code_s():
    verbs = re.findall(r"^([a-z-]+) = \( verb: (\d)[ ,.]", TEXT, re.MULTILINE)
    named = {int(number): name.replace("-", "_") for name, number in verbs}
    assert named == {number: name for number, (name, _) in orders.VERBS.items()} | {9: "newer_verb"}
    outcomes = TEXT.split("outcome: 0..7")[1].split("not_here: a verb")[0]
    assert tuple(re.findall(r"^;   \d (\w+)$", outcomes, re.MULTILINE)) == orders.OUTCOMES


def test_the_frame_in_the_readme_is_one():
    """Its column of bytes and its line of code are the same, and follow the rule."""
    readme = cddl.CDDL.with_name("README.md").read_text(encoding="utf-8")
    column = readme.split("byte by byte")[1].split("```")[1]
    by_hand = "".join(re.findall(r"^ *((?:[0-9A-F]{2,4} )+)", column, re.MULTILINE))
    payload = bytes.fromhex(re.search(r'fromhex\("([0-9a-f ]+)"\)', readme)[1])
    assert bytes.fromhex(by_hand) == payload
    cddl.Net().check("readings", payload)
