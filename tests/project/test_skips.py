"""In CI a skipped test is a failure: `--no-skips`, which `.ci/run` passes on."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SKIPPING = "import pytest\n\n\ndef test_passes():\n    pass\n\n\ndef test_skips():\n    pytest.skip('no board here')\n"


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a suite with one skipped test under the project's own conftest."""
    (folder / "conftest.py").write_text("from tests.conftest import *  # noqa\n", encoding="utf-8")
    (folder / "test_it.py").write_text(SKIPPING, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", REPOSITORY / "pyproject.toml"]
    return subprocess.run(
        [*command, "--rootdir", REPOSITORY, "--confcutdir", folder, *options, folder],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_skipped_test_fails_the_run_only_where_it_must(tmp_path, workers):
    calm = run(tmp_path, *workers)
    assert calm.returncode == 0, calm.stdout + calm.stderr
    strict = run(tmp_path, *workers, "--no-skips")
    assert strict.returncode == 1, strict.stdout + strict.stderr
    assert "1 skipped: here a skipped test is a failure" in strict.stdout


def test_ci_asks_for_it():
    assert "--no-skips" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
