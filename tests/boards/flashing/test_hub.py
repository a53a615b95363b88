"""`lampyre flash --all` as it is typed: a full hub of blank boards, an image as long as a real one, and its memory."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from boards.enrolment.registry import Registry
from protocol.settings import Settings
from simulator.rom.image import Recipe, make_image
from tests.boards.bench import Bench

BOARDS = 40 if os.environ.get("LAMPYRE_HYPOTHESIS") == "soak" else 3
PATIENCE = max(BOARDS / 2, 1)  # forty boards of one Python process are slower than forty of silicon
ESPTOOL = f"[esptool]\ntimeout = {3 * PATIENCE}\nsync_timeout = {0.1 * PATIENCE}\n"
TIMEOUT_S = 60 + 60 * BOARDS  # a tool that hangs fails the test
PROGRAM_LEN = 1_700_000  # MicroPython 1.27 for the ESP32-S3 has 1,753,904 bytes in all
# What Python and the libraries take, and what esptool has of an image while it writes one: the rest is shared.
TOOL_MB, BOARD_MB = 80, 4
KEYS = ("app_key", "gen_app_key")


@pytest.fixture(name="image", scope="module")
def _image():
    return make_image(Recipe(chip="ESP32-S3", program_len=PROGRAM_LEN))


@pytest.fixture(name="hub", scope="module")
def _hub(code, image):
    """Blank, but for the files of before: they are not what is looked at here."""
    with Bench(BOARDS, hurry=0.4 / BOARDS) as bench:
        bench.hub(code, image, BOARDS)
        yield bench


def test_every_board_of_a_hub_is_a_node_of_its_own_and_the_tool_stays_small(hub, image, code_folder, tmp_path):
    (tmp_path / "image.bin").write_bytes(image)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/cache").symlink_to(code_folder)
    (tmp_path / "esptool.cfg").write_text(ESPTOOL)
    ports = ",".join(device.path for device in hub.devices)
    tool = (sys.executable, "-m", "tests.boards.tool", ports, str(PATIENCE))
    what = ("--all", "--board", "heltec-v3", "--role", "parking", "--image", "image.bin", "--language", "en")
    environment = os.environ | {"LAMPYRE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [*tool, *what], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, done.stderr
    said = re.findall(r"^(/dev/\S+)  ([0-9A-F ]{19})  .*  keys in .*devices\.csv$", done.stdout, re.MULTILINE)
    rows = {row["dev_eui"]: row for row in Registry(tmp_path / "devices.csv").rows()}
    assert len(rows) == len(said) == BOARDS
    for device, (path, grouped) in zip(hub.devices, said, strict=True):
        assert path == device.path
        kept = device.board.nvs.read
        dev_eui = Settings.decode(kept("lampyre", "settings")).dev_eui.hex()
        assert dev_eui == grouped.replace(" ", "").lower()
        assert [rows[dev_eui][name] for name in KEYS] == [kept("lampyre", name).hex() for name in KEYS]
        assert device.flash.content.startswith(image)
        heard = bytes(device.heard)
        others = [row for row in rows.values() if row is not rows[dev_eui]]
        assert rows[dev_eui]["app_key"].encode() in heard
        assert not any(row[name].encode() in heard for row in others for name in ("dev_eui", *KEYS))
        assert device.board.brought_down == []
    assert not any(row[name] in done.stdout + done.stderr for row in rows.values() for name in KEYS)
    assert int(done.stderr.split()[-1]) / 1024 <= TOOL_MB + BOARD_MB * BOARDS
