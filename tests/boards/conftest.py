"""One compiled firmware for all tests."""

import pytest

from boards.bundle import bundle


@pytest.fixture(name="cache", scope="session")
def _cache(tmp_path_factory):
    return tmp_path_factory.mktemp("code")


@pytest.fixture(name="code", scope="session")
def _code(cache):
    return bundle(cache)
