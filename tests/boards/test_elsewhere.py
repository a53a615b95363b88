"""On a computer that is no Unix: the tool imports and plans without termios, fcntl, pty and pwd."""

import json
import subprocess
import sys

SCRIPT = """
import sys, types
for name in ("termios", "fcntl", "pty", "tty", "pwd", "grp", "resource"):
    sys.modules[name] = None
import json
from pathlib import Path
import boards.enrolment.label
import boards.firmware.bundle
import boards.flashing.cli, boards.flashing.commissioning, boards.flashing.hub, boards.flashing.journal
import boards.flashing.sun
import boards.node.burning, boards.node.cli, boards.node.console, boards.node.copying
import boards.node.ports, boards.node.prompt, boards.node.updating
from boards.catalogue.known import load
from boards.enrolment.identity import fresh
from boards.flashing.plan import Wish, plan
from boards.flashing.record import Records
from boards.enrolment.registry import Registry, row_of
folder = Path(sys.argv[1])
# Now, for Python's own modules take it for Windows itself where there is one.
sys.modules["msvcrt"] = types.SimpleNamespace(locking=lambda *_: None, LK_LOCK=1, LK_NBLCK=2)
wish = Wish(board="heltec-v3", role="air")
wish.check()
load(wish.board).table(wish.role)
records = Records(folder / "boards")
with records.hold("240ac4010203", "COM3") as record:
    record.take(fresh(bytes(8)))
    records.write(record)
    Registry(folder / "devices.csv").add(row_of(wish, wish.settings_of(record.identity.dev_eui), record.identity))
print(json.dumps([errand.step.value for errand in plan(record, "", False, False, "devices.csv")]))
"""


def test_it_imports_and_plans(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["image", "files", "identity", "test", "registry", "label", "log"]
    assert (tmp_path / "devices.csv").exists()
