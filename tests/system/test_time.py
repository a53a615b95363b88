"""A gateway that does not know the time, or is told a wrong one: nothing is lost, nothing is dated by a guess."""

import asyncio
import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from gateway.api.station import OrderForm, RefusedError
from gateway.network.registration import Registration, Role
from gateway.readings.record import Kind
from protocol.lorawan.frames import DOWNLINK, parse_frame
from protocol.lorawan.mac_commands import DEVICE_TIME, parse_commands
from tests.fakes.broker import Mosquitto
from tests.fakes.talkers import Talker
from tests.system.street import JOIN_EUI, Street
from tests.system.test_day import Subscriber, moment
from tests.system.test_kill import AnsweringStreet

TRUE_S = 1_798_000_000  # 2026-12-23, true Unix time of virtual 0; after any program that runs this was made
TRUE_MS = TRUE_S * 1000
HOUR_S = 3600
YEAR_MS = 366 * 86_400_000
SEED = 7


def unknown() -> tuple[int | None, str]:
    return None, "the kernel says it is not synchronised"


def known(ms: int = TRUE_MS) -> tuple[int | None, str]:
    return ms, "by hand"


def virtual_ms(iso: str) -> float:
    """Virtual ms of a published time."""
    return moment(iso).timestamp() * 1000 - TRUE_MS


