"""From a TOML file to a `Scenario`: every table checked, streets expanded, targets found, bad weeks drawn.

Whatever is wrong is told at once, each mistake with its file, line and key, what was found and what to write instead.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from simulator.scenario import checks
from simulator.scenario.bad_week import drawn_faults
from simulator.scenario.document import Document, ScenarioError, nearest
from simulator.scenario.expansion import ExpansionError, Town, expand
from simulator.scenario.model import (
    Attack,
    Attacker,
    BadWeek,
    Bursts,
    CaptureSpec,
    Fault,
    Feeder,
    GatewayKind,
    GatewaySpec,
    NodeSpec,
    Order,
    Radio,
    Scenario,
    Site,
    StimulusSpec,
    Street,
    Zone,
)
from simulator.scenario.series import capture_of, replay_of
from simulator.scenario.shipped import shipped
from simulator.scenario.tables import NodesTable, RunTable
from simulator.scenario.targets import Targets

RUN_KEYS = ("name", "about", "seed", "start", "hours", "warm", "boot_within_s", "final_quiet_s", "expect")
SECTIONS = (
    *("site", "radio", "gateways", "zones", "streets", "feeders", "nodes", "stimuli", "captures"),
    *("faults", "bad_weeks", "orders", "attacker"),
)
_T = TypeVar("_T")


def load_scenario(path: Path, *, seed: int | None = None, hours: float | None = None) -> Scenario:
    """Read and check *path*. Raises ScenarioError with every mistake found.

    seed: instead of the file's. hours: run so long instead; a shorter run is the beginning of the whole one.
    """
    try:
        with path.open("rb") as file:
            raw = file.read()
    except FileNotFoundError:
        hint = f"of those that come with Lampyre {nearest(str(path), shipped())}"
        raise ScenarioError([f"{path}: there is no such file; `lampyre simulate new` writes one; {hint}"]) from None
    except OSError as error:
        raise ScenarioError([f"{path}: {error.strerror}; it must be a file that you can read"]) from None
    return parse_scenario(raw, path, seed=seed, hours=hours)


def parse_scenario(raw: bytes, path: Path, *, seed: int | None = None, hours: float | None = None) -> Scenario:
    """Check the bytes of a file called *path*, in whose folder the files it names are. Raises ScenarioError."""
    scenario = _Reader(Document(raw, path), seed).scenario()
    return scenario if hours is None else _lasting(scenario, hours)


class _Reader:
    """One file on its way to a Scenario, in three steps: mistakes in one make what the next would say untrue."""

    def __init__(self, document: Document, seed: int | None) -> None:
        self._document = document
        self._seed = seed

    def scenario(self) -> Scenario:
        """Everything checked. Raises ScenarioError."""
        self._read_tables()
        self._check_names()
        self._document.done()
        nodes = self._nodes()
        self._document.done()
        faults = self._faults(nodes)
        self._document.done()
        run = self._run
        return Scenario(
            file=self._document.path.resolve(),
            name=run.name,
            about=run.about,
            seed=run.seed,
            start_s=_start_s(run.start, self._site),
            hours=run.hours,
            warm=run.warm,
            boot_within_s=run.boot_within_s,
            final_quiet_s=run.final_quiet_s,
            site=self._site,
            radio=self._radio,
            gateways=tuple(self._gateways),
            zones=tuple(self._zones),
            streets=tuple(self._streets),
            feeders=tuple(self._feeders),
            nodes=nodes,
            stimuli=tuple(self._stimuli),
            captures=tuple(self._captures),
            faults=faults,
            bad_weeks=tuple(self._bad_weeks),
            orders=tuple(sorted(self._orders, key=lambda order: order.at_s)),
            attacker=self._attacker,
            expectations=self._expectations,
        )

    def _read_tables(self) -> None:
        """Each table by itself."""
        content = self._document.content
        for key in content:
            if key not in RUN_KEYS and key not in SECTIONS:
                self._document.unknown((key,), self._document.path.name, "key or section", [*RUN_KEYS, *SECTIONS])
        run = self._read_run()
        site = self._document.table(("site",), "[site]", Site, content.get("site", {}))
        radio = self._read_radio()
        self._gateways = self._read_gateways()
        self._zones = self._list("zones", Zone)
        self._streets = self._list("streets", Street)
        self._feeders = self._list("feeders", Feeder)
        self._tables = self._list("nodes", NodesTable)
        self._stimuli = self._list("stimuli", StimulusSpec, ("replay",))
        self._captures = self._list("captures", CaptureSpec)
        self._given_faults = self._list("faults", Fault)
        self._bad_weeks = self._list("bad_weeks", BadWeek)
        self._orders = self._list("orders", Order)
        self._attacker = self._read_attacker()
        self._document.done()
        assert run is not None
        assert site is not None
        assert radio is not None
        self._run, self._site, self._radio = run, site, radio

    def _check_names(self) -> None:
        """What tables say of each other, of the run and of other files."""
        document = self._document
        zones = [zone.name for zone in self._zones]
        gateways = [gateway.name for gateway in self._gateways]
        streets = [street.name for street in self._streets]
        feeders = [feeder.name for feeder in self._feeders]
        for section, names in (("gateways", gateways), ("zones", zones), ("streets", streets), ("feeders", feeders)):
            checks.unique(document, section, names)
        checks.there(document, "gateways", self._gateways)
        checks.there(document, "nodes", self._tables)
        checks.refers(document, "streets", "zone", [street.zone for street in self._streets], zones)
        checks.refers(document, "nodes", "street", [table.street for table in self._tables], streets)
        checks.refers(document, "nodes", "zone", [table.zone for table in self._tables], zones)
        checks.refers(document, "nodes", "feeder", [table.feeder for table in self._tables], feeders)
        checks.refers(document, "stimuli", "zone", [stimulus.zone for stimulus in self._stimuli], zones)
        checks.refers(document, "captures", "gateway", [capture.gateway for capture in self._captures], gateways)
        checks.path_loss(document, self._radio)
        checks.stimuli(document, self._stimuli)
        self._stimuli = [
            replace(stimulus, replay=replay_of(document, ("stimuli", place, "replay"), stimulus.role))
            for place, stimulus in enumerate(self._stimuli)
        ]
        self._captures = [
            capture_of(document, ("captures", place), capture) for place, capture in enumerate(self._captures)
        ]
        self._expectations = checks.expectations(document, self._run.expect)

    def _nodes(self) -> tuple[NodeSpec, ...]:
        """All nodes, one by one."""
        town = Town(self._zones, self._streets, self._feeders)
        tables = [table for _, table in self._document.tables("nodes")]
        nodes: list[NodeSpec] = []
        for place, (table, given) in enumerate(zip(self._tables, tables, strict=True)):
            try:
                nodes += expand(table, list(given), self._run, self._site.insee, town)
            except ExpansionError as error:
                where = ("nodes", place, error.key) if error.key in given else ("nodes", place)
                self._document.fault(where, f"[[nodes]] {error.sentence}")
        checks.nodes(self._document, nodes)
        return tuple(nodes)

    def _faults(self, nodes: tuple[NodeSpec, ...]) -> tuple[Fault, ...]:
        """What depends on single nodes: those of the file with their targets found, and those of bad weeks."""
        document, run = self._document, self._run
        end_s = run.hours * 3600 - run.final_quiet_s
        targets = Targets(self._gateways, nodes)
        checks.plan(document, self._radio, self._gateways, nodes)
        checks.attacks(document, self._attacker.attacks if self._attacker else (), run.hours * 3600)
        checks.orders(document, self._orders, run.hours * 3600, nodes)
        faults = checks.faults(document, self._given_faults, end_s, targets)
        self._bad_weeks = checks.bad_weeks(document, self._bad_weeks, end_s)
        for number, week in enumerate(self._bad_weeks):
            faults += drawn_faults(week, number, run.seed, targets)
        return tuple(sorted(faults, key=lambda fault: (fault.from_s, fault.kind.value, fault.targets)))

    def _read_run(self) -> RunTable | None:
        given = {key: value for key, value in self._document.content.items() if key in RUN_KEYS}
        run = self._document.table((), "", RunTable, given)
        if run is None:
            return None
        checks.quiet(self._document, run)
        return run if self._seed is None else replace(run, seed=self._seed)

    def _list(self, name: str, section: type[_T], apart: Collection[str] = ()) -> list[_T]:
        tables = [
            self._document.table(where, f"[[{name}]]", section, given, apart)
            for where, given in self._document.tables(name)
        ]
        return [table for table in tables if table is not None]

    def _read_radio(self) -> Radio | None:
        given = self._document.content.get("radio", {})
        radio = self._document.table(("radio",), "[radio]", Radio, given, ("bursts",))
        if radio is None or "bursts" not in given:
            return radio
        bursts = self._document.table(("radio", "bursts"), "[radio.bursts]", Bursts, given["bursts"])
        return replace(radio, bursts=bursts)

    def _read_gateways(self) -> list[GatewaySpec]:
        """A bridge has one channel, whether that is said or not."""
        gateways = []
        for where, given in self._document.tables("gateways"):
            gateway = self._document.table(where, "[[gateways]]", GatewaySpec, given)
            if gateway is None:
                continue
            if gateway.kind is GatewayKind.BRIDGE:
                if given.get("channels", 1) != 1:
                    self._document.fault(
                        (*where, "channels"),
                        f"[[gateways]] channels is {gateway.channels}; a bridge has one, leave it out",
                    )
                gateway = replace(gateway, channels=1)
            gateways.append(gateway)
        return gateways

    def _read_attacker(self) -> Attacker | None:
        document = self._document
        if "attacker" not in document.content:
            return None
        given = document.content["attacker"]
        attacker = document.table(("attacker",), "[attacker]", Attacker, given, ("attacks",))
        if attacker is None:
            return None
        attacks = [
            document.table(where, "[[attacker.attacks]]", Attack, table)
            for where, table in document.list_of(
                ("attacker", "attacks"), "[[attacker.attacks]]", given.get("attacks", [])
            )
        ]
        return replace(attacker, attacks=tuple(attack for attack in attacks if attack))


def _lasting(scenario: Scenario, hours: float) -> Scenario:
    """The same for another time, up to whose end all is as it was; the quiet stays if it is one and leaves time."""
    end_s = hours * 3600
    faults = tuple(fault for fault in scenario.faults if fault.from_s < end_s)
    quiet_s = scenario.final_quiet_s
    if quiet_s > end_s / 2 or any(fault.until_s > end_s - quiet_s for fault in faults):
        quiet_s = 0.0
    return replace(
        scenario,
        hours=hours,
        final_quiet_s=quiet_s,
        faults=faults,
        orders=tuple(order for order in scenario.orders if order.at_s < end_s),
        attacker=scenario.attacker
        and replace(
            scenario.attacker,
            attacks=tuple(attack for attack in scenario.attacker.attacks if attack.from_s < end_s),
        ),
    )


def _start_s(start: datetime, site: Site) -> int:
    return int((start if start.tzinfo else start.replace(tzinfo=ZoneInfo(site.time_zone))).timestamp())
