"""Who watches the engine: the ring of the last uplinks for whoever asks, and the log's few lines."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from gateway.links.link import RadioReport
from gateway.network.events import Accepted, Alarm, Refused
from gateway.publish.messages import iso_utc
from protocol.lorawan.eui import dev_addr_to_text

_GOOD_NEWS = ("broker_connected", "broker_accepts")
RING = 1000  # uplinks: three minutes of the busiest concentrator, 400 kB

_log = logging.getLogger(__name__)


class _Entry(NamedTuple):
    number: int
    at_ms: int
    uplink: Accepted | Refused


class Watch:
    """Implements `gateway.engine.Observer`. unix_ms: makes Unix ms of monotonic ms, None while nobody knows."""

    def __init__(self, unix_ms: Callable[[int], int | None]) -> None:
        self.radios: dict[str, bool] = {}  # online or not, by name
        self.radio_figures: dict[str, dict[str, float]] = {}  # as each radio counts
        self._unix_ms = unix_ms
        self._ring: deque[_Entry] = deque(maxlen=RING)
        self._number = 0
        self._waiting: list[asyncio.Future[None]] = []

    def accepted(self, accepted: Accepted, now_ms: int) -> None:
        """An uplink was accepted."""
        self._add(accepted, now_ms)

    def refused(self, refused: Refused, now_ms: int) -> None:
        """An uplink, or what it says, was refused."""
        self._add(refused, now_ms)
        _log.info(
            "uplink refused: %s dev_addr=%s dev_eui=%s: %s",
            refused.reason.value,
            None if refused.dev_addr is None else dev_addr_to_text(refused.dev_addr),
            None if refused.dev_eui is None else refused.dev_eui.hex(),
            refused.detail,
            extra={"kind": refused.reason.value},
        )

    def alarmed(self, alarm: Alarm, now_ms: int) -> None:
        """Something an operator must know of."""
        where = "" if alarm.dev_eui is None else f" dev_eui={alarm.dev_eui.hex()}"
        level = logging.INFO if alarm.name in _GOOD_NEWS else logging.WARNING
        _log.log(level, "%s%s: %s", alarm.name, where, alarm.detail)

    def radio(self, report: RadioReport, now_ms: int) -> None:
        """A radio came, went or told its counts."""
        if self.radios.get(report.radio) is not report.online:
            self.radios[report.radio] = report.online
            _log.info("radio %s %s: %s", report.radio, "online" if report.online else "offline", report.detail)
        elif report.detail:
            _log.warning("radio %s: %s", report.radio, report.detail)
        if report.figures:
            self.radio_figures.setdefault(report.radio, {}).update(report.figures)

    async def uplinks(self, after: int, limit: int, wait_s: float) -> list[dict[str, Any]]:
        """Entries with a number above *after*, oldest first; waits up to *wait_s* for the first."""
        if self._number <= after and wait_s > 0:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            try:
                await asyncio.wait_for(waiting, wait_s)
            except TimeoutError:
                return []
            finally:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)
        return [self._shown(entry) for entry in self._ring if entry.number > after][:limit]

    def _add(self, uplink: Accepted | Refused, now_ms: int) -> None:
        self._number += 1
        self._ring.append(_Entry(self._number, now_ms, uplink))
        if self._waiting:
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_result(None)

    def _shown(self, entry: _Entry) -> dict[str, Any]:
        unix_ms = self._unix_ms(entry.at_ms)
        shown: dict[str, Any] = {"number": entry.number, "at": None if unix_ms is None else iso_utc(unix_ms)}
        uplink = entry.uplink
        if isinstance(uplink, Accepted):
            return shown | {
                "dev_eui": uplink.dev_eui.hex(),
                "f_cnt": uplink.f_cnt,
                "f_port": uplink.f_port,
                "dr": uplink.dr,
                "freq_hz": uplink.freq_hz,
                "phy_len": uplink.phy_len,
                "records": uplink.records,
                "radios": [
                    {"radio": radio, "rssi_dbm": rssi_dbm, "snr_db": snr_db}
                    for radio, rssi_dbm, snr_db in uplink.radios
                ],
            }
        return shown | {
            "refused": uplink.reason.value,
            "dev_addr": None if uplink.dev_addr is None else dev_addr_to_text(uplink.dev_addr),
            "dev_eui": None if uplink.dev_eui is None else uplink.dev_eui.hex(),
            "detail": uplink.detail,
        }
