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
import boards.cli, boards.node_cli, boards.flashing, boards.hub, boards.updating, boards.prompt, boards.console
import boards.ports, boards.copying, boards.burning, boards.journal, boards.label, boards.sun, boards.bundle
from boards.catalogue import load
from boards.identity import fresh
from boards.plan import Wish, plan
from boards.record import Records
from boards.registry import Registry, row_of
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
