"""What is in the repository: nothing that ties it to one machine's registries, and nothing heavy."""

import json
import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
MAX_BYTES = 1 << 20
# Written in two halves, so that this file does not find itself.
REGISTRIES = tuple(
    host + rest
    for host, rest in (
        ("registry.", "npmjs"),
        ("registry.", "yarnpkg"),
        ("npm.pkg.", "github"),
        ("pypi.org/", "simple"),
        ("files.python", "hosted"),
        ("index-url ", "http"),
        ("index-url=", "http"),
    )
)


def files() -> list[Path]:
    """What is in the repository, or will be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file()]


def test_no_file_names_a_package_registry():
    """Lock files pin versions; where these come from is a matter of the machine."""
    found = []
    for path in files():
        text = path.read_bytes().decode("utf-8", "replace").lower()
        found += [f"{path.relative_to(REPOSITORY)} names {registry}" for registry in REGISTRIES if registry in text]
    assert found == []


def test_the_patterns_find_what_they_are_for():
    seen = (
        "https://" + "registry." + "npmjs.org/x",
        "https://" + "pypi.org/" + "simple/x/",
        "--index" + "-url https://x",
    )
    assert all(any(registry in line for registry in REGISTRIES) for line in seen)


def test_the_npm_lock_pins_contents_and_not_addresses():
    lock = json.loads((REPOSITORY / "tests/package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package["integrity"].startswith("sha512-"), name


def test_the_python_lock_pins_versions_and_not_addresses():
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        name, equals, version = line.partition(";")[0].strip().partition("==")
        assert name
        assert equals
        assert version[0].isdigit(), line


def test_what_decides_about_a_change_can_be_run():
    assert os.access(REPOSITORY / ".ci/run", os.X_OK)


def test_no_file_is_heavy():
    heavy = [
        f"{path.relative_to(REPOSITORY)}: {path.stat().st_size}" for path in files() if path.stat().st_size > MAX_BYTES
    ]
    assert heavy == []
