"""What all tests share: seeds that are printed, skips that can be failures, and the net of tests/cddl.py."""

import os
import random
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests import cddl

cddl.NET.cast()  # before any test module is imported

_EXAMPLES = {"quick": 25, "full": 200, "soak": 20_000}
for _name, _count in _EXAMPLES.items():
    settings.register_profile(
        _name,
        max_examples=_count,
        deadline=None,  # speed belongs to `make bench`
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(os.environ.get("LAMPYRE_HYPOTHESIS", "full"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """One seed for the run, the same in every worker, printed at its head."""
    if config.getoption("hypothesis_seed", None) is None:
        seed = os.environ.setdefault("LAMPYRE_SEED", str(random.SystemRandom().randrange(2**32)))
        config.option.hypothesis_seed = seed


def pytest_report_header(config: pytest.Config) -> str:
    return f"seed of the random tests: repeat with --hypothesis-seed={config.getoption('hypothesis_seed')}"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    if session.config.getoption("--no-skips") and skipped and not exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line(f"{len(skipped)} skipped: here a skipped test is a failure", red=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test also when the code under it swallowed the net's objection."""
    cddl.NET.failures.clear()
    result = yield
    cddl.NET.raise_what_was_swallowed()
    return result
