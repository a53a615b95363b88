"""A device and its sessions as the network server holds them: what the store keeps, and what only lives here."""

from dataclasses import replace
from functools import lru_cache

from gateway.network.application import DeviceLog
from gateway.network.downlinks import Queue
from gateway.network.mac_dialogue import Talk
from gateway.network.registration import Registration
from gateway.network.scheduling import Turn
from gateway.network.session import RESERVED, SessionRow
from gateway.store.writes import KeepCounters, KeepSession, StartSession, Write
from protocol.lorawan.security import SessionKeys

# Sessions whose keys are set up: 2.5 kB each, most of what a device would cost, against 6 µs to set them up anew.
# A street fits; of a town's devices each is heard every few minutes, and so is set up each time.
KEYS = 512
LOW = RESERVED // 2  # the next block is asked for with an uplink's commit while so many are left

_LONG_AGO_MS = -(1 << 40)


_ready = lru_cache(maxsize=KEYS)(SessionKeys)


class Session:
    """A session in use or waiting to be heard.

    f_cnt_up: the one last accepted. f_cnt_down: the next to be used; below `reserved` it may be, which is on disk;
    `reserving` is what commits on their way ask for. kept: the store has it as it is; current: as the one in use.
    mic, heard_ms, repeats: of the last accepted frame, by which its repetitions are known; mic -1: not known.
    """

    __slots__ = (
        "current",
        "dev_addr",
        "device",
        "f_cnt_down",
        "f_cnt_up",
        "heard_ms",
        "kept",
        "mic",
        "repeats",
        "reserved",
        "reserving",
        "row",
        "talk",
    )

    def __init__(self, device: "Device", row: SessionRow, kept: bool, current: bool) -> None:
        self.device = device
        self.row = row
        self.kept = kept
        self.current = current
        self.dev_addr = row.dev_addr
        self.f_cnt_up = row.f_cnt_up
        self.f_cnt_down = self.reserved = self.reserving = row.f_cnt_down
        self.mic = -1
        self.heard_ms = _LONG_AGO_MS
        self.repeats = 0
        self.talk = Talk(device.registration, row)

    @property
    def keys(self) -> SessionKeys:
        """Its keys, ready for use; not to be held on to."""
        return _ready(self.row.nwk_s_key, self.row.app_s_key)

    def use_windows(self, rx_delay_s: int, rx1_dr_offset: int, rx2_dr: int) -> None:
        """The device listens at these from now on; the next commit tells the store."""
        self.row = replace(self.row, rx_delay_s=rx_delay_s, rx1_dr_offset=rx1_dr_offset, rx2_dr=rx2_dr)
        self.kept = self.current = False  # kept anew it has to be started anew

    def reserve(self) -> None:
        """Ask for another block of FCntDowns if few are left."""
        if self.reserving - self.f_cnt_down < LOW:
            self.reserving = self.f_cnt_down + RESERVED

    def writes(self, log: str | None) -> tuple[Write, ...]:
        """What the store must write of it now; *log* as in `KeepCounters`."""
        row = self.row
        counters = KeepCounters(row.device, self.f_cnt_up, self.reserving, log)
        if self.current:
            return (counters,)
        start = StartSession(row.device, row.number)
        writes = (start, counters) if self.kept else (KeepSession(row), start, counters)
        self.kept = self.current = True
        return writes


class Device:
    """A registered device. session: the one in use; joining: one whose Join-Accept went out and that was not heard yet.

    log: the application's. dev_nonce, join_nonce: the last used. number: of its newest session. radios: that heard it
    last, the best first. turn: its last uplink, while it may be answered. waits: the token of a commit that a downlink
    waits for. quiet_until_ms: when what goes to it now will be over. timer_ms: when the server looks at it again.
    era: counts changes of its keys, across which nothing is undone. heard_ms, dr, snr_db: of its last uplink.
    """

    __slots__ = (
        "dev_nonce",
        "dr",
        "era",
        "gone",
        "heard_ms",
        "join_nonce",
        "joining",
        "log",
        "number",
        "queue",
        "quiet_until_ms",
        "radios",
        "registration",
        "session",
        "snr_db",
        "timer_ms",
        "turn",
        "waits",
    )

    def __init__(self, registration: Registration, log: DeviceLog) -> None:
        self.registration = registration
        self.log = log
        self.session: Session | None = None
        self.joining: Session | None = None
        self.dev_nonce = -1
        self.join_nonce = -1
        self.number = -1
        self.radios: tuple[str, ...] = ()
        self.queue: Queue | None = None
        self.turn: Turn | None = None
        self.waits = 0
        self.quiet_until_ms = 0
        self.timer_ms: int | None = None
        self.gone = False
        self.era = 0
        self.heard_ms: int | None = None
        self.dr = 0
        self.snr_db: float | None = None
