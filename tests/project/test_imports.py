"""The arrows of the house: who may import whom stands in pyproject.toml, and a wrong import is caught."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
PACKAGES = CONTRACTS["root_packages"]

# A wrong import for every contract: the file, what it imports, and the contract that forbids it.
PLANTS = [
    ("protocol/cbor.py", "firmware.mac", "protocol imports nothing of ours"),
    ("protocol/lorawan/frames.py", "lampyre", "protocol imports nothing of ours"),
    ("firmware/mac.py", "gateway.cli", "firmware, gateway and boards do not know each other"),
    ("gateway/cli.py", "boards", "firmware, gateway and boards do not know each other"),
    ("gateway/store/records.py", "lampyre", "nothing imports the front door"),
    ("firmware/roles/air.py", "simulator.air", "firmware, gateway and boards know nothing of the simulator"),
    ("simulator/fleet/body.py", "gateway.store.records", "the simulator joins the gateway in exactly one place"),
]


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-cache"], cwd=tree, capture_output=True, text=True, timeout=120, check=False)


def test_every_arrow_is_kept():
    done = lint(REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(CONTRACTS['contracts'])} kept, 0 broken." in done.stdout


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    """A copy of the house to plant weeds in."""
    for package in PACKAGES:
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("lampyre.py", "lampyre_pytest.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / file, tmp_path / file)
    return tmp_path


@pytest.mark.parametrize(("file", "imported", "contract"), PLANTS)
def test_a_wrong_import_is_caught(tree, file, imported, contract):
    with (tree / file).open("a", encoding="utf-8") as source:
        source.write(f"\nimport {imported}\n")
    done = lint(tree)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout


def test_there_is_a_planted_import_for_every_contract_and_a_contract_for_every_package():
    assert {contract for _, _, contract in PLANTS} == {contract["name"] for contract in CONTRACTS["contracts"]}
    assert {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} == set(PACKAGES)
