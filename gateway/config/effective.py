"""The configuration as it takes effect, defaults included, for people and for programs; it holds no secrets."""

import dataclasses
from pathlib import Path
from typing import Any

from gateway.config.values import Config
from gateway.governance.dataset import Dataset, Sharing, may_leave


@dataclasses.dataclass(frozen=True, slots=True)
class Leaving:
    """One dataset, and the doors it leaves by; none: it stays here."""

    dataset: Dataset
    doors: tuple[str, ...]


def leaving(config: Config) -> list[Leaving]:
    """Which dataset leaves by which door."""
    doors = [(f"mqtt {config.mqtt.host}", config.mqtt.door)] if config.mqtt else []
    return [
        Leaving(dataset, tuple(name for name, door in doors if may_leave(dataset, door))) for dataset in config.datasets
    ]


def effective(config: Config) -> dict[str, Any]:
    """All sections as plain JSON values. The password is not in the configuration, so it cannot be here."""
    sections: dict[str, Any] = {}
    for name in ("site", "store", "network", "lighting", "udp", "mqtt", "api", "clock", "metrics"):
        section = getattr(config, name)
        sections[name] = None if section is None else _plain(section)
    sections["store"]["backup_folder"] = str(config.store.backups)
    if config.mqtt is not None:
        sections["mqtt"]["port"] = config.mqtt.broker_port
    sections["serial"] = [_plain(port) for port in config.serial]
    sections["baseline"] = [_plain(baseline) for baseline in config.baselines]
    sections["datasets"] = {
        entry.dataset.name: {
            **{key: value for key, value in _plain(entry.dataset).items() if key != "name"},
            "leaves_by": list(entry.doors),
        }
        for entry in leaving(config)
    }
    return {"file": str(config.path), **sections}


def _plain(section: Any) -> dict[str, Any]:
    return {entry.name: _value(getattr(section, entry.name)) for entry in dataclasses.fields(section)}


def _value(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sharing):
        return value.name.lower()
    return list(value) if isinstance(value, tuple) else value
