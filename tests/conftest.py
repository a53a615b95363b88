"""Options all tests share: random tests print their seed, and where it matters a skipped test is a failure."""

import os
import random

import pytest
from hypothesis import HealthCheck, settings

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
