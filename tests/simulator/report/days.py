"""A made-up day of a made-up district, told to a collector as a chain would tell it: for what reads collectors."""

import random
from collections import Counter

from simulator.report.collector import BAY, EVENT, READING, RECEIVED, Collector
from simulator.report.district import District, Spot
from simulator.report.making import report_of
from simulator.report.report import Digest, Report, Truth
from simulator.report.saying import Text
from simulator.scenario.model import Expectation, Operator
from simulator.truths.breaches import DUTY_CYCLE, F_CNT_ONCE

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
MODEL = Text("path loss of a town, capture at 6 dB", "affaiblissement urbain, capture à 6 dB")
REPLAY = "lampyre simulate run street.toml --seed 7"
EXPECTED = (
    Expectation(metric="delivered", operator=Operator.AT_LEAST, value=0.999),
    Expectation(metric="latency_p50_s", operator=Operator.AT_MOST, value=60),
)
TRUTHS = (Truth(F_CNT_ONCE, True), Truth(DUTY_CYCLE, True))


def district(nodes: int = 30, hours: float = 24, gateways: int = 2) -> District:
    """Nodes of three roles along streets of two zones."""
    roles = ("parking", "parking", "air", "light", "light", "light")
    spots = tuple(
        Spot(
            name=f"{roles[number % 6]}-{number + 1:03}",
            role=roles[number % 6],
            zone=("gare", "mairie")[number // 6 % 2],
            x_m=round(-700 + 1400 * (number * 0.618 % 1), 1),
            y_m=round(-400 + 160 * (number % 6), 1),
        )
        for number in range(nodes)
    )
    return District(
        name="Antony",
        seed=7,
        hours=hours,
        start_s=1_772_434_800,
        time_zone="Europe/Paris",
        model=MODEL,
        replay=REPLAY,
        nodes=spots,
        gateways=tuple(
            Spot(name=f"gw-{number + 1}", role="gateway", x_m=-350.0 + 700 * number, y_m=0.0)
            for number in range(gateways)
        ),
        grace_s=2700,
        labels=(("gare", "La gare"), ("mairie", "La mairie")),
        streets=tuple(((-700.0, -400.0 + 160 * row), (700.0, -400.0 + 160 * row)) for row in range(6)),
    )


def live(collector: Collector, seed: int = 1, interval_s: int = 900) -> None:
    """Pass the whole run: a tenth of the frames lost, a gateway away for an hour, the broker for two."""
    dice = random.Random(seed)
    nodes = list(collector.tallies.values())
    taken: dict[tuple[str, int], int] = {}
    hours = collector.district.hours
    begun = False
    fates: Counter[str] = Counter()
    for number, tally in enumerate(nodes):
        if tally.spot.role == "parking":
            collector.bay(tally.spot.name, 0, number % 2 == 0, 0)
        if tally.spot.role == "light":
            collector.lamp(tally.spot.name, 0, 0, 0)
        collector.joined(tally.spot.name, number * SECOND_US)
    gateways = [spot.name for spot in collector.district.gateways]
    end_us = int(hours * HOUR_US)
    away_us = range(9 * HOUR_US, 11 * HOUR_US)
    for slot in range(int(hours * 3600 / interval_s)):
        hour = slot * interval_s / 3600 % 24
        for number, tally in enumerate(nodes):
            node, role = tally.spot.name, tally.spot.role
            now_us = (slot * interval_s + number * interval_s // len(nodes)) * SECOND_US
            if not begun and now_us >= away_us.start:
                begun = True
                collector.broker(False, now_us)
                collector.gateway(gateways[0], False, now_us)
            if begun and now_us >= away_us.stop and not collector.broker_up:
                collector.gateway(gateways[0], True, now_us)
                collector.broker(True, now_us)
            collector.took(node, READING, now_us)
            collector.uplink(node, number % 6, 868_100_000 + 200_000 * (slot % 3), 60_000 << (5 - number % 6), now_us)
            fate = dice.choice(["chance"] * 3 + ["collision"] + [RECEIVED] * 36)
            collector.landed(node, fate, now_us + SECOND_US)
            fates[fate] += 1
            late_us = 2 * SECOND_US if fate == RECEIVED else 902 * SECOND_US
            arrives_us = max(now_us + late_us, away_us.stop if now_us in away_us else 0)
            collector.waiting(slot if now_us in away_us else 0, now_us)
            values = {
                "parking": {"occupied": int(8 <= hour < 19)},
                "air": {"pm2_5": 8 + 6 * dice.random() + (9 if 7 <= hour < 9 else 0), "temperature": 7 + hour / 4},
                "light": {"level": 0 if 7 <= hour < 18 else 60, "power": 0.4 if 7 <= hour < 18 else 25.0},
            }[role]
            if arrives_us < end_us:
                collector.delivered(node, READING, now_us, arrives_us, 0, values)
                collector.message("reading", 300)
            if role == "light":
                collector.lamp(node, 0, 0 if 7 <= hour < 18 else 60, now_us)
            if role == "parking" and dice.random() < 0.3:
                occupied = not taken.get((node, 0), number % 2 == 0)
                taken[node, 0] = occupied
                collector.bay(node, 0, occupied, now_us)
                collector.took(node, BAY, now_us)
                collector.delivered(node, BAY, now_us, now_us + 3 * SECOND_US, 0, {"occupied": int(occupied)})
        collector.downlink(gateways[0], 869_525_000, 200_000, slot * interval_s * SECOND_US)
    for gateway in gateways:
        collector.fates_at(gateway, fates)
    collector.downlink_fates({RECEIVED: 96})
    collector.took(nodes[0].spot.name, EVENT, end_us - 1)
    collector.happened("reboot", nodes[0].spot.name, end_us // 2)
    for tally in nodes:
        if tally.spot.role == "parking":
            collector.battery(tally.spot.name, 4 + 4 * dice.random())


def made_report(seed: int = 1, **terms: float) -> Report:
    collector = Collector(district(**terms))
    live(collector, seed)
    report = report_of(collector, int(collector.district.hours * HOUR_US), TRUTHS, EXPECTED)
    report.seal(Digest())
    return report
