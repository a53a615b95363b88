"""What the developer's page must say of each key: its table, what it holds and what it is when it is left out."""

import dataclasses
import datetime
from enum import Enum
from typing import Any

from simulator.chain.faults import COSTS
from simulator.scenario import model
from simulator.scenario.document import keys_of, wanted
from simulator.scenario.faults import RULES, Aim
from simulator.scenario.metrics import METRICS
from simulator.scenario.tables import NodesTable, RunTable

SECTIONS: dict[str, Any] = {
    "Above the first table": RunTable,
    "`[site]`": model.Site,
    "`[radio]`": model.Radio,
    "`[radio.bursts]`": model.Bursts,
    "`[[gateways]]`": model.GatewaySpec,
    "`[[zones]]`": model.Zone,
    "`[[streets]]`": model.Street,
    "`[[feeders]]`": model.Feeder,
    "`[[nodes]]`": NodesTable,
    "`[[stimuli]]`": model.StimulusSpec,
    "`[stimuli.replay]`": model.Replay,
    "`[stimuli.replay.columns]`": model.Column,
    "`[[captures]]`": model.CaptureSpec,
    "`[[faults]]`": model.Fault,
    "`[[bad_weeks]]`": model.BadWeek,
    "`[[orders]]`": model.Order,
    "`[attacker]`": model.Attacker,
    "`[[attacker.attacks]]`": model.Attack,
}
_TABLES = ("bursts", "replay", "attacks", "columns")  # keys that are tables with a row for each key of theirs


def rows(section: Any) -> list[tuple[str, str, str]]:
    """(key, what it holds, default) of a section, as the page has them."""
    fields = {entry.name: entry for entry in dataclasses.fields(section)}
    return [
        (f"`{key}`", _holds(hint), _default(fields[key]))
        for key, hint in keys_of(section).items()
        if key not in _TABLES
    ]


def _holds(hint: Any) -> str:
    """In fewer words than an error has: what durations, names and kinds are is said once on the page."""
    text = wanted(hint).replace(" without quotes", "").replace(" in quotes", "").replace(" in brackets", "")
    if "a name of a-z" in text:
        return "a name"
    if text.count('" or "') > 6:
        return "a list of kinds, below" if text.startswith("a list") else "a kind, below"
    return text.replace(', or a text such as "90s", "1h30m" or "2d"', "")


def _default(entry: Any) -> str:
    if entry.default is dataclasses.MISSING:
        return "must be there" if entry.default_factory is dataclasses.MISSING else "none"
    value = entry.default
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, datetime.datetime):
        return f"`{value:%Y-%m-%dT%H:%M:%SZ}`"
    if isinstance(value, str):
        return f'`"{value}"`' if value else "none"
    return f"`{value:g}`" if isinstance(value, float) else "none" if value in (None, ()) else f"`{value}`"


AIMS = {
    Aim.NOTHING: "the broker",
    Aim.GATEWAYS: "gateways",
    Aim.NODES: "nodes",
    Aim.ALL: "nodes, gateways",
    Aim.LIGHT: "lamps",
}


def fault_rows() -> list[tuple[str, ...]]:
    """(kind, what it strikes, what happens, what it may cost, parameters) of each kind of fault."""
    found = []
    for kind, rule in RULES.items():
        parameters = [f"`{name}`" for name in rule.needs] + [f"(`{name}`)" for name in rule.takes]
        what = rule.about if rule.lasts else f"{rule.about}; over at once"
        found.append((f"`{kind.value}`", AIMS[rule.aim], what, COSTS[kind].about, " ".join(parameters) or "none"))
    return found


def metric_rows() -> list[tuple[str, ...]]:
    """(figure, unit, what is counted) of each."""
    return [(f"`{name}`", metric.unit or "count", metric.about) for name, metric in METRICS.items()]
