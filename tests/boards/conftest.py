"""One compiled firmware for all tests."""

import pytest

from boards.firmware.bundle import bundle


@pytest.fixture(name="code_folder", scope="session")
def _code_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("code")


@pytest.fixture(name="code", scope="session")
def _code(code_folder):
    return bundle(code_folder)
