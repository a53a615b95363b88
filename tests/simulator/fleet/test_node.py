"""What befalls a node: power that goes, watchdogs, sensors and flash that fail, a firmware that raises."""

from itertools import pairwise

import pytest

from firmware.roles.air import Air
from firmware.store.log import READING
from protocol.events import BAY_LEFT, BAY_TAKEN, POWER_BACK, POWER_LOST, SENSOR_BACK, SENSOR_FAILED, VOID
from protocol.lorawan.frames import parse_frame
from protocol.telemetry import F_PORT_STATUS
from simulator.fleet.hardware import Sensing
from simulator.fleet.node import BOOT_US, GASP_US, WATCHDOG_US
from simulator.fleet.watcher import Cause
from simulator.scenario.model import Feeder, Role
from simulator.streams import Stream
from tests.simulator.fleet.street import HOUR_US, START_S, Bay, Lamp, Street, Switch, spec


def warm(role: Role = Role.AIR, stimulus=None, **more) -> Street:
    return Street(spec("one", role, **more), stimuli=(lambda node: stimulus) if stimulus else None)


def counters(street: Street) -> list[int]:
    return [parse_frame(frame.phy_payload).f_cnt16 for frame in street.sent("one")]


# Power.


def test_a_power_cut_leaves_what_was_persisted_and_takes_the_rest():
    street = warm()
    street.run(3)
    node = street.node("one")
    before = dict(node.hardware.persisted)
    seqs = [record.seq for record in street.watcher.readings("one")]
    node.lose_power()
    assert not node.runs
    assert street.watcher.gone == [("one", 3 * HOUR_US)]
    sent = len(street.frames)
    street.run(2)
    assert len(street.frames) == sent
    node.regain_power()
    street.run(3)
    assert street.watcher.boots == [("one", 5 * HOUR_US, Cause.POWER)]
    assert not street.joins("one"), "its session was on flash"
    assert node.hardware.persisted["session"] == before["session"]
    assert node.hardware.persisted["boots"] == before["boots"] + 1
    [void] = [record for _, _, _, record, _ in street.watcher.records if (record.kind, record.number) == (1, VOID)]
    assert void.seq == seqs[-1] + 1
    later = [record.seq for record in street.watcher.readings("one")[len(seqs) :]]
    assert later[0] == void.seq + void.values[0] > seqs[-1]
    assert later == list(range(later[0], later[0] + len(later)))
    assert counters(street) == sorted(set(counters(street)))


def test_what_takes_its_power_twice_has_to_give_it_back_twice():
    street = warm()
    node = street.node("one")
    node.lose_power()
    node.lose_power()
    node.regain_power()
    street.run(1)
    assert not node.runs
    node.regain_power()
    street.run(1)
    assert node.runs


def test_a_brown_out_is_a_boot_with_another_number():
    street = warm()
    street.run(1)
    street.node("one").brown_out()
    street.run(1)
    assert street.watcher.boots == [("one", HOUR_US + BOOT_US, Cause.POWER)]
    ports = [parse_frame(frame.phy_payload).f_port for frame in street.sent("one") if frame.start_us > HOUR_US]
    assert ports[0] == F_PORT_STATUS, "each boot begins with a status"


def test_a_node_that_hangs_is_silent_until_the_watchdog_bites_and_in_safe_mode_after_the_third():
    street = warm()
    node = street.node("one")
    for _ in range(2):
        node.hang()
        street.run(1)
    assert [cause for _, _, cause in street.watcher.boots] == [Cause.WATCHDOG] * 2
    assert street.watcher.boots[0][1] == WATCHDOG_US + BOOT_US
    assert node.firmware is not None
    assert node.firmware.role is not None
    node.hang()
    taken = len(street.watcher.readings("one"))
    street.run(6)
    assert node.firmware is not None
    assert node.firmware.role is None, "safe mode: three hangs in a row (firmware/boot.py)"
    assert len(street.watcher.readings("one")) == taken
    node.brown_out()
    street.run(1)
    assert node.firmware is not None
    assert node.firmware.role is not None, "somebody may have mended it"


def test_a_boot_that_is_overtaken_by_a_cut_does_not_happen():
    street = warm()
    node = street.node("one")
    node.brown_out()
    node.lose_power()
    street.run(1)
    assert not street.watcher.boots
    assert not node.runs


def test_a_boot_that_another_one_replaced_does_not_happen_before_it():
    street = Street(spec("one", Role.LIGHT, feeder="quai"), feeders=(Feeder(name="quai", spread_s=60.0),))
    node = street.node("one")
    node.hang()  # the watchdog would start it after 60.7 s
    street.run(59 / 3600)
    node.lose_power()
    street.run(1 / 3600)
    node.regain_power()  # it has power, and its electronics take their time
    street.run(1)
    [(_, at_us, cause)] = street.watcher.boots
    assert cause is Cause.POWER
    assert at_us > WATCHDOG_US + BOOT_US


