from hashlib import sha256

from firmware.boot import DEEP_SLEEP, HARD, POWER_ON, SLOT_B, TRIAL, UNDONE, decide, slot_of
from firmware.store.slots import Slots, check
from protocol.manifest import Manifest
from tests.protocol.expect import Dice, refused

KEY = bytes(range(16))
FILES = {"main.py": b"import firmware", "firmware/mind.mpy": bytes(700), "protocol/cbor.mpy": b""}
V1_2_3 = 0x010203


class Slot:
    """A slot in memory."""

    def __init__(self, files=FILES, version=V1_2_3, floor=V1_2_3, key=KEY):
        self.files = dict(files)
        listed = [(name, sha256(files[name]).digest()) for name in sorted(files)]
        self.files["manifest"] = Manifest(version, floor, listed).sign(key)

    def walk(self):
        return list(self.files)

    def read(self, name):
        if name not in self.files:
            raise OSError(2, "missing")
        return self.files[name]

    def digest(self, name):
        return sha256(self.read(name)).digest()


def numbers(actions):
    return [(action.key, action.value) for action in actions]


def test_an_update_that_proves_itself():
    old = Slots(0, 0x010000)
    assert (old.spare(), old.on_trial(), old.in_safe_mode(), old.undone()) == ("/b", False, False, False)
    assert numbers(old.stage(Slot(), KEY)) == [("boot", TRIAL)]
    state = decide(TRIAL, HARD)
    assert slot_of(state) == "/b"
    new = Slots(state, 0x010000)
    assert (new.spare(), new.on_trial()) == ("", True)
    assert new.rested(V1_2_3) == []  # without an answer of the network, sleep proves nothing
    new.answered()
    assert numbers(new.rested(V1_2_3)) == [("floor", V1_2_3), ("boot", SLOT_B)]
    assert (new.spare(), new.on_trial(), new.rested(V1_2_3), new.give_up()) == ("/a", False, [], [])
    assert slot_of(decide(SLOT_B, POWER_ON)) == "/b"


def test_and_the_next_one_goes_back_to_slot_a():
    slots = Slots(SLOT_B, V1_2_3)
    assert slots.spare() == "/a"
    assert numbers(slots.stage(Slot(), KEY)) == [("boot", SLOT_B | TRIAL)]
    new = Slots(decide(SLOT_B | TRIAL, HARD), V1_2_3)
    new.answered()
    assert numbers(new.rested(V1_2_3)) == [("boot", 0)]  # the floor is there already


def test_the_old_firmware_proves_nothing_for_the_new_one():
    old = Slots(0, 0)
    old.answered()
    old.stage(Slot(), KEY)
    assert old.rested(V1_2_3) == []
    assert old.give_up() == []
    refused("one is on trial already", old.stage, Slot(), KEY)


def test_a_trial_without_an_answer_is_given_up():
    new = Slots(decide(TRIAL, HARD), 0)
    assert new.gives_up_at() == 86_400_000
    actions = new.give_up()
    assert new.gives_up_at() is None
    new.answered()
    assert new.rested(V1_2_3) == []  # too late
    assert new.give_up() == []
    state = decide(actions[0].value, HARD)
    assert (slot_of(state), state) == ("/a", UNDONE)
    old = Slots(state, 0)
    assert old.undone()
    assert numbers(old.undone_told()) == [("boot", 0)]
    assert old.undone_told() == []
    assert old.give_up() == []


def test_a_day_in_good_order_ends_strain_and_safe_mode():
    state = decide(0, HARD)
    assert numbers(Slots(state, 0).settled()) == [("boot", 0)]
    assert Slots(0, 0).settled() == []
    state = decide(decide(state, HARD), HARD)
    slots = Slots(state, 0)
    assert slots.in_safe_mode()
    slots.settled()
    state = decide(slots.leave()[0].value, HARD)
    assert not Slots(state, 0).in_safe_mode()
    assert Slots(decide(state, HARD), 0).in_safe_mode()
    assert Slots(decide(TRIAL, HARD), 0).settled() == []


def test_a_restart_on_purpose():
    state = Slots(SLOT_B, 0).leave()[0].value
    assert decide(state, HARD) == SLOT_B
    assert decide(Slots(TRIAL, 0).leave()[0].value, DEEP_SLEEP) == decide(TRIAL, DEEP_SLEEP)


def test_a_whole_update_is_taken():
    manifest = check(Slot(), KEY, V1_2_3)
    assert (manifest.version, manifest.floor, len(manifest.files)) == (V1_2_3, V1_2_3, 3)
    assert check(Slot(version=V1_2_3 + 1), KEY, V1_2_3).version == V1_2_3 + 1


def test_an_older_version_is_refused():
    slots = Slots(0, 0x010204)
    refused("version 1.2.3 is older than this node accepts; expected 1.2.4 or newer", slots.stage, Slot(), KEY)
    assert not slots.on_trial()


def test_a_wrong_signature_is_refused():
    refused("made for another node", Slots(0, 0).stage, Slot(key=bytes(15) + b"\x01"), KEY)


def test_every_truncation_and_every_changed_byte_is_refused():
    dice = Dice(11)
    for name in sorted(Slot().files):
        whole = Slot().files[name]
        for _ in range(25):
            if not whole:
                break
            slot = Slot()
            if dice.below(2):
                slot.files[name] = whole[: dice.below(len(whole))]
            else:
                at = dice.below(len(whole))
                slot.files[name] = whole[:at] + bytes([whole[at] ^ (1 + dice.below(255))]) + whole[at + 1 :]
            slots = Slots(0, 0)
            refused("", slots.stage, slot, KEY)
            assert not slots.on_trial()


def test_a_missing_file_and_one_too_many_are_refused():
    slot = Slot()
    del slot.files["protocol/cbor.mpy"]
    refused("a file is missing or cannot be read", Slots(0, 0).stage, slot, KEY)
    slot = Slot()
    del slot.files["manifest"]
    refused("a file is missing or cannot be read", Slots(0, 0).stage, slot, KEY)
    slot = Slot()
    slot.files["protocol/cbor.py"] = b""
    refused("protocol/cbor.py is not in the manifest; was the slot emptied first?", Slots(0, 0).stage, slot, KEY)
    slot = Slot()
    slot.files["main.py"] = b""
    refused("main.py is not what the manifest says; write it again", Slots(0, 0).stage, slot, KEY)
