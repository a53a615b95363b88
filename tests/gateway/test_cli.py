"""`lampyre gateway` as an operator types it: its own words, its exits, its files; without a gateway running."""

import json
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import apsw
import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.config.example import example_text
from gateway.network.events import Commit
from gateway.store.apply import write_commits
from gateway.store.opening import Store
from gateway.store.records import RecordWriter
from gateway.store.writes import AddQuarantine
from tests.gateway.api.stations import config_in
from tests.gateway.api.test_desk import raw

KEY = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
OTHER_KEY = "8f8e7d6c5b4a39281706f5e4d3c2b1a0"
BAY = "70b3d57ed0050001"
LAMP = "70b3d57ed0050002"
CSV = f"""dev_eui;role;name;app_key;place;zone
{BAY};parking;bay a12;{KEY};92002-bay-a12;centre
{LAMP};light;;{OTHER_KEY};;
"""


def invoke(*arguments: str | Path, config: Path | None = None, stdin: str | None = None) -> Result:
    environment = {"COLUMNS": "200", "LAMPYRE_CONFIG": str(config) if config else None}
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment, input=stdin)


def ok(*arguments: str | Path, **more: object) -> Result:
    result = invoke(*arguments, **more)
    assert result.exit_code == 0, (result.stdout, result.stderr, result.exception)
    return result


def no(exit_code: int, *arguments: str | Path, **more: object) -> str:
    result = invoke(*arguments, **more)
    assert result.exit_code == exit_code, (result.stdout, result.stderr, result.exception)
    assert "Traceback" not in result.output
    return result.stderr


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    return config_in(tmp_path).path


@pytest.fixture(name="filled")
def _filled(tmp_path: Path, config: Path) -> Path:
    """A gateway with two devices and three records."""
    (tmp_path / "devices.csv").write_text(CSV, encoding="utf-8")
    ok("devices", "import", tmp_path / "devices.csv", config=config)
    write(database_of(config), 3)
    return config


def database_of(config: Path) -> Path:
    return config.parent / "store" / "gateway.sqlite"


def write(path: Path, count: int) -> None:
    store = Store(path)
    database = store.connect()
    with database:
        commit = Commit(token=1, writes=tuple(raw(seq) for seq in range(count)), at_once=True)
        write_commits(database, RecordWriter(), [commit])
    database.close()
    store.close()


def seqs(result: Result) -> list[int]:
    return [json.loads(line)["key"]["seq"] for line in result.stdout.splitlines()]


def test_readings_come_as_json_lines_oldest_first(filled):
    assert seqs(ok("readings", config=filled)) == [0, 1, 2]
    assert seqs(ok("readings", "--after", "2", config=filled)) == [2]
    assert seqs(ok("readings", "--limit", "1", config=filled)) == [0]


