"""The systemd unit: hardened, watched, and still able to ask the clock and to open its ports."""

import configparser
import importlib.resources
from pathlib import Path

from gateway.config.values import FOLDER, SOCKET


class Unit(configparser.RawConfigParser):
    """A unit file: case counts, and a key may come again."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def values(section: str, key: str) -> list[str]:
    found, inside = [], False
    for line in text().splitlines():
        if line.startswith("["):
            inside = line == f"[{section}]"
        if inside and line.startswith(f"{key}="):
            found.append(line.partition("=")[2])
    return found


def text() -> str:
    return (importlib.resources.files("gateway.operate") / "lampyre-gateway.service").read_text(encoding="utf-8")


def test_it_is_a_unit_file():
    unit = Unit(strict=False)
    unit.read_string(text())
    assert unit.sections() == ["Unit", "Service", "Install"]


def test_it_is_started_watched_and_brought_back():
    assert values("Service", "Type") == ["notify"]
    assert values("Service", "ExecStart") == ["@LAMPYRE@ gateway run --config /etc/lampyre/gateway.toml"]
    assert values("Service", "WatchdogSec") == ["30"]
    assert values("Service", "Restart") == ["always"]
    assert values("Unit", "StartLimitIntervalSec") == ["0"]


def test_it_may_do_little():
    for key, value in {
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "MemoryDenyWriteExecute": "yes",
        "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
        "DevicePolicy": "closed",
        "UMask": "0077",
        "StateDirectoryMode": "0700",
        "MemoryMax": "256M",
    }.items():
        assert values("Service", key) == [value], key
    assert set(values("Service", "DeviceAllow")) == {"char-ttyUSB rw", "char-ttyACM rw", "/dev/vcio rw"}


def test_what_the_gateway_asks_of_the_kernel_is_allowed():
    """@clock and @chown are in @privileged, which is denied: the last word must give back what is used."""
    filters = values("Service", "SystemCallFilter")
    assert filters[1].startswith("~")
    assert {"adjtimex", "clock_adjtime", "chown", "fchownat"} <= set(filters[-1].split())
    assert "ProtectClock" not in [line.partition("=")[0] for line in text().splitlines()]


def test_paths_agree_with_the_defaults():
    assert Path("/var/lib", *values("Service", "StateDirectory")) == FOLDER
    assert Path("/run", *values("Service", "RuntimeDirectory")) == SOCKET.parent
