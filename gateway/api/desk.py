"""All of a `Station` that the store alone can answer; the running gateway and the CLI beside a stopped one share it.

Reads go to a reading connection in short pages, writes to the one that writes, in one transaction each.
"""

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import apsw
import orjson

from gateway.api import lamps
from gateway.api.station import (
    ConflictError,
    Json,
    NotFoundError,
    Removal,
    Replacement,
    UnavailableError,
)
from gateway.config.values import Baseline
from gateway.governance.dataset import Dataset, Sharing
from gateway.network.events import DeviceGone, DeviceSet, GroupSet
from gateway.network.registration import Group, Registration, Role
from gateway.operate.importing import Batch, conflicts
from gateway.places.directory import Directory
from gateway.places.place import Installed, Place
from gateway.publish.cursor import Cursor as Reached
from gateway.publish.cursor import Intervals, cursor_of
from gateway.publish.messages import Messenger, UnreadableRecordError, iso_utc
from gateway.store import backup, cursors, devices, groups, orders, places, quarantine, records, sessions, snapshot
from gateway.store.boots import Boots, load_boots
from gateway.store.devices import RegistryError
from gateway.store.faults import StoreError, explain
from gateway.store.lamps import forget_lamp
from gateway.store.opening import Layout
from protocol.lorawan.eui import eui_to_text

Value = TypeVar("Value")
Change = DeviceSet | DeviceGone | GroupSet
# No DevAddr begins with 0xFF (LoRaWAN Backend Interfaces: its types end at 0xFE), so no node has a group's address.
_MC_ADDR_PREFIX = 0xFF << 24
_PAGE = 1000


class Pen(Protocol):
    """The right to write: `Writer.call` awaited, or a connection of one's own while the gateway is stopped."""

    def __call__(self, function: Callable[[apsw.Connection], Value], *, alone: bool = False) -> Awaitable[Value]:
        """Run *function* on the writing connection inside a transaction; alone: outside of any."""


def _nothing(changes: Sequence[Change]) -> None:
    pass


