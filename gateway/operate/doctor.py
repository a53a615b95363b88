"""`lampyre gateway doctor`: what is wrong with the machine around the gateway, why it matters, what to do.

Judgements are pure functions of what was looked at; `examine` looks. Each check stands alone: one that fails says so
and the others go on.
"""

import contextlib
import os
import socket
import ssl
import stat
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import apsw

from gateway.config.values import Config, Mqtt, SerialPort
from gateway.counted import counted
from gateway.operate import clock
from gateway.operate.health import FSYNC_LIES_US, FSYNC_SLOW_US, HOT_CELSIUS, Machine, ask_vcgencmd, look_at_machine
from gateway.store import cursors
from gateway.store.database import read_database

FSYNCS = 60  # commits that are timed: two seconds on a slow card
PROBE_LEN = 4096
BROKER_S = 5.0
SNAPSHOT_OLD_S = 2 * 3600  # it is rewritten hourly
BACKUP_OLD_S = 49 * 3600  # it is made daily; one may be missed
_DANGEROUS = {
    "data=writeback": "file contents may be older than the journal says after a power cut",
    "nobarrier": "the card may keep the old bytes after it said it had written",
    "barrier=0": "the card may keep the old bytes after it said it had written",
}
_COMMIT_MAX_S = 30  # of the mount option commit=; ext4's own is 5
_VOLATILE = ("tmpfs", "ramfs", "overlay")
_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs")


class Level(IntEnum):
    """How bad it is."""

    GOOD = 0
    NOTE = 1  # worth knowing
    BAD = 2  # data or nodes are in danger; exit 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at: what was found, why it matters, what to do (both empty when it is good)."""

    check: str
    level: Level
    what: str
    why: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a folder's files really are, from /proc/self/mounts."""

    device: str
    point: str
    kind: str
    options: tuple[str, ...]


def examine(config: Config) -> list[Finding]:
    """Look at everything that concerns *config*."""
    folder = config.store.folder
    machine = look_at_machine(folder if folder.exists() else folder.parent)
    checks: list[tuple[str, Callable[[], Iterable[Finding]]]] = [
        ("clock", lambda: [judge_clock(clock.look(None, always=config.clock.trust == "always")[1])]),
        ("folder", lambda: look_at_permissions(config)),
        ("disk", lambda: [judge_disk(machine, config.store.reserve_mb, config.store.max_disk_mb)]),
        ("mount", lambda: [judge_mount(mount_of(folder))]),
        ("fsync", lambda: [judge_fsync(time_fsyncs(folder), _on_card(mount_of(folder)))]),
        ("power", lambda: [judge_power(ask_vcgencmd(), machine)]),
        ("snapshot", lambda: [judge_age("snapshot", newest(folder, "*.snapshot*"), SNAPSHOT_OLD_S)]),
        ("backup", lambda: [judge_age("backup", newest(config.store.backups, "*.sqlite*"), BACKUP_OLD_S)]),
        *((f"port {port.port.name}", lambda port=port: [look_at_port(port)]) for port in config.serial),
    ]
    if config.mqtt is not None:
        mqtt = config.mqtt
        checks.append(("broker", lambda: [look_at_broker(mqtt)]))
        checks.append(("parked", lambda: [judge_parked(parked_in(config.store.database))]))
    found: list[Finding] = []
    for name, check in checks:
        try:
            found += check()
        except (OSError, apsw.Error) as error:
            absent = not folder.is_dir()
            found.append(
                Finding(
                    check=name,
                    level=Level.NOTE,
                    what="could not be looked at: " + (f"{folder} is not there yet" if absent else _reason(error)),
                    why="nothing is known of it",
                    do="start the gateway first" if absent else "run the doctor as the gateway's user or as root",
                )
            )
    return found


def judge_clock(verdict: clock.ClockVerdict) -> Finding:
    """Whether readings can be dated."""
    if verdict.trusted:
        return Finding(check="clock", level=Level.GOOD, what=verdict.sentence)
    return Finding(
        check="clock",
        level=Level.BAD,
        what=verdict.sentence,
        why="until the time is known nothing is published, no node is told the time, and TLS refuses the broker",
        do="make NTP work (`timedatectl set-ntp true`, UDP port 123 open), or fit a clock module",
    )


def judge_disk(machine: Machine, reserve_mb: int, max_disk_mb: int) -> Finding:
    """Whether what the store may take is there."""
    free = machine.disk_free_bytes
    if free is None:
        return Finding(check="disk", level=Level.NOTE, what="its free space is not known", why="", do="")
    what = f"{free // 1_000_000} MB free"
    if free < reserve_mb * 1_000_000:
        return Finding(
            check="disk",
            level=Level.BAD,
            what=what,
            why=f"below the reserve of {reserve_mb} MB; when it is full, uplinks are refused until space returns",
            do="remove what is not the gateway's (old logs, packages), or fit a larger card",
        )
    if free < max_disk_mb * 500_000:
        return Finding(
            check="disk",
            level=Level.NOTE,
            what=f"{what}, less than half of what [store] max_disk_mb = {max_disk_mb} promises",
            why="the disk may be full before the store begins to make room",
            do="lower max_disk_mb",
        )
    return Finding(check="disk", level=Level.GOOD, what=what)


