from protocol import cbor
from protocol.region import PLANS
from protocol.settings import AIR, BRIDGE, LIGHT, MAX_SETTINGS_LEN, PARKING, ROLES, SETTINGS, Settings, number_of
from protocol.settings_text import SENTENCES, explain
from tests.protocol.expect import hexa, refused

EUI = "70 b3 d5 7e d0 00 00 01"


def settings(role="air", **more):
    return Settings.from_names(dict(role=role, dev_eui=EUI, **more))


def wrong(says, role="air", **more):
    message = refused("settings: " + says, settings, role, **more)
    assert all(line.startswith("settings: ") for line in message.split("\n")), message
    return message


def test_defaults():
    air = settings()
    assert (air.role, air.dev_eui, air.join_eui) == (AIR, hexa(EUI), bytes(8))
    assert (air.reading_interval_s, air.device_class, PLANS[air.plan].name) == (900, 0, "full")
    light = settings("light")
    assert (light.role, light.reading_interval_s, light.device_class) == (LIGHT, 3600, 1)
    assert (light.floor_pct, light.supply) == (30, 0)
    parking = settings("parking")
    assert (parking.role, parking.heartbeat_s, parking.bays, parking.device_class) == (PARKING, 3600, 1, 0)
    assert settings("bridge").role == BRIDGE


def test_what_is_given_is_taken():
    found = settings("light", plan="single-channel", supply="switched", floor_pct=0, dimming_curve="logarithmic")
    assert (found.plan, found.supply, found.floor_pct, found.dimming_curve) == (1, 1, 0, 1)
    found = settings("parking", join_eui="0102030405060708", bays=2, heartbeat_s=300, min_dr=5)
    assert (found.join_eui, found.bays, found.heartbeat_s, found.min_dr) == (bytes(range(1, 9)), 2, 300, 5)


def test_messages_a_technician_understands():
    wrong("reading_interval_s is 5; write 60..86400 (seconds)", reading_interval_s=5)
    wrong("reading_interval_s is 86401; write 60..86400 (seconds)", reading_interval_s=86401)
    wrong("reading_interval_s is '900'; write 60..86400 (seconds) without quotes", reading_interval_s="900")
    wrong("reading_interval_s is True; write 60..86400 (seconds)", reading_interval_s=True)
    wrong("reading_interval_s is None; write", reading_interval_s=None)
    wrong("'reading_intervall' is unknown; did you mean reading_interval_s?", reading_intervall=900)
    wrong("'Role' is unknown; did you mean role?", Role="air")
    wrong("'flor_pct' is unknown; did you mean floor_pct?", "light", flor_pct=30)
    wrong('plan is \'fulll\'; write "full" or "single-channel"', plan="fulll")
    wrong('plan is 1; write "full" or "single-channel"', plan=1)
    wrong('role is \'lamp\'; write "parking" or "air" or "light" or "bridge"', "lamp")
    wrong("bays is not for role air; leave it out", bays=2)
    wrong("join_eui '01' has 2 hex digits; expected 16, as printed on the label", join_eui="01")
    wrong("join_eui is 1; write the 16 hex digits printed on the label, in quotes", join_eui=1)
    refused('settings: role is missing; write "parking" or', Settings.from_names, {"dev_eui": EUI})
    refused("settings: dev_eui is missing; write the 16 hex digits", Settings.from_names, {"role": "air"})


def test_no_message_grows_with_what_was_written():
    assert len(wrong("plan is", plan="x" * 10_000)) < 150
    assert len(refused("settings: 'xxx", Settings.from_names, {"x" * 10_000: 1})) < 150


def test_all_faults_are_told_at_once():
    message = wrong("", reading_interval_s=5, plan="fulll", rx_delay=5)
    assert len(message.split("\n")) == 3
    message = refused("", Settings, {0: AIR, 7: 6, 8: 0})
    assert len(message.split("\n")) == 3  # dev_eui is missing, too


def test_contradictions():
    wrong("left_field_dut is 170 and taken_field_dut 160; write taken_field_dut no smaller than left_field_dut",
          "parking", left_field_dut=170, taken_field_dut=160)  # fmt: skip
    wrong("taken_field_dut is 300 and swing_field_dut 180", "parking", taken_field_dut=300)
    wrong("fan_warm_up_s is 61 and reading_interval_s 60", fan_warm_up_s=61, reading_interval_s=60)
    wrong("on_lux is 80 and off_lux 70", "light", on_lux=80)
    wrong("rx_delay_s is for abp; an otaa node is told as it joins", rx_delay_s=1)
    wrong("rx2_dr is for abp; an otaa node is told as it joins", rx2_dr=0)
    wrong("min_dr is 4; plan single-channel goes up to 3", plan="single-channel", min_dr=4)
    wrong("bays is 2; the distance detector sees one, write 1", "parking", bays=2, detector="distance")
    assert settings("parking", bays=2, detector="watched").bays == 2


