"""What events are called and what their details say, by number (`events.py`); a node does not carry it.

A detail named with an instance counts bays or heads from 0.
"""

# name, details in their order
EVENTS = (
    ("void", ("count",)),  # seq and the count-1 numbers after it were reserved before a power cut and never used
    ("bay_taken", ("instance", "free_s")),
    ("bay_left", ("instance", "stay_s")),
    ("lamp_failed", ("instance", "power_dw", "expected_dw")),  # tenths of a watt
    ("lamp_recovered", ("instance", "power_dw")),
    ("day_burner", ("instance", "power_dw")),
    ("lamp_cycling", ("instance", "count")),
    ("gear_failed", ("instance", "status")),  # the answer of a DALI control gear to QUERY STATUS, -1 for silence
    ("over_temperature", ("instance", "temperature_cel")),
    ("power_lost", ()),
    ("power_back", ("outage_s",)),
    ("sensor_failed", ("quantity",)),
    ("sensor_back", ("quantity",)),
    ("battery_low", ("battery_mv",)),
    ("programme_refused", ("version",)),
    ("tampered", ()),
    ("motion_seen", ("count",)),  # how often since it was told last
)


def describe_event(event: int, details: tuple[int, ...]) -> str:
    """An event in words for logs and screens, such as `bay_left instance=0 stay_s=840`.

    An event or detail of a newer firmware keeps its number: `event_99`, `detail_2=…`.
    """
    name, fields = EVENTS[event] if 0 <= event < len(EVENTS) else (f"event_{event}", ())
    words = [name]
    for position, value in enumerate(details):
        field = fields[position] if position < len(fields) else f"detail_{position}"
        words.append(f"{field}={value}")
    return " ".join(words)
