"""Who may speak: a device or a multicast group as the operator registered it, keys included."""

from dataclasses import dataclass, field
from enum import Enum


class Role(Enum):
    """What a device is; FOREIGN devices speak LoRaWAN but not our payloads."""

    PARKING = "parking"
    AIR = "air"
    LIGHT = "light"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abp:
    """The session of a device that never joins, for test vectors and the bench."""

    dev_addr: int
    nwk_s_key: bytes = field(repr=False)
    app_s_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A device. device: its row in the store. app_key: None for ABP, then abp is given.

    class_c: whether it listens all the time. plan: number of the channel plan it was flashed for (`region.PLANS`).
    min_dr: the least data rate its settings allow, which ADR respects.
    """

    device: int
    dev_eui: bytes
    role: Role
    name: str = ""
    join_eui: bytes = bytes(8)
    app_key: bytes | None = field(default=None, repr=False)
    gen_app_key: bytes | None = field(default=None, repr=False)
    abp: Abp | None = None
    class_c: bool = False
    plan: int = 0
    min_dr: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A multicast group: one frame dims a street. number: its row. f_cnt_down: the first counter not yet reserved.

    members: DevEUIs whose radios decide where its frames are sent from. freq_hz, dr: where its members listen.
    """

    number: int
    name: str
    mc_addr: int
    mc_key: bytes = field(repr=False)
    members: tuple[bytes, ...] = ()
    f_cnt_down: int = 0
    freq_hz: int = 869_525_000
    dr: int = 3
