"""`lampyre gateway api` as an operator types it, and what it leaves in the store's folder."""

import re

import pytest

from gateway.api.remote_pass import MAX_HOURS, boot_s, read_pass
from gateway.commands import remote
from tests.gateway.api.stations import config_in
from tests.gateway.test_cli import no, ok


@pytest.fixture(name="config")
def _config(tmp_path):
    return config_in(tmp_path)


def test_a_token_is_shown_once_and_admits_until_it_is_withdrawn(config):
    shown = ok("api", "open", "--hours", "2", "--listen", "127.0.0.1:8443", config=config.path)
    token, fingerprint = shown.stdout.splitlines()
    assert re.fullmatch(r"[\w-]{43}", token)
    assert token not in shown.stderr
    found = read_pass(config.store.folder, boot_s())
    assert found is not None
    assert found.admits(token)
    assert not found.admits(token[:-1])
    assert fingerprint == f"sha256:{found.certificate_sha256}"
    said = ok("api", "status", config=config.path).stdout.splitlines()
    assert said == ["open on 127.0.0.1:8443 for 2.0 more hours while the gateway runs", fingerprint]
    assert "shut within" in ok("api", "close", config=config.path).stderr
    assert ok("api", "status", config=config.path).stdout == "shut\n"
    assert ok("api", "close", config=config.path).stderr == "no door was open\n"


def test_a_door_to_others_is_warned_of(config):
    shown = ok("api", "open", "--listen", "[::]:8443", "--name", "cabinet-12.lan", config=config.path)
    assert "Whoever reaches [::]:8443 may knock" in shown.stderr
    assert "open on [::]:8443 for 8.0" in ok("api", "status", config=config.path).stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--hours", "0"), "--hours is 0; write more than 0 and at most 72"),
        (("--hours", "73"), "--hours is 73; write"),
        (("--hours", "nan"), "--hours is nan; write"),
        (("--listen", "localhost:8443"), "--listen is localhost:8443; write an IP address"),
        (("--name", "café"), "--name is no host name"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(config, options, says):
    assert says in no(2, "api", "open", *options, config=config.path)
    assert list(config.store.folder.iterdir()) == []


def test_a_pass_that_others_may_read_is_named(config):
    ok("api", "open", config=config.path)
    (config.store.folder / "remote.json").chmod(0o644)
    assert "shut: " in no(1, "api", "status", config=config.path)


def test_a_folder_that_is_not_there_says_what_to_do(config):
    config.store.folder.rmdir()
    assert "run it as the gateway's user or with sudo" in no(1, "api", "open", config=config.path)


def test_the_help_names_the_bound_that_holds():
    assert remote._MAX_HOURS == MAX_HOURS
