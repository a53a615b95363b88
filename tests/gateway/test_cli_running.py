"""`lampyre gateway` while a gateway runs: the same commands, by its socket."""

import json
import os
import socket
import stat

import pytest
from typer.testing import CliRunner, Result

from gateway.api.door import Door, DoorError
from gateway.cli import app
from tests.gateway.api.stations import Running, config_in
from tests.gateway.test_cli import BAY, CSV, KEY, no, ok


@pytest.fixture(name="running")
def _running(tmp_path):
    with Running(config_in(tmp_path)) as running:
        yield running


@pytest.fixture(name="config")
def _config(running):
    return running.config.path


def test_devices_come_in_by_the_socket(tmp_path, config):
    file = tmp_path / "devices.csv"
    file.write_text(CSV, encoding="utf-8")
    ok("devices", "import", file, config=config)
    assert BAY in ok("devices", "list", config=config).stdout
    assert KEY in ok("devices", "show", BAY, "--show-keys", "--json", config=config).stdout  # we are its own user
    assert "is registered already" in no(1, "devices", "import", file, config=config)
    assert "92002-bay-a12" in ok("places", "list", config=config).stdout
    ok("devices", "remove", BAY, "--yes", config=config)


def test_the_last_uplinks_are_shown(config):
    shown = ok("uplinks", config=config).stdout
    assert BAY in shown
    assert "accepted, 1 record" in shown
    assert "-97" in shown
    rows = [json.loads(line) for line in ok("uplinks", "--json", config=config).stdout.splitlines()]
    assert [row["number"] for row in rows] == [1, 2]


def test_uplinks_are_followed_until_the_gateway_goes(running, config):
    running.hear()
    runner = CliRunner()
    result: Result = runner.invoke(app, ["uplinks", "--follow", "--limit", "3", "--config", str(config)])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[2] == "device 26011bda  what wrong_mic: its MIC is wrong"


def test_an_order_is_given_and_its_id_printed(running, config):
    give = ("order", "give", "group:2", "set_level", "level_pct=40", "fade_s=5", "--expires-in-s", "600")
    assert ok(*give, config=config).stdout == "1\n"
    [form] = running.station.given
    assert (form.target, form.arguments, form.source) == (2, {"level_pct": "40", "fade_s": "5"}, "cli")
    assert ok("order", "cancel", "1", config=config).stderr == "order 1 is not sent any more\n"
    assert "order 1 is not under way" in no(1, "order", "cancel", "1", config=config)
    assert "did you mean set_level?" in no(1, "order", "give", BAY, "set_lvel", config=config)


def test_health_says_first_what_is_wrong(config):
    shown = ok("health", config=config).stdout
    assert shown.startswith("! the disk is full\n")
    assert json.loads(ok("health", "--json", config=config).stdout)["healthy"] is False


def test_a_backup_is_made_while_it_runs_but_none_is_restored(config):
    backup = ok("backup", config=config).stdout.strip()
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600  # noqa: PTH116
    assert f"in use by process {os.getpid()}" in no(1, "restore", backup, "--yes", config=config)


def test_a_support_bundle_holds_what_the_gateway_knows(tmp_path, config):
    target = tmp_path / "support.tar.gz"
    ok("support-bundle", target, config=config)
    assert target.exists()


def test_who_may_not_open_the_socket_is_told_what_to_do(tmp_path, running):
    running.config.api.socket.chmod(0)
    uid = os.geteuid()
    try:
        if uid == 0:
            os.seteuid(65534)
        with pytest.raises(DoorError, match=r"you may not open it; use sudo, or join the group|Permission denied"):
            Door(running.config)
    finally:
        os.seteuid(uid)


def test_a_gateway_that_goes_while_it_is_asked_is_told(tmp_path):
    config = config_in(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(config.api.socket))
        listening.listen()
        with Door(config) as door:
            stream, _ = listening.accept()
            stream.close()
            with pytest.raises(DoorError, match="the gateway stopped answering"):
                door.ask("GET", "/v1/devices")
