"""What the gateway tells of itself: health by MQTT and API, figures for Prometheus, a line a minute in the log."""

import importlib.metadata
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.operate.health import Machine, State, health, look_at_machine
from gateway.outlet import Outlet
from gateway.running.cabinet import Cabinet
from gateway.store.backup import newest_ms
from gateway.store.records import id_range, records_after
from gateway.store.retention import LOST, hours_that_fit

HEALTH_MS = 60_000
_ASK_AGAIN_MS = 1_000
_FIRST_WORD_MS = 30_000  # the longest that is waited for the broker's first answer, to tell of it
_RATE_MS = 600_000  # of records, before anything is said about the hours that still fit
_HOUR_MS = 3_600_000
_COUNTED = {"refused": "uplinks_refused", "transmitted": "downlinks", "alarm": "alarms"}


_log = logging.getLogger(__name__)


class Telling:
    """Implements `gateway.operate.metrics.Source`.

    outlet: None without a broker. snapshot_ms: when the registry's was made; clock_sentence: why the time is trusted or
    not; both are asked each time.
    """

    def __init__(
        self,
        cabinet: Cabinet,
        outlet: Outlet | None,
        snapshot_ms: Callable[[], int | None],
        clock_sentence: Callable[[], str],
    ) -> None:
        self._cabinet = cabinet
        self._outlet = outlet
        self._snapshot_ms = snapshot_ms
        self._clock_sentence = clock_sentence
        self._version = importlib.metadata.version("lampyre")
        self._minute: Counter[str] = Counter()  # the counts when the last line was written

    async def turn(self) -> int:
        """The chore of each minute: health to the broker, a line to the log."""
        cabinet = self._cabinet
        if self._outlet is not None:
            waited_ms = cabinet.clock.now_ms() - cabinet.began_ms
            if not self._outlet.answered and waited_ms < _FIRST_WORD_MS:
                return _ASK_AGAIN_MS  # health that says the broker is away would greet it
            self._outlet.say(self._outlet.health_topic, json.dumps(self.health()).encode())
        self._write_line()
        return HEALTH_MS

    def health(self) -> dict[str, Any]:
        """See `gateway.operate.health`."""
        return health(look_at_machine(self._cabinet.config.store.folder), self._state())

    def counters(self) -> Mapping[tuple[str, str], int]:
        """For Prometheus; see `operate.metrics.COUNTERS`."""
        cabinet = self._cabinet
        counts, written = cabinet.engine.counts, cabinet.writer.figures
        found: dict[tuple[str, str], int] = {
            ("uplinks_accepted", ""): counts["accepted"],
            ("joins", ""): counts["joins"],
            ("records", ""): written.records,
            ("commits", ""): written.transactions,
            ("commits_failed", ""): counts["commits_failed"],
        }
        for name, count in counts.items():
            kind, _, value = name.partition(":")
            if kind in _COUNTED:
                found[_COUNTED[kind], value] = count
        for what, count in self._dropped().items():
            found["dropped", what] = count
        for radio, counted in cabinet.watch.radio_figures.items():
            for name, number in counted.items():
                found["links", f"{radio} {name}"] = int(number)
        figures = None if self._outlet is None else self._outlet.figures()
        if figures is not None:
            found["published", ""] = figures.accepted
            found["parked", ""] = figures.parked
        return found

    def gauges(self) -> Mapping[tuple[str, str], float]:
        """For Prometheus; see `operate.metrics.GAUGES`."""
        state = self._state()
        machine: Machine = look_at_machine(self._cabinet.config.store.folder)
        p50_us, p99_us, _ = state.fsync_us or (None, None, None)
        known: dict[str, float | None] = {
            "devices": state.devices,
            "devices_silent": state.devices_silent,
            "backlog_records": state.backlog_records,
            "backlog_age_seconds": state.backlog_age_s,
            "store_bytes": state.store_bytes,
            "clock_trusted": state.clock_trusted,
            "disk_free_bytes": machine.disk_free_bytes,
            "written_bytes": machine.written_bytes,
            "temperature_celsius": machine.temperature_celsius,
            "broker_connected": state.broker_connected,
            "fsync_p50_seconds": None if p50_us is None else p50_us / 1e6,
            "fsync_p99_seconds": None if p99_us is None else p99_us / 1e6,
        }
        found = {(name, ""): value for name, value in known.items() if value is not None}
        return found | {("radio_online", radio): online for radio, online in state.radios.items()}

    def _write_line(self) -> None:
        counts = Counter(self._cabinet.engine.counts)
        counts["records"] = self._cabinet.writer.figures.records
        news = counts - self._minute
        self._minute = counts
        figures = None if self._outlet is None else self._outlet.figures()
        _log.info(
            "of late: heard %d, accepted %d, records %d, not stored %d; to publish %d",
            news["heard"],
            news["accepted"],
            news["records"],
            news["not_stored"],
            0 if figures is None else figures.backlog,
        )

    def _state(self) -> State:
        cabinet = self._cabinet
        now_ms = cabinet.clock.now_ms()
        figures = None if self._outlet is None else self._outlet.figures()
        made_ms = self._snapshot_ms()
        backup_ms = newest_ms(cabinet.config.store.backups)
        running_ms = now_ms - cabinet.began_ms
        return State(
            version=self._version,
            started_because=cabinet.started_because,
            running_s=running_ms / 1000,
            clock_trusted=cabinet.dates.offset_ms is not None,
            clock_sentence=self._clock_sentence(),
            store_bytes=_size(cabinet.config.store.database),
            records=cabinet.writer.figures.last_record_id,
            hours_that_fit=self._hours_that_fit(running_ms),
            backlog_records=0 if figures is None else figures.backlog,
            backlog_age_s=self._backlog_age_s(None if figures is None else figures.oldest_pending, now_ms),
            broker_connected=None if figures is None else figures.connected,
            broker_refused=0 if figures is None else figures.refused,
            backup_age_s=None if backup_ms is None else max(time.time() - backup_ms / 1000, 0),
            snapshot_age_s=None if made_ms is None else (now_ms - made_ms) / 1000,
            fsync_us=_percentiles_us(cabinet.writer.commit_ms()),
            uplinks_per_min=cabinet.engine.counts["accepted"] * 60_000 / max(running_ms, 60_000),
            devices=len(cabinet.registry.registered),
            devices_silent=cabinet.application.silent(),
            radios=dict(cabinet.watch.radios),
            dropped=self._dropped(),
            fault=cabinet.engine.fault,
        )

    def _dropped(self) -> dict[str, int]:
        """What was deleted for lack of space before it had left, since the start."""
        return {step.value: count for step, count in self._cabinet.caretaker.deleted.items() if step in LOST and count}

    def _hours_that_fit(self, running_ms: int) -> float | None:
        """At the rate since the start and the size of a record so far; None while neither is known."""
        space = self._cabinet.caretaker.space
        low, high = id_range(self._cabinet.read)
        if space is None or running_ms < _RATE_MS or high < low:
            return None
        per_hour = self._cabinet.writer.figures.records * _HOUR_MS / running_ms
        return hours_that_fit(space, per_hour * space.used_bytes / (high - low + 1))

    def _backlog_age_s(self, oldest_id: int | None, now_ms: int) -> float:
        """How long the oldest record waits that the broker does not have."""
        if oldest_id is None:
            return 0.0
        page = records_after(self._cabinet.read, oldest_id - 1, 1)
        if not page.records:
            return 0.0
        record = page.records[0].record
        if record.boot is not None:
            dated = self._cabinet.dates.resolve(record.boot, record.received_ms)
            if dated is None:  # not even the time of this boot is known
                return (now_ms - record.received_ms) / 1000 if record.boot == self._cabinet.boot else 0.0
            received_ms = dated[0]
        else:
            received_ms = record.received_ms
        unix_ms = self._cabinet.dates.unix_ms(now_ms)
        return 0.0 if unix_ms is None else max(unix_ms - received_ms, 0) / 1000


def _percentiles_us(times_ms: list[float]) -> tuple[int, int, int] | None:
    """p50, p99 and the worst of *times_ms*, shortest first."""
    if not times_ms:
        return None
    at = (len(times_ms) // 2, len(times_ms) * 99 // 100, -1)
    return int(times_ms[at[0]] * 1000), int(times_ms[at[1]] * 1000), int(times_ms[-1] * 1000)


def _size(database: Path) -> int:
    """Bytes of the database's files."""
    size = 0
    for suffix in ("", "-wal", "-shm"):
        path = database.with_name(database.name + suffix)
        size += path.stat().st_size if path.exists() else 0
    return size