def rows(folder: Path, kind: Kind) -> list[tuple[int | None, int]]:
    """(boot, received_ms) of all records of a kind, in their order."""
    database = apsw.Connection(str(folder / "store" / "gateway.sqlite"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return list(database.execute("SELECT boot, received_ms FROM record WHERE kind = ? ORDER BY id", (int(kind),)))
    finally:
        database.close()


def times_told(street: Street) -> int:
    """How many DeviceTimeAns went on the air."""
    found = 0
    for _, txpk in street.emitted:
        phy_payload = base64.b64decode(txpk["data"])
        if phy_payload[0] >> 5 in (3, 5):
            commands = parse_commands(bytes(parse_frame(phy_payload).f_opts), DOWNLINK)
            found += sum(cid == DEVICE_TIME for cid, _ in commands)
    return found


async def order_at(street: Street, dev_eui: bytes, expires_in_s: int = 3600) -> int:
    form = OrderForm(target=dev_eui, verb="identify", arguments={"seconds": 5}, expires_in_s=expires_in_s)
    giving = asyncio.ensure_future(street.gateway.station.give_order(form))
    await street.until(giving.done)
    return int(giving.result()[0])


async def speak(street: Street, talkers: list[Talker], turns: int, pause_s: float) -> None:
    for _ in range(turns):
        for talker in talkers:
            street.say(talker.speak())
            await street.live(pause_s)


async def until_told(street: Street, subscriber: Subscriber, readings: int) -> None:
    await street.until(lambda: len(subscriber.of("reading")) >= readings)


class _Late:
    """A boot that learns the time after an hour and a half."""

    def __init__(self, folder: Path, port: int) -> None:
        self.street = Street(folder, port, SEED)
        self.subscriber = Subscriber(port)
        self.refusal = ""

    async def live(self) -> None:
        street = self.street
        street.look = unknown
        dev_eui = street.air_node(1, bytes(16))
        street.register([Registration(device=0, dev_eui=dev_eui, role=Role.AIR, join_eui=JOIN_EUI, app_key=bytes(16))])
        await street.begin()
        await street.live(1.5 * HOUR_S)
        with pytest.raises(RefusedError) as refused:
            await street.gateway.station.give_order(
                OrderForm(target=dev_eui, verb="identify", arguments={"seconds": 5}, expires_in_s=60)
            )
        self.refusal = str(refused.value)
        await street.until(lambda: street.gateway.quiet())
        self.undated = rows(street.folder, Kind.READING)
        self.published_before = len(self.subscriber.of("reading"))
        self.told_before = times_told(street)
        street.look = known
        await street.live(2)
        await until_told(street, self.subscriber, len(self.undated))
        self.asleep_ms = street.clock.now_ms()
        self.first = self.subscriber.of("reading")
        await street.live(2 * HOUR_S)
        await order_at(street, dev_eui)
        await street.end()
        self.subscriber.close()


@pytest.fixture(scope="module", name="late")
def _late(tmp_path_factory):
    folder = tmp_path_factory.mktemp("late")
    with Mosquitto(folder) as broker:
        late = _Late(folder, broker.port)
        asyncio.run(asyncio.wait_for(late.live(), timeout=120))
        return late


def test_readings_before_the_time_is_known_keep_boot_and_monotonic_time(late):
    ends_ms = [frame.end_us / 1000 for frame in late.street.uplinks]
    assert len(late.undated) >= 5
    for boot, received_ms in late.undated:
        assert boot == 1
        assert any(0 <= received_ms - end_ms < 2 for end_ms in ends_ms)


def test_they_are_held_back_and_published_with_right_dates_within_two_seconds(late):
    assert late.published_before == 0
    assert len(late.first) == len(late.undated)
    ends_ms = [frame.end_us / 1000 for frame in late.street.uplinks]
    for message in late.first:
        assert any(abs(virtual_ms(message["received"]) - end_ms) < 2 for end_ms in ends_ms), message
        assert 0 <= virtual_ms(message["observed"]) <= virtual_ms(message["received"])
        assert message["time_error_s"] <= 2 + (virtual_ms(message["received"]) - virtual_ms(message["observed"])) / 1000


def test_no_node_is_told_the_time_and_no_order_is_taken_before(late):
    assert late.told_before == 0
    assert times_told(late.street) > 0
    assert "does not know the time yet" in late.refusal


async def two_boots(folder: Path, port: int) -> tuple[list[dict[str, Any]], int]:
    """A boot that knows the time, one that never does, and one that does again two hours later."""
    subscriber = Subscriber(port)
    talker = Talker(1)
    for boot, (begins_s, look) in enumerate(((0, known), (HOUR_S, unknown), (3 * HOUR_S, None))):
        street = Street(folder, port, SEED)  # whose monotonic clock begins anew
        street.look = look or (lambda: known(TRUE_MS + 3 * HOUR_S * 1000))
        if boot == 0:
            street.register([talker.registration()])
        await street.begin()
        if boot == 0:
            street.say(talker.status())
            await street.live(2)
        await speak(street, [talker], 5, 60)
        if boot != 1:
            await until_told(street, subscriber, talker.taken)
        assert begins_s <= 3 * HOUR_S
        await street.end()
    told = subscriber.of("reading")
    subscriber.close()
    return told, talker.taken


def test_a_boot_that_never_knew_the_time_is_dated_with_the_error_that_this_has(tmp_path):
    with Mosquitto(tmp_path) as broker:
        told, taken = asyncio.run(asyncio.wait_for(two_boots(tmp_path, broker.port), timeout=300))
    assert sorted(message["key"]["seq"] for message in told) == list(range(taken))
    assert [row for row in rows(tmp_path, Kind.READING) if row[0] is not None] == [
        (2, row[1]) for row in rows(tmp_path, Kind.READING) if row[0] is not None
    ]
    begins_ms = (0, HOUR_S * 1000, 3 * HOUR_S * 1000)
    for message in told:
        boot, turn = divmod(message["key"]["seq"], 5)
        truly_ms = begins_ms[boot] + turn * 60_000
        off_s = abs(virtual_ms(message["received"]) - truly_ms) / 1000
        assert off_s <= message["time_error_s"] + 3, message
        # A talker says that its readings are 15 minutes old, by a clock that may be 3 % off.
        assert message["time_error_s"] <= 29 + (3 * HOUR_S / 2 if boot == 1 else 1), message


async def jumping(street: Street, talkers: list[Talker], jumps: list[Any]) -> None:
    for look in jumps:
        street.look = look
        await speak(street, talkers, 4, 45)
        street.look = known
        await speak(street, talkers, 1, 45)


def test_jumps_of_a_year_and_to_1970_lose_nothing_and_end_nothing_early(tmp_path):
    """What a clock says for some minutes after it was trusted: a year on, a year back, the epoch."""
    talker = Talker(1)
    looks = {"count": 0}

    def counted(look: Any) -> Any:
        def counting() -> Any:
            looks["count"] += 1
            return look()

        return counting

    async def live(port: int) -> tuple[Street, list[dict[str, Any]], list[Any], int]:
        subscriber = Subscriber(port)
        street = Street(tmp_path, port, SEED)
        street.look = known
        street.register([talker.registration()])
        await street.begin()
        street.say(talker.status())
        await street.live(2)
        order = await order_at(street, talker.dev_eui, 4 * HOUR_S)
        jumps = [
            counted(lambda: known(TRUE_MS + YEAR_MS)),
            counted(lambda: known(TRUE_MS - YEAR_MS)),
            counted(lambda: known(-street.clock.now_ms())),  # 1970 now
            counted(unknown),
        ]
        await jumping(street, [talker], jumps)
        states = [await state_of(street, order)]
        await until_told(street, subscriber, talker.taken)
        await street.live(4.5 * HOUR_S)
        states.append(await state_of(street, order))
        await street.end()
        told = subscriber.of("reading")
        subscriber.close()
        return street, told, states, street.clock.now_ms()

    with Mosquitto(tmp_path) as broker:
        _, told, states, _ = asyncio.run(asyncio.wait_for(live(broker.port), timeout=300))
    assert states == ["sent", "expired"]
    assert [message["key"]["seq"] for message in told] == list(range(talker.taken)), "each once, in their order"
    assert len(rows(tmp_path, Kind.READING)) == talker.taken
    received = [virtual_ms(message["received"]) for message in told]
    assert received == sorted(received)
    assert received[-1] < HOUR_S * 1000
    assert looks["count"] <= 4 * 4 * 45, "once a second at most"


async def state_of(street: Street, order: int) -> str:
    return next(str(known["state"]) for known in await street.gateway.station.orders(None, 10) if known["id"] == order)


def test_a_jump_that_lasts_is_followed_and_the_way_back_as_well(tmp_path):
    """Whoever corrects a wrong clock is heard: after ten minutes the new time is the time."""
    talker = Talker(1)

    async def live(port: int) -> list[dict[str, Any]]:
        subscriber = Subscriber(port)
        street = AnsweringStreet(tmp_path, port, SEED)
        street.talkers = [talker]
        street.look = known
        street.register([talker.registration()])
        await street.begin()
        street.say(talker.status())
        await street.live(2)
        for look in (known, lambda: known(TRUE_MS + YEAR_MS), known):
            street.look = look
            await speak(street, [talker], 6, 300)
        for _ in range(30):  # after the jump the node is asked whether its log is still the same
            await speak(street, [talker], 1, 600)
            while talker.owes():
                await speak(street, [talker], 1, 4)
        await until_told(street, subscriber, talker.taken - 1)
        await street.end()
        told = subscriber.of("reading")
        subscriber.close()
        return told

    with Mosquitto(tmp_path) as broker:
        told = asyncio.run(asyncio.wait_for(live(broker.port), timeout=300))
    assert {message["key"]["seq"] for message in told} == set(range(talker.taken))
    by_seq = sorted(told, key=lambda message: message["key"]["seq"])
    years = [datetime.fromisoformat(message["received"]).astimezone(UTC).year for message in by_seq]
    assert (years[0], years[-1], set(years)) == (2026, 2026, {2026, 2027})
