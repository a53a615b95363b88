"""The gateway's figures for Prometheus: the one module that knows prometheus-client, with a registry of its own."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

_PREFIX = "lampyre_"


class Source(Protocol):
    """Who keeps the figures: plain dicts that the hot path increments, read when somebody asks."""

    def counters(self) -> Mapping[tuple[str, str], int]:
        """What only grows: (name, label value or "") → count. Names are of COUNTERS."""

    def gauges(self) -> Mapping[tuple[str, str], float]:
        """What is: (name, label value or "") → number. Names are of GAUGES."""


# name: (help, label or "")
COUNTERS: Mapping[str, tuple[str, str]] = {
    "uplinks_accepted": ("Uplinks accepted", ""),
    "uplinks_refused": ("Uplinks refused, by reason", "reason"),
    "joins": ("Joins answered", ""),
    "downlinks": ("Downlinks by outcome", "outcome"),
    "alarms": ("Alarms by name", "name"),
    "records": ("Records stored", ""),
    "commits": ("Transactions", ""),
    "commits_failed": ("Transactions that could not be written", ""),
    "published": ("Records the broker acknowledged", ""),
    "parked": ("Records put aside because the broker refuses them", ""),
    "dropped": ("Records deleted before they left, by what they were", "kind"),
    "links": ("What links counted, by name", "name"),
}
GAUGES: Mapping[str, tuple[str, str]] = {
    "devices": ("Registered devices", ""),
    "devices_silent": ("Devices silent for three intervals", ""),
    "backlog_records": ("Records that have not left", ""),
    "backlog_age_seconds": ("Age of the oldest record that has not left", ""),
    "disk_free_bytes": ("Free on the store's disk", ""),
    "store_bytes": ("Size of the database's files", ""),
    "written_bytes": ("Written by this process since it started", ""),
    "fsync_p50_seconds": ("Median duration of a commit's sync", ""),
    "fsync_p99_seconds": ("99th percentile of a commit's sync", ""),
    "temperature_celsius": ("Of the processor", ""),
    "clock_trusted": ("1 when Unix time is known", ""),
    "broker_connected": ("1 when the broker answers", ""),
    "radio_online": ("1 when a radio is heard", "radio"),
}


class Figures:
    """The figures of one gateway; `text` renders them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks for each time it renders."""
        for values, table, family in (
            (self._source.counters(), COUNTERS, CounterMetricFamily),
            (self._source.gauges(), GAUGES, GaugeMetricFamily),
        ):
            for name, (text, label) in table.items():
                metric = family(_PREFIX + name, text, labels=[label] if label else [])
                found = sorted((value, number) for (key, value), number in values.items() if key == name)
                for value, number in found or ([("", 0)] if not label and table is COUNTERS else []):
                    metric.add_metric([value] if label else [], number)
                yield metric

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self.registry)