def test_a_restart_on_purpose_is_no_crash():
    street = warm()
    node = street.node("one")
    for _ in range(4):
        node.restart()
        street.run(0.5)
    assert [cause for _, _, cause in street.watcher.boots] == [Cause.RESTART] * 4
    assert node.firmware is not None
    assert node.firmware.role is not None


# A lamp on its mains.


def test_the_mains_end_with_a_last_word_and_then_it_is_dark():
    lamp = Lamp(Switch((7_200, 10_800)))
    street = warm(Role.LIGHT, lamp)
    street.run(1.5)
    level = lamp.set[-1][2]
    assert level > 0 or not lamp.gone
    street.run(2.5)
    lost = [at for at, event, _ in street.watcher.events("one") if event == POWER_LOST]
    assert lost == [pytest.approx(7_200_000_000, abs=5)]
    assert lamp.gone == [pytest.approx(7_200 + GASP_US / 1e6, abs=1e-4)]
    assert street.watcher.lamps[-1][3] > 0
    dark = next(entry for entry in street.watcher.lamps if entry[1] >= 7_200_000_000)
    assert dark == ("one", pytest.approx(7_200_000_000 + GASP_US, abs=5), 0, 0, 0)
    assert street.watcher.boots == [("one", pytest.approx(10_800_000_000, abs=5), Cause.POWER)]
    [back] = [details for _, event, details in street.watcher.events("one") if event == POWER_BACK]
    assert back == () or back[0] == pytest.approx(3_600, abs=15)


def test_a_dip_is_told_and_nothing_boots():
    lamp = Lamp(Switch((7_200, 7_200.125)))
    street = warm(Role.LIGHT, lamp)
    street.run(3)
    assert not street.watcher.boots
    assert not lamp.gone
    events = [event for _, event, _ in street.watcher.events("one")]
    assert events == [POWER_LOST, POWER_BACK]


def test_a_lamp_whose_mains_are_off_as_the_run_begins_boots_when_they_come():
    street = warm(Role.LIGHT, Lamp(Switch((-1e6, 3_600))))
    assert not street.node("one").runs
    street.run(2)
    assert street.watcher.boots == [("one", pytest.approx(HOUR_US, abs=5), Cause.POWER)]
    assert not street.joins("one")


def test_somebody_who_passes_by_night_brightens_a_lamp():
    night_s = 14 * 3_600  # 21:00 UTC, which the programme dims
    lamp = Lamp(motions=[night_s + 6 * 3_600])
    street = warm(Role.LIGHT, lamp)
    street.run(20.5)
    boosted = [entry for entry in lamp.set if night_s + 6 * 3_600 <= entry[0] < night_s + 6 * 3_600 + 300]
    assert boosted[0][2:] == (100, 1)
    assert boosted[0][0] == pytest.approx(night_s + 6 * 3_600, abs=0.01)
    assert boosted[1][2] < 100


# Sensors.


def test_dead_sensors_say_nothing_and_are_told_as_failed_and_as_back():
    street = warm()
    node = street.node("one")
    street.run(1)
    node.sense(Sensing.DEAD)
    street.run(2)
    node.sense(Sensing.WELL)
    street.run(1)
    readings = street.watcher.readings("one")
    silent = [record for record in readings if HOUR_US <= _when(street, record) < 3 * HOUR_US]
    assert len(silent) == pytest.approx(8, abs=1)
    assert all(record.values == (None,) * 8 for record in silent)
    events = [event for _, event, _ in street.watcher.events("one")]
    assert events == [SENSOR_FAILED] * 3 + [SENSOR_BACK] * 3
    assert readings[-1].values[4] is not None


def test_sensors_that_are_stuck_repeat_themselves_until_they_are_doubted():
    street = warm()
    street.run(1)
    street.node("one").sense(Sensing.STUCK)
    street.run(5)
    readings = street.watcher.readings("one")
    assert readings[-1].values[:5] == (None,) * 5, "particles and CO2 always vary (firmware/roles/air.py)"
    assert len({record.values[4] for record in readings[6:12]}) == 1


def test_a_dead_magnetometer_neither_wakes_its_node_nor_answers():
    bay = Bay((7_200.0, 10_800.0))
    street = warm(Role.PARKING, bay)
    street.run(1)
    street.node("one").sense(Sensing.DEAD)
    street.run(4)
    events = [event for _, event, _ in street.watcher.events("one")]
    assert BAY_TAKEN not in events
    assert SENSOR_FAILED in events


