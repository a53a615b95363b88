"""The short wake: the role alone, on the images of the others, until it has something for them."""

from firmware.actions import Power, TellEvent
from firmware.asleep import IMAGE_MAX_LEN
from firmware.events import Woke
from firmware.glance import MAX_LEN, Glance, pack, role_part, unpack, with_role_part
from firmware.mind import Mind, role_image
from protocol.events import BAY_TAKEN
from protocol.telemetry_reader import decode_event
from tests.fakes.desk import Desk, PuppetRole, Wish
from tests.protocol.expect import refused


def test_what_is_packed_comes_back_and_anything_else_is_a_boot():
    images = (bytes(900), bytes(IMAGE_MAX_LEN), bytes(300))
    for wake_ms in (0, 5_000, 1 << 33):
        memory = pack(wake_ms, *images)
        assert unpack(memory) == (wake_ms,) + images
        assert len(memory) <= MAX_LEN
    assert unpack(pack(None, b"m", b"", b"l"))[0] > 1 << 60
    memory = pack(7, b"mind", b"mac", b"log")
    for at in range(len(memory)):
        for bad in (memory[:at], memory[:at] + bytes([memory[at] ^ 4]) + memory[at + 1 :]):
            assert unpack(bad) == (0, b"", b"", b"")


def test_only_the_role_s_part_of_an_image_changes():
    desk = Desk(make_role=lambda image: PuppetRole(image or b"before"))
    desk.rest(60)
    image = desk.mind.image()
    assert role_part(image) == role_image(image) == b"before"
    other = with_role_part(image, b"after the glance")
    assert role_part(other) == role_image(other) == b"after the glance"
    assert with_role_part(other, b"before") == image
    assert role_part(b"") == role_part(b"\x83\x01\x02\x03") == b""
    refused("image", with_role_part, b"\x00", b"")


def test_a_look_that_finds_nothing_leaves_mind_and_mac_asleep():
    role = PuppetRole()
    role.wake_ms = 3_000
    glance = Glance(role, 60_000)
    assert glance.wake_at() == 3_000
    fan = Power(0, True)
    assert glance.handle(Wish(fan), 3_000) == [fan]
    assert not glance.needs_node(3_000)
    role.wake_ms = None
    assert glance.wake_at() == 60_000
    assert not glance.needs_node(59_999)
    assert glance.needs_node(60_000)


def test_what_a_look_finds_is_told_by_the_mind_that_is_made_then():
    desk = Desk()
    desk.rest(120)
    image = desk.mind.image()
    log_image = desk.log.image()
    glance = Glance(PuppetRole(role_part(image)), desk.mind.own_wake_at())
    assert glance.handle(Wish(TellEvent(BAY_TAKEN, (0, 77))), desk.now_ms) == []
    assert glance.needs_node(desk.now_ms)
    before = len(desk.payloads)
    desk._start(image, log_image, 4, False)
    desk.tell(Woke())
    actions = []
    assert isinstance(desk.mind, Mind)
    desk.mind.carry_out(glance.wanted, actions, desk.now_ms)
    for action in actions:
        desk._do(action)
    desk.rest(10)
    port, payload = desk.payloads[before][1:3]
    assert port == 2
    assert decode_event(payload).details == (0, 77)