class Desk:
    """Answers for the registry, the places, and what was recorded.

    read: a reading connection of the calling thread. backups: the folder. rx2_dr: of the network, at which the members
    of a group listen between their frames. changed: told after each change of registry
    or places is on disk, so that a running network server hears of it; with nothing when only places changed.
    """

    def __init__(
        self,
        *,
        layout: Layout,
        backups: Path,
        keep: int,
        read: apsw.Connection,
        write: Pen,
        datasets: Iterable[Dataset],
        site: str,
        prefix: str = "lampyre",
        rx2_dr: int = 3,
        changed: Callable[[Sequence[Change]], None] = _nothing,
        baselines: Sequence[Baseline] = (),
    ) -> None:
        self._baselines = baselines
        self._layout = layout
        self._backups = backups
        self._keep = keep
        self._read = read
        self._write = write
        self._datasets = {dataset.name: dataset for dataset in datasets}
        self._site = site
        self._prefix = prefix
        self._rx2_dr = rx2_dr
        self._changed = changed
        self._directory: Directory | None = None
        self._snapshotting = asyncio.Lock()

    async def lamp_faults(self, since_ms: int | None) -> Sequence[Json]:
        """See `Station`."""
        with told():
            return lamps.faults_of(self._read, self.directory(), since_ms)

    async def lamp_nights(
        self, first: int, last: int, after: tuple[int, int] | None, limit: int
    ) -> tuple[Sequence[Json], tuple[int, int] | None]:
        """See `Station`."""
        with told():
            return lamps.nights_of(self._read, self.directory(), self._baselines, (first, last), after, limit)

    async def devices(self, after: int, limit: int) -> Sequence[Registration]:
        """See `Station`."""
        with told():
            return devices.list_devices(self._read, after, limit)

    async def device(self, dev_eui: bytes) -> tuple[Registration, Json]:
        """See `Station`. The session is that of the last commit."""
        with told():
            registration = self._known(dev_eui)
            kept = sessions.load_devices(self._read).get(registration.device)
            hangs = [entry for entry in places.list_installed(self._read) if entry.dev_eui == dev_eui]
        current = kept.current if kept else None
        return registration, {
            "session": None
            if current is None
            else {
                "number": current.number,
                "dev_addr": f"{current.dev_addr:08x}",
                "f_cnt_up": current.f_cnt_up,
                "f_cnt_down_reserved": current.f_cnt_down,
                "rx_delay_s": current.rx_delay_s,
            },
            "installed": [
                {"place": entry.place_id, "instance": entry.instance, "from_ms": entry.from_ms, "to_ms": entry.to_ms}
                for entry in hangs
            ],
        }

    async def add(self, batch: Batch) -> None:
        """See `Station`."""

        def add(database: apsw.Connection) -> list[DeviceSet]:
            known = list(all_devices(database))
            there = {place.place_id: place for place in all_places(database)}
            if found := conflicts(batch, known, there.values(), places.list_installed(database, now_only=True)):
                raise ConflictError(*found)
            added = devices.add_devices(database, batch.registrations)
            # A row may name a place that is there by its id alone: what is known of it stays.
            places.set_places(database, [place for place in batch.places if place.place_id not in there])
            for entry in batch.installed:
                places.install(database, entry)
            kept = sessions.load_devices(database)
            return [DeviceSet(registration=entry, kept=kept.get(entry.device)) for entry in added]

        with told():
            added = await self._write(add)
        self._tell(added)

    async def remove(self, removal: Removal) -> None:
        """See `Station`."""

        def remove(database: apsw.Connection) -> None:
            forget_lamp(database, device.device, _now_ms())
            devices.remove_device(database, removal.dev_eui)
            places.free(database, removal.dev_eui, _now_ms())

        with told():
            device = self._known(removal.dev_eui)
            await self._write(remove)
        self._tell([DeviceGone(dev_eui=removal.dev_eui)])

    async def replace(self, replacement: Replacement) -> None:
        """See `Station`."""

        def replace(database: apsw.Connection) -> list[Group]:
            places.replace_device(database, replacement.old, replacement.new, replacement.from_ms)
            groups.replace_member(database, replacement.old, replacement.new)
            return groups.load_groups(database)

        with told():
            old, new = self._known(replacement.old), self._known(replacement.new)
            if old.role is not new.role:
                raise ConflictError(
                    f"{eui_to_text(old.dev_eui)} is a {old.role.value} node, {eui_to_text(new.dev_eui)} a "
                    f"{new.role.value} node; a place's series goes on with a node of the same role"
                )
            changed = await self._write(replace)
        self._tell(GroupSet(group=group) for group in changed if replacement.new in group.members)

    async def places(self, after: str, limit: int) -> Sequence[Place]:
        """See `Station`."""
        with told():
            return places.list_places(self._read, after, limit)

    async def set_place(self, place: Place) -> None:
        """See `Station`."""
        with told():
            await self._write(lambda database: places.set_places(database, [place]))
        self._tell(())

    async def installed(self, place_id: str | None) -> Sequence[Installed]:
        """See `Station`."""
        with told():
            rows = places.list_installed(self._read, now_only=place_id is None)
        return [row for row in rows if place_id is None or row.place_id == place_id]

    async def install(self, installed: Installed) -> None:
        """See `Station`."""
        with told():
            registration = self._known(installed.dev_eui)
            if registration.role is Role.FOREIGN:
                raise ConflictError(
                    f"{eui_to_text(installed.dev_eui)} is a foreign device, whose payloads nobody reads"
                )
            if installed.to_ms is None:
                await self._write(lambda database: places.install(database, installed))
            else:
                to_ms = installed.to_ms
                await self._write(lambda database: places.free(database, installed.dev_eui, to_ms))
        self._tell(())

    async def groups(self) -> Sequence[Group]:
        """See `Station`."""
        with told():
            return groups.load_groups(self._read)

    async def set_group(self, name: str, members: tuple[bytes, ...]) -> Group:
        """See `Station`."""

        def set_group(database: apsw.Connection) -> Group:
            for group in groups.load_groups(database):
                if group.name == name:
                    changed = Group(
                        number=group.number,
                        name=name,
                        mc_addr=group.mc_addr,
                        mc_key=group.mc_key,
                        members=members,
                        f_cnt_down=group.f_cnt_down,
                        freq_hz=group.freq_hz,
                        dr=self._rx2_dr,
                    )
                    groups.set_group(database, changed)
                    return changed
            made = Group(
                number=0,  # the store gives it its own
                name=name,
                mc_addr=_MC_ADDR_PREFIX | secrets.randbits(24),
                mc_key=secrets.token_bytes(16),
                members=members,
                dr=self._rx2_dr,
            )
            return groups.add_group(database, made)

        if not name:
            raise ConflictError("a group needs a name")
        with told():
            for member in members:
                if not self._known(member).class_c:
                    raise ConflictError(f"{eui_to_text(member)} does not listen all the time; a group is of class C")
            group = await self._write(set_group)
        self._tell([GroupSet(group=group)])
        return group

    async def readings(self, after: int, limit: int) -> tuple[Sequence[Json], int | None]:
        """See `Station`."""
        rows: list[Json] = []
        with told():
            messenger = self._messenger()
            page = records.records_after(self._read, after, limit)
        for stored in page.records:
            try:
                messages = messenger.messages_of(stored.id, stored.record)
            except UnreadableRecordError as error:
                rows.append({"id": stored.id, "error": str(error)})
                continue
            if messages is None:
                rows.append({"id": stored.id, "kind": stored.record.kind.name.lower(), "received": None})
                continue
            rows += [{"id": stored.id, **orjson.loads(message.payload)} for message in messages]
        return rows, page.last_id if page.more else None

    async def orders(self, before: int | None, limit: int) -> Sequence[Json]:
        """See `Station`. Payloads stay inside: they may hold keys."""
        with told():
            euis = devices.dev_euis(self._read)
            found = orders.list_orders(self._read, before, limit)
        return [
            {
                "id": order.id,
                "dev_eui": None if order.target_device is None else _eui_text(euis, order.target_device),
                "group": order.target_group,
                "order": order.description,
                "state": order.state,
                "detail": order.detail,
                "tries": order.tries,
                "source": order.source,
            }
            for order in found
        ]

    async def quarantine(self, before: int | None, limit: int) -> Sequence[Json]:
        """See `Station`."""
        with told():
            euis = devices.dev_euis(self._read)
            boots = Boots(load_boots(self._read))
            found = quarantine.list_quarantine(self._read, before, limit)
        rows = []
        for kept in found:
            entry = kept.entry
            received_ms = boots.unix_ms(entry.boot, entry.received_ms)
            rows.append(
                {
                    "id": kept.id,
                    "dev_eui": _eui_text(euis, entry.device),
                    "received": None if received_ms is None else iso_utc(received_ms),
                    "f_cnt": entry.f_cnt,
                    "f_port": entry.f_port,
                    "reason": entry.reason,
                    "payload": entry.payload.hex(),
                }
            )
        return rows

    async def snapshot(self) -> str:
        """See `Station`."""
        with told():
            async with self._snapshotting:
                taken = await self._write(lambda database: snapshot.take_snapshot(database, _now_ms()), alone=True)
                # In a thread, because a worn card syncs for a second, and uplinks want their answers.
                writing = asyncio.ensure_future(
                    asyncio.to_thread(snapshot.write_snapshot, self._layout.snapshot, taken)
                )
                try:
                    await asyncio.shield(writing)
                except asyncio.CancelledError:
                    await writing  # two must not write it at once
                    raise
        return str(self._layout.snapshot)

    async def backup(self) -> str:
        """See `Station`. The oldest backups beyond those to keep go."""
        target = self._backups / backup.backup_name(time.strftime("%Y%m%dT%H%M%S", time.gmtime()))
        with told():
            copying = backup.Backup(target)
            try:
                while not await self._write(copying.step, alone=True):
                    pass
            except BaseException:
                # Where it is written: there a step may be under way still, if it is we who are broken off.
                await self._write(lambda database: copying.cancel(), alone=True)
                raise
            backup.forget_old(self._backups, self._keep)
        return str(target)

    async def replay(self, since_ms: int, publisher: str) -> int:
        """See `Station`. Moves the cursor in the store: a running publisher must be told instead."""

        def move(database: apsw.Connection) -> int:
            first = first_id_since(database, since_ms)
            last = records.id_range(database)[1]
            return _reopen(database, publisher, [(first, last)])

        with told():
            return await self._write(move)

    async def replay_parked(self, publisher: str) -> int:
        """See `Station`. Changes the cursor in the store: a running publisher must be told instead."""

        def move(database: apsw.Connection) -> int:
            parked = cursors.list_parked(database, publisher)
            if parked:
                _reopen(database, publisher, [(row.record_id, row.record_id) for row in parked])
            for row in parked:
                cursors.unpark(database, publisher, row.record_id)
            return len(parked)

        with told():
            return await self._write(move)

    def directory(self) -> Directory:
        """Devices and places as they are now, those that were removed included; kept until they change."""
        if self._directory is None:
            self._directory = directory_of(self._read)
        return self._directory

    def _messenger(self) -> Messenger:
        boots = Boots(load_boots(self._read))

        def resolve(boot: int, ms: int) -> tuple[int, int] | None:
            unix_ms = boots.unix_ms(boot, ms)
            return None if unix_ms is None else (unix_ms, 0)

        return Messenger(
            prefix=self._prefix,
            site=self._site,
            directory=self.directory(),
            datasets=self._datasets,
            door=Sharing.INTERNAL,  # whoever may open the socket or the file is the city itself
            resolve=resolve,
        )

    def _known(self, dev_eui: bytes) -> Registration:
        registration = devices.get_device(self._read, dev_eui)
        if registration is None:
            raise NotFoundError(f"DevEUI {eui_to_text(dev_eui)} is not registered; `devices list` shows who is")
        return registration

    def _tell(self, changes: Iterable[Change]) -> None:
        self._directory = None
        self._changed(tuple(changes))


