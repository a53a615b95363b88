"""A small town: its places and devices, what they tell, and the table of records that a publisher reads."""

import random
from bisect import bisect_right
from collections.abc import Sequence

from gateway.governance.dataset import Sharing
from gateway.governance.defaults import datasets_of
from gateway.network.registration import Registration, Role
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place, PlaceKind
from gateway.publish.cursor import Cursor
from gateway.publish.messages import Messenger, Resolve
from gateway.readings.record import Kind, Record

START_MS = 1_795_330_800_000  # 2026-11-22T07:00:00Z
AIR_CONTENT = b"[3,12,34,45,67,450,213,55,10132]"
TWO_BAYS_CONTENT = b"[1,1,7,312,0,45,14,85,361]"


def eui(device: int) -> bytes:
    return bytes((0x02, 0, 0, 0, 0, 0)) + device.to_bytes(2, "big")


def air_town(count: int) -> Directory:
    """Devices 1..*count*, each an air station at a place of its own."""
    numbers = range(1, count + 1)
    return Directory(
        [Registration(device=number, dev_eui=eui(number), role=Role.AIR) for number in numbers],
        [Place(place_id=f"92002-station-{number}", kind=PlaceKind.STATION) for number in numbers],
        [
            Installed(place_id=f"92002-station-{number}", dev_eui=eui(number), instance=0, from_ms=0)
            for number in numbers
        ],
    )


def two_bay_town(count: int) -> Directory:
    """Devices 1..*count*, each between two bays of its own."""
    numbers = range(1, count + 1)
    return Directory(
        [Registration(device=number, dev_eui=eui(number), role=Role.PARKING) for number in numbers],
        [Place(place_id=f"92002-bay-{number}-{bay}", kind=PlaceKind.BAY) for number in numbers for bay in (0, 1)],
        [
            Installed(place_id=f"92002-bay-{number}-{bay}", dev_eui=eui(number), instance=bay, from_ms=0)
            for number in numbers
            for bay in (0, 1)
        ],
    )


def messenger_of(
    directory: Directory, door: Sharing = Sharing.INTERNAL, resolve: Resolve = lambda boot, ms: None
) -> Messenger:
    return Messenger(
        prefix="lampyre",
        site="92002",
        directory=directory,
        datasets=datasets_of("Ville d’Antony"),
        door=door,
        resolve=resolve,
    )


def record_of(
    device: int | None,
    seq: int | None,
    received_ms: int = START_MS,
    *,
    kind: Kind = Kind.READING,
    content: bytes = AIR_CONTENT,
    observed_ms: int | None = -1,
    boot: int | None = None,
) -> Record:
    """A record of epoch 7, observed 2 s before it was received."""
    if observed_ms == -1:
        observed_ms = received_ms - 2000
    return Record(
        kind=kind,
        device=device,
        epoch=None if seq is None else 7,
        seq=seq,
        received_ms=received_ms,
        boot=boot,
        observed_ms=observed_ms,
        time_error_s=None if observed_ms is None else 1,
        content=content,
    )


class MemoryOutbox:
    """The table of records, the cursor and the parked rows, as a publisher's store keeps them."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Record]] = []
        self.cursor = Cursor(0)
        self.saves = 0
        self.parked: dict[int, str] = {}
        self.failing = False

    def append(self, record: Record) -> int:
        """Store a record; returns its row id."""
        row_id = self.rows[-1][0] + 1 if self.rows else 1
        self.rows.append((row_id, record))
        return row_id

    def last_id(self) -> int:
        return self.rows[-1][0] if self.rows else 0

    def read(self, after: int, last: int, limit: int) -> tuple[Sequence[tuple[int, Record]], int]:
        if self.failing:
            raise OSError("disk I/O error")
        first = bisect_right(self.rows, after, key=lambda row: row[0])
        rows = [row for row in self.rows[first : first + limit] if row[0] <= last]
        return rows, rows[-1][0] if len(rows) == limit else last

    def save_cursor(self, cursor: Cursor) -> None:
        self.cursor = Cursor.from_text(cursor.to_text())
        self.saves += 1

    def park(self, row_id: int, reason: str) -> None:
        self.parked[row_id] = reason

    def unpark(self, row_ids: Sequence[int]) -> None:
        for row_id in row_ids:
            self.parked.pop(row_id, None)


def fill(outbox: MemoryOutbox, devices: int, rounds: int, dice: random.Random | None = None) -> None:
    """Let every device take *rounds* readings; with dice the devices of a round come in any order."""
    seqs = [0] * (devices + 1)
    for number in range(rounds):
        order = list(range(1, devices + 1))
        if dice is not None:
            dice.shuffle(order)
        for device in order:
            outbox.append(record_of(device, seqs[device], START_MS + number * 900_000))
            seqs[device] += 1
