"""The short wake: the role alone, on the images of the others, until it has something for them."""

from firmware.actions import Power, TellEvent
from firmware.asleep import IMAGE_MAX_LEN
from firmware.events import Woke
from firmware.glance import MAX_LEN, Glance, pack, unpack
from firmware.mind import IMAGE_LEN, ROLE_IMAGE_LEN, Mind
from protocol.events import BAY_TAKEN
from protocol.telemetry_reader import decode_event
from tests.fakes.desk import Desk, PuppetRole, Wish


def test_what_is_packed_comes_back_and_anything_else_is_a_boot():
    images = (bytes(ROLE_IMAGE_LEN), bytes(IMAGE_LEN), bytes(IMAGE_MAX_LEN), bytes(300))
    for wake_ms in (0, 5_000, 1 << 33):
        memory = pack(wake_ms, *images)
        assert unpack(memory) == (wake_ms,) + images
        assert len(memory) <= MAX_LEN
    assert unpack(pack(None, b"r", b"m", b"", b"l"))[0] > 1 << 60
    memory = pack(7, b"role", b"mind", b"mac", b"log")
    for at in range(len(memory)):
        for bad in (memory[:at], memory[:at] + bytes([memory[at] ^ 4]) + memory[at + 1 :]):
            assert unpack(bad) == (0, b"", b"", b"", b"")


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
    images = desk.images()
    glance = Glance(PuppetRole(images[0]), desk.mind.own_wake_at())
    assert glance.handle(Wish(TellEvent(BAY_TAKEN, (0, 77))), desk.now_ms) == []
    assert glance.needs_node(desk.now_ms)
    before = len(desk.payloads)
    desk.wake_from(images)
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
