"""Whatever happens, in whichever order: what runs is confirmed or on trial, and a bad update is taken back."""

import runpy
import sys
import types
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from firmware import boot
from firmware.boot import DEEP_SLEEP, HARD, ORDERLY, POWER_ON, SLOT_B, TRIAL, UNDONE, WATCHDOG, decide, slot_of
from firmware.store.slots import Slots
from protocol.errors import ProtocolError
from protocol.manifest import Manifest
from tests.firmware.store.disks import PowerCut

KEY = bytes(range(16))
BY_HAND = 5


class Board(RuleBasedStateMachine):
    """Two slots, an NVS and a power supply; the firmware in a slot works ("good") or does not, or is torn (None)."""

    def __init__(self):
        super().__init__()
        self.nvs = {}
        self.slots = {"/a": {}, "/b": {}}
        self.works = {"/a": True, "/b": None}
        self.holds = {}
        self.version = 1
        self.write("/a", True, 99)
        self.boot(POWER_ON)

    # The shell of boot.py and the body that persists.

    def boot(self, cause, cut=False):
        """cut: the power goes before the number is written; then it comes back."""
        after = decide(self.nvs.get("boot", 0), cause)
        if cut:
            after = decide(self.nvs.get("boot", 0), POWER_ON)
        self.nvs["boot"] = after
        self.runs = slot_of(after)
        assert self.works[self.runs] is not None, "a torn firmware runs"
        self.core = Slots(after, self.nvs.get("floor", 0))
        assert self.core.on_trial() or self.runs == boot.SLOTS[after & SLOT_B]

    def persist(self, actions, cut_after=99):
        for action in actions[:cut_after]:
            self.nvs[action.key] = action.value
        if cut_after < len(actions):
            raise PowerCut

    def write(self, slot, works, written):
        """Write an update into *slot*, of which the first *written* steps happen before the power goes."""
        files = {"main.mpy": bytes([works, self.version]), "z.mpy": b"z"}
        manifest = Manifest(
            self.version, self.version, [(name, sha256(files[name]).digest()) for name in sorted(files)]
        )
        steps = [lambda: self.slots[slot].clear()]
        for name, data in [*files.items(), ("manifest", manifest.sign(KEY))]:
            steps.append(lambda name=name, data=data: self.slots[slot].update({name: data[:1]}))
            steps.append(lambda name=name, data=data: self.slots[slot].update({name: data}))
        for step in steps[:written]:
            step()
            self.works[slot] = None
        if written >= len(steps):
            self.works[slot] = works
            self.holds[slot] = self.version

    def walk(self):
        return list(self.slots[self.core.spare()])

    def read(self, name):
        if name not in self.slots[self.core.spare()]:
            raise OSError(2, "missing")
        return self.slots[self.core.spare()][name]

    def digest(self, name):
        return sha256(self.read(name)).digest()

    # What may happen.

    @rule(works=st.booleans(), written=st.integers(0, 8), cut=st.booleans(), older=st.booleans())
    @precondition(lambda self: not self.core.on_trial())
    def update(self, works, written, cut, older):
        self.version += 0 if older and self.version == self.nvs.get("floor", 0) else 1
        slot = self.core.spare()
        self.write(slot, works, written)
        try:
            actions = self.core.stage(self, KEY)
        except ProtocolError:
            assert self.works[slot] is None or self.holds[slot] < self.nvs["floor"]
            return
        assert self.works[slot] is not None
        try:
            self.persist(actions, 0 if cut else 1)
            self.boot(HARD)
        except PowerCut:
            self.boot(POWER_ON)

    @rule(cut_after=st.integers(0, 2))
    def a_healthy_run_and_sleep(self, cut_after):
        """A firmware that does not work never gets as far as a healthy join."""
        if not self.works[self.runs]:
            return
        was_on_trial = self.core.on_trial()
        self.core.answered()
        try:
            self.persist(self.core.rested(self.holds[self.runs]), cut_after)
            assert not self.core.on_trial()
            self.boot(DEEP_SLEEP)
        except PowerCut:
            self.boot(POWER_ON)
            assert was_on_trial

    @rule(cause=st.sampled_from([POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, BY_HAND, 0]), cut=st.booleans())
    def reset(self, cause, cut):
        self.boot(cause, cut)

    @rule()
    def give_up(self):
        runs = self.runs
        if actions := self.core.give_up():
            self.persist(actions)
            self.boot(HARD)
            assert self.runs != runs
            assert self.core.undone()

    @rule()
    def settle(self):
        self.persist(self.core.settled())

    @rule()
    def leave(self):
        self.persist(self.core.leave())
        self.boot(HARD)

    def teardown(self):
        """What does nothing but crash is taken back, or in safe mode, at the fourth boot; what runs was confirmed."""
        for _ in range(4):
            self.boot(HARD)
        assert not self.core.on_trial()
        assert self.works[self.runs]
        assert self.core.undone() or self.core.in_safe_mode() or self.core.settled()


TestBoard = Board.TestCase
TestBoard.settings = settings(max_examples=200, stateful_step_count=40)


@given(st.integers(0, 2**15), st.sampled_from([POWER_ON, HARD, WATCHDOG, DEEP_SLEEP, BY_HAND, 0, 99]))
def test_any_number_is_understood(state, cause):
    after = decide(state, cause)
    assert 0 <= after < 2**16
    assert after & ORDERLY == 0
    if not state & TRIAL:
        assert after & (SLOT_B | TRIAL | UNDONE) == state & (SLOT_B | UNDONE)
    assert slot_of(after) in boot.SLOTS


class Nvs:
    """esp32.NVS: what is set is there after `commit` only."""

    stored: dict[str, int]

    def __init__(self, namespace):
        assert namespace == "lampyre"
        self.waiting = {}

    def get_i32(self, key):
        if key not in Nvs.stored:
            raise OSError(-4354, "ESP_ERR_NVS_NOT_FOUND")
        return Nvs.stored[key]

    def set_i32(self, key, value):
        assert -(2**31) <= value < 2**31
        self.waiting[key] = value

    def commit(self):
        Nvs.stored.update(self.waiting)


@pytest.mark.parametrize(
    ("stored", "cause", "slot", "left"),
    [
        ({}, POWER_ON, "/a", {}),
        ({"boot": 1}, DEEP_SLEEP, "/b", {"boot": 1}),
        ({"boot": TRIAL}, HARD, "/b", {"boot": TRIAL + 256 * 16}),
        ({"boot": TRIAL + 768 * 16}, WATCHDOG, "/a", {"boot": UNDONE}),
    ],
)
def test_the_shell_of_boot(monkeypatch, stored, cause, slot, left):
    """/boot.py as the board runs it, with what MicroPython has and this computer has not."""
    Nvs.stored = dict(stored)
    watchdogs, folders = [], []
    machine = types.SimpleNamespace(reset_cause=lambda: cause, WDT=lambda timeout: watchdogs.append(timeout))
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "esp32", types.SimpleNamespace(NVS=Nvs))
    monkeypatch.setattr("os.chdir", folders.append)
    runpy.run_path(str(Path(boot.__file__)), run_name="__main__")
    assert (folders, Nvs.stored, watchdogs) == ([slot], left, [60000])


def test_boot_is_small_and_stands_alone():
    source = Path(boot.__file__).read_text(encoding="utf-8")
    assert len(source) < 4096
    head = source.split("if __name__")[0]
    assert "import " not in head.split('"""')[2]
