"""The boards we know: their files, read and checked."""

import functools
import importlib.resources
import json
import tomllib
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from boards.catalogue.board import SECTIONS
from boards.catalogue.board import Board as Board
from boards.catalogue.use import faults_of
from boards.causes import BoardError, Cause

_ENDING = ".toml"
_SHOWN = 40  # characters of a wrong value


def names() -> tuple[str, ...]:
    """The ids of all boards, sorted."""
    ids = [entry.name.removesuffix(_ENDING) for entry in _folder().iterdir() if entry.name.endswith(_ENDING)]
    return tuple(sorted(ids))


def boards() -> tuple[Board, ...]:
    """All boards, by id. Raises BoardError when a file is wrong."""
    return tuple(load(name) for name in names())


@functools.cache
def load(board_id: str) -> Board:
    """The board called so. Raises BoardError: BOARD_UNKNOWN, or BOARD_FAULTY with a sentence for each fault."""
    known = names()
    if board_id not in known:
        raise BoardError(Cause.BOARD_UNKNOWN, board=board_id, known=", ".join(known))
    return parse(board_id, (_folder() / f"{board_id}{_ENDING}").read_bytes())


def likely(vid: int | None, pid: int | None) -> tuple[Board, ...]:
    """The boards that show themselves so on USB, by id: the bridge's name is not the board's, so there are several."""
    return tuple(board for board in boards() if any((usb.vid, usb.pid) == (vid, pid) for usb in board.usb))


def parse(board_id: str, raw: bytes) -> Board:
    """Read and check the bytes of a board's file. Raises BoardError: BOARD_FAULTY with a sentence for each fault."""
    path = f"boards/{board_id}{_ENDING}"
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BoardError(Cause.BOARD_FAULTY, path=path, detail=f"{path}: is no TOML: {error}") from None
    try:
        # As JSON: strict, and yet a list of the file may become a tuple.
        text = json.dumps({**document, "id": board_id, "raw": document}, default=str)
        board: Board = _adapter().validate_json(text)
    except ValidationError as error:
        faults = [_sentence(fault) for fault in error.errors(include_url=False)]
    else:
        faults = faults_of(board)
    if faults:
        raise BoardError(Cause.BOARD_FAULTY, path=path, detail="\n".join(f"{path}: {fault}" for fault in faults))
    return board


@functools.cache
def _adapter() -> TypeAdapter[Board]:
    strict = with_config(ConfigDict(extra="forbid", strict=True))
    for section in SECTIONS:
        strict(section)
    return TypeAdapter(strict(Board))


def _sentence(fault: Any) -> str:
    """Of what pydantic found: section and key, what stands there, what may."""
    *sections, key = [step for step in fault["loc"] if step != "[key]"] or [""]
    where = f"[{'.'.join(map(str, sections))}] " if sections else ""
    if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"{where}has no use for {key}; remove it, or look for a misspelling"
    if fault["type"] in ("missing", "missing_keyword_only_argument"):
        return f"{where}needs {key}"
    return f"{where}{key} is {str(fault['input'])[:_SHOWN]!r}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _folder() -> Traversable:
    return importlib.resources.files("boards")
