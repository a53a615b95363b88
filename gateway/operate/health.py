"""How this gateway is: figures read from the machine, findings decided purely, one dict for MQTT and for the API."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.operate import clock

HOT_CELSIUS = 80.0  # a Pi throttles from here on
DISK_LOW_SHARE = 0.05
FSYNC_LIES_US = 50  # no card, and hardly a disk, syncs faster: it says so without doing it
FSYNC_SLOW_US = 500_000  # beyond it RX1 after a join, at the least RxDelay, is in danger
BACKLOG_OLD_S = 3600  # the promise is 99 % of readings within the hour
# Bits of `vcgencmd get_throttled` (Raspberry Pi documentation, vcgencmd).
_THROTTLED = (
    (0, "under-voltage now"),
    (2, "throttled now"),
    (16, "under-voltage since boot"),
    (18, "throttled since boot"),
)
_UNDER_VOLTAGE_FILES = ("sys/class/hwmon", "sys/devices/platform/soc/soc:firmware/get_throttled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the machine says of itself. None: it does not say.

    written_bytes: what this process had written to disk since it started. throttled: the bits of get_throttled.
    """

    disk_total_bytes: int | None = None
    disk_free_bytes: int | None = None
    written_bytes: int | None = None
    resident_bytes: int | None = None
    temperature_celsius: float | None = None
    throttled: int | None = None
    under_voltage: bool | None = None
    uptime_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the gateway knows of itself.

    store_bytes: of the database's files. hours_that_fit: of records, before the first is deleted; None: not known yet.
    backlog_age_s: how old the oldest record is that no broker has yet; 0: none.
    radios: name → online. fault: what is broken now, as a sentence, such as a disk that is full.
    """

    version: str
    started_because: str
    running_s: float
    clock_trusted: bool
    clock_sentence: str
    store_bytes: int = 0
    hours_that_fit: float | None = None
    records: int = 0
    backlog_records: int = 0
    backlog_age_s: float = 0.0
    broker_connected: bool | None = None
    broker_refused: int = 0  # messages, since the start
    backup_age_s: float | None = None
    snapshot_age_s: float | None = None
    fsync_us: tuple[int, int, int] | None = None  # p50, p99, worst of late
    uplinks_per_min: float = 0.0
    devices: int = 0
    devices_silent: int = 0
    radios: dict[str, bool] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    fault: str | None = None


def health(machine: Machine, state: State) -> dict[str, Any]:
    """Everything as one JSON object, and `findings`: sentences that each name a cause and what to do."""
    found = findings(machine, state)
    fsync = state.fsync_us
    return {
        "healthy": not found,
        "findings": found,
        "version": state.version,
        "started_because": state.started_because,
        "running_s": round(state.running_s),
        "uptime_s": None if machine.uptime_s is None else round(machine.uptime_s),
        "clock": {"trusted": state.clock_trusted, "why": state.clock_sentence},
        "disk": {"total_bytes": machine.disk_total_bytes, "free_bytes": machine.disk_free_bytes},
        "store": {
            "bytes": state.store_bytes,
            "records": state.records,
            "hours_that_fit": None if state.hours_that_fit is None else round(state.hours_that_fit),
            "dropped": dict(state.dropped),
        },
        "written_bytes": machine.written_bytes,
        "resident_bytes": machine.resident_bytes,
        "fsync_us": None if fsync is None else {"p50": fsync[0], "p99": fsync[1], "worst": fsync[2]},
        "temperature_celsius": machine.temperature_celsius,
        "under_voltage": _under_voltage(machine),
        "throttled": None if machine.throttled is None else _throttled(machine.throttled),
        "backlog": {"records": state.backlog_records, "age_s": round(state.backlog_age_s)},
        "broker_connected": state.broker_connected,
        "backup_age_s": None if state.backup_age_s is None else round(state.backup_age_s),
        "snapshot_age_s": None if state.snapshot_age_s is None else round(state.snapshot_age_s),
        "uplinks_per_min": round(state.uplinks_per_min, 2),
        "devices": {"registered": state.devices, "silent": state.devices_silent},
        "radios": dict(state.radios),
    }


def findings(machine: Machine, state: State) -> list[str]:
    """What an operator should look at, the worst first."""
    found = []
    if state.fault:
        found.append(state.fault)
    free = machine.disk_free_bytes
    if free is not None and machine.disk_total_bytes and free < DISK_LOW_SHARE * machine.disk_total_bytes:
        found.append(
            f"{free // 1_000_000} MB of the disk are free; "
            "remove what is not the gateway's, or lower [store] max_disk_mb"
        )
    if _under_voltage(machine):
        found.append("the power supply gives too little voltage, which corrupts cards; replace it or its cable")
    if machine.temperature_celsius is not None and machine.temperature_celsius >= HOT_CELSIUS:
        found.append(f"the processor is at {machine.temperature_celsius:.0f} °C; ventilate or shade the cabinet")
    if not state.clock_trusted:
        found.append(f"the time is not known: {state.clock_sentence}; readings are kept and dated later")
    if state.fsync_us is not None and state.fsync_us[1] > FSYNC_SLOW_US:
        found.append(
            f"one commit in a hundred takes {state.fsync_us[1] // 1000} ms; the card is worn or slow: replace it, "
            "and keep rx_delay_s at 5"
        )
    if state.broker_connected is False:
        found.append("the broker does not answer; readings are kept and sent later; `lampyre gateway doctor` says why")
    if state.broker_connected and state.broker_refused and state.backlog_records:
        found.append(
            f"{state.backlog_records} records wait, and the broker refused messages {state.broker_refused} times since"
            " the start; look at its access list and limits, and at its log"
        )
    if state.backlog_age_s > BACKLOG_OLD_S:
        found.append(f"the oldest reading that has not left is {state.backlog_age_s / 3600:.1f} h old")
    offline = sorted(name for name, online in state.radios.items() if not online)
    if offline:
        found.append(f"no word from {', '.join(offline)}; look at its power and cable")
    if any(state.dropped.values()):
        lost = ", ".join(f"{count} {what}" for what, count in sorted(state.dropped.items()) if count)
        found.append(f"the disk's bound made room by dropping {lost}")
    return found


def _under_voltage(machine: Machine) -> bool | None:
    if machine.throttled is not None:
        return bool(machine.throttled & 1)
    return machine.under_voltage


def _throttled(bits: int) -> list[str]:
    return [name for bit, name in _THROTTLED if bits >> bit & 1]


def look_at_machine(folder: Path, root: Path = Path("/")) -> Machine:
    """Read what there is; what a machine does not have stays None. root: where /proc and /sys are."""
    try:
        disk = shutil.disk_usage(folder)
    except OSError:
        disk = None
    return Machine(
        disk_total_bytes=disk.total if disk else None,
        disk_free_bytes=disk.free if disk else None,
        written_bytes=_labelled(root / "proc/self/io", "write_bytes:"),
        resident_bytes=_kib(_labelled(root / "proc/self/status", "VmRSS:")),
        temperature_celsius=_temperature(root / "sys/class/thermal/thermal_zone0/temp"),
        throttled=_hex(_text(root / _UNDER_VOLTAGE_FILES[1])),
        under_voltage=_hwmon_under_voltage(root / _UNDER_VOLTAGE_FILES[0]),
        uptime_s=clock.uptime_s(),
    )


def ask_vcgencmd() -> int | None:
    """The bits of `vcgencmd get_throttled` on a Raspberry Pi; None elsewhere. It starts a process: not often."""
    try:
        done = subprocess.run(
            ["vcgencmd", "get_throttled"], capture_output=True, text=True, timeout=5, check=True, env=os.environ
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return _hex(done.stdout.partition("=")[2])


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _labelled(path: Path, label: str) -> int | None:
    for line in _text(path).splitlines():
        if line.startswith(label):
            digits = line.removeprefix(label).split()
            return int(digits[0]) if digits and digits[0].isdecimal() else None
    return None


def _kib(number: int | None) -> int | None:
    return None if number is None else number * 1024


def _temperature(path: Path) -> float | None:
    text = _text(path).strip()
    return int(text) / 1000 if text.removeprefix("-").isdecimal() else None


def _hex(text: str) -> int | None:
    try:
        return int(text.strip(), 16)
    except ValueError:
        return None


def _hwmon_under_voltage(folder: Path) -> bool | None:
    """The kernel's raspberrypi-hwmon driver: in0_lcrit_alarm is 1 while the voltage is too low."""
    for name in sorted(folder.glob("hwmon*/name")) if folder.is_dir() else []:
        if _text(name).strip() == "rpi_volt":
            return _text(name.with_name("in0_lcrit_alarm")).strip() == "1"
    return None
