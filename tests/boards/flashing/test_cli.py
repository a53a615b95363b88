"""The commands as they are typed: what they print, and how they end."""

import json
import re

import pytest
from typer.testing import CliRunner

from boards.catalogue.known import load
from boards.flashing import cli
from boards.node import cli as node_cli
from tests.boards.bench import Bench
from tests.boards.desk import IMAGE


@pytest.fixture(name="home", autouse=True)
def _home(tmp_path, monkeypatch, code, code_folder):
    """A folder of its own for each run of the tool, and the compiled code of all tests."""
    monkeypatch.setenv("LAMPYRE_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "home/cache").symlink_to(code_folder)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(app, *words, exit_code=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == exit_code, done.output
    return done


@pytest.fixture(name="device", scope="module")
def _device(code):
    with Bench(hurry=0.05) as bench:
        device = bench.device(5, load("heltec-v3").table("parking", ("distance",)), image=IMAGE)
        device.pull()
        for path, data in code.slot.items():
            device.board.put(f"/a/{path}", data)
        device.plug()
        yield device


def test_a_board_is_flashed_and_asked(device, home):
    (home / "image.bin").write_bytes(IMAGE)
    what = ("--board", "heltec-v3", "--role", "parking", "--name", "bay-12", "--place", "92002-bay-12")
    settings = ("--set", "heartbeat_s=600", "--set", "detector=distance")  # which wires the sensor, too
    flash = (cli.app, "--port", device.path, *what, "--image", home / "image.bin", *settings)

    planned = typed(*flash, "--dry-run").stdout
    assert re.findall(r"^  (\w+) +(yes|no)", planned, re.MULTILINE) == [
        (step, "yes") for step in ("image", "files", "identity", "test", "registry", "label", "log")
    ]
    assert not (home / "devices.csv").exists()

    done = typed(*flash)
    [row] = (home / "devices.csv").read_text().splitlines()[1:]
    cells = row.split(",")
    assert cells[1:3] == ["parking", "bay-12"]
    for key in cells[4:6]:
        assert len(key) == 32
        assert key not in done.output
    grouped = " ".join(cells[0].upper()[at : at + 4] for at in range(0, 16, 4))
    assert grouped in done.stdout
    assert "radio" in done.stderr
    assert (home / "labels" / f"{cells[0]}.png").exists()
    assert cells[0] in (home / "commissioned.csv").read_text()
    [record] = (home / "home/boards").glob("*.json")
    assert json.loads(record.read_text())["app_key"] == ""

    resumed = typed(cli.app, "--port", device.path, "--resume", "--image", home / "image.bin")
    assert grouped in resumed.stdout
    assert (home / "devices.csv").read_text().splitlines()[1:] == [row]

    node = ("--port", device.path)
    assert "0.1.0" in typed(node_cli.app, "status", *node).stdout
    tested = typed(node_cli.app, "selftest", *node).stderr
    assert re.search(r"distance +ok", tested), tested
    assert "field0" not in tested
    assert typed(node_cli.app, "settings", *node, "detector").stdout == "detector = distance\n"
    assert typed(node_cli.app, "settings", *node, "heartbeat_s").stdout == "heartbeat_s = 600\n"
    assert typed(node_cli.app, "settings", *node, "heartbeat_s=900", "heartbeat_s").stdout == "heartbeat_s = 900\n"
    wrong = typed(node_cli.app, "settings", *node, "heartbeat_s=5", "--language", "fr", exit_code=1)
    assert wrong.stderr.startswith("Le nœud dit : réglages : heartbeat_s vaut 5 ; écrivez 300..3600")
    assert typed(node_cli.app, "logs", *node).stdout.startswith("epoch ")
    assert "forgotten" in typed(node_cli.app, "forget", "--yes", *node).stderr
    assert "on trial until a network answers" in typed(node_cli.app, "update", *node).stdout


@pytest.mark.parametrize(
    ("words", "exit_code", "says"),
    [
        (("--board", "heltec-v3", "--role", "air"), 1, "There is no port /dev/ttyNONE"),
        (("--board", "heltec-v9", "--role", "air"), 1, "There is no board 'heltec-v9'. Write one of: "),
        (("--role", "air"), 2, "Which board is on /dev/ttyNONE? Name it with --board"),
        (("--board", "heltec-v3"), 2, "What shall the node be? Say it with --role: parking, air, light, bridge."),
        (("--board", "heltec-v3", "--role", "light"), 2, "A lamp has to know the sun where it hangs."),
        (("--board", "heltec-v3", "--role", "air", "--set", "min_dr=9"), 2, "settings: min_dr is 9; write 0..5"),
        (("--board", "heltec-v3", "--role", "air", "--option", "dali"), 2, "for air, heltec-v3 offers none"),
        (
            ("--board", "heltec-v3", "--role", "parking", "--option", "two-bays", "--set", "bays=1"),
            2,
            "--option two-bays means bays = 2, and bays is 1; leave one out",
        ),
        (
            ("--board", "heltec-v3", "--role", "parking", "--option", "distance", "--set", "bays=2"),
            2,
            "settings: bays is 2; the distance detector sees one, write 1",
        ),
        (("--board", "heltec-v3", "--role", "air", "--join-eui", "12"), 2, "JoinEUI '12' has 2 hex digits"),
        (
            ("--board", "heltec-v3", "--role", "air", "--keys-from", "none.csv"),
            1,
            "none.csv: No such file or directory. Nothing was written",
        ),
        (
            ("--board", "heltec-v3", "--role", "air", "--keys-from", "none.csv", "--language", "fr"),
            1,
            "none.csv : ce fichier n'existe pas. Rien n'a été écrit",
        ),
        (("--all", "--name", "x"), 2, "with --all use --keys-from"),
        (("--board", "heltec-v3", "--role", "air", "--gateway", "x", "--registry", "y.csv"), 2, "write one"),
        (("--board", "heltec-v3", "--role", "air", "--language", "fr"), 1, "Le port /dev/ttyNONE n'existe pas."),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(words, exit_code, says):
    port = () if "--all" in words else ("--port", "/dev/ttyNONE")
    done = typed(cli.app, *port, "--language", "en", *words, exit_code=exit_code)
    assert says in done.stderr
    assert "Traceback" not in done.output


def test_help_shows_everything():
    for app, words in ((cli.app, ("--keys-from", "--dry-run", "--gateway")), (node_cli.app, ("selftest", "monitor"))):
        said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "160"}).stdout
        assert all(word in said for word in words)
