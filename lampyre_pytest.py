"""A pytest plugin: run a scenario through Lampyre's simulator, and hold a test of yours against what came out.

    def test_our_street_keeps_its_readings(lampyre_simulate):
        report = lampyre_simulate("scenarios/our-street.toml", seed=7)
        assert report.delivered >= 0.999

The simulation runs in a child process that knows nothing of the repository it is tested in: a folder called `gateway`
there is not taken for Lampyre's. Of Lampyre nothing is imported here, and nothing but pytest besides the standard
library, so that whoever has it installed pays nothing in runs that do not simulate.
"""

import json
import os
import shlex
import site
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import pytest

_SAID_MAX_LEN = 6000  # of what the child said; its last lines tell what went wrong
_WINDOWS = os.name == "nt"


class LampyreError(Exception):
    """The simulation could not be run; the message has what it said and the command that repeats it."""


class NotHeldError(AssertionError):
    """A truth or an expectation of the scenario did not hold. report: what the run showed."""

    def __init__(self, sentence: str, report: "Report") -> None:
        super().__init__(sentence)
        self.report = report


@dataclass(frozen=True, slots=True)
class Claim:
    """A truth that must hold in every run, or an expectation of the scenario, which has a value."""

    name: str
    held: bool
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a run showed.

    digest: of all frames, messages and figures; equal for two runs that were the same. uplinks: frames sent and
    received. readings: taken and delivered. content: all of the JSON report, which lies at *path*. command: repeats
    the run.
    """

    seed: int
    digest: str
    uplinks: Mapping[str, int]
    readings: Mapping[str, int]
    truths: tuple[Claim, ...]
    expectations: tuple[Claim, ...]
    content: Mapping[str, Any]
    path: Path
    command: str

    @property
    def delivered(self) -> float:
        """The share of all readings taken that the city got, 0..1; 1 if none was taken."""
        taken = self.readings["taken"]
        return self.readings["delivered"] / taken if taken else 1.0

    @property
    def failures(self) -> list[str]:
        """The names of the truths and expectations that did not hold."""
        return [claim.name for claim in (*self.truths, *self.expectations) if not claim.held]


class Simulate(Protocol):
    """The fixture `lampyre_simulate`."""

    def __call__(
        self,
        scenario: str | Path,
        *,
        seed: int | None = None,
        hours: float | None = None,
        check: bool = True,
        timeout_s: float = 3600,
        arguments: Sequence[str | Path] = (),
    ) -> Report:
        """Run *scenario*, a path from pytest's root folder, or the name of one that comes with Lampyre.

        seed, hours: instead of the scenario's. check: fail the test when a truth or an expectation does not hold.
        arguments: further ones of `lampyre simulate run`, such as ("--html", "report.html").
        Raises LampyreError when there is no report, NotHeldError when *check* fails.
        """


@pytest.fixture(scope="session")
def lampyre_simulate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Simulate:
    """Run scenarios; of the session, so that fixtures of yours can share a run. Each run writes to its own folder."""
    numbers = count(1)

    def simulate(
        scenario: str | Path,
        *,
        seed: int | None = None,
        hours: float | None = None,
        check: bool = True,
        timeout_s: float = 3600,
        arguments: Sequence[str | Path] = (),
    ) -> Report:
        folder = tmp_path_factory.mktemp(f"lampyre-{next(numbers)}-")
        given = _given(request.config.rootpath, scenario, seed, hours)
        report = _run(given, arguments, folder, request.config.rootpath, timeout_s)
        if check and report.failures:
            raise NotHeldError(f"did not hold: {'; '.join(report.failures)}\nrepeat it with: {report.command}", report)
        return report

    return simulate


def _given(root: Path, scenario: str | Path, seed: int | None, hours: float | None) -> list[str]:
    """What makes the run what it is."""
    path = root / scenario
    return [
        str(path if path.is_file() else scenario),
        *(() if seed is None else ("--seed", str(seed))),
        *(() if hours is None else ("--hours", f"{hours:g}")),
    ]


def _run(given: list[str], arguments: Sequence[str | Path], folder: Path, root: Path, timeout_s: float) -> Report:
    """The run itself, in a child; its report comes back as a file."""
    path = folder / "report.json"
    command = _text(["lampyre", "simulate", "run", *given])
    try:
        done = subprocess.run(
            # -P: what lies in the current folder is not imported.
            [
                sys.executable,
                "-P",
                "-m",
                "lampyre",
                "simulate",
                "run",
                *given,
                "--json",
                str(path),
                *map(str, arguments),
            ],
            cwd=root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LampyreError(f"the run did not end within {timeout_s:g} s; repeat it with: {command}") from None
    said = _said(done.stderr) or _said(done.stdout)
    if done.returncode not in (0, 1) or not path.exists():
        raise LampyreError(f"the run ended with status {done.returncode} and said:\n{said}\nrepeat it with: {command}")
    try:
        return _report(json.loads(path.read_text(encoding="utf-8")), path, command)
    except (ValueError, KeyError, TypeError) as error:
        raise LampyreError(
            f"{path} is no report ({error!r}); the run said:\n{said}\nrepeat it with: {command}"
        ) from None


def _environment() -> dict[str, str]:
    """Where Python looks for modules is where this file is, and nowhere else that was told."""
    environment = dict(os.environ, PYTHONUTF8="1", PYTHONSAFEPATH="1")
    environment.pop("PYTHONPATH", None)
    here = str(Path(__file__).resolve().parent)
    if here not in (*site.getsitepackages(), site.getusersitepackages()):
        environment["PYTHONPATH"] = here  # a clone, or a folder of its own
    return environment


def _report(content: Mapping[str, Any], path: Path, command: str) -> Report:
    return Report(
        seed=content["seed"],
        digest=content["digest"],
        uplinks=content["uplinks"],
        readings=content["readings"],
        truths=tuple(_claim(truth) for truth in content["truths"]),
        expectations=tuple(_claim(expectation) for expectation in content["expectations"]),
        content=content,
        path=path,
        command=command,
    )


def _claim(told: Mapping[str, Any]) -> Claim:
    return Claim(told["name"], told["held"], told.get("value"))


def _text(command: list[str]) -> str:
    return subprocess.list2cmdline(command) if _WINDOWS else shlex.join(command)


def _said(output: bytes) -> str:
    text = output.decode("utf-8", "replace").strip()
    return text if len(text) <= _SAID_MAX_LEN else f"… {text[-_SAID_MAX_LEN:]}"
