"""A node's modules without packages: who imports what finds it under its new name, on the line where it was."""

import ast
import subprocess
import sys

import pytest

from boards.firmware.compiling import slot
from boards.firmware.flat import flat, flat_names, flattened
from tests.micropython.compile import sources

SOURCES = {
    "protocol.__init__": '"""Nothing but this."""\n',
    "protocol.dimming.__init__": "from .place import Site as Site\n",
    "protocol.dimming.place": "class Site:\n    pass\n",
    "firmware.__init__": "",
    "firmware.clock": "def hour():\n    from .clock_ import hour_; return hour_()\n",
    "firmware.clock_": "def hour_():\n    return 7\n",
    "firmware.body.__init__": "",
    "firmware.body.clock": "import time\n\nMINUTE = 59\n",
    "firmware.body.start": (
        "from protocol import dimming\nfrom protocol.dimming import Site as Place\n"
        "from . import clock as mine, nowhere\nfrom ..clock import hour\n\n"
        'GONE = (\n    "firmware.clock_ "\n    "protocol.dimming"\n)\nTOLD = "firmware is old"\n'
        'print(hour(), mine.MINUTE, dimming.Site is Place, *GONE.split(), TOLD, "é", nowhere)\n'
    ),
    "firmware.body.nowhere": "",
}


def test_modules_of_one_last_name_are_told_apart_and_empty_packages_are_none():
    assert flat_names(SOURCES) == {
        "protocol.dimming": "dimming",
        "protocol.dimming.place": "place",
        "firmware.clock": "firmware_clock",
        "firmware.clock_": "firmware_clock_",
        "firmware.body.clock": "body_clock",
        "firmware.body.start": "start",
        "firmware.body.nowhere": "nowhere",
    }


def test_it_runs_as_before(tmp_path):
    for name, source in flat(SOURCES, flat_names(SOURCES)).items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    done = subprocess.run([sys.executable, "-X", "utf8", "start.py"], cwd=tmp_path, capture_output=True, check=True)
    said = done.stdout.decode()
    assert said.startswith("7 59 True firmware_clock_ dimming firmware is old é <module 'nowhere'")


def test_lines_stay_where_they_are():
    made = flat(SOURCES, flat_names(SOURCES))["start"]
    assert made.splitlines()[2] == "import body_clock as mine; import nowhere"
    assert "GONE" in made.splitlines()[5]
    assert "TOLD" in made.splitlines()[9]


def test_an_import_in_the_midst_of_a_line_leaves_the_rest():
    source = "def f(): 'é'; from .place import Site; return Site\n"
    made = flattened(source, "protocol.dimming.sun", {"protocol.dimming.place": "place"})
    assert made == "def f(): 'é'; from place import Site; return Site\n"


@pytest.fixture(name="files", scope="module")
def _files():
    return slot(sources())


# Of the ESP32 port, MicroPython 1.27: those that are written in Python, or that a file may replace.
THEIRS = """
    array asyncio binascii bluetooth btree cmath collections cryptolib deflate dht ds18x20 errno esp esp32 espnow
    flashbdev framebuf gc hashlib heapq inisetup io json machine math micropython mip neopixel network ntptime onewire
    os platform random re requests select socket ssl struct sys time tls uasyncio uctypes umqtt upysh urequests vfs
    webrepl webrepl_setup websocket _boot _onewire _thread _webrepl apa106 aioespnow
"""


def test_no_module_hides_one_of_micropython(files):
    assert not {path.removesuffix(".mpy") for path in files} & set(THEIRS.split())


def test_a_slot_is_one_folder_and_its_main_starts_what_is_there(files):
    assert [path for path in files if "/" in path] == []
    imported = [node for node in ast.walk(ast.parse(files["main.py"])) if isinstance(node, ast.ImportFrom)]
    assert [node.module for node in imported] == ["body"]
    assert {"body.mpy", "core.mpy", "mac_.mpy", "dimming.mpy", "seams"} < set(files)
    assert "main.mpy" not in files
