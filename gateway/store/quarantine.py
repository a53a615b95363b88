"""The table of payloads nobody could read, with the reason: bounded, newest kept."""

from dataclasses import dataclass

import apsw

from gateway.store.rows import fetch
from gateway.store.writes import AddQuarantine

PER_DEVICE = 10  # enough to see what is wrong with a device
IN_ALL = 1000  # 250 kB at most


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A kept payload with its number."""

    id: int
    entry: AddQuarantine


def write_quarantine(database: apsw.Connection, write: AddQuarantine) -> None:
    """Keep a payload and let go of what is too much; in a transaction."""
    database.execute(
        "INSERT INTO quarantine (device, received_ms, boot, session, f_cnt, f_port, payload, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            write.device,
            write.received_ms,
            write.boot,
            write.session,
            write.f_cnt,
            write.f_port,
            write.payload,
            write.reason,
        ),
    )
    database.execute(
        "DELETE FROM quarantine WHERE device = ?1 AND id NOT IN"
        " (SELECT id FROM quarantine WHERE device = ?1 ORDER BY id DESC LIMIT ?2)",
        (write.device, PER_DEVICE),
    )
    database.execute(
        "DELETE FROM quarantine WHERE id NOT IN (SELECT id FROM quarantine ORDER BY id DESC LIMIT ?)", (IN_ALL,)
    )


def list_quarantine(database: apsw.Connection, before: int | None = None, limit: int = 100) -> list[Quarantined]:
    """Up to *limit* kept payloads with a number below *before*, newest first."""
    return [
        Quarantined(
            row_id,
            AddQuarantine(
                device=device,
                received_ms=received_ms,
                boot=boot,
                session=session,
                f_cnt=f_cnt,
                f_port=f_port,
                payload=payload,
                reason=reason,
            ),
        )
        for row_id, device, received_ms, boot, session, f_cnt, f_port, payload, reason in fetch(
            database,
            "SELECT * FROM quarantine WHERE id < ? ORDER BY id DESC LIMIT ?",
            ((1 << 62) if before is None else before, limit),
        )
    ]
