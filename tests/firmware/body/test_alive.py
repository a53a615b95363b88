"""A node's whole body on a bench: real drivers, simulated chips, a network that answers."""

from firmware.boot import DEEP_SLEEP, POWER_ON
from protocol.lorawan.frames import CONFIRMED_DATA_UP, frame_mtype
from protocol.lorawan.join import JoinAccept
from protocol.settings import Settings
from tests.firmware.body.boards import BenchBoard, folder
from tests.firmware.network import APP_KEY, DEV_EUI, GEN_APP_KEY, JOIN_EUI, Down, Network

HOUR_MS = 3_600_000


def born(role, **more):
    """NVS as the flashing tool leaves it."""
    given = {"role": role, "dev_eui": DEV_EUI.hex(), "join_eui": JOIN_EUI.hex()}
    given.update(more)
    settings = Settings.from_names(given).encode()
    return {"settings": settings, "app_key": APP_KEY, "gen_app_key": GEN_APP_KEY}


class Acknowledging(Network):
    """A network that acknowledges what wants to be."""

    def hear(self, radio, start_ms, end_ms):
        if frame_mtype(radio.phy_payload) == CONFIRMED_DATA_UP and not self.answers:
            self.answers.append(Down(ack=True))
        return super().hear(radio, start_ms, end_ms)


def accept():
    return JoinAccept(1, 0x13, 0x26000011, 0, 3, 5, (867_100_000, 867_300_000, 867_500_000, 0, 0))


def bench(name, role, table=None, **more):
    network = Acknowledging()
    network.accepts.append(accept())
    return BenchBoard(folder(name), born(role, **more), table, network)


def test_an_air_node_joins_reports_and_sleeps():
    board = bench("air", "air")
    board.run(2 * HOUR_MS)
    network = board.air.network
    assert network.joins
    assert len(network.uplinks) >= 8
    assert board.boots[0] == POWER_ON
    assert DEEP_SLEEP in board.boots
