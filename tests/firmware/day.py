"""A day of one air node, frame by frame: what both Pythons must send alike."""

from firmware.actions import Persist, RadioTransmit
from firmware.mac import Mac
from firmware.mind import Facts, Mind
from firmware.node import Node
from firmware.roles.air import Air
from firmware.session import Identity
from firmware.store.log import Log
from protocol.quantities import AIR_FULL, quantities_of
from protocol.quantity_table import Quantity
from protocol.region import FULL
from protocol.settings import AIR, Settings
from tests.fakes.bench import Bench
from tests.firmware.store.disks import Disk
from tests.protocol.expect import Dice

DAY_MS = 86_400_000


class Sensors:
    """Values that wander, now and then none."""

    def __init__(self, seed):
        self._dice = Dice(seed)
        self._values = [(Quantity(number).low + Quantity(number).high) // 2 for number, _ in quantities_of(AIR_FULL)]

    def __call__(self, set_number, now_ms):
        self._values = [value + self._dice.below(41) - 20 for value in self._values]
        return tuple([value if self._dice.below(20) else None for value in self._values])


def day(dr=3):
    """The lines of the day: each frame, and each write to flash, with its time in ms."""
    dev_eui = bytes(range(8))
    settings = Settings({0: AIR, 1: dev_eui})
    log = Log(Disk(), 0xBEEF)
    log.epoch_told()
    role = Air(AIR_FULL, 900, settings.fan_warm_up_s, settings.growth_per_mille, 5_000)
    mind = Mind(role, log, settings, Facts((0, 1, 0), 1_400_000_000, dev_eui))
    mac = Mac(Identity(dev_eui, abp=(0x26000003, bytes(range(16)), bytes(range(16, 32)))), FULL, dr=dr, adr=False)
    bench = Bench(Node(mind, mac), Sensors(1))
    bench.run(DAY_MS)
    lines = []
    for now_ms, action in bench.done:
        if isinstance(action, RadioTransmit):
            lines.append(f"{now_ms} {action.freq_hz} DR{action.dr} {action.phy_payload.hex()}")
        elif isinstance(action, Persist):
            lines.append(f"{now_ms} {action.key}={action.value!r}")
    return lines
