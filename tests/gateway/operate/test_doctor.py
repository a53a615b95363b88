"""The doctor: each finding says what, why it matters and what to do; judged on facts, looked at on real files."""

import contextlib
import os
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.config.load import parse_config
from gateway.config.values import Config, Mqtt, SerialPort
from gateway.operate import doctor
from gateway.operate.clock import ClockVerdict
from gateway.operate.doctor import Finding, Level, Mount
from gateway.operate.health import Machine
from gateway.store import cursors
from gateway.store.database import open_database
from gateway.store.migrate import migrate
from tests.fakes.certificates import Authority

SITE = '[site]\ninsee = "92002"\nname = "Antony"\nlatitude_deg = 48.7\nlongitude_deg = 2.3\n'


def config(folder: Path, more: str = "") -> Config:
    return parse_config(f'{SITE}[store]\nfolder = "{folder}"\n{more}'.encode(), Path("gateway.toml"))


def said(finding: Finding, level: Level) -> str:
    assert finding.level is level
    if level is not Level.GOOD:
        assert finding.why
        assert finding.do
    return f"{finding.what} | {finding.why} | {finding.do}"


def test_a_clock_nobody_vouches_for_is_bad():
    assert said(doctor.judge_clock(ClockVerdict(True, "synchronised")), Level.GOOD)
    assert "timedatectl" in said(doctor.judge_clock(ClockVerdict(False, "not synchronised")), Level.BAD)


@pytest.mark.parametrize(
    ("free_mb", "level", "says"),
    [
        (20_000, Level.GOOD, "20000 MB free"),
        (1_500, Level.NOTE, "less than half"),
        (100, Level.BAD, "below the reserve"),
    ],
)
def test_disk(free_mb, level, says):
    machine = Machine(disk_total_bytes=32 * 10**9, disk_free_bytes=free_mb * 10**6)
    assert says in said(doctor.judge_disk(machine, 200, 4000), level)


@pytest.mark.parametrize(
    ("kind", "options", "level", "says"),
    [
        ("ext4", "rw,noatime", Level.GOOD, "/dev/mmcblk0p2 on /, ext4 (rw,noatime)"),
        ("ext4", "rw,data=writeback", Level.BAD, "remove data=writeback"),
        ("ext4", "rw,nobarrier", Level.BAD, "the card may keep the old bytes"),
        ("ext4", "rw,barrier=0", Level.BAD, "remove barrier=0"),
        ("ext4", "rw,commit=600", Level.BAD, "may be lost for 600 s"),
        ("ext4", "rw,commit=5", Level.GOOD, "commit=5"),
        ("ext4", "ro", Level.BAD, "a dying card is remounted read-only"),
        ("overlay", "rw", Level.BAD, "gone after a power cut"),
        ("nfs4", "rw", Level.BAD, "do not hold on network file systems"),
    ],
)
def test_mount_options_that_lose_what_was_accepted(kind, options, level, says):
    assert says in said(doctor.judge_mount(Mount("/dev/mmcblk0p2", "/", kind, tuple(options.split(",")))), level)


def test_the_mount_of_a_folder_is_the_longest_that_holds_it(tmp_path):
    mounts = tmp_path / "mounts"
    data = tmp_path / "my data"
    data.mkdir()
    text = (
        f"/dev/root / ext4 rw 0 0\n/dev/sda1 {str(data).replace(' ', chr(92) + '040')} ext4 rw,nobarrier 0 0\nbroken\n"
    )
    mounts.write_text(text, encoding="ascii")
    assert doctor.mount_of(data / "x", mounts) == Mount("/dev/sda1", str(data), "ext4", ("rw", "nobarrier"))
    assert doctor.mount_of(Path("/var"), mounts).device == "/dev/root"
    assert doctor.mount_of(data, tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("durations_us", "on_card", "level", "says"),
    [
        ([5_000] * 60, True, Level.GOOD, "p50 5.00 ms, p99 5.00 ms of 60"),
        ([20] * 60, True, Level.BAD, "below 50 µs nothing was written"),
        ([20] * 60, False, Level.NOTE, "below 50 µs"),
        ([5_000] * 59 + [700_000], True, Level.BAD, "windows are in danger"),
    ],
)
def test_a_card_that_lies_and_one_that_stalls(durations_us, on_card, level, says):
    assert says in said(doctor.judge_fsync(durations_us, on_card), level)


