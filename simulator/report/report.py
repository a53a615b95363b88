"""What a run showed, as the JSON report that CI reads, and the digest that says two runs were the same."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any


class Digest:
    """SHA-256 over everything that happened, in order: frames, messages, and at last the report."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, kind: str, time_us: int, data: bytes) -> None:
        """Take in one thing that happened."""
        self._hash.update(f"{kind} {time_us} {len(data)} ".encode() + data)

    def hex(self) -> str:
        """The digest so far, 64 hex digits."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class Truth:
    """Something that must hold in every run, and whether it did."""

    name: str
    held: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something this run was expected to reach, with the value reached."""

    name: str
    value: float
    held: bool


@dataclass(slots=True, kw_only=True)
class Report:
    """The outcome of a run; `to_json` is what `--json` writes."""

    seed: int
    hours: int
    nodes: int
    loss: float
    uplinks: dict[str, int]
    readings: dict[str, int]
    lost: dict[str, int]
    refused: dict[str, int]
    airtime_s: float
    truths: list[Truth] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values only, ready for `json.dump`."""
        return asdict(self)

    def seal(self, digest: Digest) -> None:
        """Take the rest of the report into *digest* and keep its value."""
        digest.add("report", 0, json.dumps(self.to_json(), sort_keys=True).encode())
        self.digest = digest.hex()

    @property
    def failures(self) -> list[str]:
        """The names of the truths and expectations that did not hold."""
        claims: list[Truth | Expectation] = [*self.truths, *self.expectations]
        return [claim.name for claim in claims if not claim.held]
