"""The running station: orders, replay and uplinks as the local API asks for them."""

import pytest

from gateway.api.station import NotFoundError, OrderForm, RefusedError, UnavailableError
from gateway.network.events import Reason, Refused
from gateway.operate.importing import Batch
from gateway.process import Gateway
from gateway.store.faults import FaultKind, StoreError
from gateway.store.writer import Failed
from tests.fakes.broker import Mosquitto
from tests.fakes.clocks import HandClock
from tests.fakes.devices import Device
from tests.gateway.gateways import running, until

NODE, LAMP = Device(1), Device(2, class_c=True)


async def register(gateway: Gateway) -> None:
    entries = (NODE.registration(device=0), LAMP.registration(device=0, gen_app_key=bytes(16)))
    await gateway.station.add(Batch(registrations=entries, places=(), installed=()))


def order(target: bytes | int, verb: str = "identify", **arguments: object) -> OrderForm:
    return OrderForm(target=target, verb=verb, arguments=arguments)


def test_an_order_is_kept_and_shown(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        await register(gateway)
        assert await gateway.station.give_order(order(NODE.dev_eui, seconds=5)) == (1,)
        group = await gateway.station.set_group("rue", (LAMP.dev_eui,))
        assert await gateway.station.give_order(order(group.number, "set_level", level_pct=40, hold_s=60)) == (2,)
        shown = await gateway.station.orders(None, 10)
        assert [(entry["id"], entry["group"], entry["state"]) for entry in shown] == [
            (2, group.number, "queued"),
            (1, None, "queued"),
        ]

    running(tmp_path, act)


def test_an_order_that_cannot_be_is_refused_with_a_sentence(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        await register(gateway)
        with pytest.raises(NotFoundError, match="not registered"):
            await gateway.station.give_order(order(bytes(8)))
        with pytest.raises(NotFoundError, match="no group 7"):
            await gateway.station.give_order(order(7))
        with pytest.raises(RefusedError, match="explode"):
            await gateway.station.give_order(order(NODE.dev_eui, "explode"))

    running(tmp_path, act)


def test_an_order_that_cannot_be_kept_is_unavailable_and_never_was(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        await register(gateway)
        writer = gateway._cabinet.writer

        def fail(commit: object) -> None:
            writer.submit = submit
            gateway.engine.written(Failed(StoreError(FaultKind.FULL, "the disk is full")), clock.now_ms())

        submit, writer.submit = writer.submit, fail
        with pytest.raises(UnavailableError, match="full"):
            await gateway.station.give_order(order(NODE.dev_eui, seconds=5))
        assert await gateway.station.orders(None, 10) == []
        assert await gateway.station.give_order(order(NODE.dev_eui, seconds=5)) == (2,)

    running(tmp_path, act)


def test_without_a_broker_there_is_nothing_to_replay(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        with pytest.raises(NotFoundError, match="no publisher mqtt"):
            await gateway.station.replay(0, "mqtt")

    running(tmp_path, act)


def test_a_replay_sends_what_was_acknowledged_again(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        assert await gateway.station.replay(0, "mqtt") == 0
        for number in range(3):
            gateway.engine.note("of_ours", str(number), clock.now_ms())
        outlet = gateway._outlet
        assert outlet is not None

        def done(times: int) -> bool:
            clock.move_to(clock.now_ms() + 50)
            figures = outlet.figures()
            return figures is not None and figures.connected and figures.backlog == 0 and figures.accepted >= times

        await until(lambda: done(3))
        figures = outlet.figures()
        assert figures is not None
        with pytest.raises(NotFoundError, match="no publisher ngsi"):
            await gateway.station.replay(0, "ngsi")
        count = await gateway.station.replay(0, "mqtt")
        assert count >= 3
        await until(lambda: done(figures.accepted + 1))

    with Mosquitto(tmp_path) as broker:
        more = f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\naudience = "internal"\ntls = false\n'
        running(tmp_path, act, more)


def test_uplinks_and_counters_are_the_watchs(tmp_path):
    async def act(gateway: Gateway, clock: HandClock) -> None:
        refused = Refused(reason=Reason.MALFORMED, dev_addr=None, detail="noise")
        gateway._cabinet.watch.refused(refused, clock.now_ms())
        [shown] = await gateway.station.uplinks(0, 10, 0)
        assert shown["refused"] == "malformed"
        assert await gateway.station.counters() == {}

    running(tmp_path, act)