def _reopen(database: apsw.Connection, publisher: str, ranges: Iterable[tuple[int, int]]) -> int:
    """Have the publisher send again what it sent of these ids, (first, last); returns how many."""
    kept = cursors.load_cursor(database, publisher)
    if kept is None:
        raise NotFoundError(f"there is no publisher {publisher} that ever delivered; nothing to repeat")
    reached = Reached.from_text(kept.state)
    pending = Intervals(reached.pending)
    count = 0
    for first, last in ranges:
        last = min(last, reached.head)
        if first <= last:
            pending.add(first, last)
            count += last - first + 1
    moved = cursor_of(reached.head, pending)
    state = cursors.Cursor(publisher=publisher, delivered_id=moved.done_up_to(), state=moved.to_text())
    cursors.keep_cursor(database, state)
    return count


def first_id_since(database: apsw.Connection, since_ms: int) -> int:
    """The id of the first record received at or after Unix *since_ms*; one past the last when there is none.

    Ids grow with time, so it is searched by halving. A record without a date yet counts as late: to send one too often
    is harmless, as it carries the same key.
    """
    boots = Boots(load_boots(database))
    low, high = records.id_range(database)
    high += 1
    while low < high:
        middle = (low + high) // 2
        page = records.records_after(database, middle - 1, 1)
        if not page.records:
            high = middle if not page.damaged else high
            if page.damaged:
                low = page.last_id + 1
            continue
        stored = page.records[0]
        unix_ms = boots.unix_ms(stored.record.boot, stored.record.received_ms)
        if unix_ms is None or unix_ms >= since_ms:
            high = middle
        else:
            low = stored.id + 1
    return low


