"""What each role lives through on a board: hangs, crashes, power cuts, and firmware that crashes again and again."""

import pytest

from protocol.lorawan.frames import JOIN_REQUEST, frame_mtype
from simulator.board.board import DEEP_SLEEP, HARD, POWER_ON, WATCHDOG, State
from simulator.board.process import Host
from tests.board.bridged import BridgedTown
from tests.board.roles import HANGS, HANGS_ONCE, LAMP_PIN, NODES, RAISES, RAISES_ONCE, SOUND, board_of, breaches, plant
from tests.board.street import HOUR_US, MINUTE_US, Town

SAFE_BOOTS = 4
FULL_DUTY = 65_535


@pytest.fixture(name="host")
def _host():
    with Host(2) as host:
        yield host


def statuses(town):
    return [m["status"] for m in town.messages if m["kind"] == "status"]


def outcomes(town):
    return [m["order"]["state"] for m in town.messages if m["kind"] == "order"]


def obeys(town, name):
    """Whether an order reaches it within two hours, and is obeyed."""
    before = len(outcomes(town))
    town.cabinet.order(name, "identify", {"seconds": 3}, 3 * 3600)
    town.run(2 * HOUR_US)
    return outcomes(town)[before:] == ["done"]


def no_counter_came_twice(town, board):
    """Neither FCntUp nor DevNonce nor a record's number; and the network refused nothing."""
    f_cnts = [f_cnt for _, f_cnt, _ in town.accepted_]
    assert f_cnts == sorted(set(f_cnts))
    joins = [frame.phy_payload for frame in town.uplinks if frame_mtype(frame.phy_payload) == JOIN_REQUEST]
    assert len({join[17:19] for join in joins}) == len(joins) == board.nvs.read("lampyre", "dev_nonce")
    told = [m for m in town.messages if m["kind"] in ("reading", "event")]
    assert len({m["key"]["epoch"] for m in told}) == 1
    seqs = [m["key"]["seq"] for m in sorted(told, key=lambda m: m["observed"])]
    assert len(seqs) > 1
    assert seqs == sorted(seqs)  # none went back to a number of before
    assert town.refused_ == []


def replayed(town, board):
    """Play an old downlink to it in the first window of each frame: none may count as heard."""
    old = town.heard_down[-1]
    before = board.nvs.read("lampyre", "session")
    town.instead = old
    town.run(70 * MINUTE_US)
    town.instead = None
    assert town.replays > 0
    return board.nvs.read("lampyre", "session") != before


class Remembering(Town):
    """A town in which somebody keeps the downlinks; instead: what he sends in their place from now on."""

    def __init__(self, *arguments):
        self.heard_down = []
        self.instead = None
        self.replays = 0
        super().__init__(*arguments)

    def emit(self, radio, phy_payload, freq_hz, dr, power_dbm):
        self.heard_down.append(phy_payload)
        super().emit(radio, phy_payload, freq_hz, dr, power_dbm)

    def _hear(self, frame, reception):
        if self.instead is None:
            super()._hear(frame, reception)
            return
        self.replays += 1
        again = self.instead, frame.freq_hz, frame.dr, 14
        self.timeline.at(frame.end_us + 5_000_000, lambda: self.air.emit("mast", *again))


@pytest.mark.parametrize("role", NODES)
def test_a_node_goes_on_after_a_hang_a_crash_and_a_power_cut_and_no_counter_comes_twice(host, firmware, role):
    name = f"{role}-001"
    with Remembering(host, (name,), role) as town:
        board = board_of(town, 0, firmware, planted=True)
        board.switch_on()
        town.run(20 * MINUTE_US)
        assert obeys(town, name)
        assert board.state is (State.LIGHT if role == "light" else State.DEEP)

        plant(board, HANGS_ONCE)
        town.run(2 * HOUR_US)
        assert WATCHDOG in [cause for _, cause in board.boots]
        assert obeys(town, name)
        assert (statuses(town)[-1]["reset_cause"], statuses(town)[-1]["last_error"]) == (WATCHDOG, "watchdog")

        plant(board, RAISES_ONCE)
        town.run(2 * HOUR_US)
        assert HARD in [cause for _, cause in board.boots]
        assert obeys(town, name)
        assert statuses(town)[-1]["reset_cause"] == HARD
        assert statuses(town)[-1]["last_error"].endswith(" KeyError")

        board.switch_off()
        town.run(5 * MINUTE_US)
        board.switch_on()
        assert obeys(town, name)
        assert statuses(town)[-1]["reset_cause"] == POWER_ON

        assert not replayed(town, board)
        assert obeys(town, name)
        no_counter_came_twice(town, board)
        assert board.nvs.read("lampyre", "dev_nonce") == 1  # it never had to join again
        assert board.brought_down == ["watchdog"]
        assert breaches(board) == {}


