"""The figures that a scenario may expect something of, and what each means; the report computes them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """unit: "1" for shares 0..1. about: what is counted, a clause."""

    unit: str
    about: str


METRICS = {
    "delivered": Metric("1", "readings and events taken that the subscriber got, of those the radio has had time for"),
    "delivered_in_hour": Metric("1", "the same, within an hour of being taken"),
    "settled": Metric("1", "records taken up to six hours before the end that the subscriber got"),
    "settled_soon": Metric("1", "the same, within an hour after a gateway next heard their node"),
    "events_delivered": Metric("1", "events told by nodes that the subscriber got"),
    "states_right_60s": Metric("1", "changes of a bay that the subscriber knew within 60 s of the node telling them"),
    "states_right_360s": Metric("1", "the same, within 6 minutes"),
    "uplinks_received": Metric("1", "frames sent that at least one gateway received"),
    "latency_p50_s": Metric("s", "from being taken to the subscriber, half of all records"),
    "latency_p99_s": Metric("s", "the same, 99 of 100"),
    "latency_max_s": Metric("s", "the same, the slowest"),
    "dating_error_max_s": Metric("s", "of records that were dated by the age they came with"),
    "published_twice": Metric("", "records that the gateway published more than once"),
    "joined": Metric("1", "nodes that have a session at the end"),
    "joined_after_s": Metric("s", "from the start until the last node had joined"),
    "duty_cycle_max": Metric("1", "of what a sub-band allows in an hour, what the busiest node used"),
    "confirmed_uplinks": Metric("", "frames sent confirmed, those that open an epoch not counted"),
    "dark_lamp_min": Metric("min", "minutes of lamps dark at night though they had power"),
    "scene_followed_10s": Metric("1", "lamps of a group that had its level 10 s after somebody wanted it, the least"),
    "scene_confirmed_s": Metric("s", "from then until the gateway knew of each of them, the longest"),
    "frames_forged": Metric("", "frames of the attacker that were accepted"),
    "frames_delayed": Metric("", "frames that the attacker held back, and that were accepted for lack of newer ones"),
    "downlinks_stolen": Metric("", "downlinks that were sent to the attacker"),
    "battery_p10_years": Metric("a", "life of the battery that one node in ten does not reach"),
}
