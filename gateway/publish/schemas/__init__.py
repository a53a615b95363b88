"""JSON Schemas (draft 2020-12) of what the gateway publishes, as files beside this one."""

import json
from importlib.resources import files
from typing import Any

MESSAGE, BATCH, STATE = "message", "batch", "state"


def schema(name: str) -> dict[str, Any]:
    """The schema called *name*, one of those above."""
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))
    return loaded
