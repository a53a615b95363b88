"""A store that is damaged or lost: the gateway goes on from what is left, and no node needs a visit."""

import asyncio
import base64
import functools
import importlib.metadata
import os
import random
import shutil
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.api.station import Removal
from gateway.operate.importing import Batch
from gateway.store.backup import restore
from gateway.store.database import PAGE_SIZE
from tests.cddl import NET
from tests.fakes.broker import Mosquitto
from tests.fakes.devices import Device
from tests.system.lasting import City, Key, LastingStreet, lamp_keys

HOUR_S = 3600
DAY_S = 24 * HOUR_S
SEED = 20260102
# A node that was answered in a session that the gateway has lost gives it up after 320 uplinks, 3.3 days.
LONG = os.environ.get("LAMPYRE_HYPOTHESIS") == "soak"


@pytest.fixture(autouse=True)
def _net_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """What such nodes say is held against lampyre.cddl in test_day.py; here it would take longer than all else."""
    monkeypatch.setattr(NET, "check", lambda *_: None)
    # Asked for the health of every minute, some ten thousand times.
    monkeypatch.setattr(importlib.metadata, "version", functools.cache(importlib.metadata.version))


def play(folder: Path, story: Callable[[LastingStreet, City], Coroutine[Any, Any, None]], loss: float = 0.0) -> None:
    """Run a story over a real broker."""

    async def run(port: int) -> None:
        street = LastingStreet(folder, port, SEED, loss)
        city = City(port)
        try:
            await asyncio.wait_for(story(street, city), timeout=240)
        finally:
            city.close()

    with Mosquitto(folder) as broker:
        asyncio.run(run(broker.port))


async def settled(street: LastingStreet, city: City, days: float = 2, but: Collection[Key] = ()) -> None:
    """Let time pass until the city has all that was taken by now, but for some, and see that it is what was taken."""
    wanted = street.taken.keys() - but
    for _ in range(int(days * 24)):
        if wanted <= city.look().readings.keys():
            break
        await street.live(HOUR_S)
    missing = sorted(wanted - city.readings.keys())
    assert not missing, f"{len(missing)} of {len(wanted)} never arrived, such as {missing[:3]}"
    for key, told in city.readings.items():
        assert told == street.taken[key], f"{key} was told as {told}"


def header(path: Path, dice: random.Random) -> None:
    """Nothing says any more that it is a database."""
    with path.open("r+b") as file:
        file.write(dice.randbytes(100))