def test_syncs_are_timed_on_a_real_file_that_does_not_stay(tmp_path):
    durations = doctor.time_fsyncs(tmp_path, 5)
    assert len(durations) == 5
    assert all(duration >= 0 for duration in durations)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        doctor.time_fsyncs(tmp_path / "nowhere")


def test_power_and_heat():
    assert "under-voltage now" in said(doctor.judge_power(0x50005, Machine()), Level.BAD)
    assert "under-voltage since boot" in said(doctor.judge_power(0x50000, Machine()), Level.BAD)
    assert "under-voltage now" in said(doctor.judge_power(None, Machine(under_voltage=True)), Level.BAD)
    assert "82 °C" in said(doctor.judge_power(0, Machine(temperature_celsius=82.4)), Level.NOTE)
    assert "no under-voltage, 45 °C" in said(doctor.judge_power(0, Machine(temperature_celsius=45.0)), Level.GOOD)


def test_copies_have_an_age(tmp_path):
    assert "`lampyre gateway backup`" in said(doctor.judge_age("backup", None, 60), Level.NOTE)
    assert "3 days old" in said(doctor.judge_age("backup", 3 * 86400.0, 86400), Level.BAD)
    assert "5 minutes old" in said(doctor.judge_age("snapshot", 300.0, 3600), Level.GOOD)
    copy = tmp_path / "lampyre-1.sqlite"
    copy.touch()
    os.utime(copy, (1, 1))
    assert doctor.newest(tmp_path, "*.sqlite*") > 86400 * 365
    assert doctor.newest(tmp_path / "nowhere", "*") is None


def test_files_with_keys_that_others_can_read(tmp_path):
    (tmp_path / "gateway.sqlite").touch(0o600)
    assert [finding.level for finding in doctor.look_at_permissions(config(tmp_path))] == [Level.GOOD]
    (tmp_path / "registry.snapshot").touch(0o600)
    (tmp_path / "registry.snapshot").chmod(0o644)
    [finding] = doctor.look_at_permissions(config(tmp_path))
    assert f"chmod 600 {tmp_path / 'registry.snapshot'}" in said(finding, Level.BAD)
    [finding] = doctor.look_at_permissions(config(tmp_path / "nowhere"))
    assert "is not there yet" in said(finding, Level.NOTE)


def test_a_port_that_is_away_lists_those_that_are_there(tmp_path):
    finding = doctor.look_at_port(SerialPort(port=tmp_path / "ttyUSB0"))
    assert "is not there" in said(finding, Level.BAD)
    assert "ports that are there:" in finding.do


def test_whoever_holds_a_port_is_named(tmp_path):
    port = tmp_path / "ttyUSB0"
    port.touch()
    held = tmp_path / "proc" / "77"
    (held / "fd").mkdir(parents=True)
    (held / "fd" / "5").symlink_to(port)
    (held / "comm").write_text("ModemManager\n", encoding="ascii")
    finding = doctor.look_at_port(SerialPort(port=port), tmp_path / "proc")
    assert "is open in ModemManager" in said(finding, Level.BAD)
    assert "disable --now ModemManager" in finding.do
    (held / "comm").write_text("lampyre\n", encoding="ascii")
    assert said(doctor.look_at_port(SerialPort(port=port), tmp_path / "proc"), Level.GOOD)


def test_this_machines_processes_are_looked_through(tmp_path):
    port = tmp_path / "ttyUSB0"
    with port.open("w"):
        assert doctor.holders_of(port) == [Path("/proc/self/comm").read_text(encoding="ascii").strip()]
    assert doctor.holders_of(port) == []