def mount_of(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> Mount | None:
    """The mount *folder* is on; None where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best: Mount | None = None
    real = os.path.realpath(folder)
    for line in lines:
        fields = line.split()
        if len(fields) < 4:
            continue
        point = fields[1].replace("\\040", " ")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and (best is None or len(point) >= len(best.point)):
            best = Mount(fields[0], point, fields[2], tuple(fields[3].split(",")))
    return best


def judge_mount(mount: Mount | None) -> Finding:
    """Whether what is synced stays."""
    if mount is None:
        return Finding(check="mount", level=Level.NOTE, what="not known", why="", do="")
    what = f"{mount.device} on {mount.point}, {mount.kind} ({','.join(mount.options)})"

    def bad(why: str, do: str) -> Finding:
        return Finding(check="mount", level=Level.BAD, what=what, why=why, do=do)

    if "ro" in mount.options:
        return bad(
            "it is read-only, so nothing can be accepted", "look at `dmesg`: a dying card is remounted read-only"
        )
    if mount.kind in _VOLATILE:
        return bad("what is written there is gone after a power cut", "put [store] folder on a disk, not on an overlay")
    if mount.kind in _NETWORK:
        return bad("SQLite's locks do not hold on network file systems", "put [store] folder on a local disk")
    for option, why in _DANGEROUS.items():
        if option in mount.options:
            return bad(why, f"remove {option} from /etc/fstab, or `tune2fs -o ^journal_data_writeback`, and reboot")
    for option in mount.options:
        name, _, seconds = option.partition("=")
        if name == "commit" and seconds.isdecimal() and int(seconds) > _COMMIT_MAX_S:
            return bad(f"names of new files may be lost for {seconds} s", "set commit=5 in /etc/fstab, and reboot")
    return Finding(check="mount", level=Level.GOOD, what=what)


def time_fsyncs(folder: Path, count: int = FSYNCS) -> list[int]:
    """Durations in µs of *count* syncs of a small file in *folder*, which is removed again. Raises OSError."""
    path = folder / f".doctor-{os.getpid()}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    durations = []
    try:
        for number in range(count):
            os.pwrite(fd, number.to_bytes(2, "big") * (PROBE_LEN // 2), 0)
            began = time.perf_counter_ns()
            os.fsync(fd)
            durations.append((time.perf_counter_ns() - began) // 1000)
    finally:
        os.close(fd)
        path.unlink()
    return durations


def judge_fsync(durations_us: Sequence[int], on_card: bool) -> Finding:
    """Whether the disk does what it says, and soon enough. on_card: SD, eMMC or USB, which cannot be quick."""
    ordered = sorted(durations_us)
    p50, p99 = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    what = f"p50 {p50 / 1000:.2f} ms, p99 {p99 / 1000:.2f} ms of {len(ordered)}"
    if p50 < FSYNC_LIES_US:
        return Finding(
            check="fsync",
            level=Level.BAD if on_card else Level.NOTE,
            what=what,
            why=f"below {FSYNC_LIES_US} µs nothing was written: a power cut may lose what was accepted",
            do="use an industrial card or an SSD with power-loss protection; nodes repeat what they still have",
        )
    if p99 > FSYNC_SLOW_US:
        return Finding(
            check="fsync",
            level=Level.BAD,
            what=what,
            why="joins and orders answer after a commit; beyond half a second their windows are in danger",
            do="replace the card (worn ones stall), keep rx_delay_s = 5, stop what else writes to it",
        )
    return Finding(check="fsync", level=Level.GOOD, what=what)


def judge_power(throttled: int | None, machine: Machine) -> Finding:
    """Voltage and heat. throttled: the bits of `vcgencmd get_throttled`."""
    if throttled is not None and throttled & 0x10001:
        now = "now" if throttled & 1 else "since boot"
        return Finding(
            check="power",
            level=Level.BAD,
            what=f"under-voltage {now} (get_throttled=0x{throttled:x})",
            why="the commonest cause of corrupt cards and of radios that vanish",
            do="use the official power supply and a short cable; feed USB radios by a hub of their own",
        )
    hot = machine.temperature_celsius
    if hot is not None and hot >= HOT_CELSIUS:
        return Finding(
            check="power",
            level=Level.NOTE,
            what=f"processor at {hot:.0f} °C",
            why="it slows down from 80 °C on, and cards age fast",
            do="ventilate or shade the cabinet",
        )
    if throttled is None and machine.under_voltage:
        return judge_power(1, machine)
    told = "no under-voltage" if throttled is not None or machine.under_voltage is False else "voltage not told here"
    return Finding(check="power", level=Level.GOOD, what=told + (f", {hot:.0f} °C" if hot is not None else ""))


def newest(folder: Path, pattern: str) -> float | None:
    """Age in s of the newest file; None: there is none."""
    ages = [time.time() - path.stat().st_mtime for path in folder.glob(pattern)] if folder.is_dir() else []
    return min(ages, default=None)


def judge_age(check: str, age_s: float | None, old_s: float) -> Finding:
    """Whether there is a copy from which the gateway can begin again. check: snapshot or backup."""
    why = "without one, every node must be visited when the card dies"
    do = f"`lampyre gateway {check}` writes one now; the running gateway does it by itself"
    if age_s is None:
        return Finding(check=check, level=Level.NOTE, what="there is none", why=why, do=do)
    what = f"{_span(age_s)} old"
    if age_s > old_s:
        return Finding(
            check=check, level=Level.BAD, what=what, why=why, do=f"{do}; is the disk full, or is it stopped?"
        )
    return Finding(check=check, level=Level.GOOD, what=what)


def parked_in(database: Path) -> list[cursors.Parked]:
    """What the broker refused, as the store keeps it. Raises apsw.Error when the store cannot be read."""
    if not database.exists():
        return []
    connection = read_database(database)
    try:
        return cursors.list_parked(connection, "mqtt")
    finally:
        connection.close()


def judge_parked(parked: Sequence[cursors.Parked]) -> Finding:
    """Whether the broker took everything."""
    if not parked:
        return Finding(check="parked", level=Level.GOOD, what="the broker refused nothing")
    newest_one = parked[-1]
    refused = counted(len(parked), "record was", "records were")
    return Finding(
        check="parked",
        level=Level.BAD,
        what=f"{refused} refused, the newest {newest_one.record_id}: {newest_one.reason}",
        why="they are kept here and are not tried again by themselves",
        do="put right what the reason names, then `lampyre gateway replay --parked`",
    )


def look_at_permissions(config: Config) -> list[Finding]:
    """Whether keys are readable by others, and whether we may write where we must."""
    found = []
    folder = config.store.folder
    if not folder.is_dir():
        return [
            Finding(
                check="folder",
                level=Level.NOTE,
                what=f"{folder} is not there yet",
                why="the gateway makes it when it starts, if it may",
                do=f"`install -d -m 700 -o lampyre {folder}`, or let systemd's StateDirectory make it",
            )
        ]
    if not os.access(folder, os.W_OK | os.X_OK):
        found.append(
            Finding(
                check="folder",
                level=Level.BAD,
                what=f"{folder} cannot be written by this user",
                why="nothing can be accepted",
                do=f"`chown lampyre: {folder}`, or run the doctor with sudo",
            )
        )
    secrets = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".lock"]
    if config.store.backups.is_dir():
        secrets += [path for path in sorted(config.store.backups.iterdir()) if path.is_file()]
    if config.mqtt is not None:
        secrets += [path for path in (config.mqtt.key, config.mqtt.password_file) if path is not None and path.exists()]
    for path in secrets:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            found.append(
                Finding(
                    check="permissions",
                    level=Level.BAD,
                    what=f"{path} has mode {mode:04o}",
                    why="it holds keys, and others on this machine can read them",
                    do=f"`chmod 600 {path}`",
                )
            )
    alone = f"{counted(len(secrets), 'file is', 'files are')} the gateway's alone"
    return found or [Finding(check="permissions", level=Level.GOOD, what=alone)]


def look_at_port(serial: SerialPort, proc: Path = Path("/proc")) -> Finding:
    """Whether a cable is there, may be opened, and is nobody else's."""
    port = serial.port
    check = f"port {port.name}"
    if not port.exists():
        others = ", ".join(str(path) for path in sorted(Path("/dev/serial/by-id").glob("*"))) or "none"
        return Finding(
            check=check,
            level=Level.BAD,
            what=f"{port} is not there",
            why="its radio hears nothing; the gateway waits for it",
            do=f"plug it in, with a cable that carries data; ports that are there: {others}",
        )
    if not os.access(port, os.R_OK | os.W_OK):
        return Finding(
            check=check,
            level=Level.BAD,
            what=f"{port} cannot be opened by this user",
            why="its radio hears nothing",
            do="add the gateway's user to the port's group (`usermod -aG dialout lampyre`) and restart",
        )
    holders = holders_of(port, proc)
    strangers = [name for name in holders if name != "lampyre"]
    if strangers:
        advice = "`systemctl disable --now ModemManager`" if "ModemManager" in strangers else f"stop {strangers[0]}"
        return Finding(
            check=check,
            level=Level.BAD,
            what=f"{port} is open in {', '.join(strangers)}",
            why="two readers each get half of the bytes",
            do=advice,
        )
    return Finding(
        check=check, level=Level.GOOD, what=f"{port} can be opened" + (", the gateway has it" if holders else "")
    )


def holders_of(port: Path, proc: Path = Path("/proc")) -> list[str]:
    """Names of the processes that have *port* open, as far as this user may see."""
    real = os.path.realpath(port)
    names = []
    for process in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(os.path.realpath(fd) == real for fd in (process / "fd").iterdir()):
                names.append((process / "comm").read_text(encoding="utf-8", errors="replace").strip())
    return sorted(set(names))


def look_at_broker(mqtt: Mqtt) -> Finding:
    """Whether the broker answers, its certificate is right, and it lets us in."""
    where = f"{mqtt.host}:{mqtt.broker_port}"

    def bad(what: str, do: str) -> Finding:
        return Finding(check="broker", level=Level.BAD, what=what, why="readings wait here until it does", do=do)

    try:
        plain = socket.create_connection((mqtt.host, mqtt.broker_port), BROKER_S)
    except (socket.gaierror, UnicodeError):  # the second for what cannot be a name at all
        return bad(f"the name {mqtt.host} is not known", "correct [mqtt] host, or the network's DNS")
    except OSError as error:
        return bad(f"{where} does not answer: {error.strerror or error}", "start the broker, or open the firewall")
    with plain:
        stream: socket.socket = plain
        if mqtt.tls:
            try:
                stream = tls_context(mqtt).wrap_socket(plain, server_hostname=mqtt.host)
            except ssl.SSLCertVerificationError as error:
                return bad(f"the certificate of {where} is refused: {error.verify_message}", _TLS_ADVICE)
            except (OSError, ValueError) as error:
                return bad(f"TLS with {where} fails: {error}", _TLS_ADVICE)
        try:
            code = _connect_code(stream, mqtt)
        except OSError as error:
            return bad(
                f"{where} is no MQTT broker, or refuses us: {error.strerror or error}", "look at the broker's log"
            )
        if stream is not plain:
            stream.close()
    if code == 0:
        return Finding(
            check="broker", level=Level.GOOD, what=f"{where} answers{' with TLS' if mqtt.tls else ''} and lets us in"
        )
    return bad(
        f"{where} refuses the log-in (CONNACK code {code})",
        "check username and password_file, or cert and key, against the broker's configuration",
    )


_TLS_ADVICE = "check [mqtt] ca, that host is the name in the certificate, and this machine's clock"


def tls_context(mqtt: Mqtt) -> ssl.SSLContext:
    """TLS 1.2 or newer, host name and certificate verified, our certificate if there is one. Raises OSError."""
    context = ssl.create_default_context(cafile=mqtt.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if mqtt.cert is not None:
        context.load_cert_chain(mqtt.cert, mqtt.key)
    return context


def password_of(mqtt: Mqtt) -> str | None:
    """What password_file holds, without the line's end. Raises OSError."""
    return mqtt.password_file.read_text(encoding="utf-8").rstrip("\r\n") if mqtt.password_file else None


def _connect_code(stream: socket.socket, mqtt: Mqtt) -> int:
    """The broker's return code to a CONNECT of MQTT 3.1.1 (§3.1, §3.2), which every broker knows.

    Twenty lines by hand, because paho answers in callbacks of a thread; the publisher uses paho.
    """
    client_id = f"doctor-{os.getpid()}"
    password = password_of(mqtt)
    texts = [client_id] + ([mqtt.username or "", password] if password is not None else [])
    flags = 0x02 | (0xC0 if password is not None else 0)
    body = b"\0\4MQTT\4" + bytes((flags, 0, 10))
    for text in texts:
        raw = text.encode()
        body += len(raw).to_bytes(2, "big") + raw
    length = bytes((len(body),)) if len(body) < 128 else bytes((len(body) & 0x7F | 0x80, len(body) >> 7))
    stream.settimeout(BROKER_S)
    stream.sendall(b"\x10" + length + body)
    told = b""
    while len(told) < 4:
        chunk = stream.recv(4 - len(told))
        if not chunk:
            raise OSError("it hung up instead of answering")
        told += chunk
    if told[:2] != b"\x20\x02":
        raise OSError("its answer is no CONNACK")
    stream.sendall(b"\xe0\0")
    return told[3]


def _on_card(mount: Mount | None) -> bool:
    return mount is not None and mount.device.startswith(("/dev/mmcblk", "/dev/sd", "/dev/root"))


def _span(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