def test_a_file_is_read_without_a_configuration_even_while_another_process_has_it(filled):
    store = Store(database_of(filled))
    database = store.connect()
    assert seqs(ok("readings", "--database", database_of(filled))) == [0, 1, 2]
    assert seqs(ok("readings", "--database", database_of(filled), "--after", "2")) == [2]
    message = no(1, "devices", "list", config=filled)
    assert f"in use by process {os.getpid()}" in message
    database.close()
    store.close()


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path):
    assert "does not exist" in no(2, "readings", "--database", tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()


def not_sqlite(path: Path) -> None:
    path.write_text("dear diary, " * 100, encoding="utf-8")


def of_another_program(path: Path) -> None:
    apsw.Connection(str(path)).execute("CREATE TABLE diary (text)")


def empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize("make", [not_sqlite, of_another_program, empty])
def test_a_file_that_is_no_gateways_is_refused_and_stays_as_it_is(tmp_path, make):
    path = tmp_path / "strange.sqlite"
    make(path)
    before = path.read_bytes()
    result = invoke("readings", "--database", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"{path} is not a gateway's database\n"
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_devices_are_imported_listed_shown_and_removed(filled):
    listed = ok("devices", "list", config=filled).stdout
    assert BAY in listed
    assert "bay a12" in listed
    assert KEY not in listed
    assert [
        json.loads(line)["dev_eui"] for line in ok("devices", "list", "--json", config=filled).stdout.splitlines()
    ] == [
        BAY,
        LAMP,
    ]
    assert KEY not in ok("devices", "show", BAY, config=filled).stdout
    assert "92002-bay-a12 (0)" in ok("devices", "show", BAY, config=filled).stdout
    assert KEY in ok("devices", "show", BAY, "--show-keys", config=filled).stdout
    assert invoke("devices", "remove", LAMP, config=filled, stdin="n\n").exit_code == 1
    ok("devices", "remove", LAMP, "--yes", config=filled)
    assert LAMP not in ok("devices", "list", config=filled).stdout


def test_a_key_is_asked_for_and_never_printed(config):
    result = ok("devices", "add", LAMP, "--role", "light", "--place", "92002-lamp-l1", config=config, stdin=f"{KEY}\n")
    assert KEY not in result.output
    assert f"registered {LAMP} at 92002-lamp-l1" in result.stderr
    message = no(1, "devices", "add", LAMP, "--role", "light", "--app-key", OTHER_KEY, config=config)
    assert f"DevEUI {LAMP} is registered already" in message
    assert "role is 'lamp'" in no(1, "devices", "add", BAY, "--role", "lamp", "--app-key", OTHER_KEY, config=config)


def test_an_import_with_faults_registers_nothing_and_names_file_and_line(tmp_path, config):
    file = tmp_path / "devices.csv"
    file.write_text(CSV + "0011;air;;x;;\n", encoding="utf-8")
    message = no(1, "devices", "import", file, config=config)
    assert f"{file}:4: DevEUI '0011' has 4 hex digits; expected 16, as printed on the label" in message
    assert "nothing was registered" in message
    assert ok("devices", "list", config=config).stdout == ""
    file.write_text(CSV, encoding="utf-8")
    assert "2 devices and 1 place can be read" in ok("devices", "import", file, "--dry-run", config=config).stderr
    assert ok("devices", "list", config=config).stderr == "no device is registered\n"
    rows = json.dumps([{"dev_eui": BAY, "role": "air", "app_key": KEY}])
    ok("devices", "import", "-", config=config, stdin=rows)
    assert f"{BAY} is registered already" in no(1, "devices", "import", file, config=config)
    assert "No such file" in no(2, "devices", "import", tmp_path / "none.csv", config=config)


def test_a_thousand_devices_are_imported(tmp_path, config):
    rows = [f"70b3d57ed1{at:06x},air,{KEY[:24]}{at:08x},92002-station-s{at}" for at in range(1000)]
    file = tmp_path / "devices.csv"
    file.write_text("\n".join(("dev_eui,role,app_key,place", *rows)), encoding="utf-8")
    assert "registered 1000 devices, 1000 places" in ok("devices", "import", file, config=config).stderr
    assert len(ok("devices", "list", "--json", config=config).stdout.splitlines()) == 1000


def test_places_are_set_hung_and_freed(filled):
    ok(
        "places",
        "set",
        "92002-lamp-l1",
        "--zone",
        "nord",
        "--latitude-deg",
        "48.7",
        "--longitude-deg",
        "2.3",
        config=filled,
    )
    ok("places", "install", "92002-lamp-l1", LAMP, "--from", "2026-01-01T00:00+01:00", config=filled)
    listed = ok("places", "list", config=filled).stdout
    assert "92002-lamp-l1" in listed
    assert LAMP in listed
    assert LAMP in ok("places", "history", "92002-lamp-l1", config=filled).stdout
    ok("places", "free", LAMP, config=filled)
    assert "hangs nowhere" in no(1, "places", "free", LAMP, config=filled)
    assert "is no time" in no(2, "places", "install", "92002-lamp-l1", LAMP, "--from", "yesterday", config=filled)
    assert "is not <INSEE code>" in no(1, "places", "set", "l1", config=filled)
    assert "nothing ever hung at" in ok("places", "history", "92002-lamp-l9", config=filled).stderr


def test_a_device_is_exchanged(tmp_path, filled):
    file = tmp_path / "more.json"
    spare = {"dev_eui": "70b3d57ed0050003", "role": "parking", "app_key": KEY[::-1]}
    file.write_text(json.dumps({"devices": [spare]}), encoding="utf-8")
    ok("devices", "import", file, config=filled)
    ok("devices", "replace", BAY, spare["dev_eui"], config=filled)
    assert spare["dev_eui"] in ok("places", "list", config=filled).stdout
    assert "is a parking node" in no(1, "devices", "replace", spare["dev_eui"], LAMP, config=filled)


def test_groups_are_set_and_listed_without_keys(filled):
    assert "group 1, rue, has 1 member(s)" in ok("groups", "set", "rue", LAMP, config=filled).stderr
    assert "rue" in ok("groups", "list", config=filled).stdout
    [group] = [json.loads(line) for line in ok("groups", "list", "--json", config=filled).stdout.splitlines()]
    assert "mc_key" not in group


@pytest.mark.parametrize(
    "command",
    [["uplinks"], ["health"], ["order", "give", LAMP, "set_level", "level_pct=40"]],
    ids=lambda command: command[0],
)
def test_what_takes_a_running_gateway_says_so(filled, command):
    assert "the gateway is stopped" in no(1, *command, config=filled)


def test_wrong_arguments_of_an_order_are_wrong_usage(filled):
    assert "write NAME=VALUE" in no(2, "order", "give", LAMP, "set_level", "40", config=filled)
    assert "write group:NUMBER" in no(2, "order", "give", "group:rue", "set_level", config=filled)
    assert "no order was ever given" in ok("order", "list", config=filled).stderr
    assert "the quarantine is empty" in ok("quarantine", config=filled).stderr


def test_a_backup_is_restored_and_what_was_there_is_kept(filled):
    backup = Path(ok("backup", config=filled).stdout.strip())
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    write(database_of(filled), 2)
    assert len(ok("readings", config=filled).stdout.splitlines()) == 5
    assert invoke("restore", backup, config=filled, stdin="n\n").exit_code == 1
    message = ok("restore", backup, "--yes", config=filled).stderr
    assert "what was there is" in message
    assert len(ok("readings", config=filled).stdout.splitlines()) == 3
    assert list(database_of(filled).parent.glob("gateway.sqlite.before-restore-*"))
    junk = filled.parent / "junk"
    junk.write_text("dear diary " * 100, encoding="ascii")
    assert str(junk) in no(1, "restore", junk, "--yes", config=filled)
    assert len(ok("readings", config=filled).stdout.splitlines()) == 3


def test_a_snapshot_is_written_for_its_owner_alone(filled):
    path = Path(ok("snapshot", config=filled).stdout.strip())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_replay_without_a_publisher_says_so(filled):
    assert "there is no publisher mqtt" in no(1, "replay", "--since", "2026-01-01", config=filled)
    assert "is no time" in no(2, "replay", "--since", "monday", config=filled)
    assert "say what goes out again" in no(2, "replay", config=filled)
    assert "say what goes out again" in no(2, "replay", "--since", "2026-01-01", "--parked", config=filled)


def test_check_shows_what_takes_effect_and_what_is_wrong(config):
    shown = ok("check", config=config).stdout
    assert "gateway.toml is right" in shown
    assert "nothing: it stays here" in shown
    told = json.loads(ok("check", "--json", config=config).stdout)
    assert told["network"]["rx_delay_s"] == 5
    assert told["datasets"]["air"]["leaves_by"] == []
    config.write_text(config.read_text(encoding="utf-8") + "mood = 5\n", encoding="utf-8")
    assert f"{config}:10: [api] has no key 'mood'" in no(1, "check", config=config)
    assert "`lampyre gateway init` writes an example" in no(1, "check", "--config", config.parent / "none.toml")


def test_init_writes_an_example_once(tmp_path):
    path = tmp_path / "gateway.toml"
    ok("init", path)
    assert path.read_text(encoding="utf-8") == example_text() == ok("init", "-").stdout
    ok("check", "--config", path)
    assert "is there already" in no(1, "init", path)
    assert "make its folder" in no(1, "init", tmp_path / "nowhere" / "gateway.toml")


def test_the_doctor_ends_with_1_when_something_is_bad(filled):
    with filled.open("a", encoding="utf-8") as file:
        file.write('[[serial]]\nport = "/dev/nowhere"\n')
    result = invoke("doctor", config=filled)
    assert result.exit_code == 1
    assert "/dev/nowhere is not there" in result.stdout
    assert "do: plug it in" in result.stdout
    findings = json.loads(invoke("doctor", "--json", config=filled).stdout)
    assert {"check", "level", "what", "why", "do"} == set(findings[0])


def test_the_unit_names_the_program_that_printed_it():
    text = ok("service").stdout
    [line] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert Path(line.removeprefix("ExecStart=").split()[0]).name == "lampyre"
    assert "@" not in line


def test_a_support_bundle_of_a_full_registry_holds_no_key_password_or_payload(tmp_path, filled):
    """Keys of every kind, a password, and a quarantined payload: none of them, in any spelling, is in the bundle."""
    secrets = [f"{number:02x}" * 4 + KEY[8:] for number in range(0x21, 0x27)]
    devices = [
        {"dev_eui": "70b3d57ed0050011", "role": "air", "app_key": secrets[0], "gen_app_key": secrets[1]},
        {"dev_eui": "70b3d57ed0050012", "role": "foreign", "dev_addr": "26011bda",
         "nwk_s_key": secrets[2], "app_s_key": secrets[3]},
    ]  # fmt: skip
    file = tmp_path / "devices.json"
    file.write_text(json.dumps(devices), encoding="utf-8")
    ok("devices", "import", file, config=filled)
    ok("groups", "set", "rue", LAMP, config=filled)
    store = Store(database_of(filled))
    database = store.connect()
    payload = b"a payload nobody reads"
    with database:
        quarantined = AddQuarantine(
            device=1, received_ms=0, boot=None, session=0, f_cnt=1, f_port=1, payload=payload, reason="no CBOR"
        )
        write_commits(database, RecordWriter(), [Commit(token=1, writes=(quarantined,), at_once=True)])
    [(mc_key,)] = database.execute("SELECT mc_key FROM multicast_group").fetchall()
    database.close()
    store.close()
    password = tmp_path / "password"
    password.write_text("correct horse battery staple", encoding="ascii")
    password.chmod(0o600)
    with filled.open("a", encoding="utf-8") as out:
        out.write(f'[mqtt]\nhost = "127.0.0.1"\nport = 1\ntls = false\naudience = "open"\nusername = "cabinet"\n'
                  f'password_file = "{password}"\n')  # fmt: skip
    bundle = tmp_path / "support.tar.gz"
    assert ok("support-bundle", bundle, config=filled).stdout.strip() == str(bundle)
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    with tarfile.open(bundle) as archive:
        parts = {member.name.split("/")[1]: archive.extractfile(member).read() for member in archive.getmembers()}
    assert {"version.json", "config.json", "doctor.json", "devices.json", "quarantine.json", "log.txt"} <= set(parts)
    assert b"70b3d57ed0050011" in parts["devices.json"]
    assert b"no CBOR" in parts["quarantine.json"]
    for secret in [KEY, OTHER_KEY, *secrets[:4], mc_key.hex(), payload.hex()]:
        for spelling in (secret.encode(), secret.upper().encode(), bytes.fromhex(secret)):
            for name, content in parts.items():
                assert spelling not in content, name
    assert not any(b"correct horse" in content for content in parts.values())
    assert "is there already" in no(1, "support-bundle", bundle, config=filled)


def test_every_command_explains_itself():
    commands = ["run", "init", "check", "service", "readings", "uplinks", "quarantine", "health", "doctor", "backup",
                "restore", "snapshot", "replay", "support-bundle", "devices add", "devices import", "devices list",
                "devices show", "devices remove", "devices replace", "places list", "places set", "places install",
                "places free", "places history", "groups list", "groups set", "order give", "order list"]  # fmt: skip
    listed = ok("--help").stdout
    for command in commands:
        assert command.split()[0] in listed
        text = ok(*command.split(), "--help").stdout
        assert len(text.split("Usage:")[1].strip().splitlines()) > 3, command


def test_help_is_quick_because_nothing_heavy_is_loaded():
    probe = "import sys, gateway.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    heavy = {"pydantic", "pydantic_core", "cryptography", "prometheus_client", "paho", "h11", "asyncio", "serial"}
    assert not heavy & set(done.stdout.split())


def test_as_a_program_it_prints_results_and_messages_apart_and_minds_no_closed_pipe(filled):
    program = [sys.executable, "-m", "lampyre", "gateway"]
    environment = os.environ | {"LAMPYRE_CONFIG": str(filled)}
    write(database_of(filled), 2000)
    shell = " ".join(program) + " readings | head -1"
    done = subprocess.run(["sh", "-c", shell], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert json.loads(done.stdout)["key"]["seq"] == 0
    assert done.stderr == ""
    wrong = subprocess.run([*program, "tea"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert wrong.stdout == ""
    assert "Traceback" not in wrong.stderr
