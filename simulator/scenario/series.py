"""Files that a scenario names: CSV series whose columns must be there, and captures of gateways."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

from protocol.quantity_table import Quantity
from simulator.scenario.document import Document, Where, nearest
from simulator.scenario.model import CaptureSpec, Column, Replay, Role
from simulator.stimuli.replay.roles import REPLAYABLE


def quantities_of_role(role: Role) -> list[str]:
    """Names of what a file may say for nodes of a role, in the order of the table."""
    return [Quantity(number).name for number in REPLAYABLE[role]]


def replay_of(document: Document, where: Where, role: Role) -> Replay | None:
    """The series that stands at *where*, its file found beside the scenario and its columns in it; None: there is none.

    Notes what is wrong in *document*; what is returned then is not used.
    """
    table = document.content["stimuli"][where[1]]
    if "replay" not in table:
        return None
    title = "[stimuli.replay]"
    given = table["replay"]
    if not isinstance(given, dict):
        document.fault(where, f"{title} is not a section; write {title} on a line of its own and its keys below")
        return None
    replay = document.table(where, title, Replay, given, apart=("columns",))
    columns = _columns(document, (*where, "columns"), given.get("columns", {}), role)
    if replay is None:
        return None
    replay = replace(replay, file=_beside(document.path, replay.file), columns=columns)
    if role is Role.PARKING:
        for key in ("state_column", "taken"):
            if not getattr(replay, key):
                document.fault(where, f"{title} of parking needs {key}; write {key} = a text as it stands in the file")
        if columns:
            document.fault((*where, "columns"), f"{title} columns is for air and light; parking has state_column")
    elif not columns and "columns" not in given:
        document.fault(where, f'{title} needs columns; write columns = {{ temperature = "heading in the file" }}')
    if document.sound:
        _check_headings(document, where, replay)
    return replay


def capture_of(document: Document, where: Where, capture: CaptureSpec) -> CaptureSpec:
    """The same with its files found beside the scenario; notes in *document* what is not there."""
    file = _beside(document.path, capture.file)
    registry = capture.registry and _beside(document.path, capture.registry)
    for key, path in (("file", file), ("registry", registry)):
        if path is not None and not path.is_file():
            document.fault((*where, key), f"[[captures]] {key} is {path}, and there is no such file")
    return replace(capture, file=file, registry=registry)


def _beside(scenario: Path, path: Path) -> Path:
    return (scenario.resolve().parent / path).resolve()


def _columns(document: Document, where: Where, given: object, role: Role) -> tuple[Column, ...]:
    """Quantity = "heading", or quantity = { column = "heading", scale = …, offset = … }."""
    title = "[stimuli.replay.columns]"
    if not isinstance(given, dict):
        document.fault(where, f'[stimuli.replay] columns is {given!r}; write {{ pm2_5 = "heading in the file" }}')
        return ()
    known = quantities_of_role(role)
    found = []
    for quantity, value in given.items():
        if quantity not in known:
            document.unknown((*where, quantity), title, f"quantity of role {role.value}", known)
            continue
        told: dict[str, Any] = {"column": value} if isinstance(value, str) else value
        if not isinstance(told, dict) or "quantity" in told:
            document.fault(
                (*where, quantity), f"{title} {quantity} is {value!r}; write the heading of its column in quotes"
            )
            continue
        column = document.table((*where, quantity), f"{title} {quantity}", Column, {"quantity": quantity, **told})
        if column is not None:
            found.append(column)
    return tuple(found)


def _check_headings(document: Document, where: Where, replay: Replay) -> None:
    """The first line of the file has the headings that the scenario names."""
    try:
        with replay.file.open(encoding="utf-8-sig", newline="") as file:
            headings = next(csv.reader(file, delimiter=replay.delimiter), [])
    except FileNotFoundError:
        document.fault((*where, "file"), f"[stimuli.replay] file is {replay.file}, and there is no such file")
        return
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        document.fault((*where, "file"), f"[stimuli.replay] file is {replay.file}, which cannot be read: {error}")
        return
    named = [(key, getattr(replay, key)) for key in ("time_column", "place_column", "state_column")]
    named += [("columns", column.column) for column in replay.columns]
    for key, heading in named:
        if heading and heading not in headings:
            document.fault(
                (*where, key),
                f'[stimuli.replay] {key} names "{heading}", but {replay.file.name} has no such column; '
                f"{nearest(heading, headings)}",
            )
