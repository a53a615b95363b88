"""The ordered stream of commits: what each one changed here, so that it can be undone, and what waits for it."""

from collections import deque
from typing import Protocol

from gateway.network.events import Commit, Effect
from gateway.store.writes import Write

# Two seconds of a benchmark's uplinks; each step takes about 300 bytes. Beyond that uplinks are refused unheard.
MAX_PENDING = 20_000
RETRY_COMMIT_MS = 5_000  # after a commit failed; a disk that is full does not empty sooner
MAX_AGAIN = 1_000  # writes that no uplink brings again, kept for when the disk takes them; orders and notices


class Step(Protocol):
    """What a commit changed here."""

    def undo(self, now_ms: int) -> None:
        """The commit failed: as if it had not been decided."""

    def done(self, now_ms: int, out: list[Effect]) -> None:
        """It is on disk: do what waited for that."""


class Stream:
    """Commits in their order; `done` is the token up to which all is on disk."""

    def __init__(self) -> None:
        self.token = 0
        self.done = 0
        self._pending: deque[tuple[int, Step | None, tuple[Write, ...]]] = deque()
        self._again: list[Write] = []

    def full(self) -> bool:
        """Whether the store is too far behind to take more uplinks."""
        return len(self._pending) >= MAX_PENDING

    def commit(self, writes: tuple[Write, ...], at_once: bool, step: Step | None, out: list[Effect]) -> int:
        """Hand *writes* to be committed; returns the token. Without a *step* they are nobody's to repeat: kept here."""
        if self._again:
            writes = (*self._again, *writes)
            step = None if step is None else _Both(step, self, self._again)
            self._again = []
        self.token += 1
        self._pending.append((self.token, step, writes if step is None else ()))
        out.append(Commit(token=self.token, writes=writes, at_once=at_once))
        return self.token

    def committed(self, token: int, now_ms: int, out: list[Effect]) -> None:
        """All up to *token* is on disk."""
        pending = self._pending
        while pending and pending[0][0] <= token:
            number, step, _ = pending.popleft()
            self.done = number
            if step is not None:
                step.done(now_ms, out)

    def failed(self, now_ms: int) -> None:
        """Nothing more of what is pending will be written: undo it, newest first."""
        while self._pending:
            _, step, writes = self._pending.pop()
            if step is not None:
                step.undo(now_ms)
            self.keep(writes)

    def keep(self, writes: tuple[Write, ...] | list[Write]) -> None:
        """Write these, older than all that is kept, with the next commit; what is beyond the bound is lost."""
        self._again[:0] = writes
        del self._again[MAX_AGAIN:]

    def behind(self) -> bool:
        """Whether writes wait for a next commit."""
        return bool(self._again)


class _Both:
    """A step whose commit also carries writes that are kept."""

    def __init__(self, step: Step, stream: Stream, writes: list[Write]) -> None:
        self._step = step
        self._stream = stream
        self._writes = writes

    def undo(self, now_ms: int) -> None:
        self._step.undo(now_ms)
        self._stream.keep(self._writes)

    def done(self, now_ms: int, out: list[Effect]) -> None:
        self._step.done(now_ms, out)
