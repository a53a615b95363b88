"""The table of sessions: the current one of each device, one that waits to be heard, and nonces that are used up."""

from dataclasses import dataclass, replace
from typing import Any

import apsw

from gateway.network.session import SessionRow
from gateway.store import counters
from gateway.store.checksum import checksum
from gateway.store.faults import FaultKind, StoreError
from gateway.store.rows import fetch
from gateway.store.writes import KeepSession, StartSession

_OVER, _CURRENT, _WAITING = 0, 1, 2
_COLUMNS = (
    "state, device, number, dev_addr, nwk_s_key, app_s_key, dev_nonce, join_nonce, rx_delay_s, rx1_dr_offset, rx2_dr,"
    " f_cnt_up, f_cnt_down"
)
_INSERT = f"INSERT OR REPLACE INTO session ({_COLUMNS}, crc) VALUES ({', '.join('?' * 14)})"
_NO_KEY = bytes(16)
_NUMBERS_SKIPPED = 256  # after a restore, as many as JoinNonces


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDevice:
    """What the store knows of one device's sessions, counters in place.

    current: the session that was heard last; waiting: one whose Join-Accept went out and that was not heard yet.
    number, dev_nonce, join_nonce: the highest that are used up, -1 for none: the next join takes higher ones, and after
    a restore they are higher than those of any session here. log: the application's text, None if there is none.
    """

    device: int
    current: SessionRow | None
    waiting: SessionRow | None
    number: int
    dev_nonce: int
    join_nonce: int
    log: str | None


def write_session(database: apsw.Connection, write: KeepSession | StartSession) -> None:
    """Write one step of a session; run it in a transaction. Sessions that are over go."""
    if isinstance(write, KeepSession):
        row = write.session
        # A newer join says that the device never heard the answer to the one before.
        database.execute(
            "DELETE FROM session WHERE device = ? AND number < ? AND state <> ?", (row.device, row.number, _CURRENT)
        )
        _write(database, _WAITING, row)
        return
    for _, row in _rows(database, write.device):
        if row.number == write.number:
            _write(database, _CURRENT, row)
            counters.start_counters(database, write.device, row.f_cnt_up, row.f_cnt_down)
    database.execute("DELETE FROM session WHERE device = ? AND number < ?", (write.device, write.number))


def load_devices(database: apsw.Connection) -> dict[int, KeptDevice]:
    """All devices of which the store keeps a session or a counter, by number.

    Raises StoreError for a row that does not match its checksum: a counter must not be guessed.
    """
    kept = counters.load_counters(database)
    by_device: dict[int, list[tuple[int, SessionRow]]] = {device: [] for device in kept}
    for state, row in _rows(database):
        by_device.setdefault(row.device, []).append((state, row))
    return {device: _kept_device(device, rows, kept.get(device)) for device, rows in sorted(by_device.items())}


def end_sessions(database: apsw.Connection, device: int, *, new_key: bool = False) -> None:
    """The device was removed or has new keys: its sessions are over and their keys forgotten; their nonces count on.

    new_key: of another AppKey no DevNonce was ever used, and a node that was flashed with it counts from 0.
    """
    for _, row in _rows(database, device):
        dev_nonce = -1 if new_key else row.dev_nonce
        _write(database, _OVER, replace(row, nwk_s_key=_NO_KEY, app_s_key=_NO_KEY, dev_nonce=dev_nonce))
    counters.doubt_logs(database, device)
    database.execute(
        "DELETE FROM session WHERE device = ?1 AND number < (SELECT max(number) FROM session WHERE device = ?1)",
        (device,),
    )


def raise_after_restore(database: apsw.Connection, f_cnt_down_step: int, join_nonce_step: int) -> None:
    """Skip the FCntDown, numbers and JoinNonces that may have been used after the copy was made that is restored.

    A session keeps its number, because what is heard in it again must have the same key (DevEUI, number, FCntUp).
    The next join must get a higher one: so a session that never was stands behind each device's newest.
    """
    newest: dict[int, SessionRow] = {}
    for state, row in _rows(database):
        newest[row.device] = row
        if state != _OVER:
            _write(database, state, replace(row, f_cnt_down=row.f_cnt_down + f_cnt_down_step))
    for row in newest.values():
        skipped = replace(
            row,
            number=row.number + _NUMBERS_SKIPPED,
            join_nonce=row.join_nonce + join_nonce_step,
            nwk_s_key=_NO_KEY,
            app_s_key=_NO_KEY,
        )
        _write(database, _OVER, skipped)
    counters.raise_f_cnt_down(database, f_cnt_down_step)


def _kept_device(device: int, rows: list[tuple[int, SessionRow]], kept: counters.Counters | None) -> KeptDevice:
    current = waiting = None
    for state, row in rows:
        if state == _CURRENT:
            current = replace(row, f_cnt_up=kept.f_cnt_up, f_cnt_down=kept.f_cnt_down) if kept else row
        elif state == _WAITING:
            waiting = row
    return KeptDevice(
        device=device,
        current=current,
        waiting=waiting,
        number=max((row.number for _, row in rows), default=-1),
        dev_nonce=max((row.dev_nonce for _, row in rows), default=-1),
        join_nonce=max((row.join_nonce for _, row in rows), default=-1),
        log=kept.log if kept else None,
    )


def _rows(database: apsw.Connection, device: int | None = None) -> list[tuple[int, SessionRow]]:
    """(state, session) by device and number, of one device or of all."""
    rows = fetch(
        database,
        f"SELECT {_COLUMNS}, crc FROM session WHERE ?1 IS NULL OR device = ?1 ORDER BY device, number",
        (device,),
    )
    return [_from_row(row) for row in rows]


def _from_row(row: tuple[Any, ...]) -> tuple[int, SessionRow]:
    *columns, crc = row
    if checksum(*columns) != crc:
        raise StoreError(FaultKind.CORRUPT, f"the session of device {row[1]} does not match its checksum")
    state, device, number, dev_addr, nwk, app, dev_nonce, join_nonce, delay, offset, rx2_dr, up, down = columns
    return state, SessionRow(
        device=device,
        number=number,
        dev_addr=dev_addr,
        nwk_s_key=nwk,
        app_s_key=app,
        dev_nonce=dev_nonce,
        join_nonce=join_nonce,
        rx_delay_s=delay,
        rx1_dr_offset=offset,
        rx2_dr=rx2_dr,
        f_cnt_up=up,
        f_cnt_down=down,
    )


def _write(database: apsw.Connection, state: int, row: SessionRow) -> None:
    columns = (
        state,
        row.device,
        row.number,
        row.dev_addr,
        row.nwk_s_key,
        row.app_s_key,
        row.dev_nonce,
        row.join_nonce,
        row.rx_delay_s,
        row.rx1_dr_offset,
        row.rx2_dr,
        row.f_cnt_up,
        row.f_cnt_down,
    )
    database.execute(_INSERT, (*columns, checksum(*columns)))