def test_on_the_wire():
    bridge = settings("bridge")
    assert bridge.encode() == hexa("a3 00 03 01 48 70b3d57ed0000001 05 00")
    light = settings("light", floor_pct=20)
    assert light.encode() == hexa(
        """
        b7 00 02 01 48 70b3d57ed0000001 02 48 0000000000000000 03 00 04 00 05 00 06 01 07 00 08 05 09 03
        0a 1a00015180 0b 190e10 15 01 16 00 17 00 18 18 14 18 19 00 18 1a 1902bc 18 1b 1864 18 1c 1878
        18 1d 00 18 1e 1846 18 1f 00
        """
    )
    for role in ROLES:
        assert len(settings(role).encode()) < MAX_SETTINGS_LEN // 3


def test_the_node_reads_what_the_laptop_wrote():
    for role in ROLES:
        here = settings(role, plan="single-channel")
        there = Settings.decode(here.encode())
        for row in SETTINGS:
            assert getattr(here, row[0]) == getattr(there, row[0])


def test_the_node_refuses_with_the_same_words():
    eui = hexa(EUI)
    for items, says in (
        ({0: 1, 1: eui, 11: 5}, "settings: reading_interval_s is 5; write 60..86400 (seconds)"),
        ({0: 1, 1: eui, 5: 2}, 'settings: plan is 2; write "full" or "single-channel"'),
        ({0: 1, 1: eui, 13: 1}, "settings: bays is not for role air; leave it out"),
        ({0: 1, 1: eui[1:]}, "settings: dev_eui is b'"),
        ({0: 1, 1: eui, 11: True}, "settings: reading_interval_s is True; write"),
        ({0: 4, 1: eui}, "settings: role is 4; write"),
        ({0: True, 1: eui}, "settings: role is True; write"),
        ({0: "air", 1: eui}, "settings: role is 'air'; write"),
        ({1: eui}, "settings: role is missing"),
        ([0, 1], "settings are [0, 1]; expected a map"),
        ("x" * 300, "settings are 'xxxx"),
        (bytes(MAX_SETTINGS_LEN), "settings have 515 bytes; expected at most 512"),
    ):
        refused(says, Settings.decode, cbor.encode(items))
    refused("CBOR at byte 0", Settings.decode, b"")


def test_numbers_of_a_newer_version_are_skipped():
    assert Settings.decode(cbor.encode({-1: 5, 0: 1, 1: hexa(EUI), 999: [1, 2]})).encode() == settings().encode()


def test_an_order_changes_one():
    light = settings("light", floor_pct=20, boost_s=60)
    changed = light.changed(number_of("boost_s"), 90)
    assert (changed.boost_s, changed.floor_pct, light.boost_s) == (90, 20, 60)
    assert light.changed(number_of("boost_s"), None).boost_s == 120
    assert light.changed(number_of("plan"), 1).plan == 1
    for number, value, says in (
        (number_of("boost_s"), 5, "boost_s is 5; write 10..3600 (seconds)"),
        (number_of("floor_pct"), 101, "floor_pct is 101; write 0..100 (percent)"),
        (number_of("bays"), 1, "bays is fixed when the node is flashed; flash it again"),
        (number_of("role"), 1, "role is fixed when the node is flashed"),
        (number_of("heartbeat_s"), 600, "heartbeat_s is not for role light; leave it out"),
        (number_of("on_lux"), 71, "on_lux is 71 and off_lux 70"),
        (len(SETTINGS), 1, "number 32 is unknown; the newest known is 31"),
        (-1, 1, "number -1 is unknown"),
    ):
        refused("settings: " + says, light.changed, number, value)
    assert light.changed(number_of("heartbeat_s"), None).encode() == light.encode()


def test_the_table_is_sound():
    assert number_of("role") == 0
    assert number_of("nothing") is None
    assert len(SENTENCES) == len(SETTINGS)
    names = [row[0] for row in SETTINGS]
    assert len(set(names)) == len(names)
    for name, roles, default, low, high, unit in SETTINGS:
        assert 0 < roles < 32, name
        for value in default if isinstance(default, tuple) else (default,):
            if isinstance(high, int):
                assert low <= value <= high < 2**30, name
                assert unit, name
            elif isinstance(high, tuple):
                assert value is None or 0 <= value < len(high), name


def test_each_is_explained():
    for number in range(len(SETTINGS)):
        assert len(explain(number)) < 250
    assert explain(12) == (
        "heartbeat_s: 300..3600 (seconds), else 3600. For parking. "
        "How often it tells the state of its bays when nothing changes."
    )
    assert explain(6) == (
        'device_class: "A" or "C", else by role: A, A, C, A. For parking, air, light. '
        "Whether it listens after its own frames only (A), or always, which needs mains (C)."
    )
    assert explain(0).startswith('role: "parking" or "air" or "light" or "bridge". For parking, air, light, bridge. ')
    assert ", else 0000000000000000. For" in explain(2)
