"""The node tells the version that the package has."""

import tomllib
from pathlib import Path

from firmware.version import BUILT_GPS_S, VERSION

GPS_EPOCH_UNIX_S = 315_964_800
LEAP_S = 18


def test_the_node_tells_the_version_of_the_package():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert ".".join(map(str, VERSION)) == project["version"]


def test_no_firmware_was_built_before_this_year():
    assert BUILT_GPS_S + GPS_EPOCH_UNIX_S - LEAP_S == 1_795_305_600  # 2026-11-22T00:00:00Z
