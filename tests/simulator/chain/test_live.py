"""A virtual street before a real gateway: real sockets, and a clock that goes as fast as the street."""

import asyncio
import socket
from pathlib import Path

import pytest

from gateway.config.load import parse_config
from gateway.operate.importing import parse_csv
from gateway.process import Gateway
from gateway.readings.record import Kind
from gateway.store.database import read_database
from gateway.store.devices import add_devices
from gateway.store.opening import Store
from gateway.store.places import install, set_places
from gateway.store.records import records_after
from simulator.chain.live import LiveError, Street, gateway_eui
from simulator.scenario.model import Role
from tests.fakes.clocks import FastClock
from tests.simulator.chain.runs import node, scenario

SPEED = 60.0


def config_of(folder: Path, port: int) -> bytes:
    return f"""
[site]
insee = "92002"
name = "Antony"
latitude_deg = 48.7536
longitude_deg = 2.2975
[store]
folder = "{folder}/store"
[udp]
gateways = ["{gateway_eui(1).hex()}"]
listen = "127.0.0.1:{port}"
[api]
socket = "{folder}/api.sock"
""".encode()


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def register(street: Street, path: Path) -> None:
    """As the gateway's import does it, from the file that a person would bring."""
    batch = parse_csv(street.devices_csv().encode(), 0)
    assert batch.faults == ()
    store = Store(path)
    database = store.connect()
    with database:
        add_devices(database, batch.registrations)
        set_places(database, batch.places)
        for entry in batch.installed:
            install(database, entry)
    database.close()
    store.close()


def test_nodes_join_and_tell_a_gateway_that_runs(tmp_path):
    async def live() -> set[int | None]:
        port = free_port()
        config = parse_config(config_of(tmp_path, port), tmp_path / "gateway.toml")
        nodes = tuple(node(Role.AIR, number, interval_s=60, boots_s=1.0) for number in (1, 2))
        street = Street(scenario(0.5, nodes=nodes), ("127.0.0.1", port), SPEED)
        (tmp_path / "store").mkdir(mode=0o700)
        register(street, config.store.database)
        clock = FastClock(SPEED)
        gateway = Gateway(config, clock=clock, look=lambda: (0, "by hand"), durable=False)
        await gateway.start()
        read = read_database(config.store.database)

        def told() -> set[int | None]:
            rows = records_after(read, 0, 100).records
            return {row.record.device for row in rows if row.record.kind is Kind.READING}

        await street.run(lambda: len(told()) == 2)
        found = told()
        read.close()
        await gateway.stop()
        return found

    assert len(asyncio.run(live())) == 2


def test_a_gateway_that_is_not_there_is_told_with_what_to_look_at(monkeypatch):
    monkeypatch.setattr("simulator.chain.live._ANSWER_S", 0.2)

    async def live() -> None:
        await Street(scenario(1), ("127.0.0.1", free_port())).run()

    with pytest.raises(LiveError, match=r"no gateway at 127.0.0.1 port \d+ answers aa555a0000000001 within 0 s: does"):
        asyncio.run(live())
