"""Devices, sessions and commits to keep, all told apart by numbers."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import apsw

from gateway.network.events import Commit, Committed
from gateway.network.registration import Abp, Group, Registration, Role
from gateway.network.session import SessionRow
from gateway.readings.node_log import NodeLog
from gateway.readings.record import Kind, Record
from gateway.store.counters import load_counters
from gateway.store.database import open_database
from gateway.store.devices import add_devices
from gateway.store.migrate import migrate
from gateway.store.records import records_after
from gateway.store.writer import Result
from gateway.store.writes import AddRecord, KeepCounters, KeepSession, StartSession
from tests.fakes.writers import InlineWriter

NOON_MS = 1_767_268_800_000  # 2026-01-01T12:00Z
LOG = NodeLog(epoch=0xBEEF, next_seq=12, sure=True).to_text()


def registration(number: int, **changes: Any) -> Registration:
    """An OTAA device whose DevEUI ends in *number*."""
    values: dict[str, Any] = {
        "device": number,
        "dev_eui": dev_eui(number),
        "role": Role.AIR,
        "name": f"air-{number}",
        "join_eui": bytes(range(8)),
        "app_key": number.to_bytes(16, "big"),
        "gen_app_key": bytes([7]) * 16,
    }
    return Registration(**{**values, **changes})


ABP = Abp(dev_addr=0x26011BDA, nwk_s_key=bytes([1]) * 16, app_s_key=bytes([2]) * 16)


def dev_eui(number: int) -> bytes:
    return bytes.fromhex("70b3d57ed0") + number.to_bytes(3, "big")


def session(device: int, number: int = 0, **changes: Any) -> SessionRow:
    values: dict[str, Any] = {
        "device": device,
        "number": number,
        "dev_addr": 0x26000000 + device,
        "nwk_s_key": bytes([3]) * 16,
        "app_s_key": bytes([4]) * 16,
        "dev_nonce": 10 + number,
        "join_nonce": 20 + number,
        "rx_delay_s": 5,
        "rx1_dr_offset": 0,
        "rx2_dr": 3,
        "f_cnt_up": -1,
        "f_cnt_down": 0,
    }
    return SessionRow(**{**values, **changes})


def group(number: int, **changes: Any) -> Group:
    values: dict[str, Any] = {
        "number": number,
        "name": f"street-{number}",
        "mc_addr": 0x11000000 + number,
        "mc_key": bytes([9]) * 16,
        "members": (dev_eui(1), dev_eui(2)),
        "f_cnt_down": 64,
    }
    return Group(**{**values, **changes})


def record(device: int | None = 1, seq: int | None = 0, kind: Kind = Kind.READING, **changes: Any) -> Record:
    values: dict[str, Any] = {
        "kind": kind,
        "device": device,
        "epoch": 0xBEEF,
        "seq": seq,
        "received_ms": NOON_MS + (seq or 0),
        "boot": None,
        "observed_ms": NOON_MS,
        "time_error_s": 1,
        "content": b"[1,234,567,null,4200]",
    }
    return Record(**{**values, **changes})


def uplink(token: int, device: int, f_cnt: int, *, at_once: bool = True) -> Commit:
    """An uplink with one record: FCntUp and seq are the same, so that each tells whether the other is there."""
    return Commit(
        token=token,
        writes=(KeepCounters(device, f_cnt, f_cnt + 64, LOG), AddRecord(record(device, f_cnt))),
        at_once=at_once,
    )


def joined(device: int, number: int = 0) -> Commit:
    return Commit(token=0, writes=(KeepSession(session(device, number)), StartSession(device, number)), at_once=True)


def new_database(path: Path | str = ":memory:", devices: int = 3, **options: Any) -> apsw.Connection:
    """A database of the newest schema with some devices."""
    database = open_database(path, **options)
    migrate(database)
    with database:
        add_devices(database, [registration(number) for number in range(1, devices + 1)])
    return database


def seqs(database: apsw.Connection) -> dict[int, list[int]]:
    """The seq of all records that hold, by device, in order."""
    found: dict[int, list[int]] = {}
    for _, kept in records_after(database, 0, 1_000_000).records:
        assert kept.device is not None
        assert kept.seq is not None
        found.setdefault(kept.device, []).append(kept.seq)
    return found


def f_cnt_ups(database: apsw.Connection) -> dict[int, int]:
    return {device: kept.f_cnt_up for device, kept in load_counters(database).items()}


class Desk:
    """An InlineWriter with what it told."""

    def __init__(self, open_: Callable[[], apsw.Connection], **options: Any) -> None:
        self.told: list[Result] = []
        self.writer = InlineWriter(open_, self.told.append, **options)

    def accepts(self, commit: Commit) -> bool:
        """Submit, and whether it is on disk; after a failure all goes on as the gateway does."""
        self.writer.submit(commit)
        good = self.told[-1] == Committed(token=commit.token)
        if not good:
            self.writer.resume()
        return good


def result_of(future: "Future[Any]") -> Any:
    return future.result(timeout=60)
