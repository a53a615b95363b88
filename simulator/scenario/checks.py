"""What the tables of a scenario say of each other: names that must be there, times that must fit, rules of each kind.

Each check notes what is wrong in the document; those that return something return it as the run needs it.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from protocol.region import SINGLE_CHANNEL
from simulator.air.path_loss import PATH_LOSSES
from simulator.scenario.document import Document, nearest
from simulator.scenario.faults import RULES
from simulator.scenario.metrics import METRICS
from simulator.scenario.model import (
    Attack,
    AttackKind,
    BadWeek,
    Expectation,
    Fault,
    FaultKind,
    GatewayKind,
    GatewaySpec,
    NodeSpec,
    Operator,
    Order,
    Radio,
    Role,
    StimulusSpec,
    StreetKind,
)
from simulator.scenario.tables import MAX_NODES, RunTable
from simulator.scenario.targets import TargetError, Targets

_EXPECTED = re.compile(r"\s*(\w+)\s*(>=|<=|==)\s*(\d+(?:\.\d+)?)\s*")
_PARAMETERS = ("share", "loss_db", "freq_hz", "by_s", "drift_ppm", "up", "down")
_OF_STREET = ("arrivals_per_day", "stay_min", "open_h", "close_h")
_STIMULUS_ROLES = {
    "street": Role.PARKING,
    "arrivals_per_day": Role.PARKING,
    "stay_min": Role.PARKING,
    "open_h": Role.PARKING,
    "close_h": Role.PARKING,
    "pm2_5_ug_m3": Role.AIR,
    "traffic": Role.AIR,
    "motions_per_hour": Role.LIGHT,
    "failures_per_year": Role.LIGHT,
    "mains_v": Role.LIGHT,
    "mains_cuts_per_year": Role.LIGHT,
}


def quiet(document: Document, run: RunTable) -> None:
    """The final quiet is not all of the run."""
    if run.final_quiet_s >= run.hours * 3600:
        document.fault(
            ("final_quiet_s",),
            f"final_quiet_s is {run.final_quiet_s:g} and the whole run {run.hours * 3600:g}; write a smaller one",
        )


def unique(document: Document, section: str, names: Sequence[str]) -> None:
    """No two entries of a list have one name."""
    for place, name in enumerate(names):
        if name in names[:place]:
            document.fault((section, place, "name"), f'[[{section}]] name is "{name}" as of one above; write another')


def there(document: Document, section: str, entries: Sequence[object]) -> None:
    """A list has at least one entry."""
    if not entries:
        document.fault((), f"has no [[{section}]]; write at least one, `lampyre simulate new` shows how")


def refers(document: Document, section: str, key: str, values: Sequence[str], known: Collection[str]) -> None:
    """What *key* of each entry names is there; "" names nothing."""
    for place, value in enumerate(values):
        if value and value not in known:
            document.fault(
                (section, place, key),
                f'[[{section}]] {key} is "{value}", which no [[{key}s]] has; {nearest(value, known)}',
            )


def stimuli(document: Document, given: Sequence[StimulusSpec]) -> None:
    """One for each role and zone, with keys of the role."""
    for place, stimulus in enumerate(given):
        for key in document.content["stimuli"][place]:
            role = _STIMULUS_ROLES.get(key, stimulus.role)
            if role is not stimulus.role:
                document.fault(("stimuli", place, key), f'[[stimuli]] {key} is for role = "{role.value}"; leave it out')
        for key in _OF_STREET if stimulus.street is not StreetKind.PLAIN else ():
            if key in document.content["stimuli"][place]:
                document.fault(
                    ("stimuli", place, key),
                    f'[[stimuli]] {key} is told by street = "{stimulus.street.value}"; leave one of them out',
                )
        if any((other.role, other.zone) == (stimulus.role, stimulus.zone) for other in given[:place]):
            zone = f"in zone {stimulus.zone}" if stimulus.zone else "without a zone"
            document.fault(
                ("stimuli", place),
                f"[[stimuli]] is the second for role {stimulus.role.value} {zone}; write both in one",
            )
        if stimulus.open_h >= stimulus.close_h:
            document.fault(
                ("stimuli", place),
                f"[[stimuli]] open_h is {stimulus.open_h:g} and close_h {stimulus.close_h:g}; write open_h smaller",
            )


def nodes(document: Document, given: Sequence[NodeSpec]) -> None:
    """Not too many, and no two of one name."""
    if len(given) > MAX_NODES:
        document.fault(("nodes",), f"[[nodes]] are {len(given)} nodes together; write at most {MAX_NODES}")
    for name, count in Counter(node.name for node in given).items():
        if count > 1:
            document.fault(
                ("nodes",),
                f'[[nodes]] {count} nodes are called {name}; write a name, such as name = "{name[:-4]}-east", in one',
            )
            return  # one begins a row of them


def path_loss(document: Document, radio: Radio) -> None:
    """There is a model of this name."""
    if radio.path_loss not in PATH_LOSSES:
        document.fault(
            ("radio", "path_loss"), f'[radio] path_loss is "{radio.path_loss}"; {nearest(radio.path_loss, PATH_LOSSES)}'
        )


def plan(document: Document, radio: Radio, gateways: Sequence[GatewaySpec], given: Sequence[NodeSpec]) -> None:
    """The channel plan suits gateways and nodes."""
    bridges = all(gateway.kind is GatewayKind.BRIDGE for gateway in gateways)
    most = SINGLE_CHANNEL.max_nodes or 0
    if radio.plan != SINGLE_CHANNEL.name:
        if bridges:
            document.fault(
                ("gateways",),
                f'[[gateways]] are bridges, which hear one channel of plan "{radio.plan}"; '
                f'write plan = "{SINGLE_CHANNEL.name}" in [radio], or a concentrator',
            )
        return
    if len(given) > most:
        document.fault(
            ("radio", "plan"),
            f'[radio] plan is "{radio.plan}", for at most {most} nodes, and there are {len(given)}; '
            'write plan = "full" and a concentrator, or fewer nodes',
        )
    if radio.dr is not None:
        document.fault(("radio", "dr"), f'[radio] dr is fixed by plan "{radio.plan}"; leave it out')


def orders(document: Document, given: Sequence[Order], end_s: float, all_nodes: Sequence[NodeSpec]) -> None:
    """Each is given during the run, to lamps that are there."""
    lamps = {node.name: None for node in all_nodes if node.role is Role.LIGHT}
    known = {**{node.group: None for node in all_nodes if node.group}, **lamps}
    refers_to = [order.target for order in given]
    for place, (order, target) in enumerate(zip(given, refers_to, strict=True)):
        if target and target not in known:
            document.fault(
                ("orders", place, "target"),
                f'[[orders]] target is "{target}", which is no group and no lamp; {nearest(target, known)}',
            )
        if not lamps:
            document.fault(("orders", place), "[[orders]] dim lamps, and there are none; leave them out")
        if order.at_s >= end_s:
            document.fault(("orders", place, "at_s"), f"[[orders]] at_s is {order.at_s:g}; the run ends at {end_s:g} s")


def attacks(document: Document, given: Sequence[Attack], end_s: float) -> None:
    """Each begins during the run, and a delay says how long."""
    for place, attack in enumerate(given):
        where = ("attacker", "attacks", place)
        if attack.from_s >= end_s:
            document.fault(
                (*where, "from_s"), f"[[attacker.attacks]] from_s is {attack.from_s:g}; the run ends at {end_s:g} s"
            )
        if attack.kind is AttackKind.DELAY and not attack.delay_s:
            document.fault(where, '[[attacker.attacks]] of kind "delay" needs delay_s, such as delay_s = "8h"')


def faults(document: Document, given: Sequence[Fault], end_s: float, targets: Targets) -> list[Fault]:
    """The faults with their targets found; each has the parameters of its kind and is over by *end_s*."""
    found = []
    for place, fault in enumerate(given):
        where = ("faults", place)
        _check_parameters(document, place, fault)
        if fault.until_s > end_s:
            document.fault(
                (*where, "from_s"),
                f"[[faults]] {fault.kind.value} lasts until {fault.until_s:g} s, but the last that may is {end_s:g} s: "
                "the end of the run less final_quiet_s; write a smaller from_s or for_s",
            )
        try:
            found.append(replace(fault, targets=targets.of(fault.kind, fault.targets)))
        except TargetError as error:
            key = (*where, "targets") if fault.targets else where
            document.fault(key, f"[[faults]] {error}")
    return found


def _check_parameters(document: Document, place: int, fault: Fault) -> None:
    rule = RULES[fault.kind]
    given = document.content["faults"][place]
    kind = fault.kind.value
    for key in _PARAMETERS:
        if key in given and key not in (*rule.needs, *rule.takes):
            has = " and ".join((*rule.needs, *rule.takes)) or "none"
            document.fault(
                ("faults", place, key), f"[[faults]] {key} is no parameter of {kind}, which has {has}; leave it out"
            )
        if key in rule.needs and key not in given:
            document.fault(("faults", place), f"[[faults]] {kind} needs {key}; {rule.about}")
    if rule.lasts and not fault.for_s:
        document.fault(("faults", place), f'[[faults]] {kind} needs for_s, such as for_s = "2h"')
    if not rule.lasts and fault.for_s:
        document.fault(("faults", place, "for_s"), f"[[faults]] {kind} is over at once; leave for_s out")
    if fault.kind is FaultKind.LOSS and not (fault.up or fault.down):
        document.fault(("faults", place), "[[faults]] loss is neither up nor down; write one of them true")


def bad_weeks(document: Document, given: Sequence[BadWeek], end_s: float) -> list[BadWeek]:
    """The bad weeks, each within the run and over by *end_s*."""
    for place, week in enumerate(given):
        if week.from_s >= min(week.until_s, end_s):
            document.fault(
                ("bad_weeks", place, "from_s"),
                f"[[bad_weeks]] from_s is {week.from_s:g}, until_s {week.until_s:g}, and trouble ends at {end_s:g} s; "
                "write from_s before both",
            )
    return [replace(week, until_s=min(week.until_s, end_s)) for week in given]


def expectations(document: Document, given: Sequence[str]) -> tuple[Expectation, ...]:
    """What `expect` says, read."""
    found = []
    for place, text in enumerate(given):
        match = _EXPECTED.fullmatch(text)
        if match is None:
            document.fault(
                ("expect", place),
                f'expect has "{text}"; write a name, >=, <= or ==, and a number: "delivered >= 0.999"',
            )
        elif match[1] not in METRICS:
            document.fault(("expect", place), f"expect has no figure {match[1]}; {nearest(match[1], METRICS)}")
        else:
            found.append(Expectation(metric=match[1], operator=Operator(match[2]), value=float(match[3])))
    return tuple(found)
