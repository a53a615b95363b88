"""Reading `gateway.toml`: every fault is a sentence with file, line, what was found and what to write instead."""

import dataclasses
import datetime
import difflib
import json
import os
import pickle
import stat
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from gateway.config import values
from gateway.config.values import Baseline, Config, DatasetSection, Mqtt, SerialPort, Wants, is_loopback
from gateway.governance.defaults import datasets_of

Section = TypeVar("Section")
MAX_LEN = 1 << 20  # bytes; a hundred times the longest sensible file
DATASETS = tuple(datasets_of(""))
_SHOWN_MAX_LEN = 40

_SECTIONS: dict[str, Any] = {
    "site": values.Site,
    "store": values.Store,
    "network": values.Network,
    "lighting": values.Lighting,
    "baseline": Baseline,  # [[baseline]], any number
    "udp": values.Udp,
    "serial": SerialPort,  # [[serial]], any number
    "mqtt": Mqtt,
    "api": values.Api,
    "clock": values.Clock,
    "metrics": values.Metrics,
    "datasets": DatasetSection,  # [datasets.NAME]
}
_OPTIONAL = ("udp", "mqtt", "metrics")  # absent: closed


class ConfigError(Exception):
    """What is wrong with the file, a sentence a line, each ready to be shown."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[str, ...]]]:
        """Exceptions that cross a pipe are made again from what their constructor takes."""
        return ConfigError, (self.faults,)


def load_config(path: Path, *, look: bool = True) -> Config:
    """Read and check *path*. Raises ConfigError with every fault that was found.

    look: also at the files it names; an operator who only asks the running gateway may not be able to read them.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_LEN + 1)
    except FileNotFoundError:
        raise ConfigError([f"{path}: is not there; `lampyre gateway init` writes an example"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; it must be a file that this user can read"]) from None
    return parse_config(raw, path, look=look)


def parse_config(raw: bytes, path: Path, *, look: bool = True) -> Config:
    """Check the bytes of a file called *path*. Raises ConfigError."""
    if len(raw) > MAX_LEN:
        raise ConfigError([f"{path}: has more than {MAX_LEN} bytes; this is no gateway.toml"])
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: byte {error.start} is not UTF-8; save the file as UTF-8"]) from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_fault(path, str(error), len(text.splitlines()))]) from None
    return _Reader(path, text, document, look).config()


def load_config_apart(path: Path) -> Config:
    """As `load_config`, in a child process, so that the long-lived one never carries pydantic's 11 MB.

    Must be called before the process has threads.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - coverage does not follow a fork
        os.close(readable)
        with os.fdopen(writable, "wb") as pipe:
            try:
                outcome: object = load_config(path)
            except BaseException as error:
                outcome = error
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    if not told:
        raise ConfigError([f"{path}: the process that checks it ended without an answer; is memory short?"])
    outcome = pickle.loads(told)  # from our own child
    if isinstance(outcome, BaseException):
        raise outcome
    assert isinstance(outcome, Config)
    return outcome


def _syntax_fault(path: Path, message: str, last_line: int) -> str:
    what, _, where = message.rpartition(" (at ")
    line = where.removeprefix("line ").partition(",")[0]
    place = line if line.isdecimal() else str(last_line)  # "at end of document"
    return f"{path}:{place}: this is not TOML: {what or message}; texts stand in quotes, and a name has one value"


class _Reader:
    """One file on its way to a Config: collects faults, finds their lines."""

    def __init__(self, path: Path, text: str, document: dict[str, Any], look: bool) -> None:
        self._look = look
        self._path = path
        self._lines = text.split("\n")
        self._document = document
        self._faults: list[tuple[int, str]] = []

    def config(self) -> Config:
        """Everything checked. Raises ConfigError."""
        for name in self._document:
            if name not in _SECTIONS:
                self._unknown((name,), "gateway.toml", "section", list(_SECTIONS))
        sections = {
            name: self._section(name) for name in ("site", "store", "network", "lighting", "api", "clock", *_OPTIONAL)
        }
        serial = self._every("serial", SerialPort, "cable")
        baselines = self._every("baseline", Baseline, "group of lamps")
        datasets = self._datasets()
        mqtt = sections["mqtt"]
        if isinstance(mqtt, Mqtt):
            self._check_mqtt(mqtt)
        if not self._faults:
            ports = [port.port for port in serial]
            for place, port in enumerate(ports):
                if port in ports[:place]:
                    self._fault(("serial", place), f"[[serial]] names {port} twice; one process reads a port once")
        if self._faults:
            told = [sentence for _, sentence in sorted(self._faults, key=lambda fault: fault[0])]
            raise ConfigError(list(dict.fromkeys(told)))  # a list and its items may be wrong in the same words
        defaults = datasets_of(sections["site"].name).values()
        return Config(
            path=self._path,
            serial=serial,
            baselines=baselines,
            datasets=tuple(datasets.get(default.name, DatasetSection()).over(default) for default in defaults),
            **sections,
        )

    def _section(self, name: str) -> Any:
        if name in _OPTIONAL and name not in self._document:
            return None
        return self._table((name,), f"[{name}]", self._document.get(name, {}), _SECTIONS[name])

    def _every(self, name: str, section: type[Section], once_for: str) -> tuple[Section, ...]:
        """The tables of a section that stands any number of times, in double brackets."""
        tables = self._document.get(name, [])
        if not isinstance(tables, list):
            self._fault((name,), f"[{name}] stands once for each {once_for}; write [[{name}]], in double brackets")
            return ()
        found = [self._table((name, at), f"[[{name}]]", table, section) for at, table in enumerate(tables)]
        return tuple(each for each in found if isinstance(each, section))

    def _datasets(self) -> dict[str, DatasetSection]:
        tables = self._document.get("datasets", {})
        found: dict[str, DatasetSection] = {}
        if not isinstance(tables, dict):
            self._fault(("datasets",), "datasets is not a section; write [datasets.air] and its keys below")
            tables = {}
        for name, table in tables.items():
            if name not in DATASETS:
                self._unknown(("datasets", name), "[datasets]", "dataset", list(DATASETS))
                continue
            section = self._table(("datasets", name), f"[datasets.{name}]", table, DatasetSection)
            if isinstance(section, DatasetSection):
                found[name] = section
                if section.sharing == "open" and section.licence is None:
                    self._fault(
                        ("datasets", name, "sharing"),
                        f'[datasets.{name}] is open and needs a licence, for example licence = "etalab-2.0"',
                    )
        return found

    def _table(self, where: tuple[str | int, ...], title: str, table: object, section: Any) -> Any:
        """One table as *section*, or None after at least one fault."""
        if not isinstance(table, dict):
            self._fault(where, f"{title} is not a section; write {title} on a line of its own and its keys below")
            return None
        import pydantic  # here alone: it costs a tenth of a second and 11 MB

        adapter = _adapter(section)
        try:
            return adapter.validate_json(json.dumps(table, default=str))
        except pydantic.ValidationError as error:
            for fault in error.errors(include_url=False):
                self._invalid(where, title, table, section, fault)
        return None

    def _invalid(
        self, where: tuple[str | int, ...], title: str, table: dict[str, Any], section: Any, fault: Any
    ) -> None:
        key = str(fault["loc"][0]) if fault["loc"] else ""
        if fault["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
            self._unknown((*where, key), title, "key", [entry.name for entry in dataclasses.fields(section)])
            return
        wants = _wants(section, key)
        if fault["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
            self._fault(where, f"{title} needs {key}, for example {wants.example}")
        else:
            found = "has a wrong value" if key == "password_file" else f"is {_shown(table.get(key))}"
            self._fault((*where, key), f"{title} {key} {found}; write {wants.text}")

    def _check_mqtt(self, mqtt: Mqtt) -> None:
        def fault(key: str, sentence: str) -> None:
            where = ("mqtt", key) if key in self._document["mqtt"] else ("mqtt",)
            self._fault(where, f"[mqtt] {sentence}")

        if not mqtt.tls:
            if not is_loopback(mqtt.host):
                fault("tls", f"tls is false, but {mqtt.host} is another machine; write tls = true and its ca")
            for key in ("ca", "cert", "key"):
                if getattr(mqtt, key):
                    fault(key, f"{key} is for TLS, but tls is false; write tls = true or remove {key}")
        if (mqtt.cert is None) != (mqtt.key is None):
            given, other = ("cert", "key") if mqtt.cert else ("key", "cert")
            fault(given, f"has {given} without {other}; a client certificate needs both")
        if (mqtt.username is None) != (mqtt.password_file is None):
            given, other = ("username", "password_file") if mqtt.username else ("password_file", "username")
            fault(given, f"has {given} without {other}; a log-in needs both")
        if mqtt.tls and not is_loopback(mqtt.host) and mqtt.cert is None and mqtt.username is None:
            fault(
                "host",
                f"logs in at {mqtt.host} as nobody; write username and password_file, or cert and key",
            )
        if self._look:
            self._check_files(mqtt, fault)

    def _check_files(self, mqtt: Mqtt, fault: Callable[[str, str], None]) -> None:
        for key in ("ca", "cert"):
            path: Path | None = getattr(mqtt, key)
            if path and (problem := _unreadable(path)):
                fault(key, f"{key} is {path}: {problem}")
        for key in ("key", "password_file"):
            path = getattr(mqtt, key)
            if path and (problem := _unreadable(path) or _too_open(path)):
                # A password written in the place of its file's name must not be shown.
                fault(key, f"{key} {'is ' + str(path) if path.exists() else 'names no file'}: {problem}")

    def _unknown(self, where: tuple[str | int, ...], title: str, what: str, known: list[str]) -> None:
        name = str(where[-1])
        near = difflib.get_close_matches(name.lower(), known, 1, 0.6) or [
            candidate for candidate in known if len(name) > 3 and (candidate.startswith(name) or name in candidate)
        ]
        hint = f"did you mean {near[0]}?" if near else f"it knows {', '.join(known)}"
        self._fault(where, f"{title} has no {what} {name[:_SHOWN_MAX_LEN]!r}; {hint}")

    def _fault(self, where: tuple[str | int, ...], sentence: str) -> None:
        line = _line_of(self._lines, where)
        place = f"{self._path}:{line}" if line else f"{self._path}"
        self._faults.append((line or 0, f"{place}: {sentence}"))


def _adapter(section: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter, with_config

    return TypeAdapter(with_config(ConfigDict(extra="forbid", strict=True))(section))


def _wants(section: Any, key: str) -> Wants:
    hints = get_type_hints(section, include_extras=True)
    if get_origin(hint := hints.get(key)) is Annotated:
        for metadata in get_args(hint):
            if isinstance(metadata, Wants):
                return metadata
    raise AssertionError(f"{section.__name__}.{key} does not say what it wants")


def _shown(value: object) -> str:
    """As it may have stood in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, datetime.date | datetime.time) else repr(value)
    return text if len(text) <= _SHOWN_MAX_LEN else text[:_SHOWN_MAX_LEN] + "…"


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return f"{error.strerror}; write the path of a file that the gateway's user can read"
    return None


def _too_open(path: Path) -> str | None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"its mode is {mode:04o}, so others can read a secret; run `chmod 600 {path}`"
    return None


def _line_of(lines: Sequence[str], where: tuple[str | int, ...]) -> int | None:
    """The line (from 1) on which the statement begins that brings *where* into the file; None: it is not there.

    tomllib tells no positions, but says exactly what the first n lines mean: the statement that brings the name is
    the first after the last lines that could be read without it.
    """
    readable = 0
    for count in range(1, len(lines) + 1):
        try:
            document: Any = tomllib.loads("\n".join(lines[:count]) + "\n")
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value of several lines
        if _contains(document, where):
            return readable + 1
        readable = count
    return None


def _contains(document: Any, where: tuple[str | int, ...]) -> bool:
    for step in where:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
