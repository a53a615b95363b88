"""What each kind of fault strikes and which parameters it has; the rules a scenario's faults are held against."""

from dataclasses import dataclass
from enum import Flag

from simulator.scenario.model import FaultKind, Role


class Aim(Flag):
    """What a fault may name as its target."""

    NOTHING = 0  # the broker, of which there is one
    GATEWAYS = 1
    PARKING = 2
    AIR = 4
    LIGHT = 8
    NODES = PARKING | AIR | LIGHT
    ALL = GATEWAYS | NODES


AIM_OF = {Role.PARKING: Aim.PARKING, Role.AIR: Aim.AIR, Role.LIGHT: Aim.LIGHT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """needs: parameters that must be given; takes: that may. lasts: whether it has a duration. about: one clause."""

    aim: Aim
    about: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    lasts: bool = True


RULES = {
    FaultKind.LOSS: Rule(
        aim=Aim.ALL, about="frames are lost by chance, up, down or both", needs=("share",), takes=("up", "down")
    ),
    FaultKind.JAMMING: Rule(aim=Aim.GATEWAYS, about="nothing is heard, on one frequency or on all", takes=("freq_hz",)),
    FaultKind.ANTENNA: Rule(aim=Aim.ALL, about="water in the plug: weaker both ways", needs=("loss_db",)),
    FaultKind.GATEWAY_REBOOT: Rule(aim=Aim.GATEWAYS, about="the radio and its forwarder are away"),
    FaultKind.GATEWAY_POWER_CUT: Rule(aim=Aim.GATEWAYS, about="the process is killed, and what was not synced is gone"),
    FaultKind.BACKHAUL: Rule(aim=Aim.GATEWAYS, about="the forwarder does not reach the network server"),
    FaultKind.CLOCK_JUMP: Rule(aim=Aim.GATEWAYS, about="the clock is wrong", needs=("by_s",)),
    FaultKind.CLOCK_UNTRUSTED: Rule(aim=Aim.GATEWAYS, about="the clock is not known to be right"),
    FaultKind.DISK_FULL: Rule(aim=Aim.GATEWAYS, about="nothing can be written"),
    FaultKind.BROKER_AWAY: Rule(aim=Aim.NOTHING, about="no connection to the broker"),
    FaultKind.BROKER_RESTART: Rule(
        aim=Aim.NOTHING, about="the connection drops, and acknowledgements with it", lasts=False
    ),
    FaultKind.DUPLICATES: Rule(aim=Aim.NOTHING, about="the broker delivers messages twice", needs=("share",)),
    FaultKind.POWER_CUT: Rule(aim=Aim.ALL, about="what hangs on the mains has no power"),
    FaultKind.NODE_REBOOT: Rule(aim=Aim.NODES, about="memory is lost, flash stays", lasts=False),
    FaultKind.NODE_DEAD: Rule(aim=Aim.NODES, about="silent, and forgetful as after a reboot"),
    FaultKind.BATTERY_EMPTY: Rule(aim=Aim.NODES, about="silent to the end of the run", lasts=False),
    FaultKind.CLOCK_DRIFT: Rule(aim=Aim.NODES, about="the sleep clock is off", needs=("drift_ppm",)),
    FaultKind.FLASH_WORN: Rule(aim=Aim.NODES, about="writes to the log fail", needs=("share",)),
    FaultKind.FLASH_TORN: Rule(aim=Aim.NODES, about="a reboot in the middle of a write", lasts=False),
    FaultKind.SENSOR_DEAD: Rule(aim=Aim.NODES, about="the sensors say nothing"),
    FaultKind.SENSOR_STUCK: Rule(aim=Aim.NODES, about="the sensors say the same for ever"),
    FaultKind.LAMP_FAILED: Rule(aim=Aim.LIGHT, about="dark whatever is set"),
    FaultKind.LAMP_BURNS: Rule(aim=Aim.LIGHT, about="full light whatever is set"),
}