@pytest.mark.parametrize(("role", "what"), [("parking", HANGS), ("air", RAISES), ("light", RAISES)])
def test_a_role_that_fails_again_and_again_ends_in_safe_mode_where_orders_are_obeyed(host, firmware, role, what):
    name = f"{role}-001"
    with Town(host, (name,), role) as town:
        board = board_of(town, 0, firmware, planted=True)
        board.switch_on()
        town.run(20 * MINUTE_US)
        began = len(board.boots)
        plant(board, what)
        town.run(90 * MINUTE_US)
        causes = [cause for _, cause in board.boots[began:]]
        bad = WATCHDOG if what == HANGS else HARD
        assert causes.count(bad) <= SAFE_BOOTS
        assert set(causes) <= {bad, DEEP_SLEEP}
        quiet = len(board.boots)
        assert obeys(town, name)
        assert len(board.boots) == quiet
        assert statuses(town)[-1]["last_error"] == "watchdog" if what == HANGS else "KeyError"
        if role == "light":
            assert board.hardware.pwm[LAMP_PIN].duty == FULL_DUTY
        plant(board, SOUND)
        town.run(25 * HOUR_US)
        assert len(board.boots) > quiet  # a day later the whole firmware gets another try
        readings = [m for m in town.messages if m["kind"] == "reading"]
        assert len(readings) > 2
        assert board.nvs.read("lampyre", "boot") // 16 < 3 * 256
        no_counter_came_twice(town, board)


def test_a_bridge_goes_on_after_a_hang_a_crash_and_a_power_cut(host, firmware):
    with BridgedTown(host, ("air-001",), "air") as town:
        node = board_of(town, 0, firmware, plan="single-channel", reading_interval_s=300)
        bridge = board_of(town, 1, firmware, role="bridge", planted=True, plan="single-channel")
        node.switch_on()
        town.cabinet.plug(bridge)
        town.run(3 * MINUTE_US)
        assert "is there" in town.cabinet.reports[0].detail
        assert [f_cnt for _, f_cnt, _ in town.accepted_] != []  # it has joined through the bridge

        for what, cause in ((HANGS_ONCE, WATCHDOG), (RAISES_ONCE, HARD)):
            plant(bridge, what)
            assert serves(town)
            assert bridge.boots[-1][1] == cause
        bridge.switch_off()
        town.run(MINUTE_US)
        bridge.switch_on()
        assert serves(town)
        assert {outcome.value for outcome in town.cabinet.outcomes} == {"sent"}
        assert breaches(bridge) == breaches(node) == {}
        assert town.refused_ == []
        no_counter_came_twice(town, node)


def serves(town):
    """Whether the gateway knows the bridge, and hears through it what a node sends every five minutes."""
    before = len(town.accepted_)
    town.run(7 * MINUTE_US)
    return town.cabinet.link.known and len(town.accepted_) > before


def test_a_bridge_that_crashes_again_and_again_says_so_and_tries_again_by_itself(host, firmware):
    with BridgedTown(host, (), "bridge") as town:
        bridge = board_of(town, 0, firmware, planted=True, plan="single-channel")
        town.cabinet.plug(bridge)
        town.run(MINUTE_US)
        plant(bridge, RAISES)
        town.run(3 * MINUTE_US)
        assert len(bridge.boots) <= SAFE_BOOTS
        said = bridge.printed.decode("latin-1")
        assert "lampyre cannot start: three runs in a row ended badly, the last one by main:" in said
        plant(bridge, SOUND)
        told = len(town.cabinet.reports)
        bridge.printed.clear()
        bridge.type(b"status\n")
        town.run(1_000_000)
        assert "last_error: main:" in bridge.printed.decode("latin-1")
        town.run(11 * MINUTE_US)
        assert "firmware 0.1.0" in town.cabinet.reports[told].detail