class Stub:
    """A broker that reads one packet and answers what it was told to."""

    def __init__(self, told: bytes, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.heard = b""
        self._told = told
        self._thread = threading.Thread(target=self._serve, daemon=True)  # should nobody come, it does not hold us up

    def __enter__(self) -> "Stub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._listening.close()

    def _serve(self) -> None:
        stream, _ = self._listening.accept()
        stream.settimeout(10)
        if self._tls is not None:
            try:
                stream = self._tls.wrap_socket(stream, server_side=True)
            except OSError:
                return  # the doctor hung up on a certificate it does not know
        with stream:
            self.heard = stream.recv(1000)
            if self._told:
                stream.sendall(self._told)
                with contextlib.suppress(OSError):
                    stream.recv(1000)


def mqtt(port: int, **more: object) -> Mqtt:
    return Mqtt(host="127.0.0.1", audience="internal", port=port, tls=False, **more)


@pytest.mark.parametrize(
    ("told", "level", "says"),
    [
        (b"\x20\x02\x00\x00", Level.GOOD, "answers and lets us in"),
        (b"\x20\x02\x00\x05", Level.BAD, "refuses the log-in (CONNACK code 5)"),
        (b"HTTP/1.1 400 Bad Request\r\n", Level.BAD, "is no MQTT broker"),
        (b"", Level.BAD, "hung up instead of answering"),
    ],
)
def test_a_broker_is_asked_as_mqtt_says(tmp_path, told, level, says):
    password = tmp_path / "password"
    password.write_text("p" * 200 + "\n", encoding="ascii")
    with Stub(told) as stub:
        finding = doctor.look_at_broker(mqtt(stub.port, username="cabinet", password_file=password))
    assert says in said(finding, level)
    # MQTT 3.1.1 §3.1: type, remaining length in two bytes, protocol name and level 4, flags for user, password, clean.
    assert stub.heard[0] == 0x10
    assert (stub.heard[1] & 0x7F) | stub.heard[2] << 7 == len(stub.heard) - 3
    assert stub.heard[3:10] == b"\x00\x04MQTT\x04"
    assert stub.heard[10] == 0xC2
    assert stub.heard.endswith(b"\x00\x07cabinet\x00\xc8" + b"p" * 200)


@pytest.mark.parametrize(
    ("named", "trusted", "level", "says"),
    [
        ("127.0.0.1", True, Level.GOOD, "answers with TLS and lets us in"),
        ("127.0.0.1", False, Level.BAD, "is refused: self-signed certificate in certificate chain"),
        ("broker.example", True, Level.BAD, "is refused: IP address mismatch"),
    ],
)
def test_a_brokers_certificate_is_looked_at(tmp_path, named, trusted, level, says):
    authority, other = Authority("the town's"), Authority("somebody's")
    now = datetime.now(UTC)
    issued = authority.issue(named, now - timedelta(days=1), now + timedelta(days=1))
    for name, pem in (("cert", issued.pem() + authority.pem()), ("key", issued.key_pem())):
        (tmp_path / name).write_bytes(pem)
    (tmp_path / "ca").write_bytes((authority if trusted else other).pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with Stub(b"\x20\x02\x00\x00", context) as stub:
        broker = Mqtt(host="127.0.0.1", audience="internal", port=stub.port, ca=tmp_path / "ca")
        finding = doctor.look_at_broker(broker)
    assert says in said(finding, level)


def test_a_broker_that_is_away_and_one_without_a_name():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert "does not answer: Connection refused" in said(doctor.look_at_broker(mqtt(port)), Level.BAD)
    nobody = Mqtt(host="no..name", audience="internal", port=port, tls=False)
    assert "is not known" in said(doctor.look_at_broker(nobody), Level.BAD)


def test_what_the_broker_refused_is_shown_with_the_command_that_sends_it_again(tmp_path):
    assert doctor.parked_in(tmp_path / "lampyre.sqlite") == []
    database = open_database(tmp_path / "lampyre.sqlite")
    migrate(database)
    assert said(doctor.judge_parked(doctor.parked_in(tmp_path / "lampyre.sqlite")), Level.GOOD)
    with database:
        for record_id in (5, 6):
            reason = "reason 0x87: check the broker's access list"
            cursors.park(
                database,
                cursors.Parked(publisher="mqtt", record_id=record_id, tries=4, reason=reason, parked_ms=0),
            )
    finding = doctor.judge_parked(doctor.parked_in(tmp_path / "lampyre.sqlite"))
    assert "2 records were refused, the newest 6: reason 0x87" in said(finding, Level.BAD)
    assert "`lampyre gateway replay --parked`" in finding.do
    database.close()


def test_a_whole_look_at_a_machine_never_ends_early(tmp_path):
    found = doctor.examine(config(tmp_path, '[[serial]]\nport = "/dev/nowhere"\n'))
    checks = [finding.check for finding in found]
    assert checks == ["clock", "permissions", "disk", "mount", "fsync", "power", "snapshot", "backup", "port nowhere"]
    missing = doctor.examine(config(tmp_path / "nowhere"))
    assert any("could not be looked at" in finding.what and "is not there yet" in finding.what for finding in missing)
