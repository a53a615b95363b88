"""Where downlinks went last outlives a restart, and a file of anything stops nobody."""

import asyncio
import socket

from gateway.process import Gateway
from gateway.running.holders import Holders
from tests.fakes.clocks import HandClock
from tests.fakes.forwarders import Forwarder
from tests.gateway.gateways import PATIENCE_S, running

FIRST, SECOND = bytes.fromhex("aa555a0000000101"), bytes.fromhex("aa555a0000000202")


def test_what_was_kept_is_there_after_a_restart(tmp_path):
    holders = Holders(tmp_path / "forwarders")
    assert holders.load() == {}
    holders.keep(SECOND, "2001:db8::1%eth0")
    holders.keep(FIRST, "192.0.2.7")
    holders.keep(FIRST, "192.0.2.1")
    assert Holders(tmp_path / "forwarders").load() == {FIRST: "192.0.2.1", SECOND: "2001:db8::1%eth0"}
    assert (tmp_path / "forwarders").read_text() == "aa555a0000000101 192.0.2.1\naa555a0000000202 2001:db8::1%eth0\n"
    assert (tmp_path / "forwarders").stat().st_mode & 0o777 == 0o600


def test_only_lines_of_an_eui_and_an_address_are_believed(tmp_path):
    lines = b"aa555a0000000101 192.0.2.1\nnobody 192.0.2.2\naa555a0000000202 home\n\n\xff\xfe\n"
    (tmp_path / "forwarders").write_bytes(lines + b"x" * 1_000_000)
    assert Holders(tmp_path / "forwarders").load() == {FIRST: "192.0.2.1"}


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path, caplog):
    holders = Holders(tmp_path / "gone" / "forwarders")
    holders.keep(FIRST, "192.0.2.1")
    assert "after a restart the first to ask gets the downlinks" in caplog.text


def test_a_gateway_that_starts_again_gives_its_downlinks_to_no_other_address(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    more = f'[udp]\ngateways = ["{FIRST.hex()}"]\nlisten = "127.0.0.1:{port}"\n'

    def online_for(source: str) -> bool:
        async def act(gateway: Gateway, clock: HandClock) -> bool:
            forwarder = Forwarder(FIRST)
            await forwarder.connect(gateway.udp_address, source)
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await forwarder.pull()
                    await forwarder.push({"stat": {"rxnb": 1}})
                    while not (radios := (await gateway.station.health())["radios"]):
                        await asyncio.sleep(0)
            finally:
                forwarder.close()
            return radios[f"udp:{FIRST.hex()}"]

        return running(tmp_path, act, more)

    assert online_for("127.0.0.1")
    assert not online_for("127.0.0.2")
    assert online_for("127.0.0.1")
    assert (tmp_path / "store" / "forwarders").read_text() == f"{FIRST.hex()} 127.0.0.1\n"