@contextlib.contextmanager
def told() -> Iterator[None]:
    """What the store raises, as the station's errors."""
    try:
        yield
    except RegistryError as error:
        raise ConflictError(str(error)) from None
    except StoreError as error:
        raise UnavailableError(str(error)) from None
    except apsw.Error as error:
        raise UnavailableError(str(explain(error, "the database"))) from None
    except OSError as error:
        raise UnavailableError(f"{error.filename or 'the disk'}: {error.strerror}; look at the disk") from None


def all_devices(database: apsw.Connection, *, removed: bool = False) -> Iterator[Registration]:
    """Every device, page by page; removed: those that were removed as well."""
    after = 0
    while page := devices.list_devices(database, after, _PAGE, removed=removed):
        yield from page
        after = page[-1].device


def all_places(database: apsw.Connection) -> Iterator[Place]:
    """Every place, page by page."""
    after = ""
    while page := places.list_places(database, after, _PAGE):
        yield from page
        after = page[-1].place_id


def directory_of(database: apsw.Connection) -> Directory:
    """Devices and places as they are now, with the removed ones: records of theirs may still have to go."""
    return Directory(all_devices(database, removed=True), all_places(database), places.list_installed(database))


def _eui_text(euis: dict[int, bytes], device: int) -> str | None:
    dev_eui: Any = euis.get(device)
    return None if dev_eui is None else eui_to_text(dev_eui)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