def middle(path: Path, dice: random.Random) -> None:
    """Pages in the middle are noise."""
    with path.open("r+b") as file:
        for page in sorted(dice.sample(range(1, path.stat().st_size // PAGE_SIZE), 3)):
            file.seek(page * PAGE_SIZE)
            file.write(dice.randbytes(PAGE_SIZE))


def truncated(path: Path, dice: random.Random) -> None:
    """The second half is gone."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // PAGE_SIZE * PAGE_SIZE)


def gone(path: Path, dice: random.Random) -> None:
    """All of it is gone."""
    path.unlink()


def log_damaged(path: Path, dice: random.Random) -> None:
    """A bit has flipped in the middle of a log."""
    log = path.with_name(path.name + "-wal")
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 3)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 0x10]))


def cut(street: LastingStreet, away: Path) -> None:
    """Keep the store as a power cut now would leave it: its log not brought home."""
    shutil.copytree(street.folder / "store", away)


def bring_home(path: Path) -> None:
    """A log that stays would heal what it holds."""
    database = apsw.Connection(str(path))
    assert database.pragma("journal_mode") == "wal"  # so that it is read
    database.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    database.close()


def aside(street: LastingStreet) -> set[str]:
    """The files that were set aside."""
    found = {path.name for path in (street.folder / "store").glob("gateway.sqlite.corrupt-*")}
    return {name for name in found if not name.endswith(("-wal", "-shm"))}


def test_a_damaged_store_is_set_aside_and_the_street_goes_on(tmp_path, caplog):
    dice = random.Random(f"{SEED}/damage")

    async def story(street: LastingStreet, city: City) -> None:
        path = street.folder / "store" / "gateway.sqlite"
        await street.begin()
        airs = [street.air_node(number) for number in (1, 2)]
        lamps = [street.lamp(number, *lamp_keys(bytes([number]))) for number in (1, 2)]
        await street.add(airs, lamps)
        await street.live(HOUR_S)
        group = await street.group("rue Auguste-Mounié", lamps)
        await street.live(2 * HOUR_S)
        joins = street.joins()
        level = 20
        for number, damage in enumerate((header, middle, truncated, log_damaged, gone)):
            if damage is log_damaged:
                await street.until(street.gateway.quiet)
                cut(street, tmp_path / "cut")
            await street.end()
            if damage is log_damaged:
                shutil.rmtree(path.parent)
                shutil.move(tmp_path / "cut", path.parent)
            else:
                bring_home(path)
            before = aside(street)
            damage(path, dice)
            await street.live(HOUR_S)  # nobody hears the nodes
            await street.begin()
            assert street.gateway.engine.counts["alarm:store_rebuilt"] == 1, damage.__name__
            assert "check the card" in [line for line in caplog.messages if "store_rebuilt" in line][-1]
            assert len(aside(street) - before) == (damage is not gone), "a damaged file is never deleted"
            level += 5
            await street.order(lamps[number % 2], "set_level", level_pct=level, fade_s=1, hold_s=HOUR_S)
            assert street.levels(lamps)[number % 2] == (level, 1), f"the first order after {damage.__name__}"
            level += 5
            await street.order(group, "set_level", level_pct=level, fade_s=2, hold_s=HOUR_S)
            assert street.levels(lamps) == [(level, 2)] * 2
            await street.live(3 * HOUR_S)
            await settled(street, city)
        assert street.joins() == joins, "nobody joined anew"
        await street.end()

    play(tmp_path, story)


def undelivered(path: Path, dice: random.Random) -> None:
    """Some pages that hold readings are noise, and the rest of the file is as it was."""
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    contents = [content for (content,) in database.execute("SELECT content FROM record WHERE kind = 1")]
    database.close()
    pages = path.read_bytes()
    hit = sorted({pages.index(content) // PAGE_SIZE for content in dice.sample(contents, 4)})
    with path.open("r+b") as file:
        for page in hit:
            file.seek(page * PAGE_SIZE)
            file.write(dice.randbytes(PAGE_SIZE))


@pytest.mark.parametrize("damage", [undelivered, truncated, gone])
def test_what_had_not_left_yet_and_is_lost_with_the_store_is_asked_for_again(tmp_path, damage):
    """The broker is away for half a day; then, before anything left, the card fails."""
    dice = random.Random(f"{SEED}/{damage.__name__}")

    async def story(street: LastingStreet, city: City) -> None:
        path = street.folder / "store" / "gateway.sqlite"
        broker, street.mqtt_port = street.mqtt_port, 1  # where nobody listens
        await street.begin()
        airs = [street.air_node(number) for number in (1, 2)]
        await street.add(airs, [])
        await street.live(12 * HOUR_S)
        await street.end()
        bring_home(path)
        damage(path, dice)
        street.mqtt_port = broker
        await street.begin()
        asked = [word for word in street.gateway._cabinet.store.notes[0].split() if word.isdecimal()]
        assert int(asked[-1]) > 0
        await settled(street, city)
        await street.end()

    play(tmp_path, story)


def test_a_week_old_backup_on_a_blank_machine_needs_no_visit(tmp_path):
    async def story(street: LastingStreet, city: City) -> None:
        path = street.folder / "store" / "gateway.sqlite"
        await street.begin()
        airs = [street.air_node(number) for number in ((1, 2, 3) if LONG else (1, 2))]
        lamps = [street.lamp(number, *lamp_keys(bytes([number]))) for number in (1, 2)]
        await street.add(airs, lamps)
        await street.live(HOUR_S)
        group = await street.group("rue Auguste-Mounié", lamps)
        await street.live(2 * HOUR_S)
        backup = Path(await street.ask(street.gateway.station.backup()))
        usb = Path(shutil.copy(backup, tmp_path / "usb.sqlite"))
        await street.until(street.gateway.quiet)
        saved = set(city.look().readings)

        # The week that will be lost: orders, a node that joins anew, and one that does so just before the end.
        for day in range(7):
            await street.live(DAY_S - 4 * HOUR_S)
            await street.order(lamps[day % 2], "set_level", level_pct=30, fade_s=1, hold_s=HOUR_S)
            await street.order(group, "set_level", level_pct=35, fade_s=1, hold_s=HOUR_S)
            await street.live(4 * HOUR_S)
            if day == 0:
                street.reboot(airs[0], new_epoch=0xBEEF)  # the backup knows its old log only
            if day == 4 and LONG:
                street.reboot(airs[2], forget=("session",))
        accepts = street.accepts
        street.reboot(airs[1], forget=("session",))
        while street.accepts == accepts:
            await street.live(0.02)
        joins = street.joins()
        await street.end()

        shutil.rmtree(path.parent)
        restore(usb, path, "20260109")
        again = City(street.mqtt_port)
        await street.begin()
        assert not aside(street), "nothing was set aside on a blank machine"
        await street.order(lamps[0], "set_level", level_pct=55, fade_s=1, hold_s=HOUR_S)
        assert street.levels(lamps)[0] == (55, 1), "the first order"
        await street.order(group, "set_level", level_pct=65, fade_s=2, hold_s=HOUR_S)
        assert street.levels(lamps) == [(65, 2)] * 2
        wiped = {key for key in street.taken if key[:2] == (airs[0].hex(), 1)}
        await settled(street, again, days=8, but=saved | wiped)  # all of the week, from the nodes' own logs
        assert again.told == len(again.readings), "a reading was told twice"
        again.close()
        for key, told in city.look().readings.items():
            assert told == street.taken[key]
        new = street.joins() - joins
        assert new == {air.hex(): 1 for air in airs[1:]}, "those whose sessions were lost, by themselves"
        await street.end()

    play(tmp_path, story)


def test_logs_that_begin_anew_joins_amid_repeats_and_numbers_beyond_16_bits_lose_nothing(tmp_path):
    async def story(street: LastingStreet, city: City) -> None:
        await street.begin()
        # Their numbers pass 65,536, and twice that, within the first hours.
        airs = [street.air_node(number, first_seq=first) for number, first in ((1, 0xFFF8), (2, 0x1FFFA), (3, 0))]
        await street.add(airs, [])
        await street.live(3 * HOUR_S)
        street.reboot(airs[0], forget=("session",))  # joins anew while repeats are owed
        street.reboot(airs[1])  # a power cut: reserved numbers are void
        await street.live(3 * HOUR_S)
        await street.end()
        await street.live(HOUR_S)
        street.reboot(airs[2], new_epoch=0xABCD)  # nobody hears that its log is wiped
        await street.begin()
        await street.live(3 * HOUR_S)
        street.reboot(airs[0], new_epoch=0x1234, forget=("session", "seq", "boots", "orders"))
        await street.live(3 * HOUR_S)
        wiped = {key for key in street.taken if key[:2] in ((airs[2].hex(), 3), (airs[0].hex(), 1))}
        lost = wiped - city.look().readings.keys()
        assert len(lost) <= 5 + 4, "only what was in a log that is no more"  # an hour unheard, and what was repeated
        await settled(street, city, but=lost)
        assert city.told == len(city.readings), "a reading was told twice"
        epochs = {key[:2] for key in city.readings}
        assert epochs == {
            (airs[0].hex(), 1),
            (airs[0].hex(), 0x1234),
            (airs[1].hex(), 2),
            (airs[2].hex(), 3),
            (airs[2].hex(), 0xABCD),
        }
        seqs = {key[2] for key in city.readings if key[0] != airs[2].hex()}
        assert min(seqs) == 0
        assert {0xFFFF, 0x10000, 0x1FFFF, 0x20000} <= seqs
        await street.end()

    play(tmp_path, story, loss=0.1)


def test_a_node_that_comes_back_joins_by_its_key_alone(tmp_path):
    """With the AppKey it had its DevNonces count on, with a new one they begin anew: live, and over a restart."""

    async def story(street: LastingStreet, city: City) -> None:
        async def joins(device: Device, request: bytes) -> bool:
            accepts = street.accepts
            street.say(request)
            await street.live(10)
            if street.accepts == accepts:
                return False
            nonce = device.hear_accept(base64.b64decode(street.emitted[-1][1]["data"])).join_nonce
            assert nonce not in nonces, "a JoinNonce was used twice"
            nonces.add(nonce)
            f_cnt_up = street.gateway.engine.counts["accepted"]
            street.say(device.frame(0))
            await street.live(10)
            assert street.gateway.engine.counts["accepted"] == f_cnt_up + 1
            return True

        async def comes_back(device: Device, *restarts: bool) -> None:
            station = street.gateway.station
            await street.ask(station.remove(Removal(dev_eui=device.dev_eui)))
            if restarts[0]:
                await street.end()
                await street.begin()
            await add(device)
            if restarts[1]:
                await street.end()
                await street.begin()

        async def add(device: Device) -> None:
            await street.ask(street.gateway.station.add(Batch(registrations=(device.registration(device=0),))))

        nonces: set[int] = set()
        await street.begin()
        device = Device(1, joins=True)
        device.nonce = 500
        await add(device)
        recorded = device.join_request()
        assert await joins(device, recorded)
        for restarts in ((False, False), (True, False), (False, True)):
            await comes_back(device, *restarts)
            assert not await joins(device, recorded), f"a recorded Join-Request was taken after {restarts}"
            assert street.gateway.engine.counts["refused:reused_dev_nonce"] == 1
            recorded = device.join_request()
            assert await joins(device, recorded)
            street.gateway.engine.counts.clear()
        for number, restarts in enumerate(((False, False), (True, False), (False, True))):
            device = Device(1, joins=True)
            device.app_key = bytes([number]) * 16
            await comes_back(device, *restarts)
            assert await joins(device, device.join_request()), f"counts from 0, after {restarts}"
            await street.end()
            await street.begin()
            assert await joins(device, device.join_request()), "and on, after another start"
        await street.end()

    play(tmp_path, story)


def test_a_log_that_was_wiped_since_the_backup_is_not_taken_for_the_one_of_then(tmp_path):
    async def story(street: LastingStreet, city: City) -> None:
        path = street.folder / "store" / "gateway.sqlite"
        await street.begin()
        air = street.air_node(1)
        await street.add([air], [])
        await street.live(2 * HOUR_S)
        usb = Path(shutil.copy(await street.ask(street.gateway.station.backup()), tmp_path / "usb.sqlite"))
        street.reboot(air, new_epoch=0xBEEF)
        await street.live(6 * HOUR_S)  # the gateway hears of the new log, and will have forgotten
        await street.end()
        shutil.rmtree(path.parent)
        restore(usb, path, "20260102")
        again = City(street.mqtt_port)
        await street.begin()
        old = {key for key in street.taken if key[1] == 1}
        await settled(street, again, but=old)
        again.close()
        await street.end()

    play(tmp_path, story)
