"""What a run is of, as far as it is known before it begins: who stands where, which radio model, how to repeat it."""

from dataclasses import dataclass

from simulator.report.saying import Text, joined, lasting, percent, short
from simulator.report.words import INTERFERENCE, PATH_LOSS, word
from simulator.scenario.model import Radio, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where something stands, as report and map show it.

    role: "parking", "air", "light" or "bridge"; "gateway". zone: "" for what belongs to none. x_m east, y_m north.
    """

    name: str
    role: str
    zone: str = ""
    x_m: float = 0.0
    y_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class District:
    """One run's nodes and gateways, and its terms.

    start_s: Unix time of virtual time 0. time_zone: IANA name, for the hours the page shows. model: the radio model in
    words. replay: the one command that repeats the run. grace_s: records younger than that at the end may still be on
    their way, and "delivered" does not count them. warm: the nodes have sessions from the begin. streets: lines of the
    map, each of (x_m, y_m). labels: of zones, as people say them.
    """

    name: str
    seed: int
    hours: float
    start_s: int
    time_zone: str
    model: Text
    replay: str
    nodes: tuple[Spot, ...]
    gateways: tuple[Spot, ...]
    grace_s: float = 0.0
    warm: bool = False
    streets: tuple[tuple[tuple[float, float], ...], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()


def district_of(scenario: Scenario, replay: str) -> District:
    """The district of a scenario; of what is taken in its final quiet the radio has not had time for all."""
    return District(
        name=scenario.name,
        seed=scenario.seed,
        hours=scenario.hours,
        start_s=scenario.start_s,
        time_zone=scenario.site.time_zone,
        model=model_of(scenario.radio),
        replay=replay,
        nodes=tuple(
            Spot(name=node.name, role=node.role.value, zone=node.zone, x_m=node.x_m, y_m=node.y_m)
            for node in scenario.nodes
        ),
        gateways=tuple(
            Spot(name=gateway.name, role="gateway", x_m=gateway.x_m, y_m=gateway.y_m) for gateway in scenario.gateways
        ),
        grace_s=scenario.final_quiet_s,
        warm=scenario.warm,
        streets=tuple(street.points for street in scenario.streets),
        labels=tuple((zone.name, zone.label) for zone in scenario.zones),
    )


def model_of(radio: Radio) -> Text:
    """The radio model in words."""
    parts = [
        Text("path loss {preset}", "affaiblissement {preset}").filled(preset=word(PATH_LOSS, radio.path_loss)),
        Text("frozen shadowing of {db} dB", "effet de masque figé de {db} dB").filled(db=short(radio.shadowing_db)),
        Text("fading of {db} dB from frame to frame", "évanouissement de {db} dB d’une trame à l’autre").filled(
            db=short(radio.fading_db)
        ),
        word(INTERFERENCE, radio.interference.value),
    ]
    if radio.loss_up or radio.loss_down:
        parts.append(
            Text(
                "{up} of uplinks and {down} of downlinks lost by chance on top",
                "plus {up} des trames montantes et {down} des descendantes perdues au hasard",
            ).filled(up=percent(radio.loss_up, 1), down=percent(radio.loss_down, 1))
        )
    if radio.bursts:
        parts.append(
            Text(
                "links bad for {bad} after {good} on average", "liens mauvais pendant {bad} après {good} en moyenne"
            ).filled(bad=lasting(radio.bursts.bad_s), good=lasting(radio.bursts.good_s))
        )
    return joined(parts, ", ")
