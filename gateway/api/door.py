"""One way in for every command: the socket of a running gateway, else the store itself; the answers are the same."""

import asyncio
import http.client
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from gateway.api.client import Client
from gateway.api.routes import Answer, Request, answer
from gateway.config.values import Config
from gateway.store.faults import StoreError

_PAGE = 250  # rows in one go: some 20 ms of a Pi's time, in which the gateway does nothing else


class DoorError(Exception):
    """It cannot be asked, or it said no; the text is a sentence for the user."""


class _Asked(Protocol):
    def ask(self, method: str, path: str, query: Mapping[str, str | int] | None = None, body: Any = None) -> Answer: ...

    def close(self) -> None: ...


class Door:
    """Asks, and raises DoorError instead of handing out errors. running: whether a gateway answers."""

    def __init__(self, config: Config) -> None:
        self.running = False
        self.notes: tuple[str, ...] = ()
        self._asked = self._open(config)

    def ask(self, method: str, path: str, query: Mapping[str, str | int] | None = None, body: Any = None) -> Any:
        """The JSON of the answer. Raises DoorError."""
        try:
            told = self._asked.ask(method, path, query, body)
        except (OSError, http.client.HTTPException) as error:
            raise DoorError(f"the gateway stopped answering ({error or type(error).__name__}); ask again") from None
        if told.status != 200:
            raise DoorError(told.body["error"] if isinstance(told.body, dict) else f"status {told.status}")
        return told.body

    def rows(self, path: str, name: str, cursor: str = "after", start: str | int | None = None) -> Iterator[Any]:
        """All rows of a paged route, page by page, from the cursor *start* on. Raises DoorError."""
        query: dict[str, str | int] = {"limit": _PAGE}
        if start is not None:
            query[cursor] = start
        while True:
            page = self.ask("GET", path, query)
            yield from page[name]
            if page["next"] is None:
                return
            query[cursor] = page["next"]

    def close(self) -> None:
        """Leave."""
        self._asked.close()

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self, config: Config) -> _Asked:
        try:
            client = Client(config.api.socket)
        except (FileNotFoundError, ConnectionRefusedError):
            return self._stopped(config)
        except PermissionError:
            raise DoorError(
                f"{config.api.socket}: you may not open it; use sudo, or join the group that [api] names"
            ) from None
        except OSError as error:
            raise DoorError(f"{config.api.socket}: {error.strerror or error}") from None
        self.running = True
        return client

    def _stopped(self, config: Config) -> _Asked:
        try:
            direct = _Direct(config)
        except StoreError as error:
            raise DoorError(f"{error}; no gateway answers on {config.api.socket}") from None
        except FileNotFoundError as error:
            raise DoorError(f"{error.filename or config.store.folder}: {error.strerror}") from None
        except OSError as error:
            where = Path(os.fsdecode(error.filename)) if error.filename else config.store.folder
            raise DoorError(f"{where}: {error.strerror or error}; run it as the gateway's user or with sudo") from None
        self.notes = direct.notes
        return direct


class _Direct:
    """The same requests, answered in this process."""

    def __init__(self, config: Config) -> None:
        from gateway.api.stopped import StoppedStation  # the store is only needed here

        self._station = StoppedStation(config)
        self.notes = self._station.notes

    def ask(self, method: str, path: str, query: Mapping[str, str | int] | None = None, body: Any = None) -> Answer:
        """As `Client.ask`. Whoever can lock the database can read its keys."""
        request = Request(
            method=method,
            path=path,
            query={name: str(value) for name, value in (query or {}).items()},
            body=b"" if body is None else json.dumps(body).encode(),
            sees_keys=True,
            now_ms=time.time_ns() // 1_000_000,
        )
        return asyncio.run(answer(self._station, request))

    def close(self) -> None:
        """Let go of the database."""
        self._station.close()
