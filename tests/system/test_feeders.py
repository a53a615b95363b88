"""Lamps whose power the cabinet cuts by day: they boot in one second each dusk, and nobody notices."""

from collections import Counter, defaultdict
from typing import Any

import orjson
from hypothesis import settings

from gateway.readings.record import Kind
from gateway.store.rows import fetch
from protocol.lorawan.frames import JOIN_REQUEST, frame_mtype
from simulator.air.interface import OnAir
from simulator.chain.chain import Chain
from simulator.scenario.reading import parse_scenario
from simulator.scenario.shipped import scenario_path
from tests.simulator.chain.runs import broken

SOAK = settings.get_current_profile_name() == "soak"
NIGHTS = 30 if SOAK else 1  # and the dusk after them
HOURS = 24 * NIGHTS + 6
STREETS = (130, 70)
LAMPS = sum(STREETS)
FAILED = "light-grande-rue-017"
SCENARIO = scenario_path("switched-feeders")
INTERVAL_S = 900 if SOAK else 3600
CHANGES = [
    ("start = 2026-11-02T12:00:00", "start = 2026-11-02T14:00:00"),  # two hours before the first dusk
    ("hours = 72", f"hours = {HOURS}"),
    (
        "count = 80\nevery_m = 24\nside_m = 6",
        f"count = {STREETS[0]}\nevery_m = 15\nside_m = 6\ninterval_s = {INTERVAL_S}",
    ),
    (
        "count = 40\nevery_m = 30\nside_m = -5",
        f"count = {STREETS[1]}\nevery_m = 18\nside_m = -5\ninterval_s = {INTERVAL_S}",
    ),
]
if not SOAK:  # all of it happens in the first night
    CHANGES += [
        ('from_s = "35h"', 'from_s = "9h"'),  # the power fails at midnight
        ('from_s = "30h"\nfor_s = "30h"', 'from_s = "4h"\nfor_s = "20h"'),  # a lamp
        ('at_s = "33h"', 'at_s = "5h"'),  # fireworks
    ]


class Street(Chain):
    """Notes of each night (from 14:00 on) the first uplink of each node, and how often somebody asks to join."""

    def __init__(self, *given: Any, **more: Any) -> None:
        self.first_s: defaultdict[int, dict[str, float]] = defaultdict(dict)
        self.joins: Counter[int] = Counter()
        super().__init__(*given, **more)

    def _sent(self, frame: OnAir) -> None:
        night, second = divmod(frame.start_us / 1e6, 86400)
        self.first_s[int(night)].setdefault(frame.sender, second)
        self.joins[int(night)] += frame_mtype(frame.phy_payload) == JOIN_REQUEST
        super()._sent(frame)

    def told(self, kind: Kind) -> list[tuple[str, dict[str, Any]]]:
        """The gateway's own records of a kind: the node and the content."""
        names = {dev_eui: name for name, dev_eui in self.cabinet.dev_euis.items()}
        rows = fetch(
            self.cabinet.database,
            "SELECT dev_eui, content FROM record LEFT JOIN device USING (device) WHERE kind = ?",
            (kind.value,),
        )
        return [(names.get(dev_eui, ""), orjson.loads(content)) for dev_eui, content in rows]


def test_nights_on_switched_feeders_bring_no_join_storm_no_dark_street_and_no_false_fault():
    text = SCENARIO.read_text(encoding="utf-8")
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new, 1)
    street = Street(parse_scenario(text.encode(), SCENARIO, seed=3))
    assert len(street.fleet.nodes) == LAMPS
    street.run(street.scenario.end_s)

    # Sessions are resumed: nobody joins, neither at dusk nor after the power failed at night.
    assert street.joins.total() == 0, street.joins
    # First words are spread over ten minutes, at each dusk.
    assert {night: len(first_s) for night, first_s in street.first_s.items()} == dict.fromkeys(range(NIGHTS + 1), LAMPS)
    for first_s in street.first_s.values():
        assert max(Counter(int(at_s // 60) for at_s in first_s.values()).values()) < LAMPS / 4

    # One lamp fails, and that is the one fault; what the cabinet does each morning is one event for each feeder.
    faults = street.told(Kind.FAULT)
    assert {(name, said["fault"]) for name, said in faults} == {(FAILED, "lamp_failed")}
    there = [said for _, said in street.told(Kind.OUTAGE) if said["state"] == "there"]
    outages = Counter((said["feeder"], said["cause"]) for said in there)
    assert set(outages) == {("bourg", "switched_off"), ("lotissement", "switched_off")}
    assert set(outages.values()) == {NIGHTS}
    assert not [said for _, said in street.told(Kind.NOTICE) if said["notice"] == "silent"]

    report = street.finish()
    assert report.figures["dark_lamp_min"] == 0
    assert broken(report) == set()
