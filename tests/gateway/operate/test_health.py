"""Health: figures as they are, and a sentence for each thing an operator should look at."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.operate.health import Machine, State, findings, health, look_at_machine

WELL = State(
    version="0.1.0", started_because="start", running_s=60.0, clock_trusted=True, clock_sentence="synchronised"
)
FINE = Machine(disk_total_bytes=32 * 10**9, disk_free_bytes=20 * 10**9, temperature_celsius=45.0, throttled=0)


def state(**changes: object) -> State:
    return replace(WELL, **changes)


def machine(**changes: object) -> Machine:
    return replace(FINE, **changes)


def test_a_well_gateway_has_nothing_to_say():
    told = health(FINE, WELL)
    assert told["healthy"] is True
    assert told["findings"] == []
    assert told["disk"] == {"total_bytes": 32 * 10**9, "free_bytes": 20 * 10**9}
    json.dumps(told)


@pytest.mark.parametrize(
    ("ill_machine", "ill_state", "says"),
    [
        (FINE, state(fault="the disk is full: uplinks are refused"), "the disk is full"),
        (machine(disk_free_bytes=10**9), WELL, "1000 MB of the disk are free"),
        (machine(throttled=0x50005), WELL, "too little voltage"),
        (machine(throttled=None, under_voltage=True), WELL, "too little voltage"),
        (machine(temperature_celsius=81.2), WELL, "81 °C; ventilate"),
        (FINE, state(clock_trusted=False, clock_sentence="no NTP"), "the time is not known: no NTP; readings are kept"),
        (FINE, state(fsync_us=(4_000, 700_000, 900_000)), "takes 700 ms; the card is worn"),
        (FINE, state(broker_connected=False), "`lampyre gateway doctor` says why"),
        (FINE, state(broker_connected=True, broker_refused=3, backlog_records=2), "look at its access list"),
        (FINE, state(backlog_age_s=7_200.0), "2.0 h old"),
        (FINE, state(radios={"udp:1": True, "bridge:2": False}), "no word from bridge:2"),
        (FINE, state(dropped={"delivered readings": 7, "events": 0}), "dropping 7 delivered readings"),
    ],
)
def test_each_illness_is_a_sentence_that_says_what_to_do(ill_machine, ill_state, says):
    [finding] = findings(ill_machine, ill_state)
    assert says in finding
    assert health(ill_machine, ill_state)["healthy"] is False


def test_voltage_that_was_low_once_is_told_and_is_no_finding_now():
    told = health(machine(throttled=0x50000), WELL)
    assert told["findings"] == []
    assert told["throttled"] == ["under-voltage since boot", "throttled since boot"]


def plant(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def test_a_pi_is_read_as_its_kernel_tells(tmp_path):
    plant(
        tmp_path,
        {
            "proc/self/io": "rchar: 3\nread_bytes: 1\nwrite_bytes: 123456\ncancelled_write_bytes: 9\n",
            "proc/self/status": "Name:\tpython\nVmRSS:\t   61440 kB\n",
            "sys/class/thermal/thermal_zone0/temp": "48312\n",
            "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
            "sys/class/hwmon/hwmon1/name": "rpi_volt\n",
            "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
            "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        },
    )
    told = look_at_machine(tmp_path, tmp_path)
    assert told.written_bytes == 123456
    assert told.resident_bytes == 61440 * 1024
    assert told.temperature_celsius == 48.312
    assert told.under_voltage is True
    assert told.throttled == 0x50005
    assert told.disk_free_bytes > 0


def test_a_machine_that_tells_nothing_is_not_ill(tmp_path):
    told = look_at_machine(tmp_path / "nowhere", tmp_path / "nowhere")
    assert told.disk_free_bytes is told.written_bytes is told.temperature_celsius is told.throttled is None
    assert findings(told, WELL) == []


def test_this_machine_is_read(tmp_path):
    told = look_at_machine(tmp_path)
    assert told.written_bytes is not None
    assert told.resident_bytes > 1_000_000