def test_cars_are_told_within_seconds_of_their_coming_to_rest():
    bay = Bay((7_200.0, 10_800.0), (12_000.0, 20_000.0))
    street = warm(Role.PARKING, bay)
    street.run(8)
    told = [(at / 1e6, event) for at, event, _ in street.watcher.events("one")]
    assert [event for _, event in told] == [BAY_TAKEN, BAY_LEFT, BAY_TAKEN, BAY_LEFT]
    for (at_s, _), moment in zip(told, (7_200, 10_800, 12_000, 20_000), strict=True):
        assert moment + Bay.MOVES_S <= at_s < moment + Bay.MOVES_S + 30
    last = street.watcher.readings("one")[-1]
    assert last.values[0] == 0


def test_a_bay_that_is_taken_as_the_run_begins_is_known_to_be():
    street = warm(Role.PARKING, Bay((-86_400.0, 7_200.0)))
    street.run(1.2)
    assert street.watcher.readings("one")[-1].values[0] == 1
    street.run(1)
    assert [event for _, event, _ in street.watcher.events("one")] == [BAY_LEFT]


# Flash and clock.


def test_a_torn_write_is_a_boot_and_costs_the_record_that_was_being_written():
    street = warm()
    street.run(1)
    node = street.node("one")
    taken = len(street.watcher.records)
    node.tear()
    street.run(1)
    assert [cause for _, _, cause in street.watcher.boots] == [Cause.POWER]
    seqs = [record.seq for _, _, _, record, _ in street.watcher.records]
    assert len(seqs) > taken + 2
    assert seqs == sorted(set(seqs))


def test_worn_flash_keeps_nothing_and_the_node_tells_on():
    street = warm()
    street.run(1)
    node = street.node("one")
    node.wear(1.0, Stream(1, "wear"))
    sent = len(street.frames)
    street.run(2)
    node.wear(0.0, None)
    street.run(1)
    kept = [(at, kept) for _, at, _, record, kept in street.watcher.records if record.kind == READING]
    assert all(of_one != (HOUR_US <= at < 3 * HOUR_US) for at, of_one in kept)
    assert [of_one for _, of_one in kept].count(False) == pytest.approx(8, abs=1), "one every quarter of an hour"
    assert len(street.frames) >= sent + 11


def test_a_sleep_clock_that_is_off_moves_the_readings():
    for ppm in (0, 20_000, -20_000):
        street = warm()
        street.node("one").drift(ppm)
        street.run(24)
        times = [at / 1e6 for _, at, _, record, _ in street.watcher.records if record.kind == READING]
        gaps = [later - earlier for earlier, later in pairwise(times)][1:]  # the first shares the interval out
        assert sum(gaps) / len(gaps) == pytest.approx(900 / (1 + ppm / 1e6), abs=4), ppm


# Errors.


def test_a_firmware_that_raises_is_a_dead_node_and_the_street_goes_on(monkeypatch):
    street = Street(spec("ill"), spec("well"))
    street.run(1)
    role = street.node("ill").firmware.role

    def conclude(self, now_ms):
        if self is role:
            raise KeyError("a bug")
        return original(self, now_ms)

    original = Air._conclude
    monkeypatch.setattr(Air, "_conclude", conclude)
    street.run(3)
    [(name, at_us, why)] = street.watcher.deaths
    assert (name, street.node("ill").dead) == ("ill", why)
    assert HOUR_US < at_us < 1.3 * HOUR_US
    assert why.startswith("KeyError: 'a bug' (")
    assert "in conclude" in why
    assert not street.node("ill").runs
    assert not [frame for frame in street.sent("ill") if frame.start_us > at_us]
    assert len(street.watcher.readings("well")) > 14
    street.node("ill").brown_out()
    street.node("ill").lose_power()
    street.node("ill").regain_power()
    street.run(1)
    assert not street.watcher.boots, "what is dead stays dead"


def test_a_firmware_that_never_comes_to_rest_is_dead_and_does_not_stop_the_run(monkeypatch):
    street = Street(spec("busy"), spec("well"))
    role = street.node("busy").firmware.role
    monkeypatch.setattr(Air, "wake_at", lambda self: 0 if self is role else self._next_ms)
    street.run(1)
    [(name, _, why)] = street.watcher.deaths
    assert name == "busy"
    assert why.startswith("AssertionError: it wants to be woken at once, again and again")
    assert len(street.watcher.readings("well")) == 4


def test_a_firmware_that_cannot_start_is_dead_too():
    street = Street(spec("one"))
    node = street.node("one")
    node.hardware.persisted["settings"] = b"\xff"
    node.brown_out()
    street.run(1)
    [(name, at_us, why)] = street.watcher.deaths
    assert (name, at_us) == ("one", BOOT_US)
    assert "CborError" in why


def _when(street: Street, wanted: object) -> int:
    return next(at for _, at, _, record, _ in street.watcher.records if record is wanted)


assert START_S % 3_600 == 0
