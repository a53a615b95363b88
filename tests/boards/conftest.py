"""One compiled firmware for all tests, and what a technician has on the desk."""

import pytest

from boards.bundle import bundle


@pytest.fixture(name="code", scope="session")
def _code(tmp_path_factory):
    return bundle(tmp_path_factory.mktemp("code"))
