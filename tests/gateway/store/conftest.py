"""A database on the disk that several of these tests begin with."""

from pathlib import Path

import pytest

from tests.gateway.store.samples import new_database


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    """With three devices, closed."""
    path = tmp_path / "gateway.sqlite"
    new_database(path, 3).close()
    return path
